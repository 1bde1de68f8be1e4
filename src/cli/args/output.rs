//! The flags of the output.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use regex::Regex;

use super::super::value_parsers::{
    COLORS, FORMATS, HIDDEN, MULTILINES, PREFIXES, ROLES, TIMESTAMPS, choice, pattern, redact, size,
};
use crate::config::{Color, Format, Hidden, Multiline, PrefixForm, Timestamps};
use crate::event::Role;
use crate::redaction::Redact;

/// The format of lines, and filters.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct OutputArgs {
    /// Output format
    #[arg(short, long, value_name = "FORMAT", default_value = "text", value_parser = choice(FORMATS))]
    pub(crate) output: Format,
    /// Same as -o json
    #[arg(long, conflicts_with = "output")]
    pub(crate) json: bool,
    /// Write one file per conversation to this folder
    ///
    /// Appends to ID.log, ID.jsonl (-o json) or ID.raw (-o raw), and prints nothing. A missing folder is created. A
    /// file that is renamed or removed is created again with the next line.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) output_dir: Option<PathBuf>,
    /// Time at the start of each line
    #[arg(long, value_name = "STYLE", default_value = "time", value_parser = choice(TIMESTAMPS))]
    pub(crate) timestamps: Timestamps,
    /// Show times in UTC
    #[arg(long)]
    pub(crate) utc: bool,
    /// Conversation id at the start of each line
    ///
    /// [default: none for one conversation and with --output-dir, else short]
    #[arg(long, value_name = "STYLE", value_parser = choice(PREFIXES))]
    pub(crate) prefix: Option<PrefixForm>,
    /// When to use colors; auto uses them on a terminal
    ///
    /// With auto, NO_COLOR or TERM=dumb turns colors off, CLICOLOR_FORCE=1 turns them on in a pipe too.
    ///
    /// [env: NO_COLOR, CLICOLOR_FORCE, TERM]
    #[arg(long, value_name = "WHEN", default_value = "auto", value_parser = choice(COLORS))]
    pub(crate) color: Color,
    /// Also show system messages (typing, joins)
    #[arg(long)]
    pub(crate) system: bool,
    /// Line breaks in a message
    #[arg(long, value_name = "STYLE", default_value = "escape", value_parser = choice(MULTILINES))]
    pub(crate) multiline: Multiline,
    /// Do not escape control characters
    ///
    /// A message can then forge lines and control the terminal. JSON is escaped in any case.
    #[arg(long)]
    pub(crate) raw_control: bool,
    /// Show only messages of this role
    ///
    /// Lines without a role (update, closed, gap) are shown as well; see --hide. Repeatable, or separated by commas.
    #[arg(long, value_name = "ROLE", value_delimiter = ',', ignore_case = true, value_parser = choice(ROLES))]
    pub(crate) only: Vec<Role>,
    /// Hide lines of this kind
    ///
    /// The summary still counts hidden gaps. Repeatable, or separated by commas.
    #[arg(long, value_name = "KIND", value_delimiter = ',', ignore_case = true, value_parser = choice(HIDDEN))]
    pub(crate) hide: Vec<Hidden>,
    /// Show only messages that match this pattern
    ///
    /// A Rust regular expression. Repeatable; a message is shown if any of them matches.
    #[arg(short, long, value_name = "REGEX", value_parser = pattern)]
    pub(crate) include: Vec<Regex>,
    /// Hide messages that match this pattern
    ///
    /// Repeatable.
    #[arg(short, long, value_name = "REGEX", value_parser = pattern)]
    pub(crate) exclude: Vec<Regex>,
    /// Highlight text that matches this pattern
    ///
    /// Needs colors. Repeatable.
    #[arg(short = 'H', long, value_name = "REGEX", value_parser = pattern)]
    pub(crate) highlight: Vec<Regex>,
    /// Replace personal data in all output
    ///
    /// card, email, phone, iban, all (these four), or regex:PATTERN. Also in recordings and status lines. Some notations are
    /// not found: see genesys-tail help security. Repeatable, or separated by commas.
    #[arg(long, value_name = "KIND", value_parser = redact)]
    pub(crate) redact: Vec<Redact>,
    /// Buffer for a slow reader of stdout
    ///
    /// When it is full, receiving pauses. No line is lost.
    #[arg(long, value_name = "SIZE", default_value = "64MiB", allow_hyphen_values = true, value_parser = size)]
    pub(crate) stall_buffer: usize,
}
