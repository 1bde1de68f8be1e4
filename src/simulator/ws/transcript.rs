//! An open transcript socket.

use std::sync::Arc;

use hyper::upgrade::Upgraded;
use tokio::sync::mpsc;
use tokio::time::{Instant, Interval, sleep_until};
use tokio_tungstenite::tungstenite::{Bytes, Message, Utf8Bytes};

use super::connection::{Connection, Disconnect, close_code};
use super::faulty_stream::StreamControl;
use super::raw_frames;
use crate::simulator::faults::{PendingFault, SocketFault};
use crate::simulator::state::SimulatorState;
use crate::simulator::state::conversation::{Frame, SimulatedConversation, Subscription, TranscriptCommand};
use crate::simulator::state::tokens::AccessToken;

/// The maximum number of commands between two flushes. A burst is written in large pieces.
const MAX_BATCH: usize = 256;

/// A client whose handshake was accepted.
pub(crate) struct TranscriptClient {
    pub(crate) conversation: Arc<SimulatedConversation>,
    pub(crate) token: AccessToken,
    pub(crate) stream: StreamControl,
}

pub(super) struct TranscriptConnection {
    pub(super) state: Arc<SimulatorState>,
    pub(super) connection: Connection,
    pub(super) pending_faults: Vec<PendingFault<SocketFault>>,
    pub(super) behavior: SocketBehavior,
    /// The number of script frames sent.
    pub(super) frames_sent: u64,
    log_entry: usize,
    unlogged: UnloggedFrames,
}

/// The lasting faults of a socket.
#[derive(Default)]
pub(super) struct SocketBehavior {
    pub(super) duplicates: bool,
    pub(super) omits_ids: bool,
    pub(super) next_encoding: FrameEncoding,
    pub(super) ping: Option<Interval>,
}

#[derive(Default)]
pub(super) enum FrameEncoding {
    #[default]
    Text,
    Binary,
    Fragmented,
}

/// Frames that were sent since the last update of the log.
#[derive(Default)]
struct UnloggedFrames {
    count: u64,
    message_ids: Vec<String>,
}

/// Serves an open socket until it is closed or the simulator stops.
pub(crate) async fn serve(upgraded: Upgraded, client: TranscriptClient, state: Arc<SimulatorState>) {
    let stop = state.stop.clone();
    stop.run_until_cancelled(serve_until_closed(upgraded, client, state)).await;
}

async fn serve_until_closed(upgraded: Upgraded, client: TranscriptClient, state: Arc<SimulatorState>) {
    let TranscriptClient { conversation, token, stream } = client;
    let connection = Connection::new(upgraded, stream).await;
    let mut pending_faults = state.faults.transcript_socket_faults(conversation.id());
    let replay = state.faults.take_first(&mut pending_faults, |fault| *fault == SocketFault::Replay);
    // The log entry comes after the subscription: a logged socket receives every later frame.
    let subscription = conversation.subscribe(replay);
    let log_entry = state.recorder.transcript_socket(conversation.id().to_owned(), token.value);
    let mut socket = TranscriptConnection {
        state: Arc::clone(&state),
        connection,
        pending_faults,
        behavior: SocketBehavior::default(),
        frames_sent: 0,
        log_entry,
        unlogged: UnloggedFrames::default(),
    };
    state.start_script(&conversation);
    let disconnect = socket.run(subscription, token.expires_at).await;
    socket.finish(disconnect).await;
}

impl TranscriptConnection {
    async fn run(&mut self, mut subscription: Subscription, token_expires_at: Instant) -> Disconnect {
        if let Err(disconnect) = self.send_backlog(subscription.backlog).await {
            return disconnect;
        }
        loop {
            if let Err(disconnect) = self.step(&mut subscription.commands, token_expires_at).await {
                return disconnect;
            }
        }
    }

    async fn send_backlog(&mut self, frames: Vec<Frame>) -> Result<(), Disconnect> {
        self.apply_due_faults().await?;
        for frame in frames {
            self.send_frame(frame).await?;
        }
        self.flush().await
    }

    /// Handles what comes first: commands, a message of the client, the expiry of the token or the next ping.
    async fn step(
        &mut self,
        commands: &mut mpsc::Receiver<TranscriptCommand>,
        token_expires_at: Instant,
    ) -> Result<(), Disconnect> {
        let mut batch = Vec::new();
        tokio::select! {
            count = commands.recv_many(&mut batch, MAX_BATCH) => {
                if count == 0 {
                    return Err(Disconnect::Lost);
                }
                for command in batch {
                    self.execute(command).await?;
                }
                self.flush().await
            }
            message = self.connection.receive() => self.handle_message(&message?),
            () = sleep_until(token_expires_at), if !self.connection.stream.is_muted() => {
                Err(self.close(1008, "token expired").await)
            }
            () = next_tick(self.behavior.ping.as_mut()) => {
                self.connection.send(Message::Ping(Bytes::from_static(b"simulator"))).await
            }
        }
    }

