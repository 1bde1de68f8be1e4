//! Agreement of README, help topics, help and manual page with the program (DOC-1 to DOC-5, CLI-7).

mod commands;
mod flags;
mod json;
mod links;
mod pages;
mod pipelines;
mod readme;
// The recipes are those of a Unix shell.
#[cfg(unix)]
mod recipes;
// The recipes are those of a Unix shell.
#[cfg(unix)]
mod scale;
mod service_unit;
mod tables;
// Windows has no pseudo-terminals without unsafe code.
#[cfg(unix)]
mod terminal;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use genesys_tail::Signal;
use regex::Regex;

/// A page of the documentation.
struct Page {
    /// The path below the folder of the project.
    path: String,
    text: String,
}

impl Page {
    /// Returns the topic with this name.
    fn topic(name: &str) -> &'static Self {
        let path = format!("src/help/{name}.md");
        PAGES.iter().find(|page| page.path == path).unwrap()
    }

    /// Returns the text below a heading of the second level.
    fn section(&self, heading: &str) -> &str {
        let (_, rest) = self.text.split_once(&format!("\n## {heading}\n")).unwrap();
        rest.split("\n## ").next().unwrap()
    }

    /// Returns the blocks of code with their language. A line that ends with a backslash continues on the next one.
    fn code_blocks(&self) -> Vec<(&str, String)> {
        let blocks = self.parts().into_iter().skip(1).step_by(2).map(|block| block.split_once('\n').unwrap());
        blocks.map(|(language, code)| (language, code.replace("\\\n", " "))).collect()
    }

    /// Returns the text without blocks of code.
    fn prose(&self) -> String {
        self.parts().into_iter().step_by(2).collect::<Vec<_>>().join("\n")
    }

    /// Returns the text and the blocks of code in turn.
    fn parts(&self) -> Vec<&str> {
        static FENCE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?m)^ *```").unwrap());
        FENCE.split(&self.text).collect()
    }

    /// Returns the pieces of code in the prose.
    fn code_spans(&self) -> Vec<String> {
        let prose = self.prose();
        captures_in_order(r"`([^`]+)`", &prose).into_iter().map(|span| span.replace('\n', " ")).collect()
    }
}

/// The README and all topics.
static PAGES: LazyLock<Vec<Page>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let topics = fs::read_dir(root.join("src/help")).unwrap();
    let topics = topics.map(|file| format!("src/help/{}", file.unwrap().file_name().to_str().unwrap()));
    let mut paths: Vec<String> = topics.chain(["README.md".to_owned()]).collect();
    paths.sort();
    let text = |path: &String| fs::read_to_string(root.join(path)).unwrap();
    paths.into_iter().map(|path| Page { text: text(&path), path }).collect()
});

/// Returns every match of the group of a pattern.
fn captures(pattern: &str, text: &str) -> BTreeSet<String> {
    captures_in_order(pattern, text).into_iter().collect()
}

fn captures_in_order(pattern: &str, text: &str) -> Vec<String> {
    Regex::new(pattern).unwrap().captures_iter(text).map(|captures| captures[1].to_owned()).collect()
}

/// Returns the first cells of the rows of tables.
fn first_cells(text: &str) -> String {
    text.lines().filter_map(|line| line.split('|').nth(1)).collect()
}

/// Returns the exit codes of the program.
fn exit_codes() -> BTreeSet<String> {
    let signals = [Signal::Interrupt, Signal::Terminate, Signal::Hangup].map(|signal| signal.exit_code().to_string());
    let mut codes = captures(r"(?m)^const [A-Z_]+: u8 = (\d+);", include_str!("../../../src/exit_code.rs"));
    codes.extend(["0".to_owned(), "2".to_owned()].into_iter().chain(signals));
    codes
}
