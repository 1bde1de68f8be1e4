//! The effect of the responses of searches for open conversations.

use super::protocol::DiscoveryQuery;
use super::responses::after_read;
use super::{FollowEvent, MAX_CONVERSATIONS, Now, Tracker, Warning};
use crate::api::rest::RestError;
use crate::config::is_valid_id;
use crate::decision::{Action, Before};
use crate::dedup::Dedup;
use crate::wire::open_conversations::{OpenConversation, OpenConversations};

impl Tracker {
    pub(super) fn on_search_response(
        &mut self,
        search: DiscoveryQuery,
        result: Result<OpenConversations, RestError>,
        now: Now,
        dedup: &Dedup,
    ) -> Option<RestError> {
        match result {
            Ok(OpenConversations { mut found, is_complete }) => {
                found.retain(|conversation| is_valid_id(&conversation.id));
                self.discovery.count(&found, &self.options.targets);
                let has_new = self.follow_found(found, now, dedup);
                if self.discovery.on_found(search, is_complete, has_new, now.mono) {
                    self.complete_search(now);
                }
                None
            }
            Err(error) => self.on_search_failed(search, error, now),
        }
    }

    /// Follows what was found. Returns whether some of it was unknown, and there was room for it.
    fn follow_found(&mut self, found: Vec<OpenConversation>, now: Now, dedup: &Dedup) -> bool {
        let is_unknown = |id: &String| !self.conversations.contains_key(id) && !self.recently_closed.contains(id);
        let unknown: Vec<String> =
            found.into_iter().map(|conversation| conversation.id).filter(|id| is_unknown(id)).collect();
        let mut has_followed = false;
        for id in &unknown {
            // A conversation that only a later search finds is new.
            if self.discovery.finds_new_ones() {
                self.follow_discovered(id, now, dedup);
            } else if self.has_room() {
                self.follow(id, now, dedup);
                self.mark_of_target(id);
            }
            has_followed |= self.conversations.contains_key(id);
        }
        has_followed
    }

    /// Returns whether one more conversation may be followed. The first that may not is reported.
    pub(super) fn has_room(&mut self) -> bool {
        let has_room = self.conversations.len() < MAX_CONVERSATIONS;
        if !has_room && !std::mem::replace(&mut self.has_reported_limit, true) {
            self.warnings.push_back(Warning::TooManyConversations);
        }
        has_room
    }

    fn on_search_failed(&mut self, search: DiscoveryQuery, error: RestError, now: Now) -> Option<RestError> {
        let has_worked = self.discovery.has_succeeded(search);
        let is_over = match (after_read(&error, Before::new(has_worked)), &error) {
            (Action::RetryRefusal(_), RestError::Forbidden { .. } | RestError::NotFound { .. }) => {
                tracing::debug!("{error}; searching for open conversations again later");
                self.discovery.skip(search, now.mono)
            }
            (Action::Retry | Action::RetryRefusal(_), _) | (_, RestError::Unauthorized { .. }) => {
                self.discovery.retry(search, now.mono);
                return Some(error);
            }
            (_, RestError::Forbidden { body, .. }) => self.discovery.on_denied(search, body.to_string(), now.mono),
            _ => self.discovery.on_denied(search, error.to_string(), now.mono),
        };
        if is_over {
            self.complete_search(now);
        }
        None
    }

    /// Schedules the next search. The first one tells how many conversations each target has, or that it cannot.
    fn complete_search(&mut self, now: Now) {
        let is_announced = self.subscriptions.has_targets(&self.options.targets);
        let searched = self.discovery.complete(&self.options.targets, is_announced, now.mono);
        if searched.iter().any(|one| one.open.is_none()) {
            let reason = self.discovery.denials();
            let has_topics = self.subscriptions.cover_targets(&self.options.targets);
            self.warnings.push_back(Warning::DiscoveryUnavailable { reason, has_topics });
        }
        for one in searched {
            self.report(FollowEvent::Following { target: one.target, open: one.open });
        }
    }
}
