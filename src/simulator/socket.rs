//! One open transcript socket.

use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;
use tokio::time::{Instant, Interval, sleep_until};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Error as WsError, Message, Utf8Bytes};

use super::cloud::Cloud;
use super::compose::Frame;
use super::faults::Pending;
use super::mischief::replays;
use super::raw;
use super::stage::{Order, Seat, Stage};
use super::wire::Fate;

/// Orders taken at once: a burst is written in large pieces.
const BATCH: usize = 256;

/// A thousand sockets should not take 128 KiB each to hear a pong.
const READ_BUFFER: usize = 4 << 10;

/// Who comes in.
pub(super) struct Entry {
    pub(super) stage: Arc<Stage>,
    pub(super) token: String,
    pub(super) expiry: Instant,
    pub(super) fate: Fate,
}

/// Why a socket is done.
pub(super) enum Over {
    /// The client closed.
    Left,
    /// We sent a close frame.
    Closing,
    /// We cut the connection, with FIN.
    Cut,
    /// The connection is of no more use.
    Gone,
}

impl<E: Into<WsError>> From<E> for Over {
    fn from(_: E) -> Self {
        Self::Gone
    }
}

/// A socket, what it is like, and what still awaits it.
pub(super) struct Live {
    pub(super) cloud: Arc<Cloud>,
    pub(super) fate: Fate,
    pub(super) pending: Vec<Pending>,
    pub(super) manner: Manner,
    /// Frames of the script sent.
    pub(super) sent: u64,
    pub(super) ws: WebSocketStream<TokioIo<Upgraded>>,
    /// Its place in the ledger.
    pub(super) place: usize,
    /// What was sent and is not in the ledger yet.
    unrecorded: (u64, Vec<String>),
}

/// What a socket is like.
#[derive(Default)]
pub(super) struct Manner {
    pub(super) twice: bool,
    pub(super) without_id: bool,
    pub(super) no_close_answer: bool,
    pub(super) next: Shape,
    pub(super) ping: Option<Interval>,
}

/// What a frame looks like.
#[derive(Default)]
pub(super) enum Shape {
    #[default]
    Text,
    Binary,
    Fragmented,
}

/// Serves an open socket until it is gone or the simulator stops.
pub(super) async fn serve(upgraded: Upgraded, entry: Entry, cloud: Arc<Cloud>) {
    let stop = cloud.stop.clone();
    stop.run_until_cancelled(attend(upgraded, entry, cloud)).await;
}

async fn attend(upgraded: Upgraded, entry: Entry, cloud: Arc<Cloud>) {
    let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER);
    let ws = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await;
    let mut pending = cloud.faults.socket(entry.stage.id());
    // Whoever reads in the ledger that a socket is open may count on it to hear what is said next.
    let seat = entry.stage.join(replays(&mut pending, &cloud.faults));
    let place = cloud.recorder.opened(entry.stage.id().to_owned(), entry.token);
    let mut live = Live {
        cloud: Arc::clone(&cloud),
        fate: entry.fate,
        pending,
        manner: Manner::default(),
        sent: 0,
        ws,
        place,
        unrecorded: Default::default(),
    };
    if seat.first {
        tokio::spawn(async move { entry.stage.play(&cloud.script, cloud.rate, &cloud.stop).await });
    }
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
            heard = self.ws.next() => self.hear(heard),
            () = sleep_until(expiry), if !self.fate.is_mute() => Err(self.close(1008, "token expired").await),
            () = tick(self.manner.ping.as_mut()) => {
                Ok(self.ws.send(Message::Ping(Bytes::from_static(b"simulator"))).await?)
            }
        }
    }

    async fn obey(&mut self, order: Order) -> Result<(), Over> {
        match order {
            Order::Frame(frame) => self.deliver(frame).await,
            Order::Text(text) => Ok(self.ws.feed(Message::Text(text)).await?),
            Order::Binary(bytes) => Ok(self.ws.feed(Message::Binary(bytes)).await?),
            Order::Bytes(bytes) => self.write(&bytes).await,
            Order::Trick(trick) => self.commit(trick).await,
        }
    }

    /// Sends a frame of the script, with the faults that lie before and after it.
    async fn deliver(&mut self, frame: Frame) -> Result<(), Over> {
        if self.fate.is_mute() {
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
            Shape::Text => Ok(self.ws.feed(Message::Text(json)).await?),
            Shape::Binary => Ok(self.ws.feed(Message::Binary(json.into())).await?),
            Shape::Fragmented => self.write(&raw::fragments(&json)).await,
        }
    }

    fn note(&mut self, id: Option<String>) {
        self.unrecorded.0 += 1;
        self.unrecorded.1.extend(id);
    }

    /// Writes out what is waiting, and into the ledger that it is.
    pub(super) async fn flush(&mut self) -> Result<(), Over> {
        self.ws.flush().await?;
        let (frames, messages) = &mut self.unrecorded;
        if *frames > 0 {
            self.cloud.recorder.sent(self.place, std::mem::take(frames), messages);
        }
        Ok(())
    }

    /// Writes bytes below the WebSocket, after everything that is waiting.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), Over> {
        self.flush().await?;
        let stream = self.ws.get_mut();
        stream.write_all(bytes).await.map_err(WsError::from)?;
        Ok(stream.flush().await.map_err(WsError::from)?)
    }

    pub(super) fn hear(&self, heard: Option<Result<Message, WsError>>) -> Result<(), Over> {
        let Some(Ok(message)) = heard else { return Err(Over::Gone) };
        self.cloud.recorder.on(self.place, |connection| match &message {
            Message::Ping(_) => connection.pings += 1,
            Message::Pong(_) => connection.pongs += 1,
            Message::Close(frame) => {
                connection.close_code = Some(frame.as_ref().map_or(1005, |frame| frame.code.into()));
            }
            // A client has nothing to say on this socket.
            Message::Text(_) | Message::Binary(_) | Message::Frame(_) => {}
        });
        if message.is_close() { Err(Over::Left) } else { Ok(()) }
    }
}

async fn tick(ping: Option<&mut Interval>) {
    match ping {
        Some(interval) => {
            interval.tick().await;
        }
        None => std::future::pending().await,
    }
}
