//! Resolves the source of messages, and the conversations, queues and users to follow.

use crate::cli::TargetArgs;
use crate::config::{SourceChoice, Targets};

use super::arguments::{Argument, Kind, has_queue_or_user};
use super::ids::{self, IdRule};
use super::problems::Problems;

/// The conversations, and the queues and users.
pub(super) struct Followed {
    /// The ids of the conversations, each once, in the order they were given.
    pub(super) conversations: Vec<String>,
    pub(super) targets: Targets,
}

/// Checks the ids of all arguments.
pub(super) fn resolve(arguments: &[Argument], rule: IdRule, problems: &mut Problems) -> Followed {
    let mut of_kind = |kind| ids::of_kind(kind, arguments, rule, problems);
    Followed {
        conversations: of_kind(Kind::Conversation),
        targets: Targets { queues: of_kind(Kind::Queue), users: of_kind(Kind::User) },
    }
}

/// Resolves the source of messages. Conversations of queues and users are announced by notifications only.
pub(super) fn source(args: &TargetArgs, problems: &mut Problems) -> SourceChoice {
    if !has_queue_or_user(args) {
        return args.source;
    }
    if args.source == SourceChoice::Transcript {
        problems.contradictory("--source transcript cannot be used with --queue or --user; use notifications");
    }
    SourceChoice::Notifications
}
