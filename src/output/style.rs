//! How the user wants the transcript to look.

use regex::Regex;

use super::filter::Selection;

/// Everything formatting depends on. The default is what a run without a flag gives, but without colour.
#[derive(Debug, Clone, Default)]
pub struct Style {
    /// The shape of a record.
    pub format: Format,
    /// The time at the head of a text line; json always has both times in full.
    pub timestamps: Timestamps,
    /// UTC where text would have local time.
    pub utc: bool,
    /// ANSI colours, in text only.
    pub color: bool,
    /// What becomes of line breaks in what somebody said, in text only.
    pub multiline: Multiline,
    /// No escaping: text and raw frames pass as they came, line breaks and binary data too, so that a record may be
    /// more than one line. Json is not concerned: its escapes lose nothing.
    pub raw_control: bool,
    /// Which messages are shown, in text and json.
    pub selection: Selection,
    /// What stands out in what was said, in coloured text only.
    pub highlight: Option<Regex>,
}

/// The shape of a record: `-o`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// One line for people per event.
    #[default]
    Text,
    /// One object per event.
    Json,
    /// One line per frame, as received.
    Raw,
}

/// The time at the head of a text line: `--timestamps`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Timestamps {
    /// `03:04:05`
    #[default]
    Time,
    /// `2026-01-02T04:04:05.612+01:00`
    Iso,
    /// `+0:01:07` since the first line; `-0:00:03` for what happened before it.
    Relative,
    /// No time at all.
    None,
}

/// What becomes of line breaks in what somebody said: `--multiline`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Multiline {
    /// They are written as `\n`.
    #[default]
    Escape,
    /// They begin a continuation line, marked by `    | `.
    Indent,
}
