//! Resolves the source of messages, and the conversations, queues and users to follow.

use crate::cli::{MediaArgs, TargetArgs};
use crate::config::{FollowedMedia, Medium, SourceChoice, TargetKey, TargetKind, TargetQuery};

use super::arguments::{Argument, Kind, has_queue_or_user};
use super::ids::{self, IdRule};
use super::problems::{Problem, Problems};

/// The conversations, and the queues and users.
pub(super) struct Followed {
    /// The ids of the conversations, each once, in the order they were given.
    pub(super) conversations: Vec<String>,
    /// The queues, then the users, each once, in the order they were given.
    pub(super) targets: Vec<TargetQuery>,
}

/// Checks the ids of all arguments.
pub(super) fn resolve(arguments: &[Argument], rule: IdRule, problems: &mut Problems) -> Followed {
    Followed {
        conversations: ids::of_conversations(arguments, rule, problems),
        targets: queries(arguments, rule, problems),
    }
}

/// Returns the queues, then the users. A name is looked up when the run begins.
pub(super) fn queries(arguments: &[Argument], rule: IdRule, problems: &mut Problems) -> Vec<TargetQuery> {
    let mut queries = Vec::new();
    for (argument_kind, kind) in [(Kind::Queue, TargetKind::Queue), (Kind::User, TargetKind::User)] {
        for argument in arguments.iter().filter(|argument| argument.kind == argument_kind) {
            match key(argument, rule).map(|key| TargetQuery { kind, key }) {
                Ok(query) if queries.contains(&query) => {}
                Ok(query) => queries.push(query),
                Err(reason) => problems.add(Problem::Unusable { setting: argument.setting.clone(), reason }),
            }
        }
    }
    queries
}

/// Returns the id in a UUID or an admin URL, else the name (TGT-7).
fn key(argument: &Argument, rule: IdRule) -> Result<TargetKey, String> {
    let Argument { value, kind, .. } = argument;
    if ids::is_uuid(value) || ids::is_url(value) {
        return ids::find_id(value, *kind, rule).map(TargetKey::Id);
    }
    // The value of curl's --user holds a password and must not be shown.
    if *kind == Kind::User && value.contains(':') {
        return Err("not a user: contains a colon".to_owned());
    }
    Ok(TargetKey::Name(value.clone()))
}

/// Resolves the source of messages. Conversations of queues, users and an event stream are followed by notifications only.
pub(super) fn source(args: &TargetArgs, has_stream: bool, problems: &mut Problems) -> SourceChoice {
    let targets = match (has_queue_or_user(args), has_stream) {
        (true, _) => "--queue or --user",
        (false, true) => "--events",
        (false, false) => return args.source,
    };
    if args.source == SourceChoice::Transcript {
        problems.contradictory(format!("--source transcript cannot be used with {targets}; use notifications"));
    }
    SourceChoice::Notifications
}

/// Resolves the media of queues, users and an event stream.
pub(super) fn media(args: &MediaArgs, target: &TargetArgs, has_stream: bool, problems: &mut Problems) -> FollowedMedia {
    if args.media.is_empty() {
        return FollowedMedia::default();
    }
    if !has_queue_or_user(target) && !has_stream {
        problems.contradictory("--media needs --queue, --user or --events");
    }
    FollowedMedia { messages: args.media.contains(&Medium::Message), calls: args.media.contains(&Medium::Call) }
}
