//! A topic as a part of a manual page.

use roff::{Inline, Roff, bold, italic, roman};

use super::markdown::{Block, Level, Span, SpanStyle, Table, plain_text};

/// Appends blocks to a page, which ends with a heading.
pub(super) fn append(roff: &mut Roff, blocks: &[Block]) {
    let mut is_below_heading = true;
    for block in blocks {
        if !is_below_heading && matches!(block, Block::Paragraph(_) | Block::Code(_)) {
            roff.control("PP", []);
        }
        append_block(roff, block);
        is_below_heading = matches!(block, Block::Heading { .. });
    }
}

fn append_block(roff: &mut Roff, block: &Block) {
    match block {
        Block::Heading { level: Level::Title, .. } => {}
        // The heading is a line of its own, because an argument of a macro is not escaped.
        Block::Heading { level: Level::Section, text } => {
            roff.control("SH", []).text([roman(plain_text(text).to_uppercase())]);
        }
        Block::Heading { level: Level::Subsection, text } => {
            roff.control("SS", []).text([roman(plain_text(text))]);
        }
        Block::Paragraph(spans) => {
            roff.text(inlines(spans));
        }
        Block::Code(code) => append_code(roff, code),
        Block::List { first, items } => append_list(roff, *first, items),
        Block::Table(table) => append_table(roff, table),
    }
}

fn append_code(roff: &mut Roff, code: &str) {
    roff.control("RS", ["4"]).control("nf", []);
    for line in code.lines() {
        roff.text([roman(line)]);
    }
    roff.control("fi", []).control("RE", []);
}

/// Appends a list. Of an item with several blocks, the first is its paragraph.
fn append_list(roff: &mut Roff, first: Option<u64>, items: &[Vec<Block>]) {
    for (index, item) in (0..).zip(items) {
        let mark = first.map_or("\\(bu".to_owned(), |first| format!("{}.", first + index));
        roff.control("IP", [mark.as_str(), "4"]);
        let Some((Block::Paragraph(spans), others)) = item.split_first() else { continue };
        roff.text(inlines(spans));
        if !others.is_empty() {
            roff.control("RS", ["4"]).control("PP", []);
            append(roff, others);
            roff.control("RE", []);
        }
    }
}

/// Appends a list of definitions: the first cell of each row, and the others with the titles of their columns if there are
/// several.
fn append_table(roff: &mut Roff, table: &Table) {
    for row in &table.rows {
        roff.control("TP", []).text([bold(plain_text(&row[0]))]);
        let cells = table.header.iter().zip(row).skip(1).filter(|(_, cell)| !cell.is_empty());
        for (index, (title, cell)) in cells.enumerate() {
            if index > 0 {
                roff.control("br", []);
            }
            let label = (row.len() > 2).then(|| roman(format!("{}: ", plain_text(title))));
            roff.text(label.into_iter().chain(inlines(cell)).collect::<Vec<_>>());
        }
    }
}

fn inlines(spans: &[Span]) -> Vec<Inline> {
    let inline = |span: &Span| match span.style {
        SpanStyle::Plain => roman(&span.text),
        SpanStyle::Code | SpanStyle::Strong => bold(&span.text),
        SpanStyle::Emphasis => italic(&span.text),
    };
    spans.iter().map(inline).collect()
}
