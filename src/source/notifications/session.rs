//! One open notification socket, and everything that is found out while it stands.

use std::borrow::Cow;
use std::cell::RefCell;
use std::future::{pending, poll_fn};
use std::rc::Rc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use crate::api::websocket::{CLOSE_NORMAL, CloseReason, Frame, LastActivity, Socket};
use crate::event::{EventBody, RawFrame, TranscriptEvent};
use crate::source::{Item, ItemKind, Outage, SourceError, due};
use crate::status::redact::Secrets;
use crate::tracker::{Event, Tracker};
use crate::wire::notification::{self, Notification};

/// How long a socket that has ended as announced may be missed: the one that takes its place is being opened, and the
/// service ends the old one when the new one stands.
const BETWEEN_SOCKETS: Duration = Duration::from_secs(10);

/// Frames that are taken one after the other before whatever else there is to do has its turn.
const IN_A_ROW: u32 = 16;

/// One open connection for all conversations.
#[derive(Debug)]
pub(crate) struct NotificationSession<T> {
    /// There is none where nothing is to be heard.
    socket: Option<Socket<T>>,
    desk: Rc<RefCell<Tracker>>,
    peer: String,
    secrets: Secrets,
    follow: bool,
    /// Since when another session should be opened beside this one.
    closing: Option<Instant>,
    /// How the socket has ended meanwhile, and until when that does not matter.
    ended: Option<(Instant, CloseReason)>,
    /// Whether we have said goodbye.
    left: bool,
    /// Frames that were taken since everything else had its turn.
    in_a_row: u32,
    current: String,
    frame: Option<(Frame, Option<String>)>,
}

impl<T> NotificationSession<T> {
    /// A session over an open socket, or over none, with the desk that knows everything else.
    pub(super) fn new(
        socket: Option<Socket<T>>,
        desk: Rc<RefCell<Tracker>>,
        peer: String,
        secrets: Secrets,
        follow: bool,
    ) -> Self {
        Self {
            socket,
            desk,
            peer,
            secrets,
            follow,
            closing: None,
            ended: None,
            left: false,
            in_a_row: 0,
            current: String::new(),
            frame: None,
        }
    }

