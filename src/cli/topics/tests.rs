use std::collections::BTreeSet;

use clap::CommandFactory as _;
use regex::Regex;

use super::*;
use crate::cli::Cli;

fn layout(columns: usize) -> Layout {
    Layout { columns, is_colored: false }
}

fn rendered(topic: &Topic, columns: usize) -> String {
    text(Some(topic.name), layout(columns))
}

/// Returns the lines of a rendered topic that are not code.
fn prose(topic: &Topic, columns: usize) -> Vec<String> {
    let blocks: Vec<Block> = topic.blocks().into_iter().filter(|block| !matches!(block, Block::Code(_))).collect();
    terminal::render(&blocks, layout(columns)).lines().map(str::to_owned).collect()
}

#[test]
fn the_list_has_exactly_the_files_of_the_folder() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/help");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let topics = TOPICS.iter().map(|topic| format!("{}.md", topic.name));
    assert_eq!(topics.collect::<BTreeSet<_>>(), files.collect::<BTreeSet<_>>());
    let list = text(None, layout(80));
    for topic in TOPICS {
        assert!(list.contains(&format!("\n  {} ", topic.name)), "{list}");
    }
    assert!(list.lines().all(|line| line.chars().count() <= 80), "{list}");
}

#[test]
fn other_words_for_a_topic_are_unique() {
    let words: Vec<&str> = TOPICS.iter().flat_map(|topic| topic.aliases.iter().copied().chain([topic.name])).collect();
    assert_eq!(words.iter().chain(&COMMANDS).collect::<BTreeSet<_>>().len(), words.len() + COMMANDS.len(), "{words:?}");
    for (word, name) in [
        ("cursor", "resume"),
        ("regions", "settings"),
        ("logrotate", "service"),
        ("errors", "errors"),
        ("names", "queues"),
    ] {
        assert_eq!(Topic::find(word).map(|topic| topic.name), Some(name));
    }
}

#[test]
fn a_topic_starts_with_its_title_and_a_summary_of_one_line() {
    for topic in TOPICS {
        let lines: Vec<&str> = topic.markdown.lines().take(4).collect();
        let [title, "", summary, ""] = lines[..] else { panic!("{lines:?}") };
        assert!(title.starts_with("# ") && summary.ends_with('.'), "{lines:?}");
        assert!((10..=65).contains(&topic.summary().chars().count()), "{summary}");
    }
}

#[test]
fn lines_fit_the_terminal_and_are_at_most_100_characters_long() {
    for topic in TOPICS {
        for columns in [60, 80, 100] {
            let lines = prose(topic, columns);
            let long = lines.iter().find(|line| line.chars().count() > columns && !line.contains("://"));
            assert_eq!(long, None, "{} at {columns} columns", topic.name);
        }
        let text = rendered(topic, 300);
        assert_eq!(text.lines().find(|line| line.chars().count() > 100), None, "{}", topic.name);
        assert_eq!(text.lines().find(|line| line.ends_with(' ')), None, "{}", topic.name);
    }
}

#[test]
fn no_mark_of_markdown_is_left() {
    let mark = Regex::new(r"`|\*\*|\]\(|---|^\s*#|^\s*\|.*\|$|<[a-z/!]").unwrap();
    for topic in TOPICS {
        let marked = prose(topic, 80).into_iter().find(|line| mark.is_match(line));
        assert_eq!(marked, None, "{}", topic.name);
    }
}

#[test]
fn no_section_and_no_cell_is_empty() {
    for topic in TOPICS {
        let blocks = topic.blocks();
        for (index, block) in blocks.iter().enumerate() {
            match (block, blocks.get(index + 1)) {
                (
                    Block::Heading { level: Level::Section, .. },
                    Some(Block::Heading { level: Level::Subsection, .. }),
                ) => {}
                (Block::Heading { text, .. }, None | Some(Block::Heading { .. })) => {
                    panic!("{}: {:?} is empty", topic.name, plain_text(text));
                }
                (Block::Table(table), _) => {
                    let is_filled =
                        |row: &Vec<Vec<markdown::Span>>| !row[0].is_empty() && row.len() == table.header.len();
                    assert!(table.rows.iter().all(is_filled), "{}: {table:?}", topic.name);
                }
                _ => {}
            }
        }
    }
}

#[test]
fn headings_stand_out_and_text_is_indented_below_them() {
    let blocks =
        markdown::parse("# Title\n\nSummary.\n\n## One\n\ntext\n\n* a b c\n* d\n\n### Two\n\n```\ncode\n\nmore\n```\n");
    let text = terminal::render(&blocks, layout(8));
    let expected = "Title\n  Summary.\n\nOne\n  text\n\n  * a b\n    c\n  * d\n\n  Two\n      code\n\n      more\n";
    assert_eq!(text, expected);
    let colored = terminal::render(&blocks, Layout { columns: 8, is_colored: true });
    assert!(colored.contains("\u{1b}[1mOne\u{1b}[0m\n  text\n"), "{colored}");
}

#[test]
fn a_table_has_columns_where_they_fit_and_definitions_where_not() {
    let table =
        "| flag | mode | meaning |\n| --- | --- | --- |\n| `-F` | `all` | Follow on. |\n| `--color` | | Paint. |\n";
    let blocks = markdown::parse(table);
    let wide = "FLAG     MODE  MEANING\n-F       all   Follow on.\n--color        Paint.\n";
    assert_eq!(terminal::render(&blocks, layout(80)), wide);
    let narrow = "-F\n    mode: 'all'\n    meaning: Follow on.\n\n--color\n    meaning: Paint.\n";
    assert_eq!(terminal::render(&blocks, layout(40)), narrow);
}

#[test]
fn a_manual_page_has_the_whole_text() {
    for topic in TOPICS {
        let page = String::from_utf8(super::super::man(Some(topic.name))).unwrap();
        let page = page
            .replace("\\*(Aq", "'")
            .replace("\\[u2026]", "…")
            .replace("\\[u2013]", "–")
            .replace("\\-", "-")
            .replace("\\e", "\\");
        let page = ["\\fB", "\\fI", "\\fR", "\\&"].iter().fold(page, |page, escape| page.replace(escape, ""));
        for text in texts(&topic.blocks()).iter().skip(1).flat_map(|text| text.lines()) {
            let text = text.trim_end_matches('.');
            assert!(page.contains(text) || page.contains(&text.to_uppercase()), "{}: {text}", topic.name);
        }
    }
}

/// Returns the text of headings, paragraphs, cells and code. The titles of columns are not part of it.
fn texts(blocks: &[Block]) -> Vec<String> {
    let texts_of = |block: &Block| match block {
        Block::Heading { text, .. } | Block::Paragraph(text) => vec![plain_text(text)],
        Block::Code(code) => vec![code.clone()],
        Block::List { items, .. } => items.iter().flat_map(|item| texts(item)).collect(),
        Block::Table(table) => table.rows.iter().flatten().map(|cell| plain_text(cell)).collect(),
    };
    blocks.iter().flat_map(texts_of).collect()
}

#[test]
fn every_command_has_a_help() {
    let command = Cli::command();
    let names: BTreeSet<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
    assert_eq!(names, COMMANDS.into_iter().collect());
    assert!(TOPICS.iter().all(|topic| !names.contains(topic.name)));
}
