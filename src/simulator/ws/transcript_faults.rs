//! Faults of an open transcript socket.

use tokio::time::{Instant, interval_at};

use super::connection::Disconnect;
use super::raw_frames;
use super::transcript::{FrameEncoding, TranscriptConnection};
use crate::simulator::faults::SocketFault;

/// The approximate size of the pieces in which a burst is written.
const CHUNK: usize = 256 << 10;

impl TranscriptConnection {
    /// Applies every fault that is due, in the order given.
    pub(super) async fn apply_due_faults(&mut self) -> Result<(), Disconnect> {
        while let Some(index) = self.pending_faults.iter().position(|pending| pending.after <= self.frames_sent) {
            let pending = self.pending_faults.remove(index);
            if self.state.faults.take(&pending) {
                self.apply(pending.fault).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn apply(&mut self, fault: SocketFault) -> Result<(), Disconnect> {
        self.flush().await?;
        match fault {
            SocketFault::Duplicate => self.behavior.duplicates = true,
            SocketFault::NoId => self.behavior.omits_ids = true,
            SocketFault::Ping(period) => {
                self.behavior.ping = Some(interval_at(Instant::now() + period, period));
            }
            SocketFault::Binary => self.behavior.next_encoding = FrameEncoding::Binary,
            SocketFault::Fragmented => self.behavior.next_encoding = FrameEncoding::Fragmented,
            SocketFault::Burst(count) => return self.send_burst(count).await,
            // A backlog can only come first, so a new socket has it already.
            SocketFault::Replay => {}
            fault => return self.connection.apply_to_socket(&fault).await,
        }
        Ok(())
    }

    async fn send_burst(&mut self, count: u64) -> Result<(), Disconnect> {
        let mut chunk = Vec::with_capacity(CHUNK + 256);
        for number in 1..=count {
            raw_frames::append_burst_message(&mut chunk, number);
            if chunk.len() >= CHUNK || number == count {
                self.write_raw(&chunk).await?;
                chunk.clear();
            }
        }
        Ok(())
    }
}
