//! The help topics: Markdown files in `src/help`, printed as text or as manual pages.

mod manual;
mod markdown;
mod search;
mod table;
mod terminal;
mod wrap;

use clap::builder::{PossibleValue, PossibleValuesParser};
use roff::Roff;
use terminal_size::terminal_size;

use markdown::{Block, Level, plain_text};
pub(crate) use terminal::Layout;

/// A help topic. Its Markdown starts with the title as a heading, an empty line, and the summary.
pub(super) struct Topic {
    pub(super) name: &'static str,
    /// Other words that a user may try.
    aliases: &'static [&'static str],
    markdown: &'static str,
}

macro_rules! topics {
    ($($name:literal $($alias:literal)*;)*) => {
        &[$(Topic { name: $name, aliases: &[$($alias),*], markdown: include_str!(concat!("../help/", $name, ".md")) }),*]
    };
}

/// All topics in the order of the list. The text of each is the file of its name.
pub(super) const TOPICS: &[Topic] = topics! {
    "settings" "region" "regions" "env" "environment" "variables" "proxy" "profile" "certificates";
    "sources" "source" "permissions" "limits" "retries" "reconnect";
    "queues" "queue" "names" "name" "users" "user" "emails" "email" "fzf" "joined" "media";
    "output" "filters" "filter" "colors" "timestamps" "escaping" "status" "prefix" "hide" "dates";
    "json" "jsonl";
    "resume" "cursor" "cursor-file" "record" "replay" "recordings" "history";
    "calls" "call" "transcription";
    "errors" "error" "messages";
    "exit-codes" "exit" "exit-code" "codes";
    "service" "systemd" "cron" "docker" "container" "journal" "rotation" "logrotate" "log";
    "recipes" "jq" "grep" "kafka" "vector" "fluent-bit" "examples";
    "scale" "scaling" "events" "stream" "eventbridge" "kinesis" "sqs" "partitions" "rebalance" "sizing";
    "security" "secrets" "redact" "redaction" "privacy" "pii" "gdpr" "pci" "card" "iban";
    "simulator" "faults" "fault" "scripts" "script";
};

/// The commands that have a help.
const COMMANDS: [&str; 7] = ["check", "list", "simulate", "schema", "completions", "help", "man"];

pub(super) const MAN_EXAMPLES: &str = "\
Examples:
  genesys-tail man | man -l -           Read the manual page
  genesys-tail man errors | man -l -    Read a topic
  genesys-tail man > ~/.local/share/man/man1/genesys-tail.1
  genesys-tail man errors > ~/.local/share/man/man7/genesys-tail-errors.7";

pub(super) const HELP_EXAMPLES: &str = "\
Examples:
  genesys-tail help             List the topics
  genesys-tail help settings    Print a topic
  genesys-tail help errors 429  Print what a topic says about 429
  genesys-tail help check       Print the help of a command";

const MORE_HELP: &str = "
## More help

| command | prints |
| --- | --- |
| `genesys-tail help TOPIC` | a topic |
| `genesys-tail help TOPIC WORD` | the parts of a topic that contain a word |
| `genesys-tail man TOPIC \\| man -l -` | a topic as a manual page |
| `genesys-tail help COMMAND` | a command and its flags |
| `genesys-tail -h` | all flags, one line each |
| `genesys-tail --help` | all flags with defaults and variables |
";

impl Topic {
    /// Returns the topic with this name.
    pub(super) fn find(name: &str) -> Option<&'static Self> {
        TOPICS.iter().find(|topic| topic.name == name || topic.aliases.contains(&name))
    }

    fn possible_value(&self) -> PossibleValue {
        PossibleValue::new(self.name).aliases(self.aliases)
    }

    /// Returns the summary without its period.
    pub(super) fn summary(&self) -> String {
        let summary = markdown::parse(self.summary_markdown()).into_iter().next();
        summary.map_or_else(String::new, |block| match block {
            Block::Paragraph(spans) => plain_text(&spans),
            _ => String::new(),
        })
    }

    /// Appends the topic to a manual page, without title and summary.
    pub(super) fn append_to(&self, roff: &mut Roff) {
        let blocks = self.blocks();
        let content = blocks.get(2..).unwrap_or_default();
        if !matches!(content.first(), Some(Block::Heading { .. })) {
            roff.control("SH", ["DESCRIPTION"]);
        }
        manual::append(roff, content);
    }

    /// Appends the tables of a section to a manual page.
    pub(super) fn append_tables_to(&self, roff: &mut Roff, section: &str) {
        let blocks = self.blocks();
        let is_heading = |block: &Block| matches!(block, Block::Heading { level: Level::Section, .. });
        let is_start = |block: &Block| matches!(block, Block::Heading { text, .. } if plain_text(text) == section);
        let content = blocks.into_iter().skip_while(|block| !is_start(block)).skip(1);
        let content = content.take_while(|block| !is_heading(block));
        let tables: Vec<Block> = content.filter(|block| matches!(block, Block::Table(_))).collect();
        manual::append(roff, &tables);
    }

    fn blocks(&self) -> Vec<Block> {
        markdown::parse(self.markdown)
    }

    fn summary_markdown(&self) -> &str {
        self.markdown.lines().nth(2).unwrap_or_default().trim_end_matches('.')
    }
}

impl Layout {
    /// Returns the layout for standard output, which may be a terminal.
    pub(crate) fn new(is_terminal: bool, is_colored: bool) -> Self {
        let size = terminal_size().filter(|_| is_terminal);
        let columns = size.map_or(terminal::DEFAULT_COLUMNS, |(columns, _)| usize::from(columns.0));
        Self { columns, is_colored }
    }
}

/// Returns the parser of the name of a topic.
pub(super) fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(TOPICS.iter().map(Topic::possible_value))
}

/// Returns the parser of the name of a topic or a command.
pub(super) fn topics_and_commands() -> PossibleValuesParser {
    let commands = COMMANDS.into_iter().map(PossibleValue::from);
    PossibleValuesParser::new(TOPICS.iter().map(Topic::possible_value).chain(commands))
}

/// Renders a topic as text, or the list of topics if there is no topic with this name.
pub(super) fn text(name: Option<&str>, layout: Layout) -> String {
    match name.and_then(Topic::find) {
        Some(topic) => terminal::render(&topic.blocks(), layout),
        None => terminal::render(&markdown::parse(&list()), layout),
    }
}

/// Renders the entries of a topic that contain `wanted`. `None` if there are none.
pub(super) fn search(name: &str, wanted: &str, layout: Layout) -> Option<String> {
    let entries = search::entries_with(wanted, &Topic::find(name)?.blocks());
    (!entries.is_empty()).then(|| terminal::render(&entries, layout))
}

/// Returns whether an entry of a topic contains `wanted`.
pub(super) fn contains(name: &str, wanted: &str) -> bool {
    search(name, wanted, Layout::new(false, false)).is_some()
}

/// Returns the list of topics as Markdown.
fn list() -> String {
    let row = |topic: &Topic| format!("| `{}` | {} |\n", topic.name, topic.summary_markdown());
    let rows: String = TOPICS.iter().map(row).collect();
    format!("## Topics\n\n| topic | content |\n| --- | --- |\n{rows}{MORE_HELP}")
}

#[cfg(test)]
mod tests;
