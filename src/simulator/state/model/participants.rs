//! Speaker takes part, and ids that follow from names.

use chrono::{DateTime, Utc};
use serde::Serialize;

/// Somebody or something with an id and a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct NamedEntity {
    pub(crate) id: String,
    pub(crate) name: String,
}

/// The user with that name: the same in every conversation.
pub(crate) fn person(name: &str) -> NamedEntity {
    NamedEntity { id: uuid(&format!("user {name}")), name: name.to_owned() }
}

/// The queue with that name.
pub(crate) fn queue(name: &str) -> NamedEntity {
    NamedEntity { id: uuid(&format!("queue {name}")), name: name.to_owned() }
}

/// The same words, the same id.
pub(crate) fn uuid(words: &str) -> String {
    // FNV-1a: short, and its result is the same for ever.
    let hash = words
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let mut random = fastrand::Rng::with_seed(hash);
    let [a, b] = [random.u64(..), random.u64(..)];
    let groups = (a >> 32, (a >> 16) & 0xffff, a & 0xfff, (b >> 48) & 0x3fff | 0x8000, b & 0xffff_ffff_ffff);
    format!("{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}", groups.0, groups.1, groups.2, groups.3, groups.4)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Customer,
    Agent,
    Bot,
    Acd,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Alerting,
    Connected,
    Parked,
    Gone,
}

#[derive(Debug)]
pub(super) struct Participant {
    pub(super) id: String,
    pub(super) communication: String,
    pub(super) purpose: Purpose,
    pub(super) name: String,
    pub(super) user: Option<NamedEntity>,
    pub(super) queue: Option<NamedEntity>,
    pub(super) state: State,
    pub(super) initial: State,
    pub(super) started: DateTime<Utc>,
    pub(super) connected: Option<DateTime<Utc>>,
    /// When it ended, and how.
    pub(super) ended: Option<(DateTime<Utc>, &'static str)>,
    pub(super) parked: Option<DateTime<Utc>>,
    /// Subscribers of its user and queue have heard that it ended, and hear no more.
    pub(super) end_is_known: bool,
}

impl Participant {
    pub(super) fn is_present(&self) -> bool {
        self.state != State::Gone
    }

    /// An empty name is anybody's.
    pub(super) fn is(&self, purpose: Purpose, name: &str) -> bool {
        self.purpose == purpose && (name.is_empty() || self.name == name)
    }

    pub(super) fn end(&mut self, how: &'static str, now: DateTime<Utc>) {
        self.state = State::Gone;
        self.ended = Some((now, how));
    }

    /// What it is called on the wire.
    pub(super) fn purpose(&self, is_call: bool) -> &'static str {
        match self.purpose {
            Purpose::Customer => "customer",
            Purpose::Agent => "agent",
            Purpose::Bot if is_call => "ivr",
            Purpose::Bot => "workflow",
            Purpose::Acd => "acd",
        }
    }

    /// A queue that is done with is terminated, at least where participants are flat.
    pub(super) fn flat_state(&self) -> &'static str {
        match (self.state, self.purpose) {
            (State::Gone, Purpose::Acd) => "terminated",
            (state, _) => state.name(),
        }
    }
}

impl State {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Alerting => "alerting",
            Self::Connected => "connected",
            Self::Parked => "parked",
            Self::Gone => "disconnected",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_from_names() {
        assert_eq!(person("Sam"), person("Sam"));
        assert_ne!(person("Sam").id, queue("Sam").id);
        let id = person("Sam").id;
        let lengths: Vec<_> = id.split('-').map(str::len).collect();
        assert_eq!((lengths, &id[14..15]), (vec![8, 4, 4, 4, 12], "4"));
    }
}
