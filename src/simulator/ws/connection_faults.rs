//! Faults that both kinds of sockets have.

use super::connection::{Connection, Disconnect};
use super::raw_frames;
use crate::simulator::faults::SocketFault;

impl Connection {
    /// Applies a fault that does not depend on the contents of the frames.
    pub(super) async fn apply_to_socket(&mut self, fault: &SocketFault) -> Result<(), Disconnect> {
        match fault {
            SocketFault::Close { code: 1006, .. } | SocketFault::Eof => return Err(Disconnect::Eof),
            SocketFault::Close { code, reason } => return Err(self.close(*code, reason).await),
            SocketFault::Reset => {
                self.stream.reset();
                return Err(Disconnect::Lost);
            }
            SocketFault::Silence => self.stream.mute(),
            SocketFault::SilenceAll => self.stream.silence_all(),
            SocketFault::Deaf => self.stream.stall(),
            SocketFault::NoCloseAnswer => self.ignores_close = true,
            fault => return self.write_raw(&extra_frames(fault)).await,
        }
        Ok(())
    }
}

/// Returns the frames that a fault inserts.
fn extra_frames(fault: &SocketFault) -> Vec<u8> {
    use raw_frames::{BINARY, TEXT, TEXT_RESERVED, append_frame};
    let mut bytes = Vec::new();
    match fault {
        SocketFault::Malformed => append_frame(&mut bytes, TEXT, br#"{"event":"messageAdded","payload":{"id":"#),
        SocketFault::BinaryJunk => append_frame(&mut bytes, BINARY, &[0x00, 0xff, 0xfe, 0x80, 0x1b]),
        SocketFault::BadUtf8 => {
            append_frame(&mut bytes, TEXT, b"{\"event\":\"messageAdded\",\"payload\":{\"text\":\"\xc3\x28\xff\"}}");
        }
        SocketFault::ReservedBits => append_frame(&mut bytes, TEXT_RESERVED, b"{}"),
        SocketFault::Masked => bytes = raw_frames::masked(*b"{}"),
        SocketFault::UnknownEvent => {
            append_frame(&mut bytes, TEXT, br#"{"event":"participantMuted","payload":{"reason":"\u001b[2J"}}"#);
        }
        SocketFault::OddTypes => {
            for frame in raw_frames::ODD_TYPES {
                append_frame(&mut bytes, TEXT, frame.as_bytes());
            }
        }
        SocketFault::Oversize { bytes: size, fragments } => bytes = raw_frames::oversize(*size, *fragments),
        _ => {}
    }
    bytes
}
