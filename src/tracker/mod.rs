//! Everything about conversations that outlives a connection: what is known of each, the channel, and the requests under
//! way. Both wires read the past through it, and the notifications everything else as well.

pub(crate) mod attribution;
mod channel;
mod conversation;
mod end_detector;
mod jobs;
mod notifications;
mod participants;
mod pauses;
mod pending_messages;
mod poll_timer;
mod responses;
mod schedule;
mod spoken;
mod subscriptions;
mod watches;

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::task::Waker;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::stream::FuturesUnordered;
use tokio::time::Instant;

use self::channel::ChannelState;
use self::conversation::Conversation;
use self::jobs::RequestFuture;
pub(super) use self::jobs::{snapshot, subscribe};
use self::pauses::RestBackoff;
use self::subscriptions::Subscriptions;
use self::watches::Conversations;
use crate::api::calls::SubscribeMode;
use crate::api::oauth::Token;
use crate::api::rest::Rest;
use crate::config::{History, Targets};
use crate::dedup::{BoundedSet, Dedup};
use crate::event::EventBody;
use crate::output::Prefixes;
use crate::source::{BackfillReason, Outage, SourceError, TimedEvent};
use crate::wire::channel::TopicState;

/// What happened long ago by our clock may have happened just now: the clocks of the service and of this machine are taken
/// to be this far apart at most.
const CLOCKS_APART: TimeDelta = TimeDelta::minutes(10);

/// Names of agents that are remembered, and were asked for.
const MOST_NAMES: usize = 10_000;

/// The conversations that are no longer followed, so that a late notification about one does not start it anew. Genesys
/// Cloud mentions a conversation for minutes after its end, not for days.
type RecentlyClosed = BoundedSet<String, 10_000>;

/// How much is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// What was said before the start and during losses; the rest comes over a wire of its own.
    HistoryOnly,
    /// Everything there is to know.
    Full,
}

/// Something for the reader.
#[derive(Debug)]
pub(super) enum Event {
    /// It happened now.
    Live(TimedEvent),
    /// It was read afterwards, all of it and in order.
    Backfill(Vec<TimedEvent>, BackfillReason),
}

/// The desk of a tail.
pub(crate) struct Tracker {
    pub(super) rest: Rest,
    pub(super) line: ChannelState,
    scope: Mode,
    topics: Subscriptions,
    groups: Targets,
    past: History,
    prefixes: Prefixes,
    ledger: Rc<RefCell<Dedup>>,
    watches: Conversations,
    jobs: FuturesUnordered<RequestFuture>,
    names: HashMap<String, Option<String>>,
    out: VecDeque<(String, Event)>,
    pauses: RestBackoff,
    search: Search,
    /// Why they were refused on another wire.
    before: HashMap<String, SourceError>,
    /// Why conversations cannot be followed.
    refused: Vec<SourceError>,
    /// What is followed no more.
    gone: RecentlyClosed,
    finished: usize,
    /// Whether the past cannot be had here; it is not asked for again then.
    denied: bool,
    /// What ends everything.
    fatal: Option<SourceError>,
    /// Why the latest request has to be made again.
    trouble: Option<SourceError>,
    /// Whoever waits for answers, while there is more to ask than was known then.
    waiting: Option<Waker>,
    is_news: bool,
    /// Whether it was said that no more conversations are joined.
    crowded: bool,
    /// Before this no complaint of the service is mentioned again.
    quiet_until: Option<Instant>,
}

/// The search for open conversations of the groups.
#[derive(Debug)]
enum Search {
    /// There are no groups, or it is not permitted.
    Never,
    /// With `again` it has been done before.
    Due {
        at: Instant,
        again: bool,
    },
    UnderWay {
        again: bool,
    },
}

