//! The sockets of a source: the live one, its successor or the retiring one beside it, and the frames that wait while a backfill
//! is read.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::dial::{Opened, Peer};
use super::frame_buffer::{FrameBuffer, SocketFrame};
use super::item::ConnectionRole;
use super::successor::{ACCEPTANCE_TIMEOUT, Readiness, Successor};
use crate::api::token::Token;
use crate::api::websocket::{Acceptance, CLOSE_NORMAL, CloseReason, Frame, Socket};
use crate::system::last_activity::LastActivity;

/// The time limit for reading the frames of a retiring socket.
const RETIREMENT: Duration = Duration::from_secs(2);

/// The time limit for opening the successor of a live socket that the service has closed as announced. The service closes
/// the old socket when the new one is open.
const HANDOVER_TIMEOUT: Duration = Duration::from_secs(10);

/// The sockets of a source.
#[derive(Debug)]
pub(super) struct Connection<T> {
    pub(super) live: Option<LiveSocket<T>>,
    /// The socket that takes over when both have proved to work.
    pub(super) successor: Option<Successor<T>>,
    pub(super) retiring: Option<RetiringSocket<T>>,
    buffer: FrameBuffer,
    /// The number of the latest socket, which each frame carries.
    sockets: u32,
    /// The acceptance of the live socket, until it was reported.
    acceptance: Option<AwaitedAcceptance>,
}

/// The acceptance of a socket by its server. A server that answers no ping accepts a socket by leaving it open.
#[derive(Debug, Clone)]
struct AwaitedAcceptance {
    acceptance: Acceptance,
    given_at: Instant,
}

/// The socket whose loss is an outage.
#[derive(Debug)]
pub(super) struct LiveSocket<T> {
    pub(super) socket: Socket<T>,
    /// The token that it was opened with.
    pub(super) token: Option<Token>,
    /// The announced close of the server, and the deadline for opening the next socket.
    pub(super) closed: Option<AnnouncedClose>,
    /// The close reason that follows the buffered frames.
    end: Option<CloseReason>,
}

/// A close that the service has announced.
#[derive(Debug)]
pub(super) struct AnnouncedClose {
    pub(super) deadline: Instant,
    pub(super) reason: CloseReason,
}

/// A socket that was replaced in time.
#[derive(Debug)]
pub(super) struct RetiringSocket<T> {
    socket: Socket<T>,
    /// The announced close of the server.
    closed: Option<CloseReason>,
    deadline: Instant,
}

/// The change that [`Connection::next`] waited for.
#[derive(Debug)]
pub(super) enum Activity {
    /// A frame, or the end of the live socket.
    Frame(Result<SocketFrame, CloseReason>),
    /// The successor has ended before it took over.
    SuccessorEnded(CloseReason),
    /// The state has changed: the retiring socket has ended, the live one was accepted, or the successor may take over.
    StateChanged,
}

/// The takeover of a successor.
#[derive(Debug)]
pub(super) struct Takeover {
    /// The server of the new live socket.
    pub(super) peer: Peer,
    /// The time of the last activity, if the previous socket was closed before it had proved to work.
    pub(super) unproven_since: Option<DateTime<Utc>>,
}

