//! One open transcript socket, and what was said before it stood.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;

use chrono::{DateTime, Utc};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use crate::api::oauth::Token;
use crate::api::websocket::{CLOSE_NORMAL, CloseReason, Frame, LastActivity, Socket};
use crate::event::{RawFrame, TranscriptEvent};
use crate::source::{Item, ItemKind, Outage, SourceError, due};
use crate::status::redact::Secrets;
use crate::tracker::{Event, Tracker};
use crate::wire::transcript::fast_path::TemplateCache;
use crate::wire::transcript::{Decoded, decode};

/// Bytes of frames that may wait while the past is read; more of them wait in the network.
const MOST_WAITING: usize = 256 * 1024;

/// What a frame takes besides what is in it, so that empty ones cannot wait in any number.
const FRAME: usize = size_of::<Frame>() + 64;

/// One open connection to one conversation.
#[derive(Debug)]
pub(crate) struct TranscriptSession<T> {
    socket: Socket<T>,
    conversation: String,
    token: Token,
    secrets: Secrets,
    peer: String,
    frame: Option<Frame>,
    desk: Rc<RefCell<Tracker>>,
    shapes: TemplateCache,
    /// What came while the past was read.
    waiting: VecDeque<Frame>,
    bytes_waiting: usize,
    /// How the socket ended meanwhile.
    ending: Option<CloseReason>,
}

impl<T: AsyncRead + AsyncWrite + Unpin> TranscriptSession<T> {
    /// A session over an open socket that was opened with this token, with the desk that reads the past. No reason for
    /// its end shows any of the `secrets`.
    pub(crate) fn new(
        socket: Socket<T>,
        conversation: String,
        (token, peer): (Token, String),
        secrets: Secrets,
        (desk, shapes): (Rc<RefCell<Tracker>>, TemplateCache),
    ) -> Self {
        Self {
            socket,
            conversation,
            token,
            secrets,
            peer,
            frame: None,
            desk,
            shapes,
            waiting: VecDeque::new(),
            bytes_waiting: 0,
            ending: None,
        }
    }

    pub(crate) fn peer(&self) -> &str {
        &self.peer
    }

    pub(crate) fn resume(&mut self, loss: &Outage) {
        self.desk.borrow_mut().resume(loss);
    }

    /// When its token will expire.
    pub(crate) fn renew_at(&self) -> Option<Instant> {
        self.token.renew_at
    }

    pub(crate) fn last_activity(&self) -> DateTime<Utc> {
        self.socket.last_activity()
    }

    pub(crate) fn life(&self) -> LastActivity {
        self.socket.activity()
    }

