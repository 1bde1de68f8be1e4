//! One open transcript socket.

use std::sync::Arc;

use hyper::upgrade::Upgraded;
use tokio::sync::mpsc;
use tokio::time::{Instant, Interval, sleep_until};
use tokio_tungstenite::tungstenite::{Bytes, Message, Utf8Bytes};

use super::raw_frames as raw;
use super::transcript_faults::replays;
use crate::simulator::faults::{PendingFault, SocketFault};
use crate::simulator::state::SimulatorState;
use crate::simulator::state::conversation::{Order, SimulatedConversation, Subscription};
use crate::simulator::state::transcript_frames::Frame;
use crate::simulator::ws::connection::{Connection, Disconnect};
use crate::simulator::ws::faulty_stream::StreamControl;

/// Orders taken at once: a burst is written in large pieces.
const BATCH: usize = 256;

/// Speaker comes in.
pub(crate) struct Entry {
    pub(crate) conversation: Arc<SimulatedConversation>,
    pub(crate) token: String,
    pub(crate) expiry: Instant,
    pub(crate) stream: StreamControl,
}

/// A socket, what it is like, and what still awaits it.
pub(crate) struct TranscriptConnection {
    pub(crate) state: Arc<SimulatorState>,
    pub(crate) connection: Connection,
    pub(crate) pending: Vec<PendingFault<SocketFault>>,
    pub(crate) behavior: SocketBehavior,
    /// Frames of the script sent.
    pub(crate) sent: u64,
    /// Its place in the log.
    pub(crate) place: usize,
    /// What was sent and is not in the log yet.
    unrecorded: (u64, Vec<String>),
}

/// What a socket is like.
#[derive(Default)]
pub(crate) struct SocketBehavior {
    pub(crate) twice: bool,
    pub(crate) without_id: bool,
    pub(crate) next: Shape,
    pub(crate) ping: Option<Interval>,
}

/// What a frame looks like.
#[derive(Default)]
pub(crate) enum Shape {
    #[default]
    Text,
    Binary,
    Fragmented,
}

/// Serves an open socket until it is gone or the simulator stops.
pub(crate) async fn serve(upgraded: Upgraded, entry: Entry, state: Arc<SimulatorState>) {
    let stop = state.stop.clone();
    stop.run_until_cancelled(attend(upgraded, entry, state)).await;
}

async fn attend(upgraded: Upgraded, entry: Entry, state: Arc<SimulatorState>) {
    let connection = Connection::new(upgraded, entry.stream).await;
    let mut pending = state.faults.socket(entry.conversation.id());
    // Whoever reads in the log that a socket is open may count on it to hear what is said next.
    let seat = entry.conversation.join(replays(&mut pending, &state.faults));
    let place = state.recorder.transcript_socket(entry.conversation.id().to_owned(), entry.token);
    let mut live = TranscriptConnection {
        state: Arc::clone(&state),
        connection,
        pending,
        behavior: SocketBehavior::default(),
        sent: 0,
        place,
        unrecorded: Default::default(),
    };
    state.begin(&entry.conversation);
    let over = live.talk(seat, entry.expiry).await;
    live.finish(over).await;
}

impl TranscriptConnection {
    async fn talk(&mut self, mut seat: Subscription, expiry: Instant) -> Disconnect {
        match self.open(seat.opening).await {
            Err(over) => over,
            Ok(()) => loop {
                if let Err(over) = self.turn(&mut seat.orders, expiry).await {
                    break over;
                }
            },
        }
    }

    async fn open(&mut self, frames: Vec<Frame>) -> Result<(), Disconnect> {
        self.apply_due_faults().await?;
        for frame in frames {
            self.deliver(frame).await?;
        }
        self.flush().await
    }

