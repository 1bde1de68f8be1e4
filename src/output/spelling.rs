//! What becomes of hostile characters and of line breaks in a text line.

use super::escape::{push_escaped, push_indented};
use crate::config::{Multiline, Style};

/// How strings from the network are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    /// Everything dangerous is spelled out.
    Escaped,
    /// Line breaks in the words are continuation lines, everything else dangerous is spelled out.
    Indented,
    /// As they came.
    Raw,
}

impl Spelling {
    pub(super) fn of(style: &Style) -> Self {
        match (style.raw_control, style.multiline) {
            (true, _) => Self::Raw,
            (false, Multiline::Indent) => Self::Indented,
            (false, Multiline::Escape) => Self::Escaped,
        }
    }

    /// Appends a name, which never takes more than its line unless nothing is escaped.
    pub(super) fn push_name(self, out: &mut Vec<u8>, name: &str) {
        match self {
            Self::Escaped | Self::Indented => push_escaped(out, name),
            Self::Raw => out.extend_from_slice(name.as_bytes()),
        }
    }

    /// Appends what somebody said.
    pub(super) fn push_words(self, out: &mut Vec<u8>, words: &str) {
        match self {
            Self::Escaped => push_escaped(out, words),
            Self::Indented => push_indented(out, words),
            Self::Raw => out.extend_from_slice(words.as_bytes()),
        }
    }

    /// The stretches of `words` that end with a line break that is written as one.
    pub(super) fn lines(self, words: &str) -> impl Iterator<Item = &str> {
        let breaks = self != Self::Escaped;
        words.split_inclusive(move |character| breaks && character == '\n')
    }
}
