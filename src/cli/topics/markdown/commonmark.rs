//! The comparison with a full parser of Markdown.

use std::iter::Peekable;

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag};

use super::{Block, Level, Span, SpanStyle, Table, parse, plain_text};
use crate::cli::topics::TOPICS;

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
fn unsupported(markdown: &str) -> Option<String> {
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

/// Joins neighbouring spans of the same style: a parser may split a text anywhere.
fn join_spans(blocks: &mut [Block]) {
    for block in blocks {
        match block {
            Block::Heading { text, .. } | Block::Paragraph(text) => joined(text),
            Block::List { items, .. } => items.iter_mut().for_each(|item| join_spans(item)),
            Block::Table(table) => table.header.iter_mut().chain(table.rows.iter_mut().flatten()).for_each(joined),
            Block::Code(_) => {}
        }
    }
}

fn joined(spans: &mut Vec<Span>) {
    for span in std::mem::take(spans) {
        match spans.last_mut() {
            Some(last) if last.style == span.style => last.text.push_str(&span.text),
            _ => spans.push(span),
        }
    }
}

fn assert_agreement(name: &str, markdown: &str) {
    let events = Parser::new_ext(markdown, Options::ENABLE_TABLES).peekable();
    let (mut ours, mut theirs) = (parse(markdown), Reader { events }.blocks());
    join_spans(&mut ours);
    join_spans(&mut theirs);
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!(ours, theirs, "{name}");
    }
    assert_eq!(ours.len(), theirs.len(), "{name}");
}

#[test]
fn every_topic_means_the_same_to_a_full_parser() {
    for topic in TOPICS {
        assert_agreement(topic.name, topic.markdown);
        assert_eq!(unsupported(topic.markdown), None, "{}", topic.name);
    }
}

#[test]
fn each_element_means_the_same_to_a_full_parser() {
    for markdown in [
        "a\nb\n\nc",
        "a *b* **c `d`** [f](g.md) [h](https://i) \\* \\a",
        "`` a`b `` ` c ` a * b",
        "text\n* item\n  more\n\n  second\n* next\n\n```sh\na\n\nb\n```\ntext\n# title",
        "2. a\n3. b\n   ```\n   c\n     d\n   ```\n\nend",
        "- a\n- b\n\ntext\n\n- c",
        "| a | b |\n| --- | --- |\n| `c\\|d` | |\n| **e** | [f](g.md) |\n\ntext",
    ] {
        assert_agreement(markdown, markdown);
    }
}
