//! What goes wrong on an open socket.

use tokio::time::{Instant, interval_at};

use super::raw_frames as raw;
use super::transcript::{Shape, TranscriptConnection};
use crate::simulator::faults::{FaultSchedule, PendingFault, SocketFault};
use crate::simulator::ws::connection::{Connection, Disconnect};

/// A burst is written in pieces of about this size.
const CHUNK: usize = 256 << 10;

/// Whether a new socket first gets what was said so far. It comes before everything else, so it waits no longer.
pub(crate) fn replays(pending: &mut Vec<PendingFault<SocketFault>>, book: &FaultSchedule) -> bool {
    let replay = pending.iter().position(|pending| pending.fault == SocketFault::Replay);
    replay.is_some_and(|place| book.spend(&pending.remove(place)))
}

impl TranscriptConnection {
    /// Does every fault whose moment has come, in the order they were given.
    pub(crate) async fn apply_due_faults(&mut self) -> Result<(), Disconnect> {
        while let Some(place) = self.pending.iter().position(|pending| pending.after <= self.sent) {
            let pending = self.pending.remove(place);
            if self.state.faults.spend(&pending) {
                self.apply(pending.fault).await?;
            }
        }
        Ok(())
    }

    /// Does one fault now.
    pub(crate) async fn apply(&mut self, fault: SocketFault) -> Result<(), Disconnect> {
        self.flush().await?;
        match fault {
            SocketFault::Duplicate => self.behavior.twice = true,
            SocketFault::NoId => self.behavior.without_id = true,
            SocketFault::Ping(every) => self.behavior.ping = Some(interval_at(Instant::now() + every, every)),
            SocketFault::Binary => self.behavior.next = Shape::Binary,
            SocketFault::Fragmented => self.behavior.next = Shape::Fragmented,
            SocketFault::Burst(count) => return self.burst(count).await,
            // A backlog cannot be sent later than first.
            SocketFault::Replay => {}
            fault => return self.connection.apply_to_socket(&fault).await,
        }
        Ok(())
    }

    async fn burst(&mut self, count: u64) -> Result<(), Disconnect> {
        let mut chunk = Vec::with_capacity(CHUNK + 256);
        for number in 1..=count {
            raw::burst(&mut chunk, number);
            if chunk.len() >= CHUNK || number == count {
                self.write(&chunk).await?;
                chunk.clear();
            }
        }
        Ok(())
    }
}

impl Connection {
    /// Does a fault that is the same whatever is spoken on the socket.
    pub(crate) async fn apply_to_socket(&mut self, fault: &SocketFault) -> Result<(), Disconnect> {
        match fault {
            SocketFault::Close { code: 1006, .. } | SocketFault::Eof => return Err(Disconnect::Cut),
            SocketFault::Close { code, reason } => return Err(self.close(*code, reason).await),
            SocketFault::Reset => {
                self.stream.reset();
                return Err(Disconnect::Gone);
            }
            SocketFault::Silence => self.stream.mute(),
            SocketFault::Deaf => self.stream.deafen(),
            SocketFault::NoCloseAnswer => self.no_close_answer = true,
            fault => return self.write(&bytes(fault)).await,
        }
        Ok(())
    }
}

/// What is sent out of turn.
fn bytes(fault: &SocketFault) -> Vec<u8> {
    let mut bytes = Vec::new();
    match fault {
        SocketFault::Malformed => raw::frame(&mut bytes, raw::TEXT, br#"{"event":"messageAdded","payload":{"id":"#),
        SocketFault::BinaryJunk => raw::frame(&mut bytes, raw::BINARY, &[0x00, 0xff, 0xfe, 0x80, 0x1b]),
        SocketFault::BadUtf8 => {
            raw::frame(&mut bytes, raw::TEXT, b"{\"event\":\"messageAdded\",\"payload\":{\"text\":\"\xc3\x28\xff\"}}");
        }
        SocketFault::ReservedBits => raw::frame(&mut bytes, raw::TEXT_RESERVED, b"{}"),
        SocketFault::Masked => bytes = raw::masked(*b"{}"),
        SocketFault::UnknownEvent => {
            raw::frame(&mut bytes, raw::TEXT, br#"{"event":"participantMuted","payload":{"reason":"\u001b[2J"}}"#);
        }
        SocketFault::OddTypes => raw::ODD.iter().for_each(|odd| raw::frame(&mut bytes, raw::TEXT, odd.as_bytes())),
        SocketFault::Oversize { bytes: size, fragments } => bytes = raw::oversize(*size, *fragments),
        _ => {}
    }
    bytes
}