impl<T> Default for Connection<T> {
    fn default() -> Self {
        let buffer = FrameBuffer::default();
        Self { live: None, successor: None, retiring: None, buffer, sockets: 0, acceptance: None }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> Connection<T> {
    /// Makes a socket the live one, after an outage or at the start.
    pub(super) fn open(&mut self, mut socket: Socket<T>, token: Option<Token>) {
        self.reset();
        self.sockets += 1;
        self.await_acceptance(&mut socket);
        self.live = Some(LiveSocket { socket, token, closed: None, end: None });
    }

    fn await_acceptance(&mut self, socket: &mut Socket<T>) {
        let acceptance = socket.request_acceptance();
        self.acceptance = Some(AwaitedAcceptance { acceptance, given_at: Instant::now() + ACCEPTANCE_TIMEOUT });
    }

    /// Returns `true` once after the server has accepted the live socket.
    pub(super) fn take_acceptance(&mut self) -> bool {
        self.acceptance.take_if(|awaited| awaited.is_given()).is_some()
    }

    /// Returns when a socket counts as accepted, unless it does already.
    pub(super) fn accepted_at(&self) -> Option<Instant> {
        let successor = self.successor.as_ref().map(|successor| successor.readiness().accepted_at());
        let successor = successor.filter(|at| *at > Instant::now());
        self.acceptance.as_ref().map(|awaited| awaited.given_at).into_iter().chain(successor).min()
    }

    /// Keeps a socket beside the live one until it may take over. Without a live socket that works, it is of no use: what that
    /// has lost is unknown.
    pub(super) fn prepare(&mut self, opened: Opened<T>) {
        let number = self.sockets + 1;
        if let Some(live) = self.live.as_mut().filter(|live| live.is_readable()) {
            self.successor = Some(Successor::new(opened, number, &mut live.socket));
        }
    }

    /// Returns whether a successor of the live socket is of use: there is none, and the live one works.
    pub(super) fn may_be_renewed(&self) -> bool {
        self.successor.is_none() && self.live.as_ref().is_some_and(LiveSocket::is_readable)
    }

    /// Makes the successor the live socket once both have proved to work, or the server has closed the previous one.
    pub(super) fn take_over(&mut self) -> Option<Takeover> {
        let is_closed = self.live.as_ref().is_none_or(|live| live.closed.is_some());
        let successor = self.successor.take_if(|successor| is_closed || successor.readiness().is_given())?;
        let has_proof = successor.readiness().has_proof();
        let unproven_since = (!has_proof).then(|| self.last_activity());
        let Successor { socket, token, peer, frames, .. } = successor;
        self.replace(socket, token);
        self.buffer.append(frames);
        Some(Takeover { peer, unproven_since })
    }

    /// Drops all sockets and buffered frames.
    pub(super) fn reset(&mut self) {
        let sockets = self.sockets;
        *self = Self { sockets, ..Self::default() };
    }

    /// Makes a socket the live one. The previous one retires; [`Connection::close_retiring`] closes it.
    pub(super) fn replace(&mut self, mut socket: Socket<T>, token: Option<Token>) {
        self.sockets += 1;
        if self.live.is_none() || self.acceptance.is_some() {
            self.await_acceptance(&mut socket);
        }
        let previous = self.live.replace(LiveSocket { socket, token, closed: None, end: None });
        let retiring = previous.filter(|previous| previous.end.is_none());
        self.retiring = retiring.map(|LiveSocket { socket, closed, .. }| RetiringSocket {
            socket,
            closed: closed.map(|closed| closed.reason),
            deadline: Instant::now() + RETIREMENT,
        });
    }

    /// Closes the retiring socket, which is still read for 2 s unless the server has closed it already. Cancel safe.
    pub(super) async fn close_retiring(&mut self) {
        let Some(retiring) = &mut self.retiring else { return };
        if let Some(reason) = &retiring.closed {
            retiring.socket.send_close_for(reason).await;
            self.retiring = None;
        } else {
            retiring.socket.close(CLOSE_NORMAL).await;
            retiring.deadline = Instant::now() + RETIREMENT;
        }
    }

    /// Returns the wall-clock time of the last activity; now without a socket.
    pub(super) fn last_activity(&self) -> DateTime<Utc> {
        self.live.as_ref().map_or_else(Utc::now, |live| live.socket.last_activity())
    }

    /// Returns the shared cell with the time of the last activity.
    pub(super) fn last_activity_cell(&self) -> Option<LastActivity> {
        self.live.as_ref().map(|live| live.socket.activity())
    }

    /// Returns whether the buffer has room for more frames.
    pub(super) fn has_room(&self) -> bool {
        self.buffer.has_room()
    }

    /// Buffers a frame while a backfill is read.
    pub(super) fn buffer(&mut self, frame: SocketFrame) {
        self.buffer.push(frame);
    }

    /// Keeps the end of the live socket until the buffered frames are read. A successor would hide the outage.
    pub(super) fn buffer_end(&mut self, reason: CloseReason) {
        self.successor = None;
        if let Some(live) = &mut self.live {
            live.end = Some(reason);
        }
    }

    /// Takes the next buffered frame, then the end of the live socket.
    pub(super) fn next_buffered(&mut self) -> Option<Result<SocketFrame, CloseReason>> {
        match self.buffer.pop() {
            Some(frame) => Some(Ok(frame)),
            None => self.live.as_mut().and_then(|live| live.end.take()).map(Err),
        }
    }

    /// Returns the next frame that needs no waiting, of the retiring socket first.
    pub(super) fn try_next(&mut self) -> Option<Result<SocketFrame, CloseReason>> {
        if let Some(frame) = self.try_next_retiring() {
            return Some(Ok(frame));
        }
        let live = self.live.as_mut().filter(|live| live.is_readable())?;
        let socket = self.sockets;
        Some(live.socket.try_next()?.map(|frame| SocketFrame { frame, socket }))
    }

    fn try_next_retiring(&mut self) -> Option<SocketFrame> {
        // A peer that always has a frame ready must not keep the retiring socket.
        self.retiring.take_if(|retiring| retiring.deadline <= Instant::now());
        let retiring = self.retiring.as_mut().filter(|retiring| retiring.closed.is_none())?;
        let result = retiring.socket.try_next()?;
        self.retiring_result(result)
    }

    /// Waits for the next frame of the live or the retiring socket, or another change, forever without a socket. The successor
    /// is read meanwhile. Cancel safe.
    pub(super) async fn next(&mut self) -> Activity {
        let Self { live, successor, retiring, sockets, acceptance, .. } = self;
        let readiness = successor.as_ref().map(|successor| successor.readiness().clone());
        tokio::select! {
            biased;
            result = next_retiring(retiring) => {
                if let Some(Ok(frame)) = result {
                    Activity::Frame(Ok(SocketFrame { frame, socket: sockets.saturating_sub(1) }))
                } else {
                    *retiring = None;
                    Activity::StateChanged
                }
            }
            reason = receive_ahead(successor) => Activity::SuccessorEnded(reason),
            result = next_live(live) => Activity::Frame(result.map(|frame| SocketFrame { frame, socket: *sockets })),
            // Reading the sockets, which comes first, records their answers.
            () = accepted(acceptance.as_ref()), if acceptance.is_some() => Activity::StateChanged,
            () = ready(readiness.as_ref()) => Activity::StateChanged,
        }
    }

    fn retiring_result(&mut self, result: Result<Frame, CloseReason>) -> Option<SocketFrame> {
        if let Ok(frame) = result {
            return Some(SocketFrame { frame, socket: self.sockets - 1 });
        }
        self.retiring = None;
        None
    }

    /// Returns the role of the socket that a frame came over.
    pub(super) fn role(&self, frame: &SocketFrame) -> ConnectionRole {
        if frame.socket == self.sockets { ConnectionRole::Live } else { ConnectionRole::Retiring }
    }

    /// Reads nothing until `until` is over, and keeps the live socket alive meanwhile. Cancel safe.
    pub(super) async fn pause_reading(&mut self, until: impl Future<Output = ()>) {
        let Self { live, successor, .. } = self;
        let keep_successor_alive = async {
            match successor {
                Some(successor) => successor.socket.pause_reading(std::future::pending()).await,
                None => std::future::pending().await,
            }
        };
        let pause = async {
            match live.as_mut().filter(|live| live.is_readable()) {
                Some(live) => live.socket.pause_reading(until).await,
                None => until.await,
            }
        };
        tokio::select! {
            biased;
            () = pause => {}
            () = keep_successor_alive => {}
        }
    }

    /// Restarts the time limits of the other sockets after a pause.
    pub(super) fn resume_reading(&mut self) {
        if let Some(successor) = &mut self.successor {
            successor.resume_reading();
        }
        if let Some(retiring) = &mut self.retiring {
            retiring.deadline = Instant::now() + RETIREMENT;
        }
    }

    /// Closes the live socket, and answers a close of the server. Cancel safe.
    pub(super) async fn close(&mut self) {
        self.successor = None;
        let Some(live) = &mut self.live else { return };
        match &live.closed {
            Some(closed) => live.socket.send_close_for(&closed.reason).await,
            None => live.socket.close(CLOSE_NORMAL).await,
        }
    }

    /// Sends the close frame that `reason` calls for, if any. Cancel safe.
    pub(super) async fn send_close_for(&mut self, reason: &CloseReason) {
        if let Some(live) = &mut self.live {
            live.socket.send_close_for(reason).await;
        }
    }
}

impl AwaitedAcceptance {
    fn is_given(&self) -> bool {
        self.acceptance.is_given() || self.given_at <= Instant::now()
    }
}

impl<T> LiveSocket<T> {
    /// Records a close that the service has announced.
    pub(super) fn set_closed(&mut self, reason: CloseReason) {
        self.closed = Some(AnnouncedClose { deadline: Instant::now() + HANDOVER_TIMEOUT, reason });
    }

    fn is_readable(&self) -> bool {
        self.closed.is_none() && self.end.is_none()
    }
}

/// Waits until the server has accepted a socket that is read meanwhile.
async fn accepted(awaited: Option<&AwaitedAcceptance>) {
    poll_fn(|_| match awaited {
        Some(awaited) if awaited.acceptance.is_given() => Poll::Ready(()),
        _ => Poll::Pending,
    })
    .await;
}

/// Waits until the successor may take over, whose socket and predecessor are read meanwhile.
async fn ready(readiness: Option<&Readiness>) {
    poll_fn(|_| match readiness {
        Some(readiness) if readiness.is_given() => Poll::Ready(()),
        _ => Poll::Pending,
    })
    .await;
}

/// Receives frames over the successor. Returns when it has ended.
async fn receive_ahead<T: AsyncRead + AsyncWrite + Unpin>(successor: &mut Option<Successor<T>>) -> CloseReason {
    match successor {
        Some(successor) => successor.receive().await,
        None => std::future::pending().await,
    }
}

async fn next_live<T: AsyncRead + AsyncWrite + Unpin>(live: &mut Option<LiveSocket<T>>) -> Result<Frame, CloseReason> {
    match live.as_mut().filter(|live| live.is_readable()) {
        Some(live) => live.socket.next().await,
        None => std::future::pending().await,
    }
}

/// Waits for the next frame of the retiring socket; `None` when its time is up.
async fn next_retiring<T: AsyncRead + AsyncWrite + Unpin>(
    retiring: &mut Option<RetiringSocket<T>>,
) -> Option<Result<Frame, CloseReason>> {
    match retiring {
        Some(RetiringSocket { socket, deadline, closed: None }) => tokio::select! {
            biased;
            () = tokio::time::sleep_until(*deadline) => None,
            result = socket.next() => Some(result),
        },
        Some(RetiringSocket { deadline, closed: Some(_), .. }) => {
            tokio::time::sleep_until(*deadline).await;
            None
        }
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
