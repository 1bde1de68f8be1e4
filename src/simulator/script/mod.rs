//! What happens in a conversation, as a text that people write.
//!
//! ```text
//! # A comment. A line is [+SECONDS] and then what happens; a second passes where nothing is said.
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
//! People need no `join`: whoever speaks is there. `alert agent NAME` lets one's phone ring first, `transfer agent NAME`
//! takes over from whoever serves the customer, `park` and `resume` put a conversation aside, and `update queue=NAME` brings
//! it to that queue. Without a bot the customer is in a queue from the start. A script that begins with `call` is a
//! phone call: its lines are heard, `    ~ words` below one is what was understood before it was final, and `keep-alive`
//! is what the service says when nobody speaks.
//!
//! `\n \r \t \e \\ \u{202e}` work in texts, `{n}` is the running number of the line. `repeat` plays the lines above it
//! over and over, `repeat 1000` until 1,000 lines were played, and then goes on. Without `close` the conversation
//! stays open when its script is over.

mod parse;

use std::path::Path;
use std::time::Duration;
use std::{fs, io};

use thiserror::Error;

pub(crate) use parse::step;

const BUILT_IN: [(&str, &str); 5] = [
    ("demo", include_str!("../scripts/demo.txt")),
    ("billing", include_str!("../scripts/billing.txt")),
    ("flood", include_str!("../scripts/flood.txt")),
    ("call", include_str!("../scripts/call.txt")),
    ("quiet", include_str!("../scripts/quiet.txt")),
];

/// What happens in a conversation; parsed from text, or one of the built-in ones.
#[derive(Debug, Clone, PartialEq)]
pub struct Script {
    steps: Vec<Step>,
    repeat: Option<Repeat>,
}

/// The first `steps` of a script are played over and over, until `lines` were played where that is given.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Repeat {
    steps: usize,
    lines: Option<usize>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Step {
    /// Time since the step before.
    pub(crate) pause: Duration,
    pub(crate) act: Action,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Action {
    Say(Line),
    Update(Vec<(String, String)>),
    Join(Speaker, String),
    Alert(String),
    Leave(Speaker, String),
    Transfer(String),
    Park,
    Resume,
    Call,
    KeepAlive,
    Close,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    pub(crate) who: Speaker,
    /// Empty where the script gives no name.
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) replies: Vec<String>,
    pub(crate) files: Vec<Attachment>,
    /// What was understood of a spoken line before it was final.
    pub(crate) partials: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaker {
    Customer,
    Agent,
    Bot,
    System,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Attachment {
    pub(crate) name: String,
    pub(crate) mime: String,
    pub(crate) size: u64,
}

/// A script that cannot be used.
#[derive(Debug, Error)]
pub enum ScriptError {
    /// A line that is no line of a script.
    #[error("line {line}: {what}")]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        what: String,
    },
    /// Neither a built-in script nor a file that can be read.
    #[error("'{name}' is none of the built-in scripts ({names}) and no file that can be read", names = Script::built_in_names().join(", "))]
    NotFound {
        /// What was asked for.
        name: String,
        /// Why the file could not be read.
        source: io::Error,
    },
}

impl Script {
    /// The built-in script of that name; `flood:N` ends after N messages.
    #[must_use]
    pub fn built_in(name: &str) -> Option<Self> {
        let (name, lines) = match name.split_once(':') {
            Some((name @ "flood", lines)) => (name, Some(lines.parse().ok()?)),
            _ => (name, None),
        };
        let (_, text) = BUILT_IN.iter().find(|(known, _)| *known == name)?;
        // A test holds that every one of them parses.
        let mut script: Self = text.parse().ok()?;
        if let Some(repeat) = script.repeat.as_mut() {
            repeat.lines = lines;
        }
        Some(script)
    }

    /// The names of the built-in scripts.
    #[must_use]
    pub fn built_in_names() -> Vec<&'static str> {
        BUILT_IN.iter().map(|(name, _)| *name).collect()
    }

    /// The built-in script of that name, else the file at that path.
    ///
    /// # Errors
    ///
    /// There is neither, or a line of the file makes no sense.
    pub fn load(name: &str) -> Result<Self, ScriptError> {
        if let Some(script) = Self::built_in(name) {
            return Ok(script);
        }
        fs::read_to_string(Path::new(name))
            .map_err(|source| ScriptError::NotFound { name: name.to_owned(), source })?
            .parse()
    }

    /// The names its customers have.
    pub(crate) fn customers(&self) -> Vec<String> {
        self.names_of(Speaker::Customer)
    }

    /// The names its agents have.
    pub(crate) fn agents(&self) -> Vec<String> {
        self.names_of(Speaker::Agent)
    }

    /// The queues it comes to, in order.
    pub(crate) fn queues(&self) -> Vec<String> {
        let queue = |step: &Step| match &step.act {
            Action::Update(changes) => changes.iter().find(|(key, _)| key == "queue").map(|(_, name)| name.clone()),
            _ => None,
        };
        self.steps.iter().filter_map(queue).collect()
    }

    /// Whether it is a phone call.
    pub(crate) fn is_call(&self) -> bool {
        matches!(self.steps.first(), Some(Step { act: Action::Call, .. }))
    }

    /// Whether a bot receives the customer, rather than a queue.
    pub(crate) fn begins_with_a_bot(&self) -> bool {
        let host = self.steps.iter().find_map(|step| match &step.act {
            Action::Say(Line { who: who @ (Speaker::Bot | Speaker::Agent), .. }) | Action::Join(who, _) => Some(*who),
            Action::Alert(_) | Action::Transfer(_) => Some(Speaker::Agent),
            Action::Update(changes) if changes.iter().any(|(key, _)| key == "queue") => Some(Speaker::Agent),
            _ => None,
        });
        host == Some(Speaker::Bot)
    }

    fn names_of(&self, wanted: Speaker) -> Vec<String> {
        let name = |step: &Step| match &step.act {
            Action::Say(Line { who, name, .. }) | Action::Join(who, name) if *who == wanted => Some(name.clone()),
            Action::Alert(name) | Action::Transfer(name) if wanted == Speaker::Agent => Some(name.clone()),
            _ => None,
        };
        self.steps.iter().filter_map(name).collect()
    }

    /// Every step in the order of playing; endless where the script is.
    pub(crate) fn play(&self) -> impl Iterator<Item = &Step> {
        let repeat = self.repeat.unwrap_or(Repeat { steps: 0, lines: None });
        let (again, once) = self.steps.split_at(repeat.steps);
        again.iter().cycle().take(repeat.lines.unwrap_or(usize::MAX)).chain(once)
    }
}

/// The `demo` script.
impl Default for Script {
    fn default() -> Self {
        BUILT_IN[0].1.parse().expect("a test holds that it parses")
    }
}
