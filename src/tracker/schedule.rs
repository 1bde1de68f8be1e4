//! What is asked next, and when.

use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::Instant;

use super::jobs::{self, RequestFuture};
use super::{Conversation, Search, Tracker};
use crate::api::calls::SubscribeMode;

/// Requests under way at the same time.
const AT_ONCE: usize = 4;

/// How often a conversation is looked at of which no event can tell, and one of which events do.
const LOOK_BLIND: Duration = Duration::from_secs(15);
const LOOK_USUAL: Duration = Duration::from_secs(25);

/// Looking from time to time may take one request out of this many that are allowed.
const LOOK_SHARE: u32 = 2;

/// What an organisation is allowed a minute where the service has not said.
const USUAL_ALLOWANCE: u32 = 300;

impl Tracker {
    /// Begins the requests that are due, as far as the service allows.
    pub(crate) fn begin(&mut self) {
        let now = Instant::now();
        while !self.denied && self.jobs.len() < AT_ONCE && self.soonest(now) <= now {
            match self.next_job(now) {
                Some(job) => self.jobs.push(job),
                None => break,
            }
        }
        self.collect();
    }

    /// When there will be something to begin; `None` while only an event or an answer can change that.
    pub(crate) fn due(&self) -> Option<Instant> {
        if self.denied || self.jobs.len() >= AT_ONCE {
            return None;
        }
        let now = Instant::now();
        let soonest = self.soonest(now);
        if soonest > now {
            // What waits for that may be something without a time of its own.
            return Some(soonest);
        }
        let looks = self.watches.values().filter(|watch| !watch.looks.under_way).filter_map(|watch| watch.looks.due);
        let words = self.watches.values().filter_map(Conversation::fetch_due);
        let search = if let Search::Due { at, .. } = self.search { Some(at) } else { None };
        let renewal = self.line.renewal().filter(|_| !self.topics.are_asked_for);
        looks.chain(words).chain(search).chain(renewal).min()
    }

    /// Takes what has come of the requests under way, or notices that there is more to ask. Pending where there is
    /// neither.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if std::mem::take(&mut self.is_news) {
            return Poll::Ready(());
        }
        match self.jobs.poll_next_unpin(context) {
            Poll::Ready(Some(done)) => {
                self.done(done);
                self.collect();
                Poll::Ready(())
            }
            Poll::Ready(None) | Poll::Pending => {
                self.waiting = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }

    fn soonest(&self, now: Instant) -> Instant {
        let earliest = self.rest.next_request_at(now);
        self.pauses.until().map_or(earliest, |until| until.max(earliest))
    }

    fn next_job(&mut self, now: Instant) -> Option<RequestFuture> {
        self.topic_job(now)
            .or_else(|| self.name_job())
            .or_else(|| self.words_job())
            .or_else(|| self.look_job(now))
            .or_else(|| self.search_job(now))
    }

    fn topic_job(&mut self, now: Instant) -> Option<RequestFuture> {
        let channel = self.line.channel().filter(|_| !self.topics.are_asked_for)?.to_owned();
        let (change, asked) = if self.line.renewal().is_some_and(|due| due <= now) {
            (SubscribeMode::Replace, self.topics.all(&self.groups, self.watches.values()))
        } else {
            // Going through all conversations is for when one of them has changed.
            if !self.topics.are_stale {
                return None;
            }
            (SubscribeMode::Add, self.topics.missing(&self.groups, self.watches.values()))
        };
        if asked.is_empty() && change == SubscribeMode::Add {
            self.topics.are_stale = false;
            return None;
        }
        self.topics.are_asked_for = true;
        Some(jobs::topics(self.rest.clone(), channel, change, asked))
    }

    fn name_job(&mut self) -> Option<RequestFuture> {
        for watch in self.watches.values_mut() {
            for user in watch.people.nameless() {
                let Some(name) = self.names.get(&user) else {
                    watch.people.ask(&user);
                    return Some(jobs::name(self.rest.clone(), user));
                };
                watch.people.name(&user, name.as_ref());
            }
        }
        None
    }

    fn words_job(&mut self) -> Option<RequestFuture> {
        let next = self.watches.values_mut().find_map(|watch| watch.request().map(|ids| (watch.id.clone(), ids)));
        next.map(|(id, ids)| jobs::words(self.rest.clone(), id, ids))
    }

    fn look_job(&mut self, now: Instant) -> Option<RequestFuture> {
        let idle = self.watches.values().filter(|watch| !watch.looks.under_way);
        let due = idle.filter_map(|watch| watch.looks.due.map(|due| (due, &watch.id)));
        let (_, id) = due.filter(|(due, _)| *due <= now).min()?;
        let (id, period) = (id.clone(), self.look_period(id));
        self.with(&id, |watch| watch.begin_look(period));
        Some(jobs::look(self.rest.clone(), self.scope, id))
    }

    fn search_job(&mut self, now: Instant) -> Option<RequestFuture> {
        match self.search {
            Search::Due { at, again } if at <= now => {
                self.search = Search::UnderWay { again };
                Some(jobs::open(self.rest.clone(), self.groups.clone()))
            }
            Search::Due { .. } | Search::Never | Search::UnderWay { .. } => None,
        }
    }

    /// Many conversations are looked at less often, so that a part of the allowance is left for what they say.
    pub(super) fn look_period(&self, id: &str) -> Duration {
        let announced = self.watches.get(id).is_some_and(|watch| self.topics.announce(&self.groups, watch));
        let wanted = if announced { LOOK_USUAL } else { LOOK_BLIND };
        let allowed = self.rest.per_minute().unwrap_or(USUAL_ALLOWANCE).max(LOOK_SHARE);
        let watched = u32::try_from(self.watches.len()).unwrap_or(u32::MAX);
        wanted.max(Duration::from_secs(60).saturating_mul(watched) / (allowed / LOOK_SHARE))
    }
}
