//! One open transcript socket.

use std::sync::Arc;

use hyper::upgrade::Upgraded;
use tokio::sync::mpsc;
use tokio::time::{Instant, Interval, sleep_until};
use tokio_tungstenite::tungstenite::{Bytes, Message, Utf8Bytes};

use super::raw_frames as raw;
use super::transcript_faults::replays;
use crate::simulator::faults::{Pending, SocketTrick};
use crate::simulator::state::Cloud;
use crate::simulator::state::conversation::{Order, Seat, Stage};
use crate::simulator::state::transcript_frames::Frame;
use crate::simulator::ws::connection::{Over, Peer};
use crate::simulator::ws::faulty_stream::Fate;

/// Orders taken at once: a burst is written in large pieces.
const BATCH: usize = 256;

/// Who comes in.
pub(crate) struct Entry {
    pub(crate) stage: Arc<Stage>,
    pub(crate) token: String,
    pub(crate) expiry: Instant,
    pub(crate) fate: Fate,
}

/// A socket, what it is like, and what still awaits it.
pub(crate) struct Live {
    pub(crate) cloud: Arc<Cloud>,
    pub(crate) peer: Peer,
    pub(crate) pending: Vec<Pending<SocketTrick>>,
    pub(crate) manner: Manner,
    /// Frames of the script sent.
    pub(crate) sent: u64,
    /// Its place in the log.
    pub(crate) place: usize,
    /// What was sent and is not in the log yet.
    unrecorded: (u64, Vec<String>),
}

/// What a socket is like.
#[derive(Default)]
pub(crate) struct Manner {
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
pub(crate) async fn serve(upgraded: Upgraded, entry: Entry, cloud: Arc<Cloud>) {
    let stop = cloud.stop.clone();
    stop.run_until_cancelled(attend(upgraded, entry, cloud)).await;
}

async fn attend(upgraded: Upgraded, entry: Entry, cloud: Arc<Cloud>) {
    let peer = Peer::new(upgraded, entry.fate).await;
    let mut pending = cloud.faults.socket(entry.stage.id());
    // Whoever reads in the log that a socket is open may count on it to hear what is said next.
    let seat = entry.stage.join(replays(&mut pending, &cloud.faults));
    let place = cloud.recorder.transcript_socket(entry.stage.id().to_owned(), entry.token);
    let mut live = Live {
        cloud: Arc::clone(&cloud),
        peer,
        pending,
        manner: Manner::default(),
        sent: 0,
        place,
        unrecorded: Default::default(),
    };
    cloud.begin(&entry.stage);
    let over = live.talk(seat, entry.expiry).await;
    live.finish(over).await;
}

impl Live {
    async fn talk(&mut self, mut seat: Seat, expiry: Instant) -> Over {
        match self.open(seat.opening).await {
            Err(over) => over,
            Ok(()) => loop {
                if let Err(over) = self.turn(&mut seat.orders, expiry).await {
                    break over;
                }
            },
        }
    }

    async fn open(&mut self, frames: Vec<Frame>) -> Result<(), Over> {
        self.strike().await?;
        for frame in frames {
            self.deliver(frame).await?;
        }
        self.flush().await
    }

    /// Whatever comes first: something to send, something to hear, the end of the token, the time to ping.
    async fn turn(&mut self, orders: &mut mpsc::Receiver<Order>, expiry: Instant) -> Result<(), Over> {
        let mut batch = Vec::new();
        tokio::select! {
            count = orders.recv_many(&mut batch, BATCH) => {
                if count == 0 {
                    return Err(Over::Gone);
                }
                for order in batch {
                    self.obey(order).await?;
                }
                self.flush().await
            }
            heard = self.peer.hear() => self.note_heard(&heard?),
            () = sleep_until(expiry), if !self.peer.fate.is_mute() => Err(self.close(1008, "token expired").await),
            () = tick(self.manner.ping.as_mut()) => {
                self.peer.feed(Message::Ping(Bytes::from_static(b"simulator"))).await?;
                self.peer.flush().await
            }
        }
    }

    async fn obey(&mut self, order: Order) -> Result<(), Over> {
        match order {
            Order::Frame(frame) => self.deliver(frame).await,
            Order::Text(text) => self.peer.feed(Message::Text(text)).await,
            Order::Binary(bytes) => self.peer.feed(Message::Binary(bytes)).await,
            Order::Bytes(bytes) => self.write(&bytes).await,
            Order::Trick(trick) => self.commit(trick).await,
        }
    }

    /// Sends a frame of the script, with the faults that lie before and after it.
    async fn deliver(&mut self, frame: Frame) -> Result<(), Over> {
        if self.peer.fate.is_mute() {
            return Ok(());
        }
        let json = if self.manner.without_id { raw::without_id(&frame.json) } else { frame.json };
        if self.manner.twice {
            self.put(json.clone()).await?;
            self.note(frame.id.clone());
        }
        self.put(json).await?;
        self.note(frame.id);
        self.sent += 1;
        self.strike().await?;
        if frame.last { Err(self.close(1000, "conversation ended").await) } else { Ok(()) }
    }

    async fn put(&mut self, json: Utf8Bytes) -> Result<(), Over> {
        match std::mem::take(&mut self.manner.next) {
            Shape::Text => self.peer.feed(Message::Text(json)).await,
            Shape::Binary => self.peer.feed(Message::Binary(json.into())).await,
            Shape::Fragmented => self.write(&raw::fragments(&json)).await,
        }
    }

    /// Sends a close frame behind everything that waits.
    pub(crate) async fn close(&mut self, code: u16, reason: &str) -> Over {
        match self.flush().await {
            Ok(()) => self.peer.close(code, reason).await,
            Err(over) => over,
        }
    }

    fn note(&mut self, id: Option<String>) {
        self.unrecorded.0 += 1;
        self.unrecorded.1.extend(id);
    }

    /// Writes out what is waiting, and into the log that it is.
    pub(crate) async fn flush(&mut self) -> Result<(), Over> {
        self.peer.flush().await?;
        let (frames, messages) = &mut self.unrecorded;
        if *frames > 0 {
            self.cloud.recorder.frames_sent(self.place, std::mem::take(frames), messages);
        }
        Ok(())
    }

    /// Writes bytes below the WebSocket, after everything that is waiting.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<(), Over> {
        self.flush().await?;
        self.peer.write(bytes).await
    }

    fn note_heard(&self, message: &Message) -> Result<(), Over> {
        note_heard(&self.cloud, self.place, message);
        if message.is_close() { Err(Over::Left) } else { Ok(()) }
    }

    /// Sees the connection off, and tells the log when it is gone.
    async fn finish(self, over: Over) {
        let Self { peer, cloud, place, .. } = self;
        peer.see_off(over, |message| note_heard(&cloud, place, message)).await;
        cloud.recorder.update_transcript_socket(place, |connection| connection.closed_at = Some(Instant::now()));
    }
}

fn note_heard(cloud: &Cloud, place: usize, message: &Message) {
    cloud.recorder.update_transcript_socket(place, |connection| match message {
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
