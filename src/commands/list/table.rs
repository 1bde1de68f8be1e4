//! The table of a list on a terminal (TGT-21).

use unicode_width::UnicodeWidthStr;

use super::columns::{Cells, Column, HEADER, TimeForm, cells};
use crate::wire::conversation_row::ConversationRow;

/// The space between two columns.
const GAP: usize = 2;

/// The columns that a terminal may be too narrow for, in the order in which they are left out.
const OPTIONAL: [Column; 5] = [Column::Agent, Column::Media, Column::Queue, Column::Started, Column::State];

/// The columns whose cells are shortened if the terminal is narrow.
const FLEXIBLE: [Column; 3] = [Column::Queue, Column::Agent, Column::Customer];

/// The width down to which a flexible column is shortened.
const MIN_WIDTH: usize = 8;

/// The columns of a table with their widths.
type Layout = Vec<(Column, usize)>;

/// Returns a table with a header. On a terminal of `width` columns, names are shortened, then seconds and the year are left
/// out, then whole columns; never the id. Empty without rows.
pub(super) fn table(rows: &[ConversationRow], width: Option<usize>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let lines = |form| std::iter::once(HEADER.map(str::to_owned)).chain(rows.iter().map(move |row| cells(row, form)));
    let long: Vec<Cells> = lines(TimeForm::Full).collect();
    let layout = layout(&long, 0);
    let Some(available) = width else { return format_lines(&long, &layout) };
    let layout = shrunk(layout, available);
    if fits(&layout, available) {
        return format_lines(&long, &layout);
    }
    let short: Vec<Cells> = lines(TimeForm::Short).collect();
    let narrow = |omitted| shrunk(self::layout(&short, omitted), available);
    let layout = (0..OPTIONAL.len()).map(narrow).find(|layout| fits(layout, available));
    format_lines(&short, &layout.unwrap_or_else(|| narrow(OPTIONAL.len())))
}

/// Returns the columns without the first `omitted` optional ones, each as wide as its widest cell.
fn layout(lines: &[Cells], omitted: usize) -> Layout {
    let columns = Column::ALL.into_iter().filter(|column| !OPTIONAL[..omitted].contains(column));
    let width = |column: Column| lines.iter().map(|cells| cells[column as usize].width()).max().unwrap_or_default();
    columns.map(|column| (column, width(column))).collect()
}

fn fits(layout: &Layout, available: usize) -> bool {
    let gaps = GAP * layout.len().saturating_sub(1);
    layout.iter().map(|(_, width)| width).sum::<usize>() + gaps <= available
}

/// Reduces the widest of the flexible columns until the table fits, or none can be reduced.
fn shrunk(mut layout: Layout, available: usize) -> Layout {
    while !fits(&layout, available) {
        let flexible = layout.iter_mut().filter(|(column, _)| FLEXIBLE.contains(column));
        let widest = flexible.map(|(_, width)| width).max().filter(|width| **width > MIN_WIDTH);
        let Some(widest) = widest else { break };
        *widest -= 1;
    }
    layout
}

fn format_lines(lines: &[Cells], layout: &Layout) -> String {
    lines.iter().map(|line| format_line(line, layout)).collect()
}

fn format_line(line: &Cells, layout: &Layout) -> String {
    let mut text = String::new();
    for (index, &(column, width)) in layout.iter().enumerate() {
        let cell = shortened(&line[column as usize], width);
        let padding = if index + 1 < layout.len() { width - cell.width() + GAP } else { 0 };
        text.push_str(&cell);
        text.extend(std::iter::repeat_n(' ', padding));
    }
    text.push('\n');
    text
}

/// Returns a cell of at most this width. An ellipsis stands for what is left out.
fn shortened(cell: &str, width: usize) -> String {
    if cell.width() <= width {
        return cell.to_owned();
    }
    let mut end = 0;
    for (at, character) in cell.char_indices() {
        let next = at + character.len_utf8();
        if cell[..next].width() + 1 > width {
            break;
        }
        end = next;
    }
    format!("{}…", &cell[..end])
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Local};

    use super::super::columns::tests::row;
    use super::*;

    #[test]
    fn wide_characters_count_two_columns() {
        let rows = [row("c1", "山田太郎"), row("c2", "Ada"), row("c3", "e\u{301}a")];
        let table = table(&rows, None);
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines[0], "ID  STARTED  MEDIA         QUEUE    AGENT  CUSTOMER  STATE");
        assert_eq!(lines[1], "c1           webmessaging  Billing  u1     山田太郎  active");
        assert_eq!(lines[2], "c2           webmessaging  Billing  u1     Ada       active");
        assert_eq!(lines[3], "c3           webmessaging  Billing  u1     e\u{301}a        active");
    }

    #[test]
    fn a_narrow_terminal_shortens_names_then_times_then_leaves_out_columns_and_never_shortens_ids() {
        let mut wide = row("85c0155f-3d3a-4c1b-9f0e-5a1d7e2b4c60", &"山".repeat(30));
        wide.started = DateTime::from_timestamp(1_767_323_045, 0);
        let time = |format| wide.started.unwrap().with_timezone(&Local).format(format).to_string();
        let (full, short) = (time("%Y-%m-%d %H:%M:%S"), time("%m-%d %H:%M"));
        let rows = [wide.clone()];
        for (width, expected) in [
            (200, format!("{full}  webmessaging  Billing  u1     {}  active", "山".repeat(30))),
            (120, format!("{full}  webmessaging  Billing  u1     {}…  active", "山".repeat(11))),
            (100, format!("{short}  webmessaging  Billing  u1     {}…  active", "山".repeat(5))),
            (80, format!("{short}  Billing  {}…   active", "山".repeat(5))),
            (60, format!("{}…   active", "山".repeat(6))),
            (20, "山山山…".to_owned()),
        ] {
            let table = table(&rows, Some(width));
            let line = table.lines().nth(1).unwrap();
            assert_eq!(line, format!("{}  {}", wide.id, expected).trim_end(), "{width}");
            assert!(line.width() <= width.max(46), "{width}: {line}");
            assert!(table.lines().next().unwrap().width() <= width.max(46), "{width}: {table}");
        }
    }

    #[test]
    fn without_rows_there_is_no_header() {
        assert_eq!(table(&[], Some(80)), "");
    }
}
