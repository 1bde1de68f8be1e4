//! The source of an event stream: lines from a file or a pipe become items, and mentions of conversations (STR-1 to STR-5).

mod error;
mod line_reader;
mod link;

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::io;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

pub(crate) use self::error::EventStreamError;
use self::line_reader::{Piece, Pieces};
pub(crate) use self::link::StreamLink;
use super::{ConnectionRole, Item, ItemKind, sleep_until};
use crate::config::{EventInput, FollowedMedia, is_valid_id};
use crate::dedup::{Dedup, EventIds};
use crate::event::{RawFrame, TranscriptEvent};
use crate::tracker::{Now, Participants, StreamCalls, StreamOptions, TimedEvent};
use crate::wire::event_stream::{StreamEvent, StreamObject, notification_text, read_line};

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
    lines: Lines,
    received: DateTime<Utc>,
    objects: VecDeque<ReadObject>,
    has_ended: bool,
    /// The conversation and the frame of the latest item, which borrows them.
    conversation: String,
    frame: Option<String>,
}

/// The lines that were received and not read yet.
#[derive(Debug, Default)]
struct Lines {
    bytes: Vec<u8>,
    read: usize,
}

/// An object that is an item of its own. Utterances follow as further items.
#[derive(Debug)]
struct ReadObject {
    conversation: String,
    frame: Option<String>,
    kind: ItemKind<'static>,
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
            lines: Lines::default(),
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
        if !self.lines.is_empty() || !self.objects.is_empty() {
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
                published.into_iter().for_each(|(id, participants)| self.calls.on_participants(&id, participants));
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
            Piece::Lines(bytes) => self.lines = Lines { bytes, read: 0 },
            Piece::TooLong => {
                let kind = ItemKind::MalformedLine(Cow::Borrowed("line longer than 16 MiB"));
                self.objects.push_back(ReadObject { conversation: String::new(), frame: None, kind });
            }
        }
    }

    fn read_line(&mut self) {
        let Self { lines, settings: EventStreamSettings { keeps_frames, .. }, calls, ids, link, objects, .. } = self;
        let keeps_frames = *keeps_frames;
        let line = lines.next();
        match str::from_utf8(line) {
            Ok(line) => {
                let mut reading = Reading { keeps_frames, calls, ids, link: *link, objects, now: Instant::now() };
                read_line(line, &mut |object| reading.on_object(object));
            }
            Err(_) => {
                let kind = ItemKind::MalformedLine(Cow::Borrowed("invalid UTF-8"));
                let frame = keeps_frames.then(|| String::from_utf8_lossy(line).into_owned());
                objects.push_back(ReadObject { conversation: String::new(), frame, kind });
            }
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

impl Lines {
    fn is_empty(&self) -> bool {
        self.read >= self.bytes.len()
    }

    /// Returns the next line.
    fn next(&mut self) -> &[u8] {
        let rest = &self.bytes[self.read..];
        let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        self.read += length + 1;
        &rest[..length]
    }

    /// Gives the memory back if everything was read.
    fn release(&mut self) {
        if self.is_empty() {
            *self = Self::default();
        }
    }
}

/// What the objects of a line change.
struct Reading<'r, 'a> {
    keeps_frames: bool,
    calls: &'r mut StreamCalls,
    ids: &'r mut EventIds,
    link: Option<&'a StreamLink>,
    objects: &'r mut VecDeque<ReadObject>,
    now: Instant,
}

impl Reading<'_, '_> {
    fn on_object(&mut self, object: StreamObject<'_>) {
        let StreamObject { id, text, event } = object;
        let event = match conversation_of(&event).is_none_or(is_valid_id) {
            true => event,
            false => StreamEvent::Malformed("not a conversation id".to_owned()),
        };
        let kind = match &event {
            StreamEvent::Transcription(_) | StreamEvent::Detail(_) => ItemKind::Notification,
            StreamEvent::Other(topic) => ItemKind::Ignored(Cow::Owned(topic.clone())),
            StreamEvent::Malformed(reason) => ItemKind::MalformedLine(Cow::Owned(reason.clone())),
        };
        if self.keeps_frames || kind != ItemKind::Notification {
            let conversation = conversation_of(&event).unwrap_or_default().to_owned();
            let frame = self.keeps_frames.then(|| notification_text(text).to_owned());
            self.objects.push_back(ReadObject { conversation, frame, kind });
        }
        if id.is_none_or(|id| self.ids.insert(id)) {
            self.apply(event);
        }
    }

    fn apply(&mut self, event: StreamEvent) {
        let mention = match event {
            StreamEvent::Transcription(transcription) => self.calls.on_transcription(transcription, self.now),
            StreamEvent::Detail(detail) => self.calls.on_detail(&detail, self.now),
            StreamEvent::Other(_) | StreamEvent::Malformed(_) => None,
        };
        if let Some((link, mention)) = self.link.zip(mention) {
            link.mention(mention);
        }
    }
}

fn conversation_of(event: &StreamEvent) -> Option<&str> {
    match event {
        StreamEvent::Transcription(transcription) => transcription.conversation.as_deref(),
        StreamEvent::Detail(detail) => Some(&detail.conversation),
        StreamEvent::Other(_) | StreamEvent::Malformed(_) => None,
    }
}
