//! Scripts: conversations written as text.
//!
//! ```text
//! # A comment. A line is [+SECONDS] and then the action; without a number the pause is one second.
//! customer Ada: Hello, I was charged twice
//! +1.5 bot Quill: What is it about?
//!     ? Billing | Delivery
//! +0.5 system Sam: joined
//! agent Sam: Hi Ada,
//!     | I am looking at it now.
//! customer: here
//!     @ invoice.png image/png 48213
//! update queue=Billing status=connected
//! join agent Noor
//! leave agent Sam
//! close
//! ```
//!
//! A speaker joins with the first line and needs no `join`. `alert agent NAME` lets an agent's phone ring first,
//! `transfer agent NAME` replaces the current agents, `park` and `resume` put a conversation on hold, and
//! `update queue=NAME` moves it to that queue. Without a bot the customer is in a queue from the start. A message of
//! `acd`, `api`, `botflow`, `campaign`, `external`, `ivr` or `voicemail` names no author, like those of the service.
//!
//! Everything else is JSON of the service: `    & {…}` below a message adds a part to its content, and `    = {…}` members to
//! its body.
//!
//! A script that begins with `call` is a phone call. Its lines are transcribed; `    ~ text` below a line is a partial
//! transcript before the final one, and `keep-alive` is the status that the service sends while the call is silent.
//! One that begins with `email` is an e-mail, whose text the service does not pass on. After `begin` as the first action, the
//! conversation is unknown to the service until then. A line `---` separates the conversations of a script.
//!
//! `\n \r \t \e \\ \u{202e}` are escapes in texts, and `{n}` is the number of the message. `repeat` plays the
//! lines above it endlessly; `repeat 1000` continues below it after 1,000 lines. Without `close` the conversation stays
//! open after its last line.

mod parse;
mod steps;

use std::path::Path;
use std::str::FromStr;
use std::{fs, io};

use thiserror::Error;

use parse::ParsedScript;
pub(crate) use parse::parse_step;
use steps::Repeat;
pub(crate) use steps::{Action, Attachment, MessageLine, Speaker, Step};

const BUILT_IN: [(&str, &str); 8] = [
    ("demo", include_str!("../scripts/demo.txt")),
    ("billing", include_str!("../scripts/billing.txt")),
    ("flood", include_str!("../scripts/flood.txt")),
    ("call", include_str!("../scripts/call.txt")),
    ("quiet", include_str!("../scripts/quiet.txt")),
    ("content", include_str!("../scripts/content.txt")),
    ("email", include_str!("../scripts/email.txt")),
    ("queue", include_str!("../scripts/queue.txt")),
];

/// A scripted conversation, parsed from text or built in.
#[derive(Debug, Clone, PartialEq)]
pub struct Script {
    steps: Vec<Step>,
    repeat: Option<Repeat>,
}

/// A script that cannot be used.
#[derive(Debug, Error)]
pub enum ScriptError {
    /// A line that cannot be parsed.
    #[error("line {line}: {reason}")]
    Syntax {
        /// The line number, counted from 1.
        line: usize,
        /// The reason.
        reason: String,
    },
    /// A file that cannot be parsed.
    #[error("'{name}': {error}")]
    InFile {
        /// The path of the file.
        name: String,
        /// The error in its text.
        error: Box<ScriptError>,
    },
    /// Neither a built-in script nor a readable file.
    #[error("'{name}': {}", describe(source))]
    NotFound {
        /// The requested name.
        name: String,
        /// The error of reading the file.
        source: io::Error,
    },
}

impl ScriptError {
    /// Returns the next step.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Syntax { .. } | Self::InFile { .. } => "see the format of scripts in genesys-tail help simulator",
            Self::NotFound { .. } => {
                "name a file or a built-in script: demo, billing, queue, flood, flood:N, call, quiet, content or email"
            }
        }
    }
}

fn describe(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file".to_owned(),
        io::ErrorKind::IsADirectory => "not a file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::InvalidData => "not UTF-8".to_owned(),
        _ => error.to_string(),
    }
}

impl Script {
    /// Returns the built-in script of that name; `flood:N` ends after N messages. Of several conversations, it is the first.
    #[must_use]
    pub fn built_in(name: &str) -> Option<Self> {
        Self::all_built_in(name)?.into_iter().next()
    }

    fn all_built_in(name: &str) -> Option<Vec<Self>> {
        let (name, lines) = match name.split_once(':') {
            Some((name @ "flood", lines)) => (name, Some(lines.parse().ok()?)),
            _ => (name, None),
        };
        let (_, text) = BUILT_IN.iter().find(|(known, _)| *known == name)?;
        // A test ensures that each of them parses.
        let mut scripts = Self::parse_all(text).ok()?;
        for repeat in scripts.iter_mut().filter_map(|script| script.repeat.as_mut()) {
            repeat.lines = lines;
        }
        Some(scripts)
    }

