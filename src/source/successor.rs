//! The successor of a live socket, until it takes over (CONN-27).
//!
//! The live socket is read until the server has accepted the successor, and has answered a ping on the live socket that was
//! sent after the successor was open. By then everything that the server sent before is read: nothing falls between the two.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::dial::{Opened, Peer};
use super::frame_buffer::{FrameBuffer, SocketFrame};
use crate::api::token::Token;
use crate::api::websocket::{Acceptance, CloseReason, Socket};
use crate::system::last_activity::LastActivity;

/// The time after which an open socket counts as accepted although the server has sent nothing, and after which any message
/// shows that the live socket works although its server answers no ping.
pub(super) const ACCEPTANCE_TIMEOUT: Duration = Duration::from_secs(1);

/// An open socket that is to replace the live one.
#[derive(Debug)]
pub(super) struct Successor<T> {
    pub(super) socket: Socket<T>,
    pub(super) token: Option<Token>,
    pub(super) peer: Peer,
    /// The frames that it has received so far.
    pub(super) frames: FrameBuffer,
    number: u32,
    readiness: Readiness,
}

/// The conditions for the takeover. A clone reads the same state.
#[derive(Debug, Clone)]
pub(super) struct Readiness {
    /// Given when the server of the successor has sent something.
    acceptance: Acceptance,
    /// Given when the server of the live socket has answered the ping.
    proof: Acceptance,
    live_activity: LastActivity,
    opened_at: Instant,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Successor<T> {
    /// Sends a ping over both sockets. `number` is that of the new socket.
    pub(super) fn new(opened: Opened<T>, number: u32, live: &mut Socket<T>) -> Self {
        let Opened { mut socket, peer, token } = opened;
        let readiness = Readiness {
            acceptance: socket.request_acceptance(),
            proof: live.probe(),
            live_activity: live.activity(),
            opened_at: Instant::now(),
        };
        Self { socket, token, peer, frames: FrameBuffer::default(), number, readiness }
    }

    /// Returns the conditions for the takeover.
    pub(super) fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    /// Restarts the time limits after a pause, in which nothing was read.
    pub(super) fn resume_reading(&mut self) {
        self.socket.resume_reading();
        self.readiness.opened_at = Instant::now();
    }

    /// Receives frames while there is room for them. Returns when the socket has ended. Cancel safe.
    pub(super) async fn receive(&mut self) -> CloseReason {
        while self.frames.has_room() {
            match self.socket.next().await {
                Ok(frame) => self.frames.push(SocketFrame { frame, socket: self.number }),
                Err(reason) => return reason,
            }
        }
        std::future::pending().await
    }
}

impl Readiness {
    /// Returns whether the successor may take over.
    pub(super) fn is_given(&self) -> bool {
        self.is_accepted() && self.has_proof()
    }

    /// Returns whether the live socket has worked after the successor was open.
    pub(super) fn has_proof(&self) -> bool {
        self.proof.is_given() || self.live_activity.get() >= self.accepted_at()
    }

    /// Returns when the successor counts as accepted without a message.
    pub(super) fn accepted_at(&self) -> Instant {
        self.opened_at + ACCEPTANCE_TIMEOUT
    }

    fn is_accepted(&self) -> bool {
        self.acceptance.is_given() || self.accepted_at() <= Instant::now()
    }
}
