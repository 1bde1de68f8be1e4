//! The form of stdout and stderr.

use std::path::PathBuf;

use regex::Regex;

use crate::event::Role;
use crate::redaction::Redaction;

/// The settings of stdout.
#[derive(Debug, Clone)]
pub(crate) struct OutputOptions {
    pub(crate) style: Style,
    /// The folder that holds a file for each conversation. `None` prints everything on stdout.
    pub(crate) folder: Option<PathBuf>,
    /// The maximum number of bytes that wait for a stalled reader, greater than 0.
    pub(crate) stall_buffer: usize,
    /// The personal data that is replaced in every output and recording.
    pub(crate) redaction: Redaction,
}

/// The settings that the form of a record depends on. The default is that of a run without flags, but without color.
#[derive(Debug, Clone, Default)]
pub struct Style {
    pub(crate) format: Format,
    /// The time at the beginning of a text line. JSON always has both times in full.
    pub(crate) timestamps: Timestamps,
    /// Shows UTC instead of local time, in text only.
    pub(crate) utc: bool,
    /// The form of the prefix, in text only. `None` is [`PrefixForm::Short`] for several conversations, and no prefix
    /// for a single one.
    pub(crate) prefix: Option<PrefixForm>,
    /// Uses ANSI colors, in text only.
    pub(crate) color: bool,
    pub(crate) multiline: Multiline,
    /// Writes text and raw frames without escaping. Line breaks and binary data pass too, so that a record may span
    /// several lines. JSON is always escaped: its escapes lose nothing.
    pub(crate) raw_control: bool,
    pub(crate) filter: Filter,
    /// The pattern that is highlighted in colored text.
    pub(crate) highlight: Option<Regex>,
}

/// The format of a record: `-o`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Format {
    /// One line for people per event.
    #[default]
    Text,
    /// One JSON object per event.
    Json,
    /// One line per frame, as received.
    Raw,
}

/// The time at the beginning of a text line: `--timestamps`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Timestamps {
    /// `03:04:05`
    #[default]
    Time,
    /// `2026-01-02T04:04:05.612+01:00`
    Iso,
    /// `+0:01:07` since the first line; `-0:00:03` for events before it.
    Relative,
    None,
}

/// The form of the prefix of a text line: `--prefix`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PrefixForm {
    /// The first 8 characters of the conversation id, or more until no two are equal.
    Short,
    /// The conversation id.
    Full,
    None,
}

/// The form of line breaks in a message, in text only: `--multiline`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Multiline {
    /// Written as `\n`.
    #[default]
    Escape,
    /// Written as a continuation line that begins with `    | `.
    Indent,
}

/// The events to show, in text and JSON. Events without a role are shown unless `hidden` names them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    /// Shows system messages. [`Role::System`] in `only` implies it.
    pub(crate) system: bool,
    /// The roles to show; all if empty.
    pub(crate) only: Vec<Role>,
    /// Patterns of which one must match the message text as shown, before escaping. Everything matches if empty.
    pub(crate) include: Vec<Regex>,
    /// Patterns that hide a message if one of them matches.
    pub(crate) exclude: Vec<Regex>,
    /// The kinds of events without a role that are hidden.
    pub(crate) hidden: Vec<Hidden>,
}

/// A kind of event to hide: `--hide`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hidden {
    Update,
    Closed,
    Gap,
}

/// The use of colors: `--color`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Color {
    /// Decided by environment variables, otherwise by the terminal.
    Auto,
    Always,
    Never,
}

/// The format of a line on stderr: `--log-format`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum LogFormat {
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}
