//! What is printed, and how.

use regex::Regex;

use crate::cli::LinesArgs;
use crate::event::Role;

use super::env::Env;
use super::error::Problems;

/// What is printed, and how.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
pub struct Lines {
    /// What a line is.
    pub format: Format,
    /// What the time in front of a text line looks like.
    pub timestamps: Timestamps,
    /// Whether times are shown in UTC rather than in local time.
    pub utc: bool,
    /// Whether text lines are coloured, already decided.
    pub color: bool,
    /// What becomes of line breaks in a message.
    pub multiline: Multiline,
    /// Whether control characters are printed as they came.
    pub raw_control: bool,
    /// Whether system messages are shown.
    pub system: bool,
    /// The only sides whose messages are shown; empty shows all.
    pub only: Vec<Role>,
    /// Only messages one of these matches are shown; empty shows all.
    pub include: Vec<Regex>,
    /// Messages one of these matches are not shown.
    pub exclude: Vec<Regex>,
    /// What is highlighted in text lines.
    pub highlight: Vec<Regex>,
    /// How many bytes may wait for a reader that stalls, above zero.
    pub stall_buffer: usize,
}

/// What a line of output is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Words for people.
    Text,
    /// A JSON object.
    Json,
    /// A frame as received.
    Raw,
}

/// What the time in front of a line looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timestamps {
    /// `03:04:05`.
    Time,
    /// `2026-01-02T03:04:05.678Z`, or with the offset of local time.
    Iso,
    /// `+0:01:07` since the first line.
    Relative,
    /// None at all.
    None,
}

/// What becomes of line breaks in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Multiline {
    /// They are spelled out, and a message is one line.
    Escape,
    /// They stay, and what follows is indented.
    Indent,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    /// When the variables say so, else on a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

pub(super) fn resolve(args: LinesArgs, env: &Env, terminal: bool, problems: &mut Problems) -> Lines {
    let LinesArgs { timestamps, utc, multiline, raw_control, only, include, exclude, highlight, stall_buffer, .. } =
        args;
    let format = if args.json { Format::Json } else { args.output };
    let chosen = [
        ("--only", only.is_empty()),
        ("--include", include.is_empty()),
        ("--exclude", exclude.is_empty()),
        ("--highlight", highlight.is_empty()),
    ];
    for (flag, _) in chosen.iter().filter(|(_, unused)| format == Format::Raw && !unused) {
        problems.contradictory(format!("{flag} needs to understand messages, which -o raw does not"));
    }
    Lines {
        format,
        timestamps,
        utc,
        color: is_colored(args.color, env, terminal),
        multiline,
        raw_control,
        system: args.system || only.contains(&Role::System),
        only,
        include,
        exclude,
        highlight,
        stall_buffer,
    }
}

/// The flag, then `NO_COLOR`, then `CLICOLOR_FORCE`, then what the terminal can do.
fn is_colored(color: Color, env: &Env, terminal: bool) -> bool {
    let is_set = |name| env.get(name).is_some();
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if is_set("NO_COLOR") => false,
        Color::Auto if env.get("CLICOLOR_FORCE").is_some_and(|setting| setting.value != "0") => true,
        Color::Auto => terminal && env.get("TERM").is_none_or(|setting| setting.value != "dumb"),
    }
}
