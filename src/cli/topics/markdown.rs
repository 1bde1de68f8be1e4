//! The document of a topic, parsed from the part of Markdown that topics use: headings, paragraphs, lists, tables, fenced code,
//! and inline code, emphasis and links. A full parser would add a third of a megabyte to the program. The tests compare this
//! one with it.

#[cfg(test)]
mod commonmark;
mod inline;

use inline::spans;

/// A block of a document.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Block {
    Heading {
        level: Level,
        text: Vec<Span>,
    },
    Paragraph(Vec<Span>),
    /// Lines to show unchanged.
    Code(String),
    /// `first` is the number of the first item, if the items are numbered.
    List {
        first: Option<u64>,
        items: Vec<Vec<Block>>,
    },
    Table(Table),
}

/// The level of a heading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Title,
    Section,
    Subsection,
}

/// A table. Every row has as many cells as the header.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Table {
    pub(super) header: Vec<Vec<Span>>,
    pub(super) rows: Vec<Vec<Vec<Span>>>,
}

/// A piece of text in one style.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) text: String,
    pub(super) style: SpanStyle,
}

impl Span {
    pub(super) fn new(text: impl Into<String>, style: SpanStyle) -> Self {
        Self { text: text.into(), style }
    }
}

/// The style of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SpanStyle {
    Plain,
    Code,
    Strong,
    Emphasis,
}

const FENCE: &str = "```";

/// Parses a document.
pub(super) fn parse(markdown: &str) -> Vec<Block> {
    blocks(&markdown.lines().collect::<Vec<_>>())
}

/// Returns the text without styles.
pub(super) fn plain_text(spans: &[Span]) -> String {
    spans.iter().map(|span| span.text.as_str()).collect()
}

/// The marker of a list item.
#[derive(Debug, Clone, Copy)]
struct ItemMarker {
    number: Option<u64>,
    /// The number of characters before the text. The further lines of the item are indented as far.
    indent: usize,
}

fn blocks(mut lines: &[&str]) -> Vec<Block> {
    let mut blocks = Vec::new();
    while let Some((first, rest)) = lines.split_first() {
        if first.trim().is_empty() {
            lines = rest;
            continue;
        }
        let (block, length) = block(first, lines);
        blocks.push(block);
        // A fence that is not closed ends with the document.
        lines = lines.get(length..).unwrap_or_default();
    }
    blocks
}

/// Parses the block at the start of `lines`. Returns it with the number of its lines.
fn block(first: &str, lines: &[&str]) -> (Block, usize) {
    if first.starts_with(FENCE) {
        let code: Vec<&str> = lines[1..].iter().copied().take_while(|line| *line != FENCE).collect();
        return (Block::Code(code.iter().flat_map(|line| [*line, "\n"]).collect()), code.len() + 2);
    }
    if let Some((level, text)) = heading(first) {
        return (Block::Heading { level, text: spans(text) }, 1);
    }
    if first.starts_with('|') {
        let rows = count_while(lines, |line| line.starts_with('|'));
        return (Block::Table(table(&lines[..rows])), rows);
    }
    if let Some(marker) = item_marker(first) {
        return list(marker, lines);
    }
    let length = 1 + count_while(&lines[1..], |line| !line.trim().is_empty() && !interrupts_paragraph(line));
    let text: Vec<&str> = lines[..length].iter().map(|line| line.trim()).collect();
    (Block::Paragraph(spans(&text.join(" "))), length)
}

fn heading(line: &str) -> Option<(Level, &str)> {
    let (marks, text) = line.split_once(' ')?;
    let level = match marks {
        "#" => Level::Title,
        "##" => Level::Section,
        "###" => Level::Subsection,
        _ => return None,
    };
    Some((level, text))
}

fn table(lines: &[&str]) -> Table {
    let mut rows = lines.iter().map(|line| cells(line));
    let header = rows.next().unwrap_or_default();
    Table { header, rows: rows.skip(1).collect() }
}

fn cells(line: &str) -> Vec<Vec<Span>> {
    const ESCAPED_BAR: &str = "\\|";
    const PLACEHOLDER: &str = "\u{0}";
    let line = line.trim().trim_start_matches('|').replace(ESCAPED_BAR, PLACEHOLDER);
    let cells = line.strip_suffix('|').unwrap_or(&line).split('|');
    cells.map(|cell| spans(&cell.trim().replace(PLACEHOLDER, "|"))).collect()
}

