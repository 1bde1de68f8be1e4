//! What the answers to requests change.

use std::time::Duration;

use tokio::time::Instant;

use super::jobs::Done;
use super::{Desk, Scope, Search, Watch, is_id};
use crate::genesys::channel_data::TopicState;
use crate::genesys::channels::Change;
use crate::genesys::conversation::Snapshot;
use crate::genesys::message_data::Said;
use crate::genesys::rest::RestError;
use crate::source::{Recovery, SourceError};

/// Failed attempts in a row to read what was missed before the reader is told that it may be missing, or to read what
/// nobody can read.
const USUAL_RETRIES: u32 = 5;

/// How often open conversations of a group are searched for, since a first event may be missed.
const SEARCH_PERIOD: Duration = Duration::from_secs(60);

impl Desk {
    /// Takes what a request has brought.
    pub(super) fn done(&mut self, done: Done) {
        match done {
            Done::Look { conversation, result } => self.looked(&conversation, result),
            Done::Words { conversation, result } => self.words_came(&conversation, result),
            Done::Topics { asked, change, result } => self.topics_came(&asked, change, result),
            Done::Name { user, result } => {
                // Without a name an agent is shown by the id.
                let name = result.unwrap_or_default();
                self.watches.values_mut().for_each(|watch| watch.people.name(&user, name.as_ref()));
                self.names.insert(user, name);
            }
            Done::Open { result } => self.search_came(result),
        }
    }

    /// Takes what a look at a conversation has brought.
    pub(in crate::source) fn looked(&mut self, id: &str, result: Result<Snapshot, RestError>) {
        match result {
            Ok(snapshot) => {
                self.pauses.clear();
                let ledger = std::rc::Rc::clone(&self.ledger);
                self.with(id, |watch| watch.see(snapshot, true, |message| ledger.borrow().knows(id, message)));
            }
            Err(error) => self.look_failed(id, error),
        }
        self.collect();
    }

    fn look_failed(&mut self, id: &str, error: RestError) {
        let (seen, failures) = self.watches.get(id).map_or((false, 0), |watch| (watch.is_seen(), watch.failures));
        match error {
            error if self.scope == Scope::Past && !is_passing(&error) => self.deny(&error),
            error @ RestError::Forbidden { .. } => self.refuse(id, error),
            error @ RestError::NotFound { .. } if !seen => self.refuse(id, error),
            error @ RestError::NotSpoken { .. } if !seen && failures >= USUAL_RETRIES => self.refuse(id, error),
            // A conversation that was there is still the end's to tell of.
            RestError::NotFound { .. } => {
                let again = Instant::now() + self.look_period(id);
                self.with(id, |watch| watch.look_failed(again));
            }
            error => {
                self.with(id, |watch| watch.look_failed(Instant::now()));
                self.trouble(error);
            }
        }
        self.lose_patience(id);
    }

    fn words_came(&mut self, id: &str, result: Result<Vec<Said>, RestError>) {
        match result {
            Ok(said) => {
                self.pauses.clear();
                self.with(id, |watch| watch.fetched(said));
                return;
            }
            Err(error) if self.scope == Scope::Past && !is_passing(&error) => self.deny(&error),
            Err(error @ RestError::Forbidden { .. }) => self.refuse(id, error),
            Err(error) => {
                self.with(id, Watch::fetch_failed);
                self.trouble(error);
            }
        }
        self.lose_patience(id);
    }

    /// Patience with what was missed in a time without a connection, or before the start of another wire, has an end.
    fn lose_patience(&mut self, id: &str) {
        let scope = self.scope;
        self.with(id, |watch| {
            let impatient = scope == Scope::Past || watch.is_recovering();
            if impatient && watch.failures > USUAL_RETRIES {
                watch.despair();
            }
        });
    }

    fn topics_came(
        &mut self,
        asked: &[String],
        change: Change,
        result: Result<(Vec<TopicState>, Option<Instant>), RestError>,
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

    fn search_came(&mut self, result: Result<Vec<String>, RestError>) {
        self.search = Search::Due(Instant::now() + SEARCH_PERIOD);
        match result {
            Ok(ids) => ids.iter().filter(|id| is_id(id)).for_each(|id| self.adopt(id, None)),
            Err(RestError::Forbidden { answer, .. }) => {
                self.search = Search::Never;
                tracing::warn!(
                    "open conversations cannot be searched for: {answer}; each is joined with its next message"
                );
            }
            Err(error) => self.trouble(error),
        }
    }

    /// The past cannot be had here. That is said once, and not asked for again.
    fn deny(&mut self, error: &RestError) {
        if !std::mem::replace(&mut self.denied, true) {
            tracing::info!("{}what was said before cannot be read: {error}", self.name());
        }
        self.watches.values_mut().for_each(Watch::despair);
    }

    /// Gives up one conversation.
    fn refuse(&mut self, id: &str, error: RestError) {
        if self.watches.remove(id).is_none() {
            return;
        }
        let mut error = SourceError::of_rest(error, id);
        if let Some(before) = self.before.remove(id) {
            error = error.after(before);
        }
        if let Some(prefix) = self.prefixes.of(id) {
            let hint = error.hint().map_or_else(String::new, |hint| format!("; {hint}"));
            tracing::error!("{prefix}: {error}{hint}");
        }
        self.refused.push(error.clone());
        if self.watches.is_empty() && self.groups.is_empty() && self.finished == 0 {
            self.fatal = Some(error);
        }
    }

    /// Waits before anything else is asked, or ends everything where waiting is of no use.
    fn trouble(&mut self, error: RestError) {
        let error = SourceError::of_rest(error, "");
        let wish = match (&error, error.recovery()) {
            (_, Recovery::Retry { wish }) => wish,
            (SourceError::NotGenesys { .. }, _) => None,
            _ if self.scope == Scope::Past => None,
            _ => return self.fatal = Some(error),
        };
        let (delay, first) = self.pauses.extend(wish);
        let (name, seconds) = (self.name(), delay.as_secs_f64());
        if first {
            tracing::warn!(seconds, "{name}{error}; asking again in {seconds:.1} s");
        } else {
            tracing::debug!(seconds, "{name}{error}; asking again in {seconds:.1} s");
        }
    }

    /// What stands before a status line: whose past it is about, where each conversation has a desk of its own.
    fn name(&self) -> String {
        let only = self.watches.keys().next().filter(|_| self.scope == Scope::Past);
        only.and_then(|id| self.prefixes.of(id)).map_or_else(String::new, |prefix| format!("{prefix}: "))
    }
}

/// Whether it may be otherwise in a while.
fn is_passing(error: &RestError) -> bool {
    matches!(error, RestError::Busy { .. } | RestError::Http(_) | RestError::Auth(_))
}
