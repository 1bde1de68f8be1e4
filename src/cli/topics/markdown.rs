//! The document of a topic, parsed from the part of Markdown that topics use.

use std::iter::Peekable;

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag};

/// A block of a document.
#[derive(Debug, PartialEq)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Title,
    Section,
    Subsection,
}

/// A table. Every row has as many cells as the header.
#[derive(Debug, Default, PartialEq)]
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

/// Parses a document.
pub(super) fn parse(markdown: &str) -> Vec<Block> {
    Reader { events: Parser::new_ext(markdown, Options::ENABLE_TABLES).peekable() }.blocks()
}

/// Returns the text without styles.
pub(super) fn plain_text(spans: &[Span]) -> String {
    spans.iter().map(|span| span.text.as_str()).collect()
}

struct Reader<'a> {
    events: Peekable<Parser<'a>>,
}

impl Reader<'_> {
    /// Reads blocks up to the end of their parent, which it consumes.
    fn blocks(&mut self) -> Vec<Block> {
        let mut blocks = Vec::new();
        while let Some(event) = self.events.peek() {
            if is_inline(event) {
                // The text of a list item without blank lines is no paragraph of its own.
                blocks.push(Block::Paragraph(self.spans(SpanStyle::Plain)));
                continue;
            }
            match self.events.next() {
                Some(Event::Start(tag)) => blocks.push(self.block(&tag)),
                Some(Event::End(_)) => break,
                _ => {}
            }
        }
        blocks
    }

    /// Reads the block that starts with `tag`, up to its end.
    fn block(&mut self, tag: &Tag<'_>) -> Block {
        match tag {
            Tag::Heading { level, .. } => Block::Heading { level: level_of(*level), text: self.spans_to_end() },
            Tag::CodeBlock(_) => Block::Code(plain_text(&self.spans_to_end())),
            Tag::List(first) => Block::List { first: *first, items: self.children(Self::blocks) },
            Tag::Table(_) => Block::Table(self.table()),
            _ => Block::Paragraph(self.spans_to_end()),
        }
    }

    fn table(&mut self) -> Table {
        let mut rows = self.children(|row| row.children(Self::spans_to_end)).into_iter();
        Table { header: rows.next().unwrap_or_default(), rows: rows.collect() }
    }

    /// Reads each child of a block, up to the end of the block. `read` reads a child up to its end.
    fn children<T>(&mut self, read: impl Fn(&mut Self) -> T) -> Vec<T> {
        let mut children = Vec::new();
        while let Some(Event::Start(_)) = self.events.next() {
            children.push(read(self));
        }
        children
    }

    fn spans_to_end(&mut self) -> Vec<Span> {
        let spans = self.spans(SpanStyle::Plain);
        self.events.next();
        spans
    }

    /// Reads inline text, of which `style` is the style.
    fn spans(&mut self, style: SpanStyle) -> Vec<Span> {
        let mut spans = Vec::new();
        while let Some(event) = self.events.next_if(is_inline) {
            match event {
                Event::Text(text) => spans.push(Span::new(text, style)),
                Event::Code(text) => spans.push(Span::new(text, SpanStyle::Code)),
                Event::Start(tag) => spans.extend(self.styled(&tag, style)),
                _ => spans.push(Span::new(" ", style)),
            }
        }
        spans
    }

    /// Reads the text of an inline element. The address of a page is added to its text, the file of a topic is not.
    fn styled(&mut self, tag: &Tag<'_>, style: SpanStyle) -> Vec<Span> {
        let inner = match tag {
            Tag::Emphasis => SpanStyle::Emphasis,
            Tag::Strong => SpanStyle::Strong,
            _ => style,
        };
        let mut spans = self.spans(inner);
        self.events.next();
        match tag {
            Tag::Link { dest_url, .. } if dest_url.starts_with("http") && plain_text(&spans) != **dest_url => {
                spans.push(Span::new(format!(" ({dest_url})"), style));
            }
            _ => {}
        }
        spans
    }
}

fn is_inline(event: &Event<'_>) -> bool {
    match event {
        Event::Text(_) | Event::Code(_) | Event::SoftBreak | Event::HardBreak => true,
        Event::Start(tag) => matches!(tag, Tag::Emphasis | Tag::Strong | Tag::Link { .. }),
        _ => false,
    }
}

fn level_of(level: HeadingLevel) -> Level {
    match level {
        HeadingLevel::H1 => Level::Title,
        HeadingLevel::H2 => Level::Section,
        _ => Level::Subsection,
    }
}

/// Returns the first element that a document of topics must not have.
#[cfg(test)]
pub(super) fn unsupported(markdown: &str) -> Option<String> {
    let is_block = |event: &Event<'_>| match event {
        Event::End(_) => true,
        Event::Start(tag) => matches!(
            tag,
            Tag::Heading { .. }
                | Tag::Paragraph
                | Tag::CodeBlock(_)
                | Tag::List(_)
                | Tag::Item
                | Tag::Table(_)
                | Tag::TableHead
                | Tag::TableRow
                | Tag::TableCell
        ),
        _ => false,
    };
    let mut events = Parser::new_ext(markdown, Options::ENABLE_TABLES);
    events.find(|event| !is_inline(event) && !is_block(event)).map(|event| format!("{event:?}"))
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