impl Tracker {
    /// A desk for these groups, and for the conversations that will be adopted. `ledger` tells what the reader has already.
    pub(super) fn new(
        rest: Rest,
        scope: Mode,
        groups: Targets,
        past: History,
        prefixes: Prefixes,
        ledger: Rc<RefCell<Dedup>>,
    ) -> Self {
        let search = if groups.is_empty() { Search::Never } else { Search::Due { at: Instant::now(), again: false } };
        Self {
            rest,
            line: ChannelState::default(),
            scope,
            topics: Subscriptions::default(),
            groups,
            past,
            prefixes,
            ledger,
            watches: Conversations::default(),
            jobs: FuturesUnordered::new(),
            names: HashMap::new(),
            out: VecDeque::new(),
            pauses: RestBackoff::new(),
            search,
            before: HashMap::new(),
            refused: Vec::new(),
            gone: RecentlyClosed::default(),
            finished: 0,
            denied: false,
            fatal: None,
            trouble: None,
            waiting: None,
            is_news: false,
            crowded: false,
            quiet_until: None,
        }
    }

    /// A desk for one conversation whose past cannot be had, as it is after the service has said so.
    #[cfg(test)]
    pub(crate) fn without_past(conversation: &str) -> Self {
        let past = History { lines: None, since: None, follow: true };
        let rest = Rest::to_nowhere();
        let mut desk = Self::new(rest, Mode::HistoryOnly, Targets::default(), past, Prefixes::default(), Rc::default());
        desk.adopt(conversation, None);
        desk.denied = true;
        desk.watches.values_mut().for_each(Conversation::despair);
        desk
    }

    /// Follows one more conversation, with as much of its past as the user wants. Where it cannot be followed, what
    /// stood in the way `before` is told as well.
    pub(super) fn adopt(&mut self, id: &str, before: Option<SourceError>) {
        self.before.extend(before.map(|before| (id.to_owned(), before)));
        // A cursor has to know each of those that are passed over.
        let nothing = self.past.lines == Some(0) && !self.ledger.borrow().has_cursor();
        let since = if nothing { Some(DateTime::<Utc>::MAX_UTC) } else { self.past.since };
        self.watch(id, since, BackfillReason::Startup);
        self.fatal = None;
        self.is_news = true;
        self.waiting.take().into_iter().for_each(Waker::wake);
    }

    /// What ends everything, where something does.
    pub(super) fn fatal(&self) -> Option<SourceError> {
        self.fatal.clone()
    }

    /// Why the latest request has to be made again, once. Whoever takes it sees to the wait.
    pub(super) fn take_trouble(&mut self) -> Option<SourceError> {
        let trouble = self.trouble.take()?;
        self.pauses.clear();
        Some(trouble)
    }

    /// Why conversations cannot be followed, one by one. It was reported where there are several.
    pub(super) fn take_refused(&mut self) -> Vec<SourceError> {
        std::mem::take(&mut self.refused)
    }

    /// A conversation of which nothing is known yet, unless one is known: to be looked at before anything else is done.
    pub(super) fn unseen(&self) -> Option<String> {
        let unseen = self.watches.values().find(|watch| !watch.is_seen())?;
        (!self.watches.values().any(Conversation::is_seen)).then(|| unseen.id.clone())
    }

    /// How many conversations are followed.
    pub(super) fn followed(&self) -> usize {
        self.watches.len()
    }

    /// Whether nothing is left to follow.
    pub(super) fn is_done(&self) -> bool {
        self.groups.is_empty() && self.watches.is_empty() && self.out.is_empty()
    }

    /// Whether no conversation goes on, although some may have something left to tell.
    pub(super) fn is_ending(&self) -> bool {
        self.groups.is_empty() && self.watches.values().all(Conversation::is_ending)
    }

    /// Whether all that is known now is told.
    pub(super) fn is_caught_up(&self) -> bool {
        let searched = match self.search {
            Search::Never => true,
            Search::Due { again, .. } => again,
            Search::UnderWay { .. } => false,
        };
        searched && self.out.is_empty() && self.watches.values().all(Conversation::is_caught_up)
    }

