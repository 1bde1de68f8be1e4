//! The source files of the project as text.

use std::collections::BTreeSet;
use std::fs;
use std::ops::Range;
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

/// A comment, a string or a character. A lifetime has no closing quote.
const COMMENT_OR_LITERAL: &str = r#"(?sx)
    //[^\n]* | /\*.*?\*/
    | \bb?r"[^"]*" | \bb?r\#".*?"\# | \bb?r\#\#".*?"\#\# | \bb?r\#\#\#".*?"\#\#\# | "(?:\\.|[^"\\])*"
    | '(?:\\u\{[0-9a-fA-F]*\}|\\x..|\\.|[^'\\])'
"#;

/// The attribute of an item that only tests contain.
const TEST_ATTRIBUTE: &str = "#[cfg(test)]";

/// A source file.
pub(super) struct SourceFile {
    /// The path below the folder of the project.
    pub(super) path: String,
    pub(super) text: String,
    /// The text with comments and literals replaced by spaces. Offsets and lines are those of the text.
    pub(super) code: String,
    /// The code without the items that only tests contain. Nothing of a test file remains.
    pub(super) production: String,
}

impl SourceFile {
    fn new(path: String, text: String) -> Self {
        let code = without_comments_and_literals(&text);
        let production = if is_test_file(&path) { String::new() } else { without_test_items(&code) };
        Self { path, text, code, production }
    }

    /// Returns the place of an offset as `path:line`.
    pub(super) fn place(&self, offset: usize) -> String {
        format!("{}:{}", self.path, self.text[..offset].matches('\n').count() + 1)
    }

    /// Returns the place and the line of every match in `text`, which is the text or the code of the file.
    pub(super) fn matches(&self, pattern: &Regex, text: &str) -> Vec<String> {
        let line = |offset: usize| self.text[..offset].matches('\n').count();
        let lines: BTreeSet<usize> = pattern.find_iter(text).map(|found| line(found.start())).collect();
        let text: Vec<&str> = self.text.lines().collect();
        lines.into_iter().map(|line| format!("{}:{}: {}", self.path, line + 1, text[line].trim())).collect()
    }
}

/// The Rust files in `src` and `tests`.
pub(super) static SOURCE_FILES: LazyLock<Vec<SourceFile>> = LazyLock::new(read_source_files);

fn read_source_files() -> Vec<SourceFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    let mut folders = vec![root.join("src"), root.join("tests")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("target") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
                files.push(SourceFile::new(name, fs::read_to_string(path).unwrap()));
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// Splits a list at its commas, except those inside brackets.
pub(super) fn split_at_commas(list: &str) -> Vec<&str> {
    let (mut parts, mut start, mut offset) = (Vec::new(), 0, 0);
    while let Some(character) = list[offset..].chars().next() {
        match character {
            ',' => {
                parts.push(list[start..offset].trim());
                offset += 1;
                start = offset;
            }
            _ => offset += bracketed_length(&list[offset..]),
        }
    }
    parts.push(list[start..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

/// Returns the length of the bracketed part at the start of the code, or of the character there if it opens no bracket.
pub(super) fn bracketed_length(code: &str) -> usize {
    let Some(opening) = code.chars().next() else { return 0 };
    let closing = match opening {
        '(' => ')',
        '[' => ']',
        '{' => '}',
        '<' => '>',
        other => return other.len_utf8(),
    };
    let (mut depth, mut previous) = (0_u32, ' ');
    for (offset, character) in code.char_indices() {
        let is_arrow = character == '>' && matches!(previous, '-' | '=');
        if character == opening {
            depth += 1;
        } else if character == closing && !is_arrow {
            depth -= 1;
        }
        if depth == 0 {
            return offset + 1;
        }
        previous = character;
    }
    code.len()
}

/// Replaces ranges of a text by spaces and keeps the line breaks.
pub(super) fn blank(text: &str, ranges: impl IntoIterator<Item = Range<usize>>) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for range in ranges {
        bytes[range].iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
    }
    String::from_utf8(bytes).unwrap()
}

fn is_test_file(path: &str) -> bool {
    let is_test_name = path.ends_with("/tests.rs") || path.ends_with("/fixtures.rs");
    !path.starts_with("src/") || path.contains("/tests/") || is_test_name
}

fn without_comments_and_literals(text: &str) -> String {
    static PATTERN: LazyLock<Regex> = LazyLock::new(|| Regex::new(COMMENT_OR_LITERAL).unwrap());
    blank(text, PATTERN.find_iter(text).map(|found| found.range()))
}

fn without_test_items(code: &str) -> String {
    blank(code, code.match_indices(TEST_ATTRIBUTE).map(|(start, _)| start..start + item_length(&code[start..])))
}

/// Returns the length of the item at the start of the code, up to its `;` or its closing brace.
fn item_length(code: &str) -> usize {
    let mut offset = 0;
    while let Some(character) = code[offset..].chars().next() {
        match character {
            ';' => return offset + 1,
            '{' => return offset + bracketed_length(&code[offset..]),
            '(' | '[' => offset += bracketed_length(&code[offset..]),
            _ => offset += character.len_utf8(),
        }
    }
    offset
}
