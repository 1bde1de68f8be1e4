//! The search for open conversations of the followed queues and users (TGT-10).
//!
//! Two requests find them. The observations of queues list what is open in a queue now, whatever its age, in one request,
//! but perhaps not every parked conversation, and only a part of a very long list. The rows of the details query list what
//! started within a month, newest first, 100 a page, and are the only ones for users. The first search uses both, as far as
//! they are permitted: 11 requests for 1,000 conversations.
//!
//! After that, notifications tell of new conversations, and of each again with its next message. A search is repeated where
//! they cannot be trusted: after each new socket, which pushes nothing that happened before, after the topics of a queue or
//! user were added late, and every minute while one of these topics is refused. Otherwise a repeat every ten minutes is
//! enough: it finds what a lost notification told. A repeat costs one request for queues and one for users: observations
//! come in one piece, and rows are read until a page holds known conversations only.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::MAX_CONVERSATIONS;
use super::protocol::DiscoveryQuery;
use crate::config::{Target, Targets};
use crate::wire::open_conversations::{OpenConversation, ROWS_PER_PAGE};

/// The period of the search while topics of the queues and users are missing.
const UNANNOUNCED_PERIOD: Duration = Duration::from_secs(60);

/// The period of the search while notifications announce new conversations.
const ANNOUNCED_PERIOD: Duration = Duration::from_secs(600);

/// The permission for a kind of search.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Access {
    #[default]
    Unknown,
    Granted,
    Denied,
}

#[derive(Debug)]
enum Phase {
    /// No queue or user is followed, or no search is permitted.
    Disabled,
    /// This request of a search is due at this time.
    Due {
        search: DiscoveryQuery,
        at: Instant,
    },
    InFlight,
}

/// The kinds of targets to search for.
#[derive(Debug)]
struct FollowedKinds {
    queues: bool,
    users: bool,
}

/// The state of the search.
#[derive(Debug)]
pub(super) struct Discovery {
    phase: Phase,
    kinds: FollowedKinds,
    observations: Access,
    rows: Access,
    /// The reasons of the service, for each kind of search that it denies.
    denials: Vec<String>,
    has_searched: bool,
    /// A socket was opened during the search.
    is_outdated: bool,
    /// The conversations that the first search has found so far, and their targets.
    found: HashMap<String, Vec<Target>>,
}

/// A target whose open conversations were searched for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SearchedTarget {
    pub(super) target: Target,
    /// The number of its open conversations; `None` if the search is not permitted.
    pub(super) open: Option<usize>,
}

impl Discovery {
    /// Returns the initial state: a search is due if there are targets.
    pub(super) fn new(targets: &Targets, now: Instant) -> Self {
        let mut discovery = Self {
            phase: Phase::Disabled,
            kinds: FollowedKinds { queues: !targets.queues.is_empty(), users: !targets.users.is_empty() },
            observations: Access::default(),
            rows: Access::default(),
            denials: Vec::new(),
            has_searched: false,
            is_outdated: false,
            found: HashMap::new(),
        };
        discovery.schedule(now);
        discovery
    }

    /// Returns when the next request is due.
    pub(super) fn next_at(&self) -> Option<Instant> {
        match self.phase {
            Phase::Due { at, .. } => Some(at),
            Phase::Disabled | Phase::InFlight => None,
        }
    }

    /// Starts the next request if it is due.
    pub(super) fn start(&mut self, now: Instant) -> Option<DiscoveryQuery> {
        let Phase::Due { search, at } = self.phase else { return None };
        if at > now {
            return None;
        }
        self.phase = Phase::InFlight;
        Some(search)
    }

    /// Schedules a search at once, after a time without notifications.
    pub(super) fn restart(&mut self, now: Instant) {
        match self.phase {
            Phase::Disabled => {}
            Phase::Due { .. } => self.schedule(now),
            Phase::InFlight => self.is_outdated = true,
        }
    }

    /// Records what a request has found. With `is_complete`, no other page, and no other kind of search, has more of it;
    /// with `has_new`, some of it was unknown and is followed now. Returns whether the search is over.
    pub(super) fn on_found(&mut self, search: DiscoveryQuery, is_complete: bool, has_new: bool, now: Instant) -> bool {
        *self.access(search) = Access::Granted;
        let next = match search {
            DiscoveryQuery::Observations => self.first_page(is_complete),
            DiscoveryQuery::Rows { page } => {
                let is_wanted = !is_complete && (has_new || !self.has_searched);
                (is_wanted && page < MAX_CONVERSATIONS / ROWS_PER_PAGE)
                    .then_some(DiscoveryQuery::Rows { page: page + 1 })
            }
        };
        self.proceed(next, now)
    }