    pub(crate) fn ready(&mut self) -> Option<Result<Item<'_>, SourceError>> {
        if let Some(out) = self.read_past() {
            return Some(Ok(past(&self.conversation, out)));
        }
        if self.desk.borrow().is_reading() {
            return None;
        }
        // What is held of a frame holds the buffer that the next one is read into.
        self.frame = None;
        let result = match self.next_waiting() {
            Some(waited) => waited,
            None => self.socket.try_next()?,
        };
        Some(self.take(result))
    }

    pub(crate) async fn next(&mut self) -> Result<Item<'_>, SourceError> {
        loop {
            self.desk.borrow_mut().begin();
            if let Some(out) = self.read_past() {
                return Ok(past(&self.conversation, out));
            }
            let reading = self.desk.borrow().is_reading();
            if !reading && let Some(waited) = self.next_waiting() {
                return self.take(waited);
            }
            self.frame = None;
            if let Some(frame) = self.turn(reading).await {
                return self.take(frame);
            }
        }
    }

    /// The next of what was said already and lacks its words yet; `None` when nothing is missing. The socket may be gone.
    pub(crate) async fn owed(&mut self) -> Option<Item<'_>> {
        loop {
            self.desk.borrow_mut().begin();
            if let Some(out) = self.read_past() {
                return Some(past(&self.conversation, out));
            }
            if !self.desk.borrow().owes() {
                return None;
            }
            let desk = Rc::clone(&self.desk);
            let begin = desk.borrow().due();
            tokio::select! {
                () = poll_fn(|context| desk.borrow_mut().poll(context)) => {}
                () = due(begin) => {}
            }
        }
    }

    pub(crate) async fn hold(&mut self, until: impl Future<Output = ()>) {
        self.socket.pause_reading(until).await;
    }

    pub(crate) async fn close(&mut self) {
        self.socket.close(CLOSE_NORMAL).await;
    }

    pub(crate) async fn bury(&mut self, ending: &CloseReason) {
        self.socket.send_close_for(ending).await;
    }

    /// Waits for whatever comes first: a frame, which waits while the past is read, or more of the past.
    async fn turn(&mut self, reading: bool) -> Option<Result<Frame, CloseReason>> {
        let desk = Rc::clone(&self.desk);
        let begin = desk.borrow().due();
        let listens = self.ending.is_none() && (!reading || self.bytes_waiting < MOST_WAITING);
        tokio::select! {
            biased;
            result = self.socket.next(), if listens => {
                if !reading {
                    return Some(result);
                }
                self.put_aside(result);
            }
            () = poll_fn(|context| desk.borrow_mut().poll(context)) => {}
            () = due(begin) => {}
        }
        None
    }

    fn put_aside(&mut self, result: Result<Frame, CloseReason>) {
        match result {
            Ok(frame) => {
                self.bytes_waiting += frame.raw().len() + FRAME;
                self.waiting.push_back(frame);
            }
            Err(ending) => self.ending = Some(ending),
        }
    }

    fn next_waiting(&mut self) -> Option<Result<Frame, CloseReason>> {
        match self.waiting.pop_front() {
            Some(frame) => {
                self.bytes_waiting -= frame.raw().len() + FRAME;
                if self.waiting.is_empty() {
                    // Nothing waits once the past is read, and then this room is of no more use.
                    self.waiting = VecDeque::new();
                }
                Some(Ok(frame))
            }
            None => self.ending.take().map(Err),
        }
    }

    fn read_past(&mut self) -> Option<Event> {
        self.desk.borrow_mut().pop().map(|(_, out)| out)
    }

    /// What a server says at the end is shown on both streams, and a token may be in it.
    fn redacted(&self, ending: CloseReason) -> CloseReason {
        match ending {
            CloseReason::Closed { code, reason } => {
                CloseReason::Closed { code, reason: self.secrets.redact(&reason).into_owned() }
            }
            ending => ending,
        }
    }

    fn take(&mut self, result: Result<Frame, CloseReason>) -> Result<Item<'_>, SourceError> {
        match result {
            Ok(frame) => {
                let frame = self.frame.insert(frame);
                Ok(arrival(frame.raw(), &self.conversation, frame.received, &self.shapes))
            }
            Err(ending) => {
                let error = SourceError::from(self.redacted(ending));
                if error.is_policy_close() {
                    self.token.invalidate();
                }
                Err(error)
            }
        }
    }
}

/// Reads a frame of the transcript socket.
pub(crate) fn arrival<'a>(
    raw: RawFrame<'a>,
    conversation: &'a str,
    received: DateTime<Utc>,
    shapes: &TemplateCache,
) -> Item<'a> {
    let meaning = match decode(raw, conversation, received, shapes) {
        Decoded::Event(event) => ItemKind::Event(event),
        Decoded::Unknown(name) => ItemKind::Ignored(name),
        Decoded::Malformed(reason) => ItemKind::Malformed(reason),
    };
    let last = matches!(&meaning, ItemKind::Event(event) if event.body == crate::event::EventBody::Closed);
    Item { conversation, received, raw: Some(raw), meaning, last }
}

fn past(conversation: &str, out: Event) -> Item<'_> {
    let (received, meaning) = match out {
        Event::Live(told) => {
            let received = told.received();
            (received, ItemKind::Event(TranscriptEvent { conversation, at: told.at, received, body: told.body }))
        }
        Event::Backfill(events, why) => (Utc::now(), ItemKind::History(events, why)),
    };
    Item { conversation, received, raw: None, meaning, last: false }
}
