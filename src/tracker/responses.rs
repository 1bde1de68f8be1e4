//! What the answers to requests change.

use std::time::Duration;

use tokio::time::Instant;

use super::jobs::Done;
use super::{Conversation, MOST_NAMES, Mode, Search, Tracker};
use crate::api::calls::SubscribeMode;
use crate::api::oauth::Token;
use crate::api::rest::RestError;
use crate::config::is_valid_id;
use crate::source::{Retry, SourceError};
use crate::wire::channel::TopicState;
use crate::wire::conversation::Snapshot;
use crate::wire::message::MessageBody;

/// Failed attempts in a row to read what was missed before the reader is told that it may be missing, or to read what
/// nobody can read.
const USUAL_RETRIES: u32 = 5;

/// How often open conversations of a group are searched for, since a first event may be missed.
const SEARCH_PERIOD: Duration = Duration::from_secs(60);

impl Tracker {
    /// Takes what a request has brought.
    pub(super) fn done(&mut self, done: Done) {
        match done {
            Done::Look { conversation, result } => self.looked(&conversation, result),
            Done::Words { conversation, result } => self.words_came(&conversation, result),
            Done::Subscriptions { channel, asked, change, result } => {
                self.topics.are_asked_for = false;
                // What becomes of one that was given up meanwhile says nothing about the one in its place.
                if self.line.channel() == Some(channel.as_str()) {
                    self.topics_came(&asked, change, result);
                }
            }
            Done::Name { user, result } => self.name_came(user, result),
            Done::Open { result } => self.search_came(result),
        }
    }

    /// Without a name an agent is shown by the id. It is asked for again only where everybody has to wait.
    fn name_came(&mut self, user: String, result: Result<Option<String>, RestError>) {
        match result {
            Err(RestError::Unavailable { host, body }) if body.status.as_u16() == 429 => {
                self.watches.values_mut().for_each(|watch| watch.people.ask_again(&user));
                self.trouble(RestError::Unavailable { host, body });
            }
            result => {
                let name = result.unwrap_or_default();
                self.watches.values_mut().for_each(|watch| watch.people.name(&user, name.as_ref()));
                if self.names.len() >= MOST_NAMES {
                    self.names.clear();
                }
                self.names.insert(user, name);
            }
        }
    }

    /// Takes what a look at a conversation has brought.
    pub(crate) fn looked(&mut self, id: &str, result: Result<Snapshot, RestError>) {
        match result {
            Ok(snapshot) => {
                self.pauses.answered();
                let ledger = std::rc::Rc::clone(&self.ledger);
                self.with(id, |watch| {
                    watch.see(snapshot, true, |message, at| ledger.borrow().is_delivered(id, message, at))
                });
            }
            Err(error) => self.look_failed(id, error),
        }
        self.collect();
    }

