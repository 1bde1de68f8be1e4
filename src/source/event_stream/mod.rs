//! The source of an event stream: lines from a file or a pipe become items, and mentions of conversations (STR-1 to STR-5).

mod error;
mod line_reader;
mod link;
mod objects;
mod received_lines;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::io;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

pub(crate) use self::error::EventStreamError;
use self::line_reader::{Piece, Pieces};
pub(crate) use self::link::StreamLink;
use self::objects::{LineObjects, ReadObject};
use self::received_lines::ReceivedLines;
use super::{ConnectionRole, Item, ItemKind, sleep_until};
use crate::config::{EventInput, FollowedMedia};
use crate::dedup::{Dedup, EventIds};
use crate::event::{RawFrame, TranscriptEvent};
use crate::tracker::{Now, Participants, StreamCalls, StreamOptions, TimedEvent};
use crate::wire::event_stream::read_line;

/// The settings of an event stream.
#[derive(Debug, Clone)]
pub(crate) struct EventStreamSettings {
    pub(crate) input: EventInput,
    /// The media to print.
    pub(crate) media: FollowedMedia,
    /// Older utterances are not wanted, except for calls that are in the cursor.
    pub(crate) since: Option<DateTime<Utc>>,
    /// Notifications are recorded or printed as they came.
    pub(crate) keeps_frames: bool,
}

/// An event stream.
pub(crate) struct EventStream<'a> {
    settings: EventStreamSettings,
    /// Leads to the notifications source; `None` without credentials.
    link: Option<&'a StreamLink>,
    pieces: Pieces,
    calls: StreamCalls,
    ids: EventIds,
    lines: ReceivedLines,
    received: DateTime<Utc>,
    objects: VecDeque<ReadObject>,
    has_ended: bool,
    /// The conversation and the frame of the latest item, which borrows them.
    conversation: String,
    frame: Option<String>,
}

/// The state of a stream after a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StreamProgress {
    /// There may be items.
    More,
    /// Everything was read.
    Ended,
}

enum Wakeup {
    Piece(Option<Result<Piece, EventStreamError>>),
    Participants(HashMap<String, Participants>),
    Timeout,
}

impl<'a> EventStream<'a> {
    /// Starts to read a stream.
    ///
    /// # Errors
    ///
    /// If the thread that reads cannot be started. An input that cannot be read is an error of [`EventStream::wait`].
    pub(crate) fn start(settings: EventStreamSettings, link: Option<&'a StreamLink>) -> io::Result<Self> {
        let pieces = line_reader::start(settings.input.clone())?;
        Ok(Self::new(settings, pieces, link))
    }

    fn new(settings: EventStreamSettings, pieces: Pieces, link: Option<&'a StreamLink>) -> Self {
        let options = StreamOptions { media: settings.media, has_snapshots: link.is_some() };
        Self {
            settings,
            link,
            pieces,
            calls: StreamCalls::new(options, Now::read()),
            ids: EventIds::default(),
            lines: ReceivedLines::default(),
            received: Utc::now(),
            objects: VecDeque::new(),
            has_ended: false,
            conversation: String::new(),
            frame: None,
        }
    }

    /// Waits until there may be items, or the stream has ended. Cancel safe.
    ///
    /// # Errors
    ///
    /// If the stream cannot be read.
    pub(crate) async fn wait(&mut self) -> Result<StreamProgress, EventStreamError> {
        if !self.lines.is_empty() || !self.objects.is_empty() || self.calls.has_utterances() {
            return Ok(StreamProgress::More);
        }
        if self.has_ended && self.calls.poll_timeout().is_none() {
            return Ok(StreamProgress::Ended);
        }
        match self.next_wakeup().await {
            Wakeup::Piece(Some(piece)) => self.on_piece(piece?),
            Wakeup::Piece(None) => {
                self.has_ended = true;
                self.link.into_iter().for_each(StreamLink::end);
            }
            Wakeup::Participants(published) => {
                for (id, participants) in published {
                    self.calls.on_participants(&id, participants);
                }
            }
            Wakeup::Timeout => self.calls.on_timeout(Instant::now()),
        }
        self.received = Utc::now();
        Ok(StreamProgress::More)
    }