    /// Says that this is the first session after a loss. Without a socket nothing was missed that could have been heard.
    pub(crate) fn resume(&mut self, loss: &Outage) {
        if self.socket.is_some() {
            self.desk.borrow_mut().resume(loss);
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> NotificationSession<T> {
    pub(crate) fn peer(&self) -> &str {
        &self.peer
    }

    /// Soon when the service has said that it will close the socket, or when there is something to hear after all.
    pub(crate) fn renew_at(&self) -> Option<Instant> {
        self.closing
    }

    pub(crate) fn last_activity(&self) -> DateTime<Utc> {
        self.socket.as_ref().map_or_else(Utc::now, Socket::last_activity)
    }

    pub(crate) fn life(&self) -> Option<LastActivity> {
        self.socket.as_ref().map(Socket::activity)
    }

    pub(crate) fn ready(&mut self) -> Option<Result<Item<'_>, SourceError>> {
        if self.left {
            return None;
        }
        let out = self.desk.borrow_mut().pop();
        if let Some(out) = out {
            return Some(Ok(self.tell(out)));
        }
        if self.ended.is_some() || self.in_a_row == IN_A_ROW {
            return None;
        }
        self.in_a_row += 1;
        let result = self.socket.as_mut()?.try_next()?;
        Some(self.take(result))
    }

    pub(crate) async fn next(&mut self) -> Result<Item<'_>, SourceError> {
        loop {
            if self.left {
                return Err(self.farewell().await);
            }
            self.in_a_row = 0;
            self.desk.borrow_mut().begin();
            let out = self.desk.borrow_mut().pop();
            if let Some(out) = out {
                return Ok(self.tell(out));
            }
            self.broken()?;
            if self.is_over() {
                return Ok(hint(true));
            }
            if self.is_stranded() {
                self.closing = Some(Instant::now());
                return Ok(hint(false));
            }
            if let Some(result) = self.turn().await {
                return self.take(result);
            }
        }
    }

    pub(crate) async fn hold(&mut self, until: impl Future<Output = ()>) {
        match &mut self.socket {
            Some(socket) if self.ended.is_none() => socket.pause_reading(until).await,
            _ => until.await,
        }
    }

    pub(crate) async fn close(&mut self) {
        self.left = true;
        match (&mut self.socket, &self.ended) {
            (Some(socket), Some((_, ending))) => socket.send_close_for(ending).await,
            (Some(socket), None) => socket.close(CLOSE_NORMAL).await,
            (None, _) => {}
        }
    }

    pub(crate) async fn bury(&mut self, ending: &CloseReason) {
        if let Some(socket) = &mut self.socket {
            socket.send_close_for(ending).await;
        }
    }

    /// Waits for whatever comes first: a frame, an answer, or a reason or the time to ask for something.
    async fn turn(&mut self) -> Option<Result<Frame, CloseReason>> {
        let desk = Rc::clone(&self.desk);
        let begin = desk.borrow().due();
        let missed = self.ended.as_ref().map(|(until, _)| *until);
        tokio::select! {
            biased;
            // A socket that always has something to say would keep everything from being fetched.
            () = poll_fn(|context| desk.borrow_mut().poll(context)) => {}
            result = frame(&mut self.socket), if missed.is_none() => return Some(result),
            () = due(begin) => {}
            () = due(missed) => {}
        }
        None
    }

    /// Reads what the service still says after our goodbye, which is of no more interest.
    async fn farewell(&mut self) -> SourceError {
        let socket = match (&mut self.socket, &self.ended) {
            (Some(socket), None) => socket,
            (_, Some((_, ending))) => return SourceError::ConnectionLost(ending.clone()),
            (None, None) => {
                return SourceError::ConnectionLost(CloseReason::ConnectionLost("there is no socket".to_owned()));
            }
        };
        loop {
            if let Err(ending) = socket.next().await {
                return SourceError::ConnectionLost(ending);
            }
        }
    }

    /// What was found out to be of no more use.
    fn broken(&mut self) -> Result<(), SourceError> {
        if let Some((_, ending)) = self.ended.take_if(|(until, _)| *until <= Instant::now()) {
            return Err(SourceError::ConnectionLost(ending));
        }
        let mut desk = self.desk.borrow_mut();
        if let Some(fatal) = desk.fatal() {
            return Err(fatal);
        }
        // Without a socket there is nothing to keep, and somebody has to count the attempts.
        if self.socket.is_none()
            && let Some(trouble) = desk.take_trouble()
        {
            return Err(trouble);
        }
        desk.line.take_loss().map_or(Ok(()), |why| Err(SourceError::ChannelLost(why)))
    }

    /// Whether there is something to be heard after all, and no socket for it.
    fn is_stranded(&self) -> bool {
        self.follow && self.socket.is_none() && self.closing.is_none() && !self.desk.borrow().is_ending()
    }

    /// Whether nothing more is to be told.
    fn is_over(&self) -> bool {
        let desk = self.desk.borrow();
        desk.is_done() || (!self.follow && desk.is_caught_up())
    }

    fn take(&mut self, result: Result<Frame, CloseReason>) -> Result<Item<'_>, SourceError> {
        let frame = match result {
            Ok(frame) => frame,
            Err(ending) if self.closing.is_some() => {
                self.ended = Some((Instant::now() + BETWEEN_SOCKETS, self.redacted(ending)));
                return Ok(hint(false));
            }
            Err(ending) => {
                if matches!(ending, CloseReason::Closed { .. }) {
                    self.desk.borrow_mut().line.kicked();
                }
                return Err(SourceError::ConnectionLost(self.redacted(ending)));
            }
        };
        let (conversation, meaning) = self.understand(notification::decode(frame.raw()));
        self.current = conversation;
        let shown = redact_channel(frame.raw(), &self.secrets);
        let (frame, shown) = self.frame.insert((frame, shown));
        let raw = match (frame.raw(), shown.as_deref()) {
            (RawFrame::Text(_), Some(shown)) => RawFrame::Text(shown),
            (RawFrame::Binary(_), Some(shown)) => RawFrame::Binary(shown.as_bytes()),
            (raw, None) => raw,
        };
        let received = frame.received;
        Ok(Item { conversation: &self.current, received, raw: Some(raw), meaning, last: false })
    }

