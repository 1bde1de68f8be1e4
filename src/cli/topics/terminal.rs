//! A topic as text for a terminal.

use super::markdown::{Block, Level, Span, SpanStyle, plain_text};
use super::table;
use super::wrap::Painter;

/// The columns of standard output that is no terminal.
pub(super) const DEFAULT_COLUMNS: usize = 80;

/// The maximum width, for lines that are easy to read.
const MAX_WIDTH: usize = 100;

/// The indentation of text below a heading, and of code.
const INDENT: usize = 2;

/// The form of the text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout {
    /// The columns of the terminal.
    pub(super) columns: usize,
    pub(super) is_colored: bool,
}

/// Renders a document.
pub(super) fn render(blocks: &[Block], layout: Layout) -> String {
    let painter = Painter { is_colored: layout.is_colored };
    let (mut indent, mut text) = (0, String::new());
    let mut is_first_below_heading = true;
    for block in blocks {
        if let Block::Heading { level, .. } = block {
            indent = heading_indent(*level);
            is_first_below_heading &= text.is_empty();
        }
        if !is_first_below_heading {
            text.push('\n');
        }
        for line in block_lines(block, layout.columns.min(MAX_WIDTH).saturating_sub(indent), painter) {
            let line = format!("{:indent$}{line}", "");
            text.push_str(line.trim_end());
            text.push('\n');
        }
        is_first_below_heading = matches!(block, Block::Heading { .. });
        indent += if is_first_below_heading { INDENT } else { 0 };
    }
    text
}

fn heading_indent(level: Level) -> usize {
    match level {
        Level::Title | Level::Section => 0,
        Level::Subsection => INDENT,
    }
}

fn block_lines(block: &Block, width: usize, painter: Painter) -> Vec<String> {
    match block {
        Block::Heading { text, .. } => painter.unquoted_lines(&[Span::new(plain_text(text), SpanStyle::Strong)], width),
        Block::Paragraph(spans) => painter.lines(spans, width),
        Block::Code(code) => code.lines().map(|line| format!("{:INDENT$}{line}", "")).collect(),
        Block::List { first, items } => list_lines(*first, items, width, painter),
        Block::Table(table) => table::lines(table, width, painter),
    }
}

fn list_lines(first: Option<u64>, items: &[Vec<Block>], width: usize, painter: Painter) -> Vec<String> {
    let numbers = (0..).map(|index| first.map(|first| first + index));
    let item_lines = |(number, item): (Option<u64>, &Vec<Block>)| {
        let mark = number.map_or("* ".to_owned(), |number| format!("{number}. "));
        hanging(&mark, &blocks_lines(item, width.saturating_sub(mark.len()), painter))
    };
    numbers.zip(items).flat_map(item_lines).collect()
}

/// Returns the lines of blocks, with an empty line between two of them.
fn blocks_lines(blocks: &[Block], width: usize, painter: Painter) -> Vec<String> {
    let lines: Vec<Vec<String>> = blocks.iter().map(|block| block_lines(block, width, painter)).collect();
    lines.join(&String::new())
}

/// Puts `mark` before the first line, and as many spaces before the others.
fn hanging(mark: &str, lines: &[String]) -> Vec<String> {
    let indent = mark.chars().count();
    let prefixes = std::iter::once(mark.to_owned()).chain(std::iter::repeat(" ".repeat(indent)));
    prefixes.zip(lines).map(|(prefix, line)| format!("{prefix}{line}")).collect()
}
