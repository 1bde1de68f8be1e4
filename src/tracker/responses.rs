//! The effect of responses.

use std::collections::HashMap;
use std::time::Duration;

use super::conversation::{Conversation, Refused};
use super::subscriptions::Subscriptions;
use super::{
    HistoryAccess, MAX_NAMES, Mode, Now, Refusal, RefusedPart, Response, SnapshotKind, Subscribed, Tracker, Warning,
};
use crate::api::rest::RestError;
use crate::decision::{Action, Before, Request, decide};
use crate::dedup::Dedup;
use crate::wire::channel::SubscribeMode;
use crate::wire::conversation::Snapshot;
use crate::wire::message::MessageBody;

/// The number of failed attempts in a row after which a backfill is abandoned (CONN-41), or an unreadable body given up.
const MAX_READ_ATTEMPTS: u32 = 5;

/// The delay of a renewal of subscriptions whose token could not be renewed. The sign-in has a backoff of its own.
const SIGN_IN_POLL: Duration = Duration::from_secs(2);

impl Tracker {
    /// Applies a response. Returns the error of one whose request will be repeated after a pause.
    pub(super) fn on_response(&mut self, response: Response, now: Now, dedup: &Dedup) -> Option<RestError> {
        match response {
            Response::Snapshot { conversation, result: Ok(snapshot) } => {
                self.on_snapshot(&conversation, snapshot, now, dedup);
                None
            }
            Response::Snapshot { conversation, result: Err(error) } => {
                self.on_snapshot_error(&conversation, error, now)
            }
            Response::Messages { conversation, result } => self.on_messages(&conversation, result, now),
            Response::CallTranscript { conversation, leg, result } => {
                self.on_call_transcript(&conversation, &leg, result, now, dedup)
            }
            Response::UserNames { users, result } => self.on_user_names(users, result),
            Response::OpenConversations { search, result } => self.on_search_response(search, result, now, dedup),
            Response::SubscribePostponed => {
                self.subscriptions.set_request_in_flight(false);
                self.channel.postpone_renewal(now.mono + SIGN_IN_POLL);
                None
            }
            Response::Subscribe { channel, topics, mode, result } => {
                self.subscriptions.set_request_in_flight(false);
                // The answer about a channel that was replaced says nothing about the new one.
                let is_current = self.channel.channel().is_some_and(|current| current.id == channel);
                if is_current { self.on_subscribe_response(&topics, mode, result, now) } else { None }
            }
        }
    }

    fn on_snapshot(&mut self, id: &str, snapshot: Snapshot, now: Now, dedup: &Dedup) {
        let is_delivered = |kind, message: &str, at| dedup.is_delivered(id, kind, message, at);
        self.update(id, |conversation| {
            conversation.apply_snapshot(snapshot, SnapshotKind::Complete, now, is_delivered);
        });
        self.note_participants(id);
    }

    fn on_snapshot_error(&mut self, id: &str, error: RestError, now: Now) -> Option<RestError> {
        let conversation = self.conversations.get(id);
        let has_worked = conversation.is_some_and(|conversation| conversation.is_known());
        let has_ended = conversation.is_some_and(|conversation| conversation.is_ending());
        let is_history = self.options.mode == Mode::HistoryOnly;
        let reason = error.to_string();
        let repeated = match after_read(&error, Before { has_ended, ..Before::new(has_worked) }) {
            Action::EndConversation => {
                self.update(id, |conversation| conversation.close_missing(now));
                None
            }
            Action::Refuse(_) if is_history => {
                self.mark_history_unavailable(&error, now);
                None
            }
            Action::Refuse(_) => self.refuse(id, error),
            Action::RetryRefusal(_) if !is_history => self.retry_refused_snapshot(id, error, now),
            _ => {
                self.update(id, |conversation| conversation.poll_failed(now.mono));
                Some(error)
            }
        };
        self.abandon_after_last_attempt(id, reason, now);
        repeated
    }

