//! What is printed, and how.

use regex::Regex;

use crate::cli::LinesArgs;
use crate::output::{Format, Selection, Style};

use super::env::Env;
use super::error::Problems;

/// What is printed, and how.
#[derive(Debug, Clone)]
pub struct OutputOptions {
    /// What lines look like, and which there are.
    pub style: Style,
    /// How many bytes may wait for a reader that stalls, above zero.
    pub stall_buffer: usize,
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

pub(super) fn resolve(args: LinesArgs, env: &Env, terminal: bool, problems: &mut Problems) -> OutputOptions {
    let format = if args.json { Format::Json } else { args.output };
    let chosen = [
        ("--only", args.only.is_empty()),
        ("--include", args.include.is_empty()),
        ("--exclude", args.exclude.is_empty()),
        ("--highlight", args.highlight.is_empty()),
    ];
    for (flag, _) in chosen.iter().filter(|(_, unused)| format == Format::Raw && !unused) {
        problems.contradictory(format!("{flag} needs to understand messages, which -o raw does not"));
    }
    let style = Style {
        format,
        timestamps: args.timestamps,
        utc: args.utc,
        color: is_colored(args.color, env, terminal),
        multiline: args.multiline,
        raw_control: args.raw_control,
        highlight: any_of(&args.highlight, problems),
        selection: Selection { system: args.system, only: args.only, include: args.include, exclude: args.exclude },
    };
    OutputOptions { style, stall_buffer: args.stall_buffer }
}

/// One expression for several.
fn any_of(expressions: &[Regex], problems: &mut Problems) -> Option<Regex> {
    let each: Vec<String> = expressions.iter().map(|expression| format!("(?:{expression})")).collect();
    if each.is_empty() {
        return None;
    }
    let all = Regex::new(&each.join("|"));
    all.map_err(|error| problems.unusable("--highlight", error.to_string())).ok()
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