    fn look_failed(&mut self, id: &str, error: RestError) {
        let seen = self.watches.get(id).is_some_and(Conversation::is_seen);
        match error {
            error if self.scope == Mode::HistoryOnly && !is_passing(&error, seen) => self.deny(&error),
            error @ RestError::Forbidden { .. } => self.refuse(id, error),
            error @ RestError::NotFound { .. } if !seen => self.refuse(id, error),
            error @ RestError::UnexpectedResponse { .. } if !seen => self.refuse(id, error),
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

    fn words_came(&mut self, id: &str, result: Result<Vec<MessageBody>, RestError>) {
        match result {
            Ok(said) => {
                self.pauses.answered();
                self.with(id, |watch| watch.fetched(said));
                return;
            }
            Err(error) if self.scope == Mode::HistoryOnly && !is_passing(&error, true) => self.deny(&error),
            Err(error @ RestError::Forbidden { .. }) => self.refuse(id, error),
            // Of what is not there, or cannot be asked for, there are no words: that is for each message to say.
            Err(RestError::NotFound { .. }) => self.with(id, |watch| watch.fetched(Vec::new())),
            Err(RestError::UnexpectedResponse { .. }) if self.has_failed_often(id) => {
                self.with(id, |watch| watch.fetched(Vec::new()));
            }
            Err(error) => {
                self.with(id, Conversation::fetch_failed);
                self.trouble(error);
            }
        }
        self.lose_patience(id);
    }

    fn has_failed_often(&self, id: &str) -> bool {
        self.watches.get(id).is_some_and(|watch| watch.failures() >= USUAL_RETRIES)
    }

    /// Patience with what was missed in a time without a connection, or before the start of another wire, has an end.
    fn lose_patience(&mut self, id: &str) {
        let scope = self.scope;
        self.with(id, |watch| {
            let impatient = scope == Mode::HistoryOnly || watch.is_recovering();
            if impatient && watch.failures() > USUAL_RETRIES {
                watch.despair();
            }
        });
    }

    fn topics_came(
        &mut self,
        asked: &[String],
        change: SubscribeMode,
        result: Result<(Vec<TopicState>, Token), RestError>,
    ) {
        match result {
            Ok((states, token)) => {
                self.pauses.answered();
                self.subscribed(asked, change, &states, token);
                // What was said before the channel listened is looked for.
                if change == SubscribeMode::Add {
                    self.look_at_all();
                }
            }
            Err(RestError::NotFound { .. }) => self.line.lose("the service does not know it any more"),
            // Asked again, it would be refused again; a new channel lasts as long as this one would have.
            Err(RestError::UnexpectedResponse { .. } | RestError::Forbidden { .. })
                if change == SubscribeMode::Replace =>
            {
                self.line.lose("the service does not let it live on");
            }
            Err(RestError::UnexpectedResponse { reason, .. }) => self.topics.refuse(asked, &reason),
            Err(RestError::Forbidden { body, .. }) => self.topics.refuse(asked, &body.to_string()),
            Err(error) => self.trouble(error),
        }
    }

    fn search_came(&mut self, result: Result<Vec<String>, RestError>) {
        let again = matches!(self.search, Search::UnderWay { again: true });
        self.search = Search::Due { at: Instant::now() + SEARCH_PERIOD, again: true };
        match result {
            Ok(ids) => {
                self.pauses.answered();
                for id in ids {
                    if !is_valid_id(&id) || self.gone.contains(&id) {
                        continue;
                    }
                    // What is found later began meanwhile.
                    if again { self.join(&id) } else { self.adopt(&id, None) }
                }
            }
            Err(error) if is_passing(&error, false) || matches!(error, RestError::Unauthorized { .. }) => {
                self.search = Search::Due { at: Instant::now(), again };
                self.trouble(error);
            }
            Err(error) => {
                self.search = Search::Never;
                let why = match &error {
                    RestError::Forbidden { body, .. } => body.to_string(),
                    error => error.to_string(),
                };
                tracing::warn!(
                    "open conversations cannot be searched for: {why}; each is joined with its next message"
                );
            }
        }
    }

    /// The past cannot be had here. That is said once, and not asked for again.
    fn deny(&mut self, error: &RestError) {
        if !std::mem::replace(&mut self.denied, true) {
            tracing::info!("{}what was said before cannot be read: {error}", self.name());
        }
        self.watches.values_mut().for_each(Conversation::despair);
    }

    /// Gives up one conversation.
    fn refuse(&mut self, id: &str, error: RestError) {
        if !self.watches.has(id) {
            return;
        }
        self.part_with(id);
        let mut error = SourceError::from_rest(error, id);
        if let Some(before) = self.before.remove(id) {
            error = error.with_transcript_refusal(before);
        }
        if let Some(prefix) = self.prefixes.of(id) {
            tracing::error!("{prefix}: {error}; {}", error.hint());
        }
        self.refused.push(error.clone());
        if self.watches.is_empty() && self.groups.is_empty() && self.finished == 0 {
            self.fatal = Some(error);
        }
    }

    /// Waits before anything else is asked, or ends everything where waiting is of no use.
    fn trouble(&mut self, error: RestError) {
        let error = SourceError::from_rest(error, "");
        let wish = match (&error, error.retry()) {
            (_, Retry::After(wish)) => wish,
            (SourceError::NotGenesysCloud { .. }, _) => None,
            _ if self.scope == Mode::HistoryOnly => None,
            _ => return self.fatal = Some(error),
        };
        self.trouble = Some(error.clone());
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
        let only = self.watches.ids().next().filter(|_| self.scope == Mode::HistoryOnly);
        only.and_then(|id| self.prefixes.label(id)).unwrap_or_default()
    }
}

/// Whether it may be otherwise in a while. Something else that answers for once is to be expected only where the API has
/// been `seen` to answer.
fn is_passing(error: &RestError, seen: bool) -> bool {
    match error {
        RestError::Unavailable { .. } | RestError::Http(_) | RestError::Auth(_) => true,
        RestError::UnexpectedResponse { .. } => seen,
        RestError::Unauthorized { .. } | RestError::Forbidden { .. } | RestError::NotFound { .. } => false,
    }
}