    fn parse_all(text: &str) -> Result<Vec<Self>, ScriptError> {
        let parsed = parse::parse_scripts(text);
        let parsed = parsed.map_err(|error| ScriptError::Syntax { line: error.line, reason: error.reason })?;
        Ok(parsed.into_iter().map(|ParsedScript { steps, repeat }| Self { steps, repeat }).collect())
    }

    /// Returns the names of the built-in scripts.
    #[must_use]
    pub fn built_in_names() -> Vec<&'static str> {
        BUILT_IN.iter().map(|(name, _)| *name).collect()
    }

    /// Returns the conversations of the built-in script of that name, or else of the file at that path. There is at least one.
    ///
    /// # Errors
    ///
    /// There is neither, or a line of the file cannot be parsed.
    pub fn load(name: &str) -> Result<Vec<Self>, ScriptError> {
        if let Some(scripts) = Self::all_built_in(name) {
            return Ok(scripts);
        }
        let text = fs::read_to_string(name).map_err(|error| {
            // Windows denies to open a folder.
            let source = if Path::new(name).is_dir() { io::ErrorKind::IsADirectory.into() } else { error };
            ScriptError::NotFound { name: name.to_owned(), source }
        })?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        Self::parse_all(text).map_err(|error| ScriptError::InFile { name: name.to_owned(), error: Box::new(error) })
    }

    /// Returns every step in playing order; endless for an endless script.
    pub(crate) fn playback(&self) -> impl Iterator<Item = &Step> {
        let repeat = self.repeat.unwrap_or(Repeat { steps: 0, lines: None });
        let (repeated, once) = self.steps.split_at(repeat.steps);
        repeated.iter().cycle().take(repeat.lines.unwrap_or(usize::MAX)).chain(once)
    }

    pub(crate) fn customers(&self) -> Vec<String> {
        self.names_of(Speaker::Customer)
    }

    pub(crate) fn agents(&self) -> Vec<String> {
        self.names_of(Speaker::Agent)
    }

    /// Returns the queues that the conversation enters, in order.
    pub(crate) fn queues(&self) -> Vec<String> {
        self.steps.iter().filter_map(|step| step.action.queue()).map(str::to_owned).collect()
    }

    pub(crate) fn is_call(&self) -> bool {
        self.medium() == Some(&Action::Call)
    }

    pub(crate) fn is_email(&self) -> bool {
        self.medium() == Some(&Action::Email)
    }

    /// Returns whether the conversation is unknown until its first action.
    pub(crate) fn begins_later(&self) -> bool {
        self.steps.first().is_some_and(|step| step.action == Action::Begin)
    }

    /// Returns the first action besides the beginning.
    fn medium(&self) -> Option<&Action> {
        self.steps.iter().map(|step| &step.action).find(|action| **action != Action::Begin)
    }

    /// Returns whether a bot receives the customer, rather than a queue.
    pub(crate) fn begins_with_bot(&self) -> bool {
        let receiver = self.steps.iter().find_map(|step| match &step.action {
            Action::Message(MessageLine { speaker: Speaker::Automatic("botflow" | "ivr"), .. }) => Some(Speaker::Bot),
            Action::Message(MessageLine { speaker: speaker @ (Speaker::Bot | Speaker::Agent), .. }) => Some(*speaker),
            Action::Join { speaker, .. } => Some(*speaker),
            Action::Alert(_) | Action::Transfer(_) => Some(Speaker::Agent),
            action if action.queue().is_some() => Some(Speaker::Agent),
            _ => None,
        });
        receiver == Some(Speaker::Bot)
    }

    fn names_of(&self, wanted: Speaker) -> Vec<String> {
        let name = |step: &Step| match &step.action {
            Action::Message(MessageLine { speaker, name, .. }) | Action::Join { speaker, name }
                if *speaker == wanted =>
            {
                Some(name.clone())
            }
            Action::Alert(name) | Action::Transfer(name) if wanted == Speaker::Agent => Some(name.clone()),
            _ => None,
        };
        self.steps.iter().filter_map(name).collect()
    }
}

/// Parses the first conversation of a script.
impl FromStr for Script {
    type Err = ScriptError;

    fn from_str(text: &str) -> Result<Self, ScriptError> {
        Ok(Self::parse_all(text)?.remove(0))
    }
}

/// The `demo` script.
impl Default for Script {
    fn default() -> Self {
        BUILT_IN[0].1.parse().expect("a test ensures that it parses")
    }
}

#[cfg(test)]
mod tests;