    /// Whatever comes first: something to send, something to hear, the end of the token, the time to ping.
    async fn turn(&mut self, orders: &mut mpsc::Receiver<Order>, expiry: Instant) -> Result<(), Disconnect> {
        let mut batch = Vec::new();
        tokio::select! {
            count = orders.recv_many(&mut batch, BATCH) => {
                if count == 0 {
                    return Err(Disconnect::Gone);
                }
                for order in batch {
                    self.obey(order).await?;
                }
                self.flush().await
            }
            heard = self.connection.hear() => self.note_heard(&heard?),
            () = sleep_until(expiry), if !self.connection.stream.is_mute() => Err(self.close(1008, "token expired").await),
            () = tick(self.behavior.ping.as_mut()) => {
                self.connection.feed(Message::Ping(Bytes::from_static(b"simulator"))).await?;
                self.connection.flush().await
            }
        }
    }

    async fn obey(&mut self, order: Order) -> Result<(), Disconnect> {
        match order {
            Order::Frame(frame) => self.deliver(frame).await,
            Order::Text(text) => self.connection.feed(Message::Text(text)).await,
            Order::Binary(bytes) => self.connection.feed(Message::Binary(bytes)).await,
            Order::Bytes(bytes) => self.write(&bytes).await,
            Order::Fault(fault) => self.apply(fault).await,
        }
    }

    /// Sends a frame of the script, with the faults that lie before and after it.
    async fn deliver(&mut self, frame: Frame) -> Result<(), Disconnect> {
        if self.connection.stream.is_mute() {
            return Ok(());
        }
        let json = if self.behavior.without_id { raw::without_id(&frame.json) } else { frame.json };
        if self.behavior.twice {
            self.put(json.clone()).await?;
            self.note(frame.id.clone());
        }
        self.put(json).await?;
        self.note(frame.id);
        self.sent += 1;
        self.apply_due_faults().await?;
        if frame.last { Err(self.close(1000, "conversation ended").await) } else { Ok(()) }
    }

    async fn put(&mut self, json: Utf8Bytes) -> Result<(), Disconnect> {
        match std::mem::take(&mut self.behavior.next) {
            Shape::Text => self.connection.feed(Message::Text(json)).await,
            Shape::Binary => self.connection.feed(Message::Binary(json.into())).await,
            Shape::Fragmented => self.write(&raw::fragments(&json)).await,
        }
    }

    /// Sends a close frame behind everything that waits.
    pub(crate) async fn close(&mut self, code: u16, reason: &str) -> Disconnect {
        match self.flush().await {
            Ok(()) => self.connection.close(code, reason).await,
            Err(over) => over,
        }
    }

    fn note(&mut self, id: Option<String>) {
        self.unrecorded.0 += 1;
        self.unrecorded.1.extend(id);
    }

    /// Writes out what is waiting, and into the log that it is.
    pub(crate) async fn flush(&mut self) -> Result<(), Disconnect> {
        self.connection.flush().await?;
        let (frames, messages) = &mut self.unrecorded;
        if *frames > 0 {
            self.state.recorder.frames_sent(self.place, std::mem::take(frames), messages);
        }
        Ok(())
    }

    /// Writes bytes below the WebSocket, after everything that is waiting.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<(), Disconnect> {
        self.flush().await?;
        self.connection.write(bytes).await
    }

    fn note_heard(&self, message: &Message) -> Result<(), Disconnect> {
        note_heard(&self.state, self.place, message);
        if message.is_close() { Err(Disconnect::Left) } else { Ok(()) }
    }

    /// Sees the connection off, and tells the log when it is gone.
    async fn finish(self, over: Disconnect) {
        let Self { connection, state, place, .. } = self;
        connection.drain_and_close(over, |message| note_heard(&state, place, message)).await;
        state.recorder.update_transcript_socket(place, |connection| connection.closed_at = Some(Instant::now()));
    }
}

fn note_heard(state: &SimulatorState, place: usize, message: &Message) {
    state.recorder.update_transcript_socket(place, |connection| match message {
        Message::Ping(_) => connection.pings += 1,
        Message::Pong(_) => connection.pongs += 1,
        Message::Close(frame) => connection.close_code = Some(frame.as_ref().map_or(1005, |frame| frame.code.into())),
        // A client has nothing to say on this socket.
        Message::Text(_) | Message::Binary(_) | Message::Frame(_) => {}
    });
}

async fn tick(ping: Option<&mut Interval>) {
    match ping {
        Some(interval) => {
            interval.tick().await;
        }
        None => std::future::pending().await,
    }
}