    /// What a frame means, and for which conversation.
    fn understand(&mut self, notice: Notification) -> (String, ItemKind<'static>) {
        let conversation = match &notice {
            Notification::Conversation(snapshot) => snapshot.id.clone(),
            Notification::DetailEvent { conversation, .. } | Notification::Typing { conversation, .. } => {
                Some(conversation.clone())
            }
            Notification::Transcription(transcription) => transcription.conversation.clone(),
            _ => None,
        };
        let meaning = match &notice {
            Notification::Heartbeat | Notification::Pong => ItemKind::Keepalive,
            Notification::Unknown(name) => ItemKind::Ignored(self.secrets.redact(name).into_owned().into()),
            Notification::Malformed(reason) => ItemKind::Malformed(reason.clone()),
            _ => ItemKind::Hint,
        };
        match notice {
            Notification::SocketClosing => {
                tracing::debug!("the service will close the notification socket");
                // One socket is announced to close once, however often that is said.
                if self.closing.is_none() {
                    self.closing = Some(self.desk.borrow_mut().line.move_at());
                }
            }
            Notification::ChannelLost(why) => {
                let why = self.secrets.redact(&why).into_owned();
                self.desk.borrow_mut().line.lose(&why);
            }
            Notification::TokenRevoked => {
                self.desk.borrow_mut().token_revoked();
            }
            notice => self.desk.borrow_mut().hear(notice),
        }
        (conversation.unwrap_or_default(), meaning)
    }

    fn tell(&mut self, (id, out): (String, Event)) -> Item<'_> {
        self.current = id;
        let conversation = self.current.as_str();
        let mut last = false;
        let (received, meaning) = match out {
            Event::Live(told) => {
                last = told.body == EventBody::Closed && self.desk.borrow().is_done();
                let received = told.received();
                (received, ItemKind::Event(TranscriptEvent { conversation, at: told.at, received, body: told.body }))
            }
            Event::Backfill(events, why) => (Utc::now(), ItemKind::History(events, why)),
        };
        Item { conversation, received, raw: None, meaning, last }
    }

    fn redacted(&self, ending: CloseReason) -> CloseReason {
        match ending {
            CloseReason::Closed { code, reason } => {
                CloseReason::Closed { code, reason: self.secrets.redact(&reason).into_owned() }
            }
            ending => ending,
        }
    }
}

/// Nothing for the reader, and perhaps the last of it.
fn hint(last: bool) -> Item<'static> {
    Item { conversation: "", received: Utc::now(), raw: None, meaning: ItemKind::Hint, last }
}

/// The frame as it may be shown, where that is not as it came.
fn redact_channel(raw: RawFrame<'_>, secrets: &Secrets) -> Option<String> {
    let text = match raw {
        RawFrame::Text(text) => text,
        RawFrame::Binary(bytes) => str::from_utf8(bytes).ok()?,
    };
    match secrets.redact_channel(text) {
        Cow::Owned(text) => Some(text),
        Cow::Borrowed(_) => None,
    }
}

/// The next frame, if there is a socket to bring one.
async fn frame<T: AsyncRead + AsyncWrite + Unpin>(socket: &mut Option<Socket<T>>) -> Result<Frame, CloseReason> {
    match socket {
        Some(socket) => socket.next().await,
        None => pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_struck_out_of_text_and_of_text_in_binary_frames() {
        let secrets = Secrets::default();
        secrets.add_channel("streaming-5-abc", "wss://streaming.example.invalid/channels/streaming-5-abc");
        let frame = r#"{"topicName":"v2.system.token_revoked.streaming-5-abc"}"#;
        let struck = Some(r#"{"topicName":"v2.system.token_revoked.[channel]"}"#.to_owned());
        assert_eq!(redact_channel(RawFrame::Text(frame), &secrets), struck);
        assert_eq!(redact_channel(RawFrame::Binary(frame.as_bytes()), &secrets), struck);
        assert_eq!(redact_channel(RawFrame::Binary(b"\xff streaming"), &secrets), None);
        assert_eq!(redact_channel(RawFrame::Text("{}"), &secrets), None);
    }
}
