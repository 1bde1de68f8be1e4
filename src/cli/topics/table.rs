//! A table as text for a terminal: columns, or a list of definitions if the cells are too wide.

use super::markdown::{Span, SpanStyle, Table, plain_text};
use super::wrap::{Painter, width};

const GAP: usize = 2;

/// The minimum width of the last column.
const MIN_LAST_COLUMN: usize = 36;

/// The indentation of a definition.
const INDENT: usize = 4;

/// Returns the lines of a table.
pub(super) fn lines(table: &Table, width: usize, painter: Painter) -> Vec<String> {
    let widths = column_widths(table);
    let last_column: usize = widths.iter().map(|column| column + GAP).sum();
    if last_column + MIN_LAST_COLUMN <= width {
        let last_width = width - last_column;
        rows(table).flat_map(|row| row_lines(&row, &widths, last_width, painter)).collect()
    } else {
        let definitions: Vec<_> = table.rows.iter().map(|row| definition(table, row, width, painter)).collect();
        definitions.join(&String::new())
    }
}

/// Returns the widths of all columns but the last.
fn column_widths(table: &Table) -> Vec<usize> {
    let column_width = |column: usize| rows(table).map(|row| width(&row[column])).max().unwrap_or_default();
    (0..table.header.len().saturating_sub(1)).map(column_width).collect()
}

/// Returns the titles of the columns and the rows.
fn rows(table: &Table) -> impl Iterator<Item = Vec<Vec<Span>>> {
    let title = |cell: &Vec<Span>| vec![Span::new(plain_text(cell).to_uppercase(), SpanStyle::Strong)];
    std::iter::once(table.header.iter().map(title).collect()).chain(table.rows.iter().cloned())
}

/// Returns the lines of a row. Only the last cell has several.
fn row_lines(row: &[Vec<Span>], widths: &[usize], last_width: usize, painter: Painter) -> Vec<String> {
    let mut first = String::new();
    for (cell, column) in row.iter().zip(widths) {
        first.push_str(&painter.paint(cell));
        first.push_str(&" ".repeat(column + GAP - width(cell)));
    }
    let indent: usize = widths.iter().map(|width| width + GAP).sum();
    let mut last = row.last().map(|cell| painter.lines(cell, last_width)).unwrap_or_default().into_iter();
    first.push_str(&last.next().unwrap_or_default());
    std::iter::once(first).chain(last.map(|line| format!("{:indent$}{line}", ""))).collect()
}

/// Returns the first cell of a row, and the others indented below it, with the titles of their columns if there are
/// several.
fn definition(table: &Table, row: &[Vec<Span>], width: usize, painter: Painter) -> Vec<String> {
    let mut lines = painter.unquoted_lines(&row[0], width);
    for (title, cell) in table.header.iter().zip(row).skip(1).filter(|(_, cell)| !cell.is_empty()) {
        let label = (row.len() > 2).then(|| Span::new(format!("{}: ", plain_text(title)), SpanStyle::Plain));
        let cell: Vec<Span> = label.into_iter().chain(cell.iter().cloned()).collect();
        let cell = painter.lines(&cell, width.saturating_sub(INDENT));
        lines.extend(cell.into_iter().map(|line| format!("{:INDENT$}{line}", "")));
    }
    lines
}