    /// Returns the next item that needs no waiting. `dedup` tells which calls are in the cursor.
    pub(crate) fn try_next(&mut self, dedup: &Dedup) -> Option<Item<'_>> {
        loop {
            if let Some(object) = self.objects.pop_front() {
                return Some(self.object_item(object));
            }
            match self.calls.poll_utterance() {
                Some((conversation, event)) if self.is_wanted(&conversation, &event, dedup) => {
                    return Some(self.utterance_item(conversation, event));
                }
                Some(_) => {}
                None if self.lines.is_empty() => return None,
                None => self.read_line(),
            }
        }
    }

    /// Makes items of the utterances that wait for the names of their speakers: nothing more is read.
    pub(crate) fn stop_waiting(&mut self) {
        self.calls.flush();
    }

    /// Takes the conversations whose events will not be repeated.
    pub(crate) fn take_forgotten(&mut self) -> Vec<String> {
        self.calls.take_forgotten()
    }

    async fn next_wakeup(&mut self) -> Wakeup {
        let timeout = self.calls.poll_timeout();
        let Self { pieces, link, has_ended, .. } = self;
        tokio::select! {
            biased;
            participants = next_participants(*link) => Wakeup::Participants(participants),
            () = sleep_until(timeout) => Wakeup::Timeout,
            piece = pieces.recv(), if !*has_ended => Wakeup::Piece(piece),
        }
    }

    fn on_piece(&mut self, piece: Piece) {
        match piece {
            Piece::Lines(bytes) => self.lines = ReceivedLines::new(bytes),
            Piece::TooLong => {
                self.objects.push_back(ReadObject::malformed("line longer than 16 MiB", None));
            }
        }
    }

    fn read_line(&mut self) {
        let Self { lines, settings: EventStreamSettings { keeps_frames, .. }, calls, ids, link, objects, .. } = self;
        let keeps_frames = *keeps_frames;
        let line = lines.next();
        if let Ok(line) = str::from_utf8(line) {
            let mut reading = LineObjects { keeps_frames, calls, ids, link: *link, objects, now: Instant::now() };
            read_line(line, &mut |object| reading.on_object(object));
        } else {
            let frame = keeps_frames.then(|| String::from_utf8_lossy(line).into_owned());
            objects.push_back(ReadObject::malformed("invalid UTF-8", frame));
        }
        lines.release();
    }

    fn object_item(&mut self, object: ReadObject) -> Item<'_> {
        let ReadObject { conversation, frame, kind } = object;
        (self.conversation, self.frame) = (conversation, frame);
        Item {
            conversation: &self.conversation,
            received: self.received,
            raw: self.frame.as_deref().map(RawFrame::Text),
            kind,
            connection: ConnectionRole::Live,
        }
    }

    fn utterance_item(&mut self, conversation: String, event: TimedEvent) -> Item<'_> {
        let TimedEvent { at, body, context } = event;
        self.conversation = conversation;
        let (conversation, received) = (self.conversation.as_str(), self.received);
        let kind = ItemKind::Event(TranscriptEvent { conversation, at, received, body, context });
        Item { conversation, received, raw: None, kind, connection: ConnectionRole::Live }
    }

    /// Returns whether an utterance is young enough (CLI-16).
    fn is_wanted(&self, conversation: &str, event: &TimedEvent, dedup: &Dedup) -> bool {
        let is_old = self.settings.since.is_some_and(|since| event.at.is_some_and(|at| at < since));
        !is_old || dedup.resume_point(conversation).is_some()
    }
}

async fn next_participants(link: Option<&StreamLink>) -> HashMap<String, Participants> {
    match link {
        Some(link) => link.next_participants().await,
        None => std::future::pending().await,
    }
}