/// Returns the marker of a list item at the start of a line.
fn item_marker(line: &str) -> Option<ItemMarker> {
    let (mark, _) = line.split_once(' ')?;
    let number = mark.strip_suffix('.').and_then(|number| number.parse().ok());
    let is_mark = number.is_some() || mark == "*" || mark == "-";
    is_mark.then_some(ItemMarker { number, indent: mark.len() + 1 })
}

/// Parses the list at the start of `lines`. Returns it with the number of its lines.
fn list(first: ItemMarker, lines: &[&str]) -> (Block, usize) {
    let (mut items, mut length) = (Vec::new(), 0);
    while let Some(marker) = lines.get(length).and_then(|line| item_marker(line)) {
        let rest = &lines[length + 1..];
        let indent = " ".repeat(marker.indent);
        let further = count_while(rest, |line| line.trim().is_empty() || line.starts_with(&indent));
        let first_line = &lines[length][marker.indent..];
        let text = rest[..further].iter().map(|line| line.strip_prefix(&indent).unwrap_or_default());
        items.push(blocks(&std::iter::once(first_line).chain(text).collect::<Vec<_>>()));
        length += 1 + further;
    }
    (Block::List { first: first.number, items }, length)
}

fn interrupts_paragraph(line: &str) -> bool {
    line.starts_with(FENCE)
        || heading(line).is_some()
        || item_marker(line).is_some_and(|marker| marker.number.is_none())
}

fn count_while(lines: &[&str], is_included: impl Fn(&str) -> bool) -> usize {
    lines.iter().take_while(|line| is_included(line)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Vec<Span> {
        vec![Span::new(text, SpanStyle::Plain)]
    }

    #[test]
    fn headings_paragraphs_and_code_become_blocks() {
        let blocks = parse("# A title\n\nOne\n\n## Next\n\n```sh\na  b\n\n  c\n```\n### Last\n");
        let heading = |level, text| Block::Heading { level, text: plain(text) };
        let code = Block::Code("a  b\n\n  c\n".to_owned());
        let (title, next, last) = (Level::Title, Level::Section, Level::Subsection);
        let paragraph = Block::Paragraph(plain("One"));
        assert_eq!(blocks, [heading(title, "A title"), paragraph, heading(next, "Next"), code, heading(last, "Last")]);
    }

    #[test]
    fn text_keeps_its_styles_and_loses_its_marks() {
        let [Block::Paragraph(spans)] = &parse("a `b` **c**\n*d* [e](json.md) [f](https://g.example)")[..] else {
            panic!("one paragraph")
        };
        assert_eq!(plain_text(spans), "a b c d e f (https://g.example)");
        let styled = |style| spans.iter().filter(move |span| span.style == style).map(|span| span.text.as_str());
        assert!(styled(SpanStyle::Code).eq(["b"]) && styled(SpanStyle::Strong).eq(["c"]));
        assert!(styled(SpanStyle::Emphasis).eq(["d"]));
    }

    #[test]
    fn items_of_a_list_hold_blocks() {
        let item = |text| vec![Block::Paragraph(plain(text))];
        assert_eq!(parse("* a\n* b"), [Block::List { first: None, items: vec![item("a"), item("b")] }]);
        let [Block::List { first: Some(3), items }] = &parse("3. a\n\n   ```\n   b\n   ```\n4. c")[..] else {
            panic!("one numbered list")
        };
        assert_eq!(items[0], [Block::Paragraph(plain("a")), Block::Code("b\n".to_owned())]);
        assert_eq!(items[1], item("c"));
    }

    #[test]
    fn a_table_has_a_header_and_rows() {
        let [Block::Table(table)] = &parse("| a | b |\n| --- | --- |\n| `c` | d \\| e |\n| f | |")[..] else {
            panic!("one table")
        };
        assert_eq!(table.header, [plain("a"), plain("b")]);
        assert_eq!(table.rows[0][0], [Span::new("c", SpanStyle::Code)]);
        assert_eq!((plain_text(&table.rows[0][1]), plain_text(&table.rows[1][1])), ("d | e".into(), String::new()));
    }
}
