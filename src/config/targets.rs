//! Queues and users whose conversations are followed, and the form of ids.

use std::fmt;

/// The maximum length of an id in bytes.
const MAX_ID_LENGTH: usize = 128;

/// The media of the conversations of queues and users that are followed: `--media`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FollowedMedia {
    pub(crate) messages: bool,
    pub(crate) calls: bool,
}

impl Default for FollowedMedia {
    fn default() -> Self {
        Self { messages: true, calls: true }
    }
}

/// Queues and users. Their conversations are followed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Targets {
    /// The ids of queues, each once, in the order they were given.
    pub(crate) queues: Vec<String>,
    /// The ids of users, each once, in the order they were given.
    pub(crate) users: Vec<String>,
    pub(crate) media: FollowedMedia,
}

impl Targets {
    pub(crate) fn is_empty(&self) -> bool {
        self.queues.is_empty() && self.users.is_empty()
    }

    /// Returns all of them: the queues, then the users.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Target> {
        let queues = self.queues.iter().cloned().map(Target::Queue);
        queues.chain(self.users.iter().cloned().map(Target::User))
    }

    /// Returns the ids of these targets, each once, in their order.
    pub(crate) fn of(named: &[NamedTarget]) -> Self {
        let mut targets = Self::default();
        for NamedTarget { target, .. } in named {
            let (ids, id) = match target {
                Target::Queue(id) => (&mut targets.queues, id),
                Target::User(id) => (&mut targets.users, id),
            };
            if !ids.contains(id) {
                ids.push(id.clone());
            }
        }
        targets
    }
}

/// A queue or a user, by id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    Queue(String),
    User(String),
}

/// The two kinds of targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum TargetKind {
    Queue,
    User,
}

impl TargetKind {
    /// Returns the noun, which is also the name of the flag.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::User => "user",
        }
    }

    /// Returns the target of this kind with an id.
    pub(crate) fn with_id(self, id: String) -> Target {
        match self {
            Self::Queue => Target::Queue(id),
            Self::User => Target::User(id),
        }
    }
}

/// A queue or a user as the command line names it (TGT-7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TargetQuery {
    pub(crate) kind: TargetKind,
    pub(crate) key: TargetKey,
}

/// An id, or a name that has to be looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TargetKey {
    Id(String),
    /// The name, or the e-mail address of a user.
    Name(String),
}

impl fmt::Display for TargetQuery {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key {
            TargetKey::Id(id) => write!(formatter, "{} {id}", self.kind.noun()),
            TargetKey::Name(name) => write!(formatter, "{} '{name}'", self.kind.noun()),
        }
    }
}

/// A queue or a user that was looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamedTarget {
    pub(crate) target: Target,
    /// `None` if it is not available.
    pub(crate) name: Option<String>,
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Queue(id) => write!(formatter, "queue {id}"),
            Self::User(id) => write!(formatter, "user {id}"),
        }
    }
}

/// Returns whether `id` can be a segment of a URL path: 1 to 128 ASCII letters, digits, `.`, `_` or `-`, without a
/// leading dot. Applies to ids from the user and from the network
/// (TGT-2).
pub(crate) fn is_valid_id(id: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=MAX_ID_LENGTH).contains(&id.len()) && !id.starts_with('.') && id.bytes().all(is_allowed)
}
