//! One open notification socket, and everything that is found out while it stands.

use std::borrow::Cow;
use std::cell::RefCell;
use std::future::{pending, poll_fn};
use std::rc::Rc;

use chrono::{DateTime, Utc};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use crate::event::{Body, RawFrame, TranscriptEvent};
use crate::genesys::notice::{self, Notice};
use crate::genesys::socket::{CLOSE_NORMAL, Ending, Frame, Socket};
use crate::redact::Secrets;
use crate::source::desk::{Desk, Out};
use crate::source::{Arrival, Meaning, SourceError, due};

/// One open connection for all conversations.
#[derive(Debug)]
pub(crate) struct NotificationSession<T> {
    /// There is none where nothing is to be heard.
    socket: Option<Socket<T>>,
    desk: Rc<RefCell<Desk>>,
    peer: String,
    secrets: Secrets,
    follow: bool,
    /// When the service has said that it will close the socket.
    closing: Option<Instant>,
    /// Whether we have said goodbye.
    left: bool,
    current: String,
    frame: Option<(Frame, Option<String>)>,
}

impl<T> NotificationSession<T> {
    /// A session over an open socket, or over none, with the desk that knows everything else.
    pub(super) fn new(
        socket: Option<Socket<T>>,
        desk: Rc<RefCell<Desk>>,
        peer: String,
        secrets: Secrets,
        follow: bool,
    ) -> Self {
        let current = String::new();
        Self { socket, desk, peer, secrets, follow, closing: None, left: false, current, frame: None }
    }

    pub(super) fn desk(&self) -> &Rc<RefCell<Desk>> {
        &self.desk
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> NotificationSession<T> {
    pub(in crate::source) fn peer(&self) -> &str {
        &self.peer
    }

    /// At once when the service has said that it will close the socket.
    pub(in crate::source) fn renew_at(&self) -> Option<Instant> {
        self.closing
    }

    pub(in crate::source) fn heard_at(&self) -> DateTime<Utc> {
        self.socket.as_ref().map_or_else(Utc::now, Socket::heard_at)
    }

    pub(in crate::source) fn ready(&mut self) -> Option<Result<Arrival<'_>, SourceError>> {
        if self.left {
            return None;
        }
        let out = self.desk.borrow_mut().pop();
        if let Some(out) = out {
            return Some(Ok(self.tell(out)));
        }
        let result = self.socket.as_mut()?.ready()?;
        Some(self.take(result))
    }

    pub(in crate::source) async fn next(&mut self) -> Result<Arrival<'_>, SourceError> {
        loop {
            if self.left {
                return Err(self.farewell().await);
            }
            self.desk.borrow_mut().begin();
            let out = self.desk.borrow_mut().pop();
            if let Some(out) = out {
                return Ok(self.tell(out));
            }
            self.broken()?;
            if self.is_over() {
                return Ok(self.end());
            }
            if let Some(result) = self.turn().await {
                return self.take(result);
            }
        }
    }

    pub(in crate::source) async fn hold(&mut self, until: impl Future<Output = ()>) {
        match &mut self.socket {
            Some(socket) => socket.hold(until).await,
            None => until.await,
        }
    }

    pub(in crate::source) async fn close(&mut self) {
        self.left = true;
        if let Some(socket) = &mut self.socket {
            socket.close(CLOSE_NORMAL).await;
        }
    }

    pub(in crate::source) async fn bury(&mut self, ending: &Ending) {
        if let Some(socket) = &mut self.socket {
            socket.give_up(ending).await;
        }
    }

    /// Waits for whatever comes first: a frame, an answer, or a reason or the time to ask for something.
    async fn turn(&mut self) -> Option<Result<Frame, Ending>> {
        let desk = Rc::clone(&self.desk);
        let (begin, adopted) = (desk.borrow().due(), desk.borrow().adopted());
        tokio::select! {
            biased;
            result = frame(&mut self.socket) => return Some(result),
            () = poll_fn(|context| desk.borrow_mut().poll(context)) => {}
            () = due(begin) => {}
            () = adopted.notified() => {}
        }
        None
    }

    /// Reads what the service still says after our goodbye, which is of no more interest.
    async fn farewell(&mut self) -> SourceError {
        let Some(socket) = &mut self.socket else {
            return SourceError::Dropped(Ending::Broken("there is no socket".to_owned()));
        };
        loop {
            if let Err(ending) = socket.next().await {
                return SourceError::Dropped(ending);
            }
        }
    }