    async fn execute(&mut self, command: TranscriptCommand) -> Result<(), Disconnect> {
        match command {
            TranscriptCommand::Frame(frame) => self.send_frame(frame).await,
            TranscriptCommand::Text(text) => self.connection.feed(Message::Text(text)).await,
            TranscriptCommand::Binary(bytes) => self.connection.feed(Message::Binary(bytes)).await,
            TranscriptCommand::RawBytes(bytes) => self.write_raw(&bytes).await,
            TranscriptCommand::Fault(fault) => self.apply(fault).await,
        }
    }

    /// Sends a script frame, then applies the faults that are due after it.
    async fn send_frame(&mut self, frame: Frame) -> Result<(), Disconnect> {
        if self.connection.stream.is_muted() {
            return Ok(());
        }
        let json = if self.behavior.omits_ids { raw_frames::without_id(&frame.json) } else { frame.json };
        if self.behavior.duplicates {
            self.feed_json(json.clone()).await?;
            self.unlogged.add(frame.message_id.clone());
        }
        self.feed_json(json).await?;
        self.unlogged.add(frame.message_id);
        self.frames_sent += 1;
        self.apply_due_faults().await?;
        if frame.is_last { Err(self.close(1000, "conversation ended").await) } else { Ok(()) }
    }

    async fn feed_json(&mut self, json: Utf8Bytes) -> Result<(), Disconnect> {
        match std::mem::take(&mut self.behavior.next_encoding) {
            FrameEncoding::Text => self.connection.feed(Message::Text(json)).await,
            FrameEncoding::Binary => self.connection.feed(Message::Binary(json.into())).await,
            FrameEncoding::Fragmented => self.write_raw(&raw_frames::fragmented(&json)).await,
        }
    }

    /// Flushes, then sends a close frame.
    async fn close(&mut self, code: u16, reason: &str) -> Disconnect {
        match self.flush().await {
            Ok(()) => self.connection.close(code, reason).await,
            Err(disconnect) => disconnect,
        }
    }

    /// Writes all queued messages, and logs them.
    pub(super) async fn flush(&mut self) -> Result<(), Disconnect> {
        self.connection.flush().await?;
        if self.unlogged.count > 0 {
            let UnloggedFrames { count, message_ids } = std::mem::take(&mut self.unlogged);
            self.state.recorder.frames_sent(self.log_entry, count, message_ids);
        }
        Ok(())
    }

    /// Writes bytes below the WebSocket, after all queued messages.
    pub(super) async fn write_raw(&mut self, bytes: &[u8]) -> Result<(), Disconnect> {
        self.flush().await?;
        self.connection.write_raw(bytes).await
    }

    fn handle_message(&self, message: &Message) -> Result<(), Disconnect> {
        log_message(&self.state, self.log_entry, message);
        if message.is_close() { Err(Disconnect::ClosedByClient) } else { Ok(()) }
    }

    /// Waits until the connection has ended, and logs its end.
    async fn finish(self, disconnect: Disconnect) {
        let Self { connection, state, log_entry, .. } = self;
        connection.drain_and_close(disconnect, |message| log_message(&state, log_entry, message)).await;
        state.recorder.update_transcript_socket(log_entry, |socket| socket.closed_at = Some(Instant::now()));
    }
}

impl UnloggedFrames {
    fn add(&mut self, message_id: Option<String>) {
        self.count += 1;
        self.message_ids.extend(message_id);
    }
}

fn log_message(state: &SimulatorState, log_entry: usize, message: &Message) {
    state.recorder.update_transcript_socket(log_entry, |socket| match message {
        Message::Ping(_) => socket.pings += 1,
        Message::Pong(_) => socket.pongs += 1,
        Message::Close(frame) => socket.close_code = Some(close_code(frame.as_ref())),
        // Clients send no data on this socket.
        Message::Text(_) | Message::Binary(_) | Message::Frame(_) => {}
    });
}

async fn next_tick(interval: Option<&mut Interval>) {
    match interval {
        Some(interval) => {
            interval.tick().await;
        }
        None => std::future::pending().await,
    }
}
