//! The requests that are due, most important first, and when the next one is.
//!
//! The service allows a few hundred requests a minute, and a queue may have a thousand open conversations. The order is:
//!
//! 1. subscriptions and the names of agents, of which there are few;
//! 2. urgent requests, those of the conversation that has waited longest first: for the bodies of live messages, and for the snapshots without
//!    which something that was announced cannot be shown. A conversation whose history is still to be read becomes urgent with
//!    its next message;
//! 3. all others: the search for open conversations, the bodies of history, and snapshots, which nothing waits for.
//!
//! A live message is so never behind a thousand snapshots of the start, and every fourth request is one of the others, if one
//! is due, so that they do not starve either. Every conversation has its turn, because those of a kind are served in the order of
//! their due times. The caller keeps a part of the limit, and one of its connections, for urgent requests: [`Lane`].

use std::time::Duration;

use tokio::time::Instant;

use super::conversation::Conversation;
use super::{HistoryAccess, Now, Request, Tracker};
use crate::wire::channel::SubscribeMode;

/// The period of snapshots if no topic announces the messages (NTF-9).
const UNANNOUNCED_POLL_PERIOD: Duration = Duration::from_secs(15);

/// The period of snapshots if a topic announces the messages (NTF-9).
const POLL_PERIOD: Duration = Duration::from_secs(25);

/// The minimum period of snapshots of a call whose text and changes an event stream brings.
const STREAMED_CALL_POLL_PERIOD: Duration = Duration::from_secs(600);

/// Snapshots use one out of this many allowed requests.
const SNAPSHOT_SHARE: u32 = 2;

/// The rate limit of an organisation, until the service states one.
const DEFAULT_REQUESTS_PER_MINUTE: u32 = 300;

/// The number of urgent requests in a row after which another one has its turn.
const MAX_URGENT_IN_ROW: u32 = 3;

/// The maximum number of users whose names are looked up at once. The API allows 100.
const MAX_USERS_PER_REQUEST: usize = 100;

/// The requests that may be sent now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    All,
    Urgent,
}

impl Tracker {
    /// Returns the next request that is due. The caller asks only while it may send one.
    pub(crate) fn poll_request(&mut self, now: Now, lane: Lane) -> Option<Request> {
        if self.history == HistoryAccess::Unavailable {
            return None;
        }
        self.subscribe_request(now.mono).or_else(|| self.user_names_request()).or_else(|| self.read_request(now, lane))
    }

