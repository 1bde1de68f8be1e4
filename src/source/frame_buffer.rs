//! Frames that wait: while a backfill is read, or until their socket takes over.

use std::collections::VecDeque;

use crate::api::websocket::Frame;

/// The maximum size of the waiting frames. More of them wait in the network.
const MAX_BYTES: usize = 64 * 1024;

/// The memory of a waiting frame beside its content, so that empty frames are bounded too.
const FRAME_OVERHEAD: usize = size_of::<Frame>() + 64;

/// A frame and its socket.
#[derive(Debug)]
pub(super) struct SocketFrame {
    pub(super) frame: Frame,
    /// The number of the socket.
    pub(super) socket: u32,
}

/// A queue of frames.
#[derive(Debug, Default)]
pub(super) struct FrameBuffer {
    frames: VecDeque<SocketFrame>,
    bytes: usize,
}

impl FrameBuffer {
    /// Returns whether there is room for more frames.
    pub(super) fn has_room(&self) -> bool {
        self.bytes < MAX_BYTES
    }

    /// Appends a frame.
    pub(super) fn push(&mut self, frame: SocketFrame) {
        self.bytes += size_of_frame(&frame);
        self.frames.push_back(frame);
    }

    /// Appends the frames of another buffer.
    pub(super) fn append(&mut self, mut other: Self) {
        self.bytes += other.bytes;
        self.frames.append(&mut other.frames);
    }

    /// Takes the oldest frame.
    pub(super) fn pop(&mut self) -> Option<SocketFrame> {
        let frame = self.frames.pop_front()?;
        self.bytes -= size_of_frame(&frame);
        if self.frames.is_empty() {
            // Frames wait seldom: give the memory back.
            self.frames = VecDeque::new();
        }
        Some(frame)
    }
}

fn size_of_frame(frame: &SocketFrame) -> usize {
    frame.frame.raw().len() + FRAME_OVERHEAD
}
