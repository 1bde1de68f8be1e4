//! The calls of an event stream: who speaks on them, as far as the events and the snapshots of the tracker tell (STR-2, STR-3).
//!
//! An utterance is emitted at once. Only for a speaker that a snapshot is about to name it waits, for at most a second.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use super::Now;
use super::call_events;
use super::call_speakers;
use super::participants::Participants;
use super::protocol::{Mention, TimedEvent};
use crate::config::FollowedMedia;
use crate::wire::event_stream::{DetailEvent, StreamMedium};
use crate::wire::transcription::{Transcription, Utterance};

/// The longest wait for the name of a speaker.
const NAME_TIMEOUT: Duration = Duration::from_secs(1);

/// Half of the maximum number of conversations that are remembered: those with the latest events.
const GENERATION: usize = 25_000;

/// The settings of the calls of a stream.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StreamOptions {
    /// The media to print.
    pub(crate) media: FollowedMedia,
    /// Snapshots tell the names of speakers: there are credentials.
    pub(crate) has_snapshots: bool,
}

/// The conversations of a stream.
#[derive(Debug)]
pub(crate) struct StreamCalls {
    options: StreamOptions,
    started: Now,
    /// The conversations in two generations: the older one is forgotten as a whole.
    recent: HashMap<String, StreamCall>,
    older: HashMap<String, StreamCall>,
    /// The conversations with utterances that wait.
    waiting: BTreeSet<String>,
    utterances: VecDeque<(String, TimedEvent)>,
    forgotten: Vec<String>,
}

#[derive(Debug, Default)]
struct StreamCall {
    participants: Participants,
    is_mentioned: bool,
    /// A snapshot is expected to tell names until then.
    names_due: Option<Instant>,
    waiting: Vec<Utterance>,
}

impl StreamCalls {
    /// Creates the state of a stream that begins now.
    pub(crate) fn new(options: StreamOptions, started: Now) -> Self {
        Self {
            options,
            started,
            recent: HashMap::new(),
            older: HashMap::new(),
            waiting: BTreeSet::new(),
            utterances: VecDeque::new(),
            forgotten: Vec::new(),
        }
    }

    /// Takes the final utterances of a call. Returns what the tracker should know of it.
    pub(crate) fn on_transcription(&mut self, transcription: Transcription, now: Instant) -> Option<Mention> {
        let Transcription { conversation, session_ended, utterances } = transcription;
        let id = conversation.filter(|_| self.options.media.calls)?;
        let (has_snapshots, call) = (self.options.has_snapshots, self.call(&id));
        let is_known = std::mem::replace(&mut call.is_mentioned, true);
        if has_snapshots && !is_known {
            call.names_due = Some(now + NAME_TIMEOUT);
        }
        call.waiting.extend(utterances.into_iter().filter(|utterance| utterance.is_final));
        let waits = call.names_due.is_some_and(|due| now < due) && !call.waiting.is_empty();
        if waits {
            self.waiting.insert(id.clone());
        } else {
            self.emit(&id);
        }
        let is_changed = !is_known || session_ended;
        let mention = Mention { conversation: id, is_new: false, is_changed };
        (has_snapshots && is_changed).then_some(mention)
    }

    /// Takes a change of a conversation. Returns what the tracker should know of it.
    pub(crate) fn on_detail(&mut self, event: &DetailEvent, now: Instant) -> Option<Mention> {
        let FollowedMedia { messages, calls } = self.options.media;
        let is_wanted = match event.medium {
            StreamMedium::Message => messages,
            StreamMedium::Call => calls,
            StreamMedium::Unknown => true,
            StreamMedium::Other => false,
        };
        if !is_wanted {
            return None;
        }
        let (has_snapshots, started_at) = (self.options.has_snapshots, self.started.wall);
        let is_call = event.medium == StreamMedium::Call;
        let call = self.call(&event.conversation);
        let is_known = std::mem::replace(&mut call.is_mentioned, true);
        if is_call {
            call_events::apply(event, &mut call.participants);
        }
        // The events tell everything of a call but its text and the names.
        let is_changed = if is_call { call_events::brings_name(event) } else { call_events::is_change(event) };
        let needs_name = !is_known || event.name == "user.start";
        if is_call && has_snapshots && needs_name && call.waiting.is_empty() {
            call.names_due = Some(now + NAME_TIMEOUT);
        }
        let is_new = event.name == "customer.start" && event.at.is_some_and(|at| at >= started_at);
        let mention = Mention { conversation: event.conversation.clone(), is_new, is_changed };
        (has_snapshots && (!is_known || is_changed)).then_some(mention)
    }

    /// Takes the participants of a call, of which a snapshot has told.
    pub(crate) fn on_participants(&mut self, id: &str, participants: Participants) {
        let call = self.call(id);
        (call.participants, call.names_due) = (participants, None);
        self.emit(id);
    }

    /// Returns whether there is an utterance to take.
    pub(crate) fn has_utterances(&self) -> bool {
        !self.utterances.is_empty()
    }

    /// Takes the next utterance.
    pub(crate) fn poll_utterance(&mut self) -> Option<(String, TimedEvent)> {
        self.utterances.pop_front()
    }

    /// Returns when [`StreamCalls::on_timeout`] emits something.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.waiting.iter().filter_map(|id| self.known(id)?.names_due).min()
    }

    /// Emits the utterances that have waited long enough.
    pub(crate) fn on_timeout(&mut self, now: Instant) {
        let is_over = |id: &&String| self.known(id).is_none_or(|call| call.names_due.is_none_or(|due| due <= now));
        let over: Vec<String> = self.waiting.iter().filter(is_over).cloned().collect();
        for id in over {
            self.emit(&id);
        }
    }

    /// Emits everything that waits.
    pub(crate) fn flush(&mut self) {
        for id in std::mem::take(&mut self.waiting) {
            self.emit(&id);
        }
    }

    /// Takes the conversations that are no longer remembered.
    pub(crate) fn take_forgotten(&mut self) -> Vec<String> {
        std::mem::take(&mut self.forgotten)
    }

    fn known(&self, id: &str) -> Option<&StreamCall> {
        self.recent.get(id).or_else(|| self.older.get(id))
    }

    /// Returns a conversation, and remembers it as one with a recent event.
    fn call(&mut self, id: &str) -> &mut StreamCall {
        if !self.recent.contains_key(id) {
            let call = self.older.remove(id).unwrap_or_default();
            if self.recent.len() >= GENERATION {
                self.forget_older();
            }
            if !call.waiting.is_empty() {
                self.waiting.insert(id.to_owned());
            }
            self.recent.insert(id.to_owned(), call);
        }
        self.recent.get_mut(id).expect("it was inserted")
    }

    fn forget_older(&mut self) {
        self.flush();
        let recent = std::mem::take(&mut self.recent);
        self.forgotten.extend(std::mem::replace(&mut self.older, recent).into_keys());
    }

    fn emit(&mut self, id: &str) {
        self.waiting.remove(id);
        let Some(call) = self.recent.get_mut(id).or_else(|| self.older.get_mut(id)) else { return };
        for utterance in call.waiting.drain(..) {
            let event = call_speakers::utterance(utterance, &call.participants);
            self.utterances.push_back((id.to_owned(), event));
        }
    }
}

#[cfg(test)]
mod tests;
