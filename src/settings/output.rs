//! Resolves the settings of stdout.

use regex::Regex;

use crate::cli::OutputArgs;
use crate::config::{Color, Filter, Format, OutputOptions, PrefixForm, Style};
use crate::redaction::Redaction;

use super::env::Env;
use super::problems::Problems;

pub(super) fn resolve(args: OutputArgs, env: &Env, terminal: bool, problems: &mut Problems) -> OutputOptions {
    let format = if args.json { Format::Json } else { args.output };
    let event_flags = [
        ("--only", args.only.is_empty()),
        ("--include", args.include.is_empty()),
        ("--exclude", args.exclude.is_empty()),
        ("--hide", args.hide.is_empty()),
        ("--highlight", args.highlight.is_empty()),
    ];
    for (flag, _) in event_flags.iter().filter(|(_, unused)| format == Format::Raw && !unused) {
        problems.contradictory(format!("{flag} cannot be used with -o raw"));
    }
    let style = Style {
        format,
        timestamps: args.timestamps,
        utc: args.utc,
        // A file has one conversation (SVC-8), and is no terminal.
        prefix: args.prefix.or(args.output_dir.as_ref().map(|_| PrefixForm::None)),
        color: is_colored(args.color, env, terminal && args.output_dir.is_none()),
        multiline: args.multiline,
        raw_control: args.raw_control,
        highlight: any_of(&args.highlight, problems),
        filter: Filter {
            system: args.system,
            only: args.only,
            include: args.include,
            exclude: args.exclude,
            hidden: args.hide,
        },
    };
    OutputOptions {
        style,
        folder: args.output_dir,
        stall_buffer: args.stall_buffer,
        redaction: Redaction::of(args.redact),
    }
}

/// Combines several patterns into one.
fn any_of(patterns: &[Regex], problems: &mut Problems) -> Option<Regex> {
    let alternatives: Vec<String> = patterns.iter().map(|pattern| format!("(?:{pattern})")).collect();
    if alternatives.is_empty() {
        return None;
    }
    let combined = Regex::new(&alternatives.join("|"));
    combined.map_err(|error| problems.unusable("--highlight", pattern_error(&error))).ok()
}

fn pattern_error(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "the patterns are too large together".to_owned(),
        error => error.to_string(),
    }
}

/// Decides by the flag, then `NO_COLOR`, then `CLICOLOR_FORCE`, then the terminal (OUT-7, ERR-6).
pub(super) fn is_colored(color: Color, env: &Env, is_terminal: bool) -> bool {
    let is_set = |name| env.get(name).is_some();
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if is_set("NO_COLOR") => false,
        Color::Auto if env.get("CLICOLOR_FORCE").is_some_and(|setting| setting.value != "0") => true,
        Color::Auto => is_terminal && env.get("TERM").is_none_or(|setting| setting.value != "dumb"),
    }
}