    /// Repeats a snapshot that is refused after others were not, a few times. A refusal that concerns one conversation only
    /// delays no other.
    fn retry_refused_snapshot(&mut self, id: &str, error: RestError, now: Now) -> Option<RestError> {
        let limit = self.options.retries;
        let conversation = self.conversations.get_mut(id)?;
        let refused = conversation.snapshot_refused(limit, now.mono);
        let delay = conversation.next_poll_at().map(|at| at.saturating_duration_since(now.mono)).unwrap_or_default();
        let concerns_all = matches!(error, RestError::Unauthorized { .. } | RestError::UnexpectedResponse { .. });
        match refused {
            Refused::OneTooMany => return self.refuse(id, error),
            Refused::First if !concerns_all => {
                let warning = Warning::ReadRefused { conversation: id.to_owned(), reason: error.to_string(), delay };
                self.warnings.push_back(warning);
            }
            Refused::First | Refused::Again => {}
        }
        concerns_all.then_some(error)
    }

    fn on_messages(&mut self, id: &str, result: Result<Vec<MessageBody>, RestError>, now: Now) -> Option<RestError> {
        let error = match result {
            Ok(bodies) => {
                self.update(id, |conversation| {
                    conversation.bodies_read();
                    conversation.on_messages(bodies, now);
                });
                return None;
            }
            Err(error) => error,
        };
        let has_worked = self.conversations.get(id).is_some_and(|conversation| conversation.has_read_bodies());
        let is_history = self.options.mode == Mode::HistoryOnly;
        let reason = error.to_string();
        let repeated = match (after_read(&error, Before::new(has_worked)), &error) {
            // The bodies do not exist: each message is emitted without text once its time is up.
            (_, RestError::NotFound { .. }) if has_worked || !is_history => self.give_up_bodies(id, now),
            (_, RestError::UnexpectedResponse { .. }) if !is_history && self.is_last_attempt(id) => {
                self.give_up_bodies(id, now)
            }
            (Action::Refuse(_), RestError::UnexpectedResponse { .. }) => {
                self.update(id, Conversation::messages_failed);
                Some(error)
            }
            (Action::Refuse(_), _) if is_history => {
                self.mark_history_unavailable(&error, now);
                None
            }
            (Action::Refuse(_), _) => self.refuse(id, error),
            (Action::RetryRefusal(_), RestError::Forbidden { .. } | RestError::Unauthorized { .. }) if !is_history => {
                let limit = self.options.retries;
                match self.conversations.get_mut(id)?.messages_refused(limit, now.mono) {
                    Refused::OneTooMany => self.refuse(id, error),
                    Refused::First | Refused::Again => Some(error),
                }
            }
            _ => {
                self.update(id, Conversation::messages_failed);
                Some(error)
            }
        };
        self.abandon_after_last_attempt(id, reason, now);
        repeated
    }

    fn give_up_bodies(&mut self, id: &str, now: Now) -> Option<RestError> {
        self.update(id, |conversation| conversation.on_messages(Vec::new(), now));
        None
    }

    /// Stores looked-up names. A user without one is shown by id. Only a 429 repeats the look-up.
    fn on_user_names(
        &mut self,
        users: Vec<String>,
        result: Result<HashMap<String, String>, RestError>,
    ) -> Option<RestError> {
        match result {
            Err(RestError::Unavailable { host, body }) if body.status.as_u16() == 429 => {
                for conversation in self.conversations.values_mut() {
                    for user in &users {
                        conversation.participants_mut().lookup_failed(user);
                    }
                }
                Some(RestError::Unavailable { host, body })
            }
            result => {
                let mut names = result.unwrap_or_default();
                for user in users {
                    let name = names.remove(&user);
                    self.on_user_name(user, name);
                }
                None
            }
        }
    }

    fn on_user_name(&mut self, user: String, name: Option<String>) {
        for conversation in self.conversations.values_mut() {
            conversation.participants_mut().lookup_completed(&user, name.as_ref());
        }
        if self.names.len() >= MAX_NAMES {
            self.names.clear();
        }
        self.names.insert(user, name);
    }

