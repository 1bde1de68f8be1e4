//! Queues and users, all conversations of which are followed.

use crate::cli::TargetArgs;

use super::SourceChoice;
use super::error::Problems;
use super::id;

/// Whose conversations are followed, besides those that are named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Targets {
    /// The ids of queues, each once, in the order they were named.
    pub queues: Vec<String>,
    /// The ids of users, each once, in the order they were named.
    pub users: Vec<String>,
}

impl Targets {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queues.is_empty() && self.users.is_empty()
    }
}

/// Whether there is a queue or a user on the command line, usable or not.
pub(super) fn are_named(args: &TargetArgs) -> bool {
    words(&args.queues).chain(words(&args.users)).next().is_some()
}

pub(super) fn resolve(args: &TargetArgs, problems: &mut Problems) -> Targets {
    let mut groups = Targets::default();
    words(&args.queues).for_each(|word| id::add("--queue", word, id::QUEUE, &mut groups.queues, problems));
    words(&args.users).for_each(|word| id::add("--user", word, id::USER, &mut groups.users, problems));
    groups
}

/// The wire to ask: what queues and users are about comes over one of them only.
pub(super) fn source(args: &TargetArgs, problems: &mut Problems) -> SourceChoice {
    if !are_named(args) {
        return args.source;
    }
    if args.source == SourceChoice::Transcript {
        problems.contradictory("--source transcript cannot follow a queue or a user; notifications can");
    }
    SourceChoice::Notifications
}

fn words(typed: &[String]) -> impl Iterator<Item = &str> {
    typed.iter().map(|word| word.trim()).filter(|word| !word.is_empty())
}