    /// What was found out to be of no more use.
    fn broken(&self) -> Result<(), SourceError> {
        let mut desk = self.desk.borrow_mut();
        if let Some(fatal) = desk.fatal() {
            return Err(fatal);
        }
        desk.line.take_loss().map_or(Ok(()), |why| Err(SourceError::ChannelGone(why)))
    }

    /// Whether nothing more is to be told.
    fn is_over(&self) -> bool {
        let desk = self.desk.borrow();
        desk.is_done() || (!self.follow && desk.is_caught_up())
    }

    fn take(&mut self, result: Result<Frame, Ending>) -> Result<Arrival<'_>, SourceError> {
        let frame = match result {
            Ok(frame) => frame,
            Err(ending) => {
                if matches!(ending, Ending::Closed { .. }) && self.closing.is_none() {
                    self.desk.borrow_mut().line.kicked();
                }
                return Err(SourceError::Dropped(self.redacted(ending)));
            }
        };
        let (conversation, meaning) = self.understand(notice::read(frame.raw()));
        self.current = conversation;
        let shown = match frame.raw() {
            RawFrame::Text(text) => match self.secrets.without_channel(text) {
                Cow::Owned(text) => Some(text),
                Cow::Borrowed(_) => None,
            },
            RawFrame::Binary(_) => None,
        };
        let (frame, shown) = self.frame.insert((frame, shown));
        let raw = shown.as_deref().map_or(frame.raw(), RawFrame::Text);
        let received = frame.received;
        Ok(Arrival { conversation: &self.current, received, raw: Some(raw), meaning, last: false })
    }

    /// What a frame means, and for which conversation.
    fn understand(&mut self, notice: Notice) -> (String, Meaning<'static>) {
        let conversation = match &notice {
            Notice::Conversation(snapshot) => snapshot.id.clone(),
            Notice::Detail { conversation, .. } | Notice::Typing { conversation, .. } => Some(conversation.clone()),
            Notice::Transcription(transcription) => transcription.conversation.clone(),
            _ => None,
        };
        let meaning = match &notice {
            Notice::Heartbeat | Notice::Pong => Meaning::Life,
            Notice::Other(name) => Meaning::Unknown(self.secrets.redact(name).into_owned().into()),
            Notice::Unreadable(reason) => Meaning::Malformed(reason.clone()),
            _ => Meaning::Hint,
        };
        match notice {
            Notice::Closing => {
                tracing::debug!("the service will close the notification socket");
                self.closing = Some(Instant::now());
            }
            Notice::ChannelGone(why) => {
                let why = self.secrets.redact(&why).into_owned();
                self.desk.borrow_mut().line.lose(&why);
            }
            Notice::TokenRevoked => {
                self.desk.borrow_mut().token_revoked();
            }
            notice => self.desk.borrow_mut().hear(notice),
        }
        (conversation.unwrap_or_default(), meaning)
    }

    fn tell(&mut self, (id, out): (String, Out)) -> Arrival<'_> {
        self.current = id;
        let conversation = self.current.as_str();
        let mut last = false;
        let (received, meaning) = match out {
            Out::Live(told) => {
                last = told.body == Body::Closed && self.desk.borrow().is_done();
                let received = told.received();
                (received, Meaning::Event(TranscriptEvent { conversation, at: told.at, received, body: told.body }))
            }
            Out::Past(events, why) => (Utc::now(), Meaning::Past(events, why)),
        };
        Arrival { conversation, received, raw: None, meaning, last }
    }

    fn end(&self) -> Arrival<'_> {
        Arrival { conversation: "", received: Utc::now(), raw: None, meaning: Meaning::Hint, last: true }
    }

    fn redacted(&self, ending: Ending) -> Ending {
        match ending {
            Ending::Closed { code, reason } => {
                Ending::Closed { code, reason: self.secrets.redact(&reason).into_owned() }
            }
            ending => ending,
        }
    }
}

/// The next frame, if there is a socket to bring one.
async fn frame<T: AsyncRead + AsyncWrite + Unpin>(socket: &mut Option<Socket<T>>) -> Result<Frame, Ending> {
    match socket {
        Some(socket) => socket.next().await,
        None => pending().await,
    }
}
