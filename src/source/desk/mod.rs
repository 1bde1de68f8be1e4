//! Everything that outlives a socket: the conversations, the channel, and the requests under way.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::task::{Context, Poll};
use std::time::Duration;

use chrono::Utc;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::Instant;

use super::jobs::{self, Done, Job};
use super::line::Line;
use super::topics::Topics;
use super::watch::{Out, Watch};
use crate::backoff::Backoff;
use crate::config::{Groups, Past};
use crate::event::Body;
use crate::genesys::channels::Change;
use crate::genesys::conversation::Snapshot;
use crate::genesys::notice::Notice;
use crate::genesys::rest::{Rest, RestError};
use crate::genesys::transcription::Transcription;
use crate::source::{Loss, SourceError};

/// Requests under way at the same time.
const AT_ONCE: usize = 4;

/// How often a conversation is looked at of which no event can tell, and one of which events do.
const LOOK_BLIND: Duration = Duration::from_secs(15);
const LOOK_USUAL: Duration = Duration::from_secs(25);

/// The part of the allowance that looking from time to time may take, as a divisor.
const LOOK_SHARE: u32 = 2;

/// What an organisation is allowed a minute where the service has not said.
const USUAL_ALLOWANCE: u32 = 300;

/// How often open conversations of a group are searched for, since a first event may be missed.
const SEARCH_PERIOD: Duration = Duration::from_secs(60);

/// Failed attempts to read what was missed before the reader is told that it may be missing.
const USUAL_RETRIES: u32 = 5;

/// A conversation that could not be followed, and why.
pub(crate) type Refusal = (String, SourceError);

pub(super) struct Desk {
    pub(super) rest: Rest,
    pub(super) line: Line,
    pub(super) topics: Topics,
    pub(super) groups: Groups,
    past: Past,
    watches: BTreeMap<String, Watch>,
    jobs: FuturesUnordered<Job>,
    names: HashMap<String, Option<String>>,
    out: VecDeque<(String, Out)>,
    pauses: Pauses,
    search: Option<Instant>,
    searching: bool,
    search_refused: bool,
    subscribing: bool,
    /// Conversations that are over or were refused.
    pub(super) refused: Vec<Refusal>,
    finished: usize,
    named: bool,
    /// What ends everything.
    pub(super) fatal: Option<SourceError>,
}

/// When requests have to wait because the service is in trouble.
struct Pauses {
    backoff: Backoff,
    failures: u32,
    until: Option<Instant>,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Desk").field("watches", &self.watches.len()).finish_non_exhaustive()
    }
}

impl Desk {
    /// A desk for these conversations; status lines about one say which where they are `named`.
    pub(super) fn new(rest: Rest, conversations: Vec<String>, groups: Groups, past: Past, named: bool) -> Self {
        let search = (!groups.is_empty()).then(Instant::now);
        let since = since(&past);
        let watches = conversations.into_iter().map(|id| (id.clone(), Watch::new(id, since))).collect();
        Self {
            rest,
            line: Line::default(),
            topics: Topics::default(),
            groups,
            past,
            watches,
            jobs: FuturesUnordered::new(),
            names: HashMap::new(),
            out: VecDeque::new(),
            pauses: Pauses { backoff: Backoff::new(), failures: 0, until: None },
            search,
            searching: false,
            search_refused: false,
            subscribing: false,
            refused: Vec::new(),
            finished: 0,
            named,
            fatal: None,
        }
    }

    /// Follows one more conversation, from its first message where it is `new`, else as the user wants the past.
    pub(super) fn adopt(&mut self, id: &str, new: bool) {
        let since = if new { None } else { since(&self.past) };
        self.watches.entry(id.to_owned()).or_insert_with(|| Watch::new(id.to_owned(), since));
    }

    /// The conversations that go on.
    pub(super) fn watches(&self) -> impl Iterator<Item = &Watch> {
        self.watches.values()
    }

    /// Whether nothing is left to follow.
    pub(super) fn is_done(&self) -> bool {
        self.groups.is_empty() && self.watches.is_empty() && self.out.is_empty()
    }

    /// Whether all that was there at the start is told.
    pub(super) fn is_caught_up(&self) -> bool {
        let searched = self.groups.is_empty() || self.search_refused || (!self.searching && self.finished_search());
        searched && self.out.is_empty() && self.watches.values().all(Watch::is_caught_up)
    }

    /// The next thing for the reader.
    pub(super) fn pop(&mut self) -> Option<(String, Out)> {
        let (id, out) = self.out.pop_front()?;
        if matches!(&out, Out::Live(told) if told.body == Body::Closed) {
            self.watches.remove(&id);
            self.finished += 1;
        }
        Some((id, out))
    }