    /// Adds what the first search has found.
    pub(super) fn count(&mut self, conversations: &[OpenConversation], targets: &Targets) {
        if self.has_searched {
            return;
        }
        for OpenConversation { id, queues, users } in conversations {
            let is_of = |target: &Target| match target {
                Target::Queue(queue) => queues.iter().any(|id| id.eq_ignore_ascii_case(queue)),
                Target::User(user) => users.iter().any(|id| id.eq_ignore_ascii_case(user)),
            };
            let known = self.found.entry(id.clone()).or_default();
            let new: Vec<Target> = targets.iter().filter(|target| is_of(target) && !known.contains(target)).collect();
            known.extend(new);
        }
    }

    /// Records that the service denies a kind of search. Returns whether the search is over.
    pub(super) fn on_denied(&mut self, search: DiscoveryQuery, reason: String, now: Instant) -> bool {
        *self.access(search) = Access::Denied;
        if !self.denials.contains(&reason) {
            self.denials.push(reason);
        }
        self.skip(search, now)
    }

    /// Leaves out the rest of a kind of search, which the service refuses. Returns whether the search is over.
    pub(super) fn skip(&mut self, search: DiscoveryQuery, now: Instant) -> bool {
        let next = match search {
            DiscoveryQuery::Observations => self.first_page(false),
            DiscoveryQuery::Rows { .. } => None,
        };
        self.proceed(next, now)
    }

    /// Repeats a request at once after a failure.
    pub(super) fn retry(&mut self, search: DiscoveryQuery, now: Instant) {
        self.phase = Phase::Due { search, at: now };
    }

    /// Completes a search and schedules the next one. Returns the targets after the first search, which is over.
    pub(super) fn complete(&mut self, targets: &Targets, is_announced: bool, now: Instant) -> Vec<SearchedTarget> {
        let period = if is_announced { ANNOUNCED_PERIOD } else { UNANNOUNCED_PERIOD };
        let is_outdated = std::mem::take(&mut self.is_outdated);
        self.schedule(if is_outdated { now } else { now + period });
        if std::mem::replace(&mut self.has_searched, true) {
            return Vec::new();
        }
        let found = std::mem::take(&mut self.found);
        let count = |target: &Target| found.values().filter(|of| of.contains(target)).count();
        let searched = |target: Target| {
            let open = self.is_searchable(&target).then(|| count(&target));
            SearchedTarget { target, open }
        };
        targets.iter().map(searched).collect()
    }

    /// Returns whether the first search is over, or there is none.
    pub(super) fn has_searched(&self) -> bool {
        self.has_searched || matches!(self.phase, Phase::Disabled)
    }

    /// Returns whether a conversation that is found now is new.
    pub(super) fn finds_new_ones(&self) -> bool {
        self.has_searched
    }

    /// Returns whether a kind of search has succeeded.
    pub(super) fn has_succeeded(&self, search: DiscoveryQuery) -> bool {
        self.access_of(search) == Access::Granted
    }

    /// Returns the reasons of the service for what it denies.
    pub(super) fn denials(&self) -> String {
        self.denials.join("; ")
    }

    /// Returns whether the search finds conversations of this target.
    fn is_searchable(&self, target: &Target) -> bool {
        let is_observed = matches!(target, Target::Queue(_)) && self.observations == Access::Granted;
        is_observed || self.rows == Access::Granted
    }

    fn access(&mut self, search: DiscoveryQuery) -> &mut Access {
        match search {
            DiscoveryQuery::Observations => &mut self.observations,
            DiscoveryQuery::Rows { .. } => &mut self.rows,
        }
    }

    fn access_of(&self, search: DiscoveryQuery) -> Access {
        match search {
            DiscoveryQuery::Observations => self.observations,
            DiscoveryQuery::Rows { .. } => self.rows,
        }
    }

    /// Schedules a search, if one is permitted.
    fn schedule(&mut self, at: Instant) {
        let first = if self.kinds.queues && self.observations != Access::Denied {
            Some(DiscoveryQuery::Observations)
        } else {
            self.first_page(false)
        };
        self.phase = first.map_or(Phase::Disabled, |search| Phase::Due { search, at });
    }

    /// Returns the search for rows, if it may find what the observations lack.
    fn first_page(&self, is_observed: bool) -> Option<DiscoveryQuery> {
        let is_wanted = self.kinds.users || (self.kinds.queues && !(is_observed && self.has_searched));
        (is_wanted && self.rows != Access::Denied).then_some(DiscoveryQuery::Rows { page: 1 })
    }

    fn proceed(&mut self, next: Option<DiscoveryQuery>, now: Instant) -> bool {
        let Some(search) = next else { return true };
        self.phase = Phase::Due { search, at: now };
        false
    }
}
