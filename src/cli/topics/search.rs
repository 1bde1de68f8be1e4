//! The search in a topic.

use super::markdown::{Block, Level, Table, plain_text};

/// Returns the entries that contain a text, in any case, each below its headings. Empty if there is none.
///
/// A heading that contains the text stands for its whole section.
pub(super) fn entries_with(text: &str, blocks: &[Block]) -> Vec<Block> {
    let wanted = text.to_lowercase();
    let (mut found, mut headings, mut whole_section) = (Vec::new(), Vec::new(), None);
    for entry in blocks.chunk_by(|previous, block| !starts_entry(previous, block)) {
        if let [heading @ Block::Heading { level, .. }] = entry {
            headings.retain(|(above, _)| above < level);
            headings.push((*level, heading));
            let is_below = whole_section.is_some_and(|whole| whole < *level);
            let is_wanted = *level > Level::Title && contains(heading, &wanted);
            whole_section = if is_below { whole_section } else { is_wanted.then_some(*level) };
        } else if whole_section.is_some() {
            found.extend(headings.drain(..).map(|(_, heading)| heading.clone()));
            found.extend_from_slice(entry);
        } else if entry.iter().any(|block| contains(block, &wanted)) {
            found.extend(headings.drain(..).map(|(_, heading)| heading.clone()));
            found.extend(entry.iter().map(|block| with_wanted_rows(block, &wanted)));
        }
    }
    found
}

/// Returns whether a block begins an entry. A paragraph explains the list before it, or introduces what follows.
fn starts_entry(previous: &Block, block: &Block) -> bool {
    match (previous, block) {
        (Block::Heading { .. }, _) | (_, Block::Heading { .. }) => true,
        (Block::List { .. }, Block::Paragraph(_)) => false,
        (_, Block::Paragraph(_)) => true,
        (Block::Paragraph(text), Block::List { .. }) => !plain_text(text).ends_with(':'),
        _ => false,
    }
}

/// Returns a table with only the rows that contain a text, if there are any, and any other block unchanged.
fn with_wanted_rows(block: &Block, wanted: &str) -> Block {
    let Block::Table(Table { header, rows }) = block else { return block.clone() };
    let is_wanted = |row: &&Vec<_>| row.iter().any(|cell: &Vec<_>| plain_text(cell).to_lowercase().contains(wanted));
    let wanted_rows: Vec<_> = rows.iter().filter(is_wanted).cloned().collect();
    let rows = if wanted_rows.is_empty() { rows.clone() } else { wanted_rows };
    Block::Table(Table { header: header.clone(), rows })
}

fn contains(block: &Block, wanted: &str) -> bool {
    let is_in = |text: String| text.to_lowercase().contains(wanted);
    match block {
        Block::Heading { text, .. } | Block::Paragraph(text) => is_in(plain_text(text)),
        Block::Code(code) => is_in(code.clone()),
        Block::List { items, .. } => items.iter().flatten().any(|block| contains(block, wanted)),
        Block::Table(table) => table.rows.iter().flatten().any(|cell| is_in(plain_text(cell))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::markdown;
    use super::*;

    const TOPIC: &str = "# Title\n\nSummary.\n\n## Network\n\n- `no route`\n- `reset`\n\nCheck the proxy.\n\n- `timeout`\n\nWait.\n\n\
                         ### Table\n\n| flag | use |\n| --- | --- |\n| `--proxy` | A |\n| `--cacert` | B |\n\n## Other\n\n\
                         Run this:\n\n```\nls\n```\n\nThe end.\n";

    fn found(text: &str) -> Vec<Block> {
        entries_with(text, &markdown::parse(TOPIC))
    }

    #[test]
    fn an_entry_is_found_with_its_headings_and_what_belongs_to_it() {
        for (text, expected) in [
            ("RESET", "# Title\n\n## Network\n\n- `no route`\n- `reset`\n\nCheck the proxy."),
            ("wait", "# Title\n\n## Network\n\n- `timeout`\n\nWait."),
            ("ls", "# Title\n\n## Other\n\nRun this:\n\n```\nls\n```"),
            ("--cacert", "# Title\n\n## Network\n\n### Table\n\n| flag | use |\n| --- | --- |\n| `--cacert` | B |"),
            ("other", "# Title\n\n## Other\n\nRun this:\n\n```\nls\n```\n\nThe end."),
            ("summary", "# Title\n\nSummary."),
        ] {
            assert_eq!(found(text), markdown::parse(expected), "{text}");
        }
        let of_both = "# Title\n\n## Network\n\n- `no route`\n- `reset`\n\nCheck the proxy.\n\n### Table\n\n\
                       | flag | use |\n| --- | --- |\n| `--proxy` | A |";
        assert_eq!(found("proxy"), markdown::parse(of_both));
    }

    #[test]
    fn a_text_that_is_in_no_entry_finds_nothing() {
        assert_eq!(found("nonesuch"), []);
        assert_eq!(found("title"), []);
    }
}
