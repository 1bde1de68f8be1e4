//! The table of a list on a terminal (TGT-21).

use unicode_width::UnicodeWidthStr;

use super::columns::{COLUMNS, HEADER, cells};
use crate::wire::conversation_row::ConversationRow;

/// The space between two columns.
const GAP: usize = 2;

/// The columns whose cells are shortened if the terminal is narrow: queue, agent, customer.
const FLEXIBLE: [usize; 3] = [3, 4, 5];

/// The width down to which a flexible column is shortened.
const MIN_WIDTH: usize = 8;

/// Returns a table with a header, at most `width` columns wide unless the other columns are wider. Empty without rows.
pub(super) fn table(rows: &[ConversationRow], width: Option<usize>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let lines: Vec<[String; COLUMNS]> =
        std::iter::once(HEADER.map(str::to_owned)).chain(rows.iter().map(cells)).collect();
    let mut widths = [0; COLUMNS];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = cell.width().max(*width);
        }
    }
    if let Some(width) = width {
        shrink(&mut widths, width);
    }
    lines.iter().map(|line| format_line(line, &widths)).collect()
}

/// Reduces the widest of the flexible columns until the table fits, or none can be reduced.
fn shrink(widths: &mut [usize; COLUMNS], available: usize) {
    let mut excess = (widths.iter().sum::<usize>() + GAP * (COLUMNS - 1)).saturating_sub(available);
    while excess > 0 {
        let widest = FLEXIBLE.into_iter().max_by_key(|&column| widths[column]);
        let Some(column) = widest.filter(|&column| widths[column] > MIN_WIDTH) else { return };
        widths[column] -= 1;
        excess -= 1;
    }
}

fn format_line(line: &[String; COLUMNS], widths: &[usize; COLUMNS]) -> String {
    let mut text = String::new();
    for (column, (cell, &width)) in line.iter().zip(widths).enumerate() {
        let cell = shortened(cell, width);
        let padding = if column + 1 < COLUMNS { width - cell.width() + GAP } else { 0 };
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
    fn a_narrow_terminal_shortens_names_and_never_ids() {
        let rows = [row("85c0155f-3d3a-4c1b-9f0e-5a1d7e2b4c60", &"山".repeat(30))];
        for (width, customer) in
            [(200, "山".repeat(30)), (110, format!("{}…", "山".repeat(10))), (20, "山山山…".to_owned())]
        {
            let table = table(&rows, Some(width));
            let line = table.lines().nth(1).unwrap();
            assert!(line.starts_with("85c0155f-3d3a-4c1b-9f0e-5a1d7e2b4c60  "), "{line}");
            assert!(line.contains(&customer), "{width}: {line}");
            assert!(line.width() <= width.max(96), "{width}: {line}");
        }
    }

    #[test]
    fn without_rows_there_is_no_header() {
        assert_eq!(table(&[], Some(80)), "");
    }
}