    /// A connection was lost, and another one stands.
    pub(super) fn resume(&mut self, loss: &Loss) {
        self.watches.values_mut().for_each(|watch| watch.resume(loss.clone()));
        self.search = self.search.map(|_| Instant::now());
        self.collect();
    }

    /// A new socket stands: what was said before it could tell is looked for.
    pub(super) fn look_at_all(&mut self) {
        self.watches.values_mut().for_each(Watch::look_soon);
    }

    /// Takes what the service tells. The reader gets nothing of it but by what it leads to.
    pub(super) fn hear(&mut self, notice: Notice) {
        match notice {
            Notice::Conversation(snapshot) => self.hear_of(snapshot),
            Notice::Transcription(transcription) => self.hear_call(transcription),
            Notice::Detail { conversation, .. } => self.with(&conversation, Watch::look_soon),
            Notice::Refused(words) => tracing::warn!("the notification service complains: {words}"),
            Notice::Typing { .. } | Notice::Heartbeat | Notice::Pong | Notice::Acknowledged | Notice::Other(_) => {}
            Notice::Closing | Notice::ChannelGone(_) | Notice::TokenRevoked | Notice::Unreadable(_) => {}
        }
        self.collect();
    }

    /// Begins the requests that are due, as far as the service allows.
    pub(super) fn begin(&mut self) {
        let now = Instant::now();
        while self.jobs.len() < AT_ONCE && self.soonest() <= now {
            match self.next_job(now) {
                Some(job) => self.jobs.push(job),
                None => break,
            }
        }
        self.collect();
    }

    /// When there will be something to begin; `None` while only an event or an answer can change that.
    pub(super) fn due(&self) -> Option<Instant> {
        if self.jobs.len() >= AT_ONCE {
            return None;
        }
        let looks = self.watches.values().filter(|watch| !watch.looks.under_way).map(|watch| watch.looks.due);
        let words = self.watches.values().filter_map(Watch::fetch_due);
        let search = self.search.filter(|_| !self.searching);
        let renewal = self.line.renewal().filter(|_| !self.subscribing);
        let due = looks.chain(words).chain(search).chain(renewal).min()?;
        Some(due.max(self.soonest()))
    }