    fn on_subscribe_response(
        &mut self,
        requested_topics: &[String],
        mode: SubscribeMode,
        result: Result<Subscribed, RestError>,
        now: Now,
    ) -> Option<RestError> {
        match result {
            Ok(answer) => {
                self.on_subscribed(requested_topics, &answer, mode == SubscribeMode::Replace, now);
                if mode == SubscribeMode::Add {
                    // Messages and conversations may have come before the subscription.
                    if self.subscriptions.include_targets(requested_topics, &self.options.targets) {
                        self.discovery.restart(now.mono);
                    }
                    let topics = requested_topics.iter().map(String::as_str).collect();
                    for conversation in self.conversations.values_mut() {
                        if Subscriptions::concern(&topics, conversation, &self.options.targets) {
                            conversation.poll_soon(now.mono);
                        }
                    }
                }
            }
            Err(RestError::NotFound { .. }) => self.lose_channel("the service no longer knows it"),
            // An earlier subscription has succeeded.
            Err(error @ (RestError::UnexpectedResponse { .. } | RestError::Forbidden { .. }))
                if mode == SubscribeMode::Replace =>
            {
                self.on_renewal_refused(&error, now);
            }
            Err(RestError::UnexpectedResponse { reason, .. }) => self.on_topics_refused(requested_topics, &reason),
            Err(RestError::Forbidden { body, .. }) => self.on_topics_refused(requested_topics, &body.to_string()),
            Err(error) => return Some(error),
        }
        None
    }

    /// Repeats a refused renewal of subscriptions, a few times.
    fn on_renewal_refused(&mut self, error: &RestError, now: Now) {
        let limit = self.options.retries;
        let refusals = self.subscriptions.renewal_refusals();
        if refusals.is_exhausted_by_another(limit, now.mono) {
            // A new channel lives as long.
            self.lose_channel("the service refused to renew it");
            return;
        }
        let delay = refusals.read_delay();
        if refusals.is_first() {
            self.warnings.push_back(Warning::RenewalRefused { reason: error.to_string(), delay });
        }
        self.channel.postpone_renewal(now.mono + delay);
    }

    /// Returns whether a read that has failed, and is not counted yet, was the last attempt.
    fn is_last_attempt(&self, id: &str) -> bool {
        self.conversations.get(id).is_some_and(|conversation| conversation.failures() + 1 >= MAX_READ_ATTEMPTS)
    }

    /// Abandons a backfill after the last attempt: the history of the transcript source, or the events of an outage. An outage
    /// becomes a gap event, and history that is missing a warning.
    fn abandon_after_last_attempt(&mut self, id: &str, reason: String, now: Now) {
        let is_history = self.options.mode == Mode::HistoryOnly;
        let Some(conversation) = self.conversations.get(id) else { return };
        let is_recovering = conversation.is_recovering();
        let can_be_abandoned = conversation.is_backfilling() && (is_history || is_recovering);
        if can_be_abandoned && conversation.failures() >= MAX_READ_ATTEMPTS {
            self.update(id, |conversation| conversation.abandon_backfill(now));
            if !is_recovering {
                self.warnings.push_back(Warning::HistoryUnavailable(reason));
            }
        }
    }

    /// Records that history is not available. It is not requested again, and the user is told once.
    fn mark_history_unavailable(&mut self, error: &RestError, now: Now) {
        if self.history == HistoryAccess::Available {
            self.history = HistoryAccess::Unavailable;
            self.warnings.push_back(Warning::HistoryUnavailable(error.to_string()));
        }
        for conversation in self.conversations.values_mut() {
            conversation.abandon_backfill(now);
            self.events.extend(conversation.take_events());
        }
    }

    /// Stops following a conversation that the service refuses.
    fn refuse(&mut self, id: &str, error: RestError) -> Option<RestError> {
        if self.conversations.contains_key(id) {
            self.stop_following(id);
            let part = RefusedPart::Conversation;
            self.refusals.push_back(Refusal { conversation: id.to_owned(), error, part });
        }
        None
    }
}

/// Decides what follows a failed read. The caller decides about a failed sign-in, which concerns all reads.
pub(super) fn after_read(error: &RestError, before: Before) -> Action {
    match error {
        RestError::Auth(_) => Action::Retry,
        error => decide(Request::Read, error.response_kind(), before),
    }
}