    /// Whether there are words that are known to have been said and may still be had.
    pub(super) fn owes(&self) -> bool {
        !self.denied && !self.watches.values().all(Conversation::is_caught_up)
    }

    /// Whether what was said before the start, or during a loss, is still being read.
    pub(super) fn is_reading(&self) -> bool {
        !self.denied && self.watches.values().any(Conversation::is_reading)
    }

    /// The next thing for the reader.
    pub(super) fn pop(&mut self) -> Option<(String, Event)> {
        let (id, out) = self.out.pop_front()?;
        if matches!(&out, Event::Live(told) if told.body == EventBody::Closed) {
            self.part_with(&id);
            self.finished += 1;
            if !self.groups.is_empty() {
                // A group goes on for months, and what is over does not come back.
                self.ledger.borrow_mut().forget(&id);
            }
        }
        Some((id, out))
    }

    /// A connection was lost, and another one stands.
    pub(super) fn resume(&mut self, loss: &Outage) {
        for watch in self.watches.values_mut() {
            watch.resume(loss);
            if self.denied {
                watch.despair();
            }
        }
        if let Search::Due { at, .. } = &mut self.search {
            *at = Instant::now();
        }
        self.collect();
    }

    /// A new socket stands: what was said before it could tell is looked for.
    pub(super) fn look_at_all(&mut self) {
        self.watches.values_mut().for_each(Conversation::look_soon);
    }

    /// A new channel stands, which listens to nothing yet: the topics to begin with.
    pub(super) fn first_topics(&mut self) -> Vec<String> {
        self.topics.start_over();
        self.topics.missing(&self.groups, self.watches.values())
    }

    /// Notes what the channel listens to now, as it was told with this token.
    pub(super) fn subscribed(&mut self, asked: &[String], change: SubscribeMode, states: &[TopicState], token: Token) {
        self.topics.note(asked, states, change == SubscribeMode::Replace);
        self.line.subscribed(token);
        tracing::debug!(topics = asked.len(), "subscribed to topics");
    }

    /// None of these topics can be had, as the service says; looking from time to time has to do.
    pub(super) fn unsubscribed(&mut self, asked: &[String], reason: &str) {
        self.topics.refuse(asked, reason);
    }

    /// The token and the channel are of no more use.
    pub(super) fn token_revoked(&mut self) {
        self.rest.invalidate_token();
        self.line.lose("its token was revoked");
    }

    /// Forgets a conversation, and soon also what the reader has of it.
    fn part_with(&mut self, id: &str) {
        self.watches.remove(id);
        // The reader may still be about to get the last line of this one, but not of the one before.
        if let Some(before) = self.gone.newest().filter(|_| !self.groups.is_empty()) {
            self.ledger.borrow_mut().forget(before);
        }
        self.gone.insert(id.to_owned());
    }

    fn watch(&mut self, id: &str, since: Option<DateTime<Utc>>, why: BackfillReason) {
        self.topics.are_stale = true;
        let (scope, begun) = (self.scope, self.ledger.borrow().resume_point(id));
        self.watches.begin(id, || match begun {
            Some(begun) => Conversation::resumed(id.to_owned(), scope, begun, why),
            None => Conversation::new(id.to_owned(), scope, since, why),
        });
    }

    fn with(&mut self, id: &str, change: impl FnOnce(&mut Conversation)) {
        self.topics.are_stale = true;
        if let Some(watch) = self.watches.get_mut(id) {
            change(watch);
        }
    }

    fn collect(&mut self) {
        for watch in self.watches.values_mut() {
            let outs = watch.take();
            self.out.extend(outs.into_iter().map(|out| (watch.id.clone(), out)));
        }
    }
}

impl std::fmt::Debug for Tracker {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Tracker").field("watches", &self.watches).finish_non_exhaustive()
    }
}