    /// What comes of the requests under way. Pending where there are none.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match self.jobs.poll_next_unpin(context) {
            Poll::Ready(Some(done)) => {
                self.done(done);
                self.collect();
                Poll::Ready(())
            }
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }

    /// Notes what was found out about a conversation before there was a socket.
    pub(super) fn resolved(&mut self, id: &str, result: Result<Snapshot, RestError>) -> Result<(), RestError> {
        match result {
            Ok(snapshot) => {
                self.with(id, |watch| watch.see(snapshot, true));
                self.collect();
                Ok(())
            }
            Err(error) => self.look_failed(id, error),
        }
    }

    fn soonest(&self) -> Instant {
        self.pauses.until.map_or_else(|| self.rest.earliest(), |until| until.max(self.rest.earliest()))
    }

    fn next_job(&mut self, now: Instant) -> Option<Job> {
        self.topic_job(now)
            .or_else(|| self.name_job())
            .or_else(|| self.words_job())
            .or_else(|| self.look_job(now))
            .or_else(|| self.search_job(now))
    }

    fn topic_job(&mut self, now: Instant) -> Option<Job> {
        let channel = self.line.channel()?.to_owned();
        if self.subscribing {
            return None;
        }
        let (change, asked) = if self.line.renewal().is_some_and(|due| due <= now) {
            (Change::Replace, self.topics.all(&self.groups, self.watches.values()))
        } else {
            (Change::Add, self.topics.missing(&self.groups, self.watches.values()))
        };
        if asked.is_empty() && change == Change::Add {
            return None;
        }
        self.subscribing = true;
        Some(jobs::topics(self.rest.clone(), channel, change, asked))
    }

    fn name_job(&mut self) -> Option<Job> {
        for watch in self.watches.values_mut() {
            for user in watch.people.nameless() {
                match self.names.get(&user) {
                    Some(name) => watch.people.name(&user, name.clone()),
                    None => return Some(jobs::name(self.rest.clone(), user)),
                }
            }
        }
        None
    }

    fn words_job(&mut self) -> Option<Job> {
        let rest = &self.rest;
        let next = self.watches.values_mut().find_map(|watch| watch.request().map(|ids| (watch.id.clone(), ids)));
        next.map(|(id, ids)| jobs::words(rest.clone(), id, ids))
    }

    fn look_job(&mut self, now: Instant) -> Option<Job> {
        let idle = self.watches.values().filter(|watch| !watch.looks.under_way && watch.looks.due <= now);
        let id = idle.min_by_key(|watch| watch.looks.due)?.id.clone();
        let period = self.look_period(&id);
        self.with(&id, |watch| watch.begin_look(period));
        Some(jobs::look(self.rest.clone(), id))
    }

    fn search_job(&mut self, now: Instant) -> Option<Job> {
        if self.searching || self.search.is_none_or(|due| due > now) {
            return None;
        }
        self.searching = true;
        Some(jobs::open(self.rest.clone(), self.groups.clone()))
    }

    /// Many conversations are looked at less often, so that a part of the allowance is left for what they say.
    fn look_period(&self, id: &str) -> Duration {
        let announced = self.watches.get(id).is_some_and(|watch| self.topics.announce(&self.groups, watch));
        let wanted = if announced { LOOK_USUAL } else { LOOK_BLIND };
        let allowed = self.rest.allowed().unwrap_or(USUAL_ALLOWANCE).max(LOOK_SHARE);
        let watched = u32::try_from(self.watches.len()).unwrap_or(u32::MAX);
        let affordable = Duration::from_secs(60).saturating_mul(watched) / (allowed / LOOK_SHARE);
        wanted.max(affordable)
    }

    fn done(&mut self, done: Done) {
        match done {
            Done::Look { conversation, result } => {
                if let Err(error) = self.resolved(&conversation, result) {
                    self.trouble(error);
                } else {
                    self.pauses.clear();
                }
            }
            Done::Words { conversation, result } => self.words_came(&conversation, result),
            Done::Topics { asked, change, result } => self.topics_came(&asked, change, result),
            Done::Name { user, result } => {
                // Without a name an agent is shown by the id.
                let name = result.unwrap_or_default();
                self.watches.values_mut().for_each(|watch| watch.people.name(&user, name.clone()));
                self.names.insert(user, name);
            }
            Done::Open { result } => self.search_came(result),
        }
    }

    fn words_came(&mut self, id: &str, result: Result<Vec<crate::genesys::message_data::Said>, RestError>) {
        match result {
            Ok(said) => {
                self.pauses.clear();
                self.with(id, |watch| watch.fetched(said));
            }
            Err(error @ RestError::Forbidden { .. }) => self.refuse(id, error),
            Err(error) => {
                self.with(id, Watch::fetch_failed);
                self.failed(id);
                self.trouble(error);
            }
        }
    }

    fn topics_came(
        &mut self,
        asked: &[String],
        change: Change,
        result: Result<(Vec<crate::genesys::channel_data::TopicState>, Option<Instant>), RestError>,
    ) {
        self.subscribing = false;
        match result {
            Ok((states, token_due)) => {
                self.pauses.clear();
                self.subscribed(asked, change, &states, token_due);
                // What was said before the channel listened is looked for.
                if change == Change::Add {
                    self.look_at_all();
                }
            }
            Err(RestError::NotFound { .. }) => self.line.lose("the service does not know it any more"),
            Err(RestError::NotSpoken { reason, .. }) => self.topics.refuse(asked, &reason),
            Err(RestError::Forbidden { answer, .. }) => self.topics.refuse(asked, &answer.to_string()),
            Err(error) => self.trouble(error),
        }
    }

    /// Notes what a channel listens to now.
    pub(super) fn subscribed(
        &mut self,
        asked: &[String],
        change: Change,
        states: &[crate::genesys::channel_data::TopicState],
        token_due: Option<Instant>,
    ) {
        self.topics.note(asked, states, change == Change::Replace);
        self.line.subscribed(token_due);
        tracing::debug!(topics = asked.len(), "subscribed");
    }

    fn search_came(&mut self, result: Result<Vec<String>, RestError>) {
        self.searching = false;
        self.search = Some(Instant::now() + SEARCH_PERIOD);
        match result {
            Ok(ids) => {
                let first = !std::mem::replace(&mut self.named, true) || self.finished_search();
                let _ = first;
                ids.iter().filter(|id| is_id(id)).for_each(|id| self.adopt(id, false));
            }
            Err(RestError::Forbidden { answer, .. }) => {
                (self.search, self.search_refused) = (None, true);
                tracing::warn!("open conversations cannot be searched for: {answer}; they are joined with their next message");
            }
            Err(error) => self.trouble(error),
        }
    }

    fn finished_search(&self) -> bool {
        self.search.is_some_and(|due| due > Instant::now())
    }

    fn hear_of(&mut self, snapshot: Snapshot) {
        let Some(id) = snapshot.id.clone() else { return };
        if !self.groups.is_empty() && is_id(&id) && !self.watches.contains_key(&id) && !snapshot.is_over() {
            self.adopt(&id, true);
        }
        self.with(&id, |watch| {
            // What was there at the start is for a look to tell, which is complete.
            if watch.is_seen() {
                watch.see(snapshot, false);
            }
        });
    }

    fn hear_call(&mut self, transcription: Transcription) {
        let only = self.watches.keys().next().filter(|_| self.watches.len() == 1).cloned();
        if let Some(id) = transcription.conversation.clone().or(only) {
            self.with(&id, |watch| watch.hear(transcription));
        }
    }

    fn look_failed(&mut self, id: &str, error: RestError) -> Result<(), RestError> {
        let seen = self.watches.get(id).is_some_and(Watch::is_seen);
        let failures = self.watches.get(id).map_or(0, |watch| watch.failures);
        let final_ = match &error {
            RestError::Forbidden { .. } => true,
            RestError::NotFound { .. } => !seen,
            RestError::NotSpoken { .. } => !seen && failures >= USUAL_RETRIES,
            _ => false,
        };
        if final_ {
            self.refuse(id, error);
            return Ok(());
        }
        let period = self.look_period(id);
        let again = Instant::now() + if matches!(error, RestError::NotFound { .. }) { period } else { Duration::ZERO };
        self.with(id, |watch| watch.look_failed(again));
        self.failed(id);
        if matches!(error, RestError::NotFound { .. }) { Ok(()) } else { Err(error) }
    }

    /// After a time without a connection, patience with what was missed in it has an end.
    fn failed(&mut self, id: &str) {
        self.with(id, |watch| {
            if watch.is_recovering() && watch.failures >= USUAL_RETRIES {
                watch.despair();
            }
        });
    }

    /// Gives up one conversation.
    fn refuse(&mut self, id: &str, error: RestError) {
        if self.watches.remove(id).is_none() {
            return;
        }
        let error = SourceError::of_rest(error, id);
        if self.named {
            let hint = error.hint().map_or_else(String::new, |hint| format!("; {hint}"));
            tracing::error!("{}{error}{hint}", self.prefix(id));
        }
        self.refused.push((id.to_owned(), error.clone()));
        if self.watches.is_empty() && self.groups.is_empty() && self.finished == 0 {
            self.fatal = Some(error);
        }
    }

    /// Waits before anything else is asked, or ends everything where waiting is of no use.
    fn trouble(&mut self, error: RestError) {
        let error = SourceError::of_rest(error, "");
        match error.recovery() {
            crate::source::Recovery::Retry { wish } => {
                let delay = self.pauses.extend(wish);
                let seconds = delay.as_secs_f64();
                if self.pauses.failures == 1 {
                    tracing::warn!("{error}; asking again in {seconds:.1} s");
                } else {
                    tracing::debug!("{error}; asking again in {seconds:.1} s");
                }
            }
            _ if matches!(error, SourceError::NotGenesys { .. }) => {
                self.pauses.extend(None);
                tracing::warn!("{error}");
            }
            _ => self.fatal = Some(error),
        }
    }

    fn with(&mut self, id: &str, change: impl FnOnce(&mut Watch)) {
        if let Some(watch) = self.watches.get_mut(id) {
            change(watch);
        }
    }

    fn collect(&mut self) {
        for (id, watch) in &mut self.watches {
            self.out.extend(watch.take().into_iter().map(|out| (id.clone(), out)));
        }
    }

    fn prefix(&self, id: &str) -> String {
        if self.named { format!("{}: ", id.chars().take(8).collect::<String>()) } else { String::new() }
    }
}

impl Pauses {
    fn extend(&mut self, wish: Option<Duration>) -> Duration {
        let delay = self.backoff.delay(self.failures, wish);
        self.failures = self.failures.saturating_add(1);
        self.until = Some(Instant::now() + delay);
        delay
    }

    fn clear(&mut self) {
        (self.failures, self.until) = (0, None);
    }
}

fn since(past: &Past) -> Option<chrono::DateTime<Utc>> {
    if past.lines == Some(0) { Some(chrono::DateTime::<Utc>::MAX_UTC) } else { past.since }
}

/// Whether an id from the network may become a part of a path: the rule for those that are typed.
fn is_id(id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=128).contains(&id.len()) && !id.starts_with('.') && id.bytes().all(allowed)
}
