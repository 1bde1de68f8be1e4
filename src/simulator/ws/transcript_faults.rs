//! What goes wrong on an open socket.

use tokio::time::{Instant, interval_at};

use super::raw_frames as raw;
use super::transcript::{Live, Shape};
use crate::simulator::faults::{FaultBook, Pending, SocketTrick};
use crate::simulator::ws::connection::{Over, Peer};

/// A burst is written in pieces of about this size.
const CHUNK: usize = 256 << 10;

/// Whether a new socket first gets what was said so far. It comes before everything else, so it waits no longer.
pub(crate) fn replays(pending: &mut Vec<Pending<SocketTrick>>, book: &FaultBook) -> bool {
    let replay = pending.iter().position(|pending| pending.trick == SocketTrick::Replay);
    replay.is_some_and(|place| book.spend(&pending.remove(place)))
}

impl Live {
    /// Does every fault whose moment has come, in the order they were given.
    pub(crate) async fn strike(&mut self) -> Result<(), Over> {
        while let Some(place) = self.pending.iter().position(|pending| pending.after <= self.sent) {
            let pending = self.pending.remove(place);
            if self.cloud.faults.spend(&pending) {
                self.commit(pending.trick).await?;
            }
        }
        Ok(())
    }

    /// Does one fault now.
    pub(crate) async fn commit(&mut self, trick: SocketTrick) -> Result<(), Over> {
        self.flush().await?;
        match trick {
            SocketTrick::Duplicate => self.manner.twice = true,
            SocketTrick::NoId => self.manner.without_id = true,
            SocketTrick::Ping(every) => self.manner.ping = Some(interval_at(Instant::now() + every, every)),
            SocketTrick::Binary => self.manner.next = Shape::Binary,
            SocketTrick::Fragmented => self.manner.next = Shape::Fragmented,
            SocketTrick::Burst(count) => return self.burst(count).await,
            // A backlog cannot be sent later than first.
            SocketTrick::Replay => {}
            trick => return self.peer.suffer(&trick).await,
        }
        Ok(())
    }

    async fn burst(&mut self, count: u64) -> Result<(), Over> {
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

impl Peer {
    /// Does a fault that is the same whatever is spoken on the socket.
    pub(crate) async fn suffer(&mut self, trick: &SocketTrick) -> Result<(), Over> {
        match trick {
            SocketTrick::Close { code: 1006, .. } | SocketTrick::Eof => return Err(Over::Cut),
            SocketTrick::Close { code, reason } => return Err(self.close(*code, reason).await),
            SocketTrick::Reset => {
                self.fate.reset();
                return Err(Over::Gone);
            }
            SocketTrick::Silence => self.fate.mute(),
            SocketTrick::Deaf => self.fate.deafen(),
            SocketTrick::NoCloseAnswer => self.no_close_answer = true,
            trick => return self.write(&bytes(trick)).await,
        }
        Ok(())
    }
}

/// What is sent out of turn.
fn bytes(trick: &SocketTrick) -> Vec<u8> {
    let mut bytes = Vec::new();
    match trick {
        SocketTrick::Malformed => raw::frame(&mut bytes, raw::TEXT, br#"{"event":"messageAdded","payload":{"id":"#),
        SocketTrick::BinaryJunk => raw::frame(&mut bytes, raw::BINARY, &[0x00, 0xff, 0xfe, 0x80, 0x1b]),
        SocketTrick::BadUtf8 => {
            raw::frame(&mut bytes, raw::TEXT, b"{\"event\":\"messageAdded\",\"payload\":{\"text\":\"\xc3\x28\xff\"}}");
        }
        SocketTrick::ReservedBits => raw::frame(&mut bytes, raw::TEXT_RESERVED, b"{}"),
        SocketTrick::Masked => bytes = raw::masked(*b"{}"),
        SocketTrick::UnknownEvent => {
            raw::frame(&mut bytes, raw::TEXT, br#"{"event":"participantMuted","payload":{"reason":"\u001b[2J"}}"#);
        }
        SocketTrick::OddTypes => raw::ODD.iter().for_each(|odd| raw::frame(&mut bytes, raw::TEXT, odd.as_bytes())),
        SocketTrick::Oversize { bytes: size, fragments } => bytes = raw::oversize(*size, *fragments),
        _ => {}
    }
    bytes
}