    /// Returns when a request will be due; `None` if only an input can change that.
    pub(crate) fn poll_timeout(&self, now: Instant, lane: Lane) -> Option<Instant> {
        if self.history == HistoryAccess::Unavailable {
            return None;
        }
        let is_in_lane = |is_urgent: bool| is_urgent || lane == Lane::All;
        let due = self.conversations.values().flat_map(|conversation| {
            let poll = conversation.next_poll_at().filter(|_| is_in_lane(conversation.is_poll_urgent()));
            let bodies = || conversation.next_messages_request_at(now);
            let bodies = is_in_lane(conversation.are_messages_urgent()).then(bodies).flatten();
            let transcript = conversation.next_transcript_request_at().filter(|_| lane == Lane::All);
            poll.into_iter().chain(bodies).chain(transcript)
        });
        let renewal = self.channel.renew_at().filter(|_| !self.subscriptions.request_in_flight());
        let search = self.discovery.next_at().filter(|_| lane == Lane::All);
        due.chain(search).chain(renewal).min()
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

    /// Returns a request for the names of all agents that are missing, as many as fit.
    fn user_names_request(&mut self) -> Option<Request> {
        let mut users = Vec::new();
        for conversation in self.conversations.values_mut() {
            let participants = conversation.participants_mut();
            for user in participants.unresolved_users() {
                if let Some(name) = self.names.get(&user) {
                    participants.lookup_completed(&user, name.as_ref());
                } else if users.contains(&user) || users.len() < MAX_USERS_PER_REQUEST {
                    participants.lookup_started(&user);
                    if !users.contains(&user) {
                        users.push(user);
                    }
                }
            }
        }
        (!users.is_empty()).then_some(Request::UserNames(users))
    }

    fn call_transcript_request(&mut self, now: Instant) -> Option<Request> {
        let start = |(id, conversation): (&String, &mut Box<Conversation>)| {
            let leg = conversation.start_transcript_request(now)?;
            Some(Request::CallTranscript { conversation: id.clone(), leg })
        };
        self.conversations.iter_mut().find_map(start)
    }

    /// Returns a request for bodies, a snapshot or a search. If the rate limit delays urgent ones, others have a turn.
    fn read_request(&mut self, now: Now, lane: Lane) -> Option<Request> {
        if lane == Lane::All && self.urgent_in_row >= MAX_URGENT_IN_ROW {
            self.urgent_in_row = 0;
            if let Some(request) = self.other_request(now) {
                return Some(request);
            }
        }
        if let Some(request) = self.urgent_request(now) {
            self.urgent_in_row += 1;
            return Some(request);
        }
        self.urgent_in_row = 0;
        if lane == Lane::All { self.other_request(now) } else { None }
    }

    fn urgent_request(&mut self, now: Now) -> Option<Request> {
        let poll = self.due_poll(now.mono, Conversation::is_poll_urgent);
        let messages = self.due_messages(now.mono, Conversation::are_messages_urgent);
        match poll {
            Some(poll) if messages.is_none_or(|messages| poll < messages) => {
                Some(self.snapshot_request(poll.1, now.mono))
            }
            _ => self.messages_request(now, Conversation::are_messages_urgent),
        }
    }

    fn other_request(&mut self, now: Now) -> Option<Request> {
        if let Some(search) = self.discovery.start(now.mono) {
            return Some(Request::OpenConversations(search));
        }
        if let Some(request) = self.call_transcript_request(now.mono) {
            return Some(request);
        }
        let is_other = |conversation: &Conversation| !conversation.are_messages_urgent();
        if let Some(request) = self.messages_request(now, is_other) {
            return Some(request);
        }
        let (_, id) = self.due_poll(now.mono, |conversation| !conversation.is_poll_urgent())?;
        Some(self.snapshot_request(id, now.mono))
    }

    /// Returns the conversation whose bodies have waited longest, and since when.
    fn due_messages(&self, now: Instant, is_wanted: fn(&Conversation) -> bool) -> Option<(Instant, String)> {
        let wanted = self.conversations.values().filter(|conversation| is_wanted(conversation));
        let is_due = |due: Instant| due <= now;
        let due = wanted.filter(|conversation| conversation.next_messages_request_at(now).is_some_and(is_due));
        let waiting = due.map(|conversation| (conversation.messages_waiting_since().unwrap_or(now), conversation.id()));
        waiting.min().map(|(since, id)| (since, id.to_owned()))
    }

    fn messages_request(&mut self, now: Now, is_wanted: fn(&Conversation) -> bool) -> Option<Request> {
        loop {
            let (_, id) = self.due_messages(now.mono, is_wanted)?;
            let conversation = self.conversations.get_mut(&id)?;
            let ids = conversation.start_messages_request(now);
            self.events.extend(conversation.take_events());
            if let Some(ids) = ids {
                return Some(Request::Messages { conversation: id, ids });
            }
        }
    }

    /// Returns the conversation whose snapshot has been waited for longest, and since when.
    fn due_poll(&self, now: Instant, is_wanted: fn(&Conversation) -> bool) -> Option<(Instant, String)> {
        let wanted = self.conversations.values().filter(|conversation| is_wanted(conversation));
        let polls = wanted.filter_map(|conversation| Some((conversation.next_poll_at()?, conversation)));
        let due = polls.filter(|(due, _)| *due <= now);
        let waiting = due.map(|(due, conversation)| (conversation.poll_waiting_since(due), conversation.id()));
        waiting.min().map(|(since, id)| (since, id.to_owned()))
    }

    fn snapshot_request(&mut self, id: String, now: Instant) -> Request {
        let delay = self.next_poll_delay(&id, now);
        if let Some(conversation) = self.conversations.get_mut(&id) {
            conversation.poll_started(now, delay);
        }
        Request::Snapshot(id)
    }

    /// Returns the time until the next snapshot of a conversation. Those of many conversations are spread over the period: a
    /// burst would leave no room for live messages.
    fn next_poll_delay(&mut self, id: &str, now: Instant) -> Duration {
        let period = self.poll_period(id);
        if period <= POLL_PERIOD {
            return period;
        }
        let after_last = self.last_poll_due.map_or(now, |last| last + self.poll_distance());
        let due = after_last.clamp(now + period, now + 2 * period);
        self.last_poll_due = Some(due);
        due - now
    }

    /// Returns the period of snapshots (NTF-9). It grows with the number of conversations, so that a part of the rate limit is left
    /// for message bodies.
    pub(super) fn poll_period(&self, id: &str) -> Duration {
        let covers = |conversation| self.subscriptions.covers(&self.options.targets, conversation);
        let conversation = self.conversations.get(id);
        let period = if conversation.is_some_and(|conversation| conversation.is_streamed_call()) {
            STREAMED_CALL_POLL_PERIOD
        } else if conversation.is_some_and(|conversation| covers(conversation)) {
            POLL_PERIOD
        } else {
            UNANNOUNCED_POLL_PERIOD
        };
        let count = u32::try_from(self.conversations.len()).unwrap_or(u32::MAX);
        period.max(self.poll_distance().saturating_mul(count))
    }

    /// Returns the mean distance of snapshots that uses their share of the rate limit.
    fn poll_distance(&self) -> Duration {
        let limit = self.requests_per_minute.unwrap_or(DEFAULT_REQUESTS_PER_MINUTE).max(SNAPSHOT_SHARE);
        Duration::from_secs(60) / (limit / SNAPSHOT_SHARE)
    }
}
