//! How the user wants the transcript to look, and the command-line words for it.

use std::str::FromStr;

use regex::Regex;
use thiserror::Error;

use super::select::Selection;
use crate::event::Role;

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

/// A word that is none of those the flag knows.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("expected one of: {known}")]
pub struct UnknownWord {
    known: &'static str,
}

impl FromStr for Format {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        match word {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            "raw" => Ok(Self::Raw),
            _ => Err(UnknownWord { known: "text, json, raw" }),
        }
    }
}

impl FromStr for Timestamps {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        match word {
            "time" => Ok(Self::Time),
            "iso" => Ok(Self::Iso),
            "relative" => Ok(Self::Relative),
            "none" => Ok(Self::None),
            _ => Err(UnknownWord { known: "time, iso, relative, none" }),
        }
    }
}

impl FromStr for Multiline {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        match word {
            "escape" => Ok(Self::Escape),
            "indent" => Ok(Self::Indent),
            _ => Err(UnknownWord { known: "escape, indent" }),
        }
    }
}

/// The words of `--only`. No word asks for messages of which the wire does not say whose they are.
impl FromStr for Role {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        [Self::Customer, Self::Agent, Self::Bot, Self::System]
            .into_iter()
            .find(|role| role.key() == word)
            .ok_or(UnknownWord { known: "customer, agent, bot, system" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_command_line() {
        assert_eq!("json".parse(), Ok(Format::Json));
        assert_eq!("relative".parse(), Ok(Timestamps::Relative));
        assert_eq!("indent".parse(), Ok(Multiline::Indent));
        assert_eq!("system".parse(), Ok(Role::System));
        assert_eq!("xml".parse::<Format>().unwrap_err().to_string(), "expected one of: text, json, raw");
        assert!("unknown".parse::<Role>().is_err());
    }
}
