//! The requests that are due, most important first, and when the next one is.

use std::time::Duration;

use tokio::time::Instant;

use super::conversation::Conversation;
use super::{HistoryAccess, Now, Request, Tracker};
use crate::wire::channel::SubscribeMode;

/// The period of snapshots if no topic announces the messages (NTF-9).
const UNANNOUNCED_POLL_PERIOD: Duration = Duration::from_secs(15);

/// The period of snapshots if a topic announces the messages (NTF-9).
const POLL_PERIOD: Duration = Duration::from_secs(25);

/// Snapshots use one out of this many allowed requests.
const SNAPSHOT_SHARE: u32 = 2;

/// The rate limit of an organisation, until the service states one.
const DEFAULT_REQUESTS_PER_MINUTE: u32 = 300;

impl Tracker {
    /// Returns the next request that is due. The caller asks only while it may send one.
    pub(crate) fn poll_request(&mut self, now: Now) -> Option<Request> {
        if self.history == HistoryAccess::Unavailable {
            return None;
        }
        self.subscribe_request(now.mono)
            .or_else(|| self.user_name_request())
            .or_else(|| self.messages_or_poll_request(now))
    }

    /// Returns when a request will be due; `None` if only an input can change that.
    pub(crate) fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        if self.history == HistoryAccess::Unavailable {
            return None;
        }
        let conversations = || self.conversations.values();
        let snapshots = conversations().filter_map(|conversation| conversation.next_poll_at());
        let messages = conversations().filter_map(|conversation| conversation.next_messages_request_at(now));
        let renewal = self.channel.renew_at().filter(|_| !self.subscriptions.request_in_flight());
        snapshots.chain(messages).chain(self.discovery.next_at()).chain(renewal).min()
    }

    pub(super) fn subscribe_request(&mut self, now: Instant) -> Option<Request> {
        let channel = self.channel.channel().filter(|_| !self.subscriptions.request_in_flight())?.id.clone();
        let (mode, topics) = if self.channel.renew_at().is_some_and(|due| due <= now) {
            (SubscribeMode::Replace, self.subscriptions.all(self.wanted_topics()))
        } else {
            self.change_of_topics()?
        };
        self.subscriptions.set_request_in_flight(true);
        Some(Request::Subscribe { channel, topics, mode })
    }

    /// Returns the next change of the topics; `None` if none is missing. Conversations are searched for topics only after one
    /// of them has changed.
    fn change_of_topics(&mut self) -> Option<(SubscribeMode, Vec<String>)> {
        if !self.subscriptions.needs_update() {
            return None;
        }
        let (change, warning) = self.subscriptions.next_change(self.wanted_topics());
        self.warnings.extend(warning);
        if change.is_none() {
            self.subscriptions.mark_complete();
        }
        change
    }

    fn user_name_request(&mut self) -> Option<Request> {
        for conversation in self.conversations.values_mut() {
            let participants = conversation.participants_mut();
            for user in participants.unresolved_users() {
                let Some(name) = self.names.get(&user) else {
                    participants.lookup_started(&user);
                    return Some(Request::UserName(user));
                };
                participants.lookup_completed(&user, name.as_ref());
            }
        }
        None
    }

    /// Returns a request for bodies or a poll. If the rate limit delays both, they take turns.
    fn messages_or_poll_request(&mut self, now: Now) -> Option<Request> {
        let request = if self.polls_next {
            self.poll(now.mono).or_else(|| self.messages_request(now))
        } else {
            self.messages_request(now).or_else(|| self.poll(now.mono))
        };
        self.polls_next = matches!(request, Some(Request::Messages { .. }));
        request
    }

    fn messages_request(&mut self, now: Now) -> Option<Request> {
        let is_due = |conversation: &Conversation| {
            conversation.next_messages_request_at(now.mono).is_some_and(|due| due <= now.mono)
        };
        loop {
            let due = self.conversations.iter_mut().filter(|(_, conversation)| is_due(conversation));
            let (id, conversation) = due.min_by_key(|(_, conversation)| conversation.messages_request_priority())?;
            let ids = conversation.start_messages_request(now);
            self.events.extend(conversation.take_events());
            if let Some(ids) = ids {
                return Some(Request::Messages { conversation: id.clone(), ids });
            }
        }
    }

    fn poll(&mut self, now: Instant) -> Option<Request> {
        self.snapshot_request(now).or_else(|| self.discovery.start(now).then_some(Request::OpenConversations))
    }

    fn snapshot_request(&mut self, now: Instant) -> Option<Request> {
        let polls = self.conversations.iter().filter_map(|(id, conversation)| Some((conversation.next_poll_at()?, id)));
        let (_, id) = polls.filter(|(due, _)| *due <= now).min()?;
        let (id, period) = (id.clone(), self.poll_period(id));
        self.update(&id, |conversation| conversation.poll_started(now, period));
        Some(Request::Snapshot(id))
    }

    /// Returns the period of snapshots (NTF-9). It grows with the number of conversations, so that a part of the rate limit is left
    /// for message bodies.
    pub(super) fn poll_period(&self, id: &str) -> Duration {
        let covers = |conversation| self.subscriptions.covers(&self.options.targets, conversation);
        let is_announced = self.conversations.get(id).is_some_and(|conversation| covers(conversation));
        let period = if is_announced { POLL_PERIOD } else { UNANNOUNCED_POLL_PERIOD };
        let limit = self.requests_per_minute.unwrap_or(DEFAULT_REQUESTS_PER_MINUTE).max(SNAPSHOT_SHARE);
        let count = u32::try_from(self.conversations.len()).unwrap_or(u32::MAX);
        period.max(Duration::from_secs(60).saturating_mul(count) / (limit / SNAPSHOT_SHARE))
    }
}
