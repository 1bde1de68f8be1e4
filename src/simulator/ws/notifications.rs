//! One open notification socket.

use std::sync::Arc;

use hyper::upgrade::Upgraded;
use serde_json::{Value, json};
use tokio::time::{Instant, Interval, interval_at, sleep_until};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use crate::simulator::faults::{NotificationFault, PendingFault};
use crate::simulator::state::SimulatorState;
use crate::simulator::state::channels::{Change, Line, Order};
use crate::simulator::state::topics::{TopicPermission, judge};
use crate::simulator::ws::connection::{Connection, Disconnect};
use crate::simulator::ws::faulty_stream::StreamControl;

/// A socket, what it is like, and what still awaits it.
pub(crate) struct NotificationConnection {
    pub(crate) state: Arc<SimulatorState>,
    pub(crate) channel: String,
    pub(crate) connection: Connection,
    pub(crate) pending: Vec<PendingFault<NotificationFault>>,
    pub(crate) behavior: SocketBehavior,
    /// Events that were due, whatever became of them.
    pub(crate) due: u64,
    /// Its place in the log.
    pub(crate) place: usize,
    pub(crate) heartbeat: Interval,
}

/// What a socket is like.
#[derive(Default)]
pub(crate) struct SocketBehavior {
    pub(crate) no_heartbeat: bool,
    pub(crate) twice: bool,
    /// So many events are lost.
    pub(crate) lose: u64,
    /// The next event waits for the one behind it.
    pub(crate) reorder: bool,
    pub(crate) held: Option<Utf8Bytes>,
    /// When an announced closing happens.
    pub(crate) closing: Option<Instant>,
}

/// Serves an open socket until it is gone or the simulator stops.
pub(crate) async fn serve(upgraded: Upgraded, channel: String, stream: StreamControl, state: Arc<SimulatorState>) {
    let stop = state.stop.clone();
    stop.run_until_cancelled(attend(upgraded, channel, stream, state)).await;
}

async fn attend(upgraded: Upgraded, channel: String, stream: StreamControl, state: Arc<SimulatorState>) {
    let connection = Connection::new(upgraded, stream).await;
    // A channel can be gone since the handshake; the client then finds a socket that ends at once.
    let Some(line) = state.channels.attach(&channel) else { return };
    let socket = line.socket;
    let place = state.recorder.notification_socket(channel.clone());
    let pending = state.faults.notify();
    let period = state.heartbeat_interval;
    let heartbeat = interval_at(Instant::now() + period, period);
    let behavior = SocketBehavior::default();
    let mut ear = NotificationConnection { state, channel, connection, pending, behavior, due: 0, place, heartbeat };
    ear.wake();
    let over = ear.talk(line).await;
    ear.finish(over, socket).await;
}

impl NotificationConnection {
    /// Lets the conversations begin that this socket can hear.
    fn wake(&self) {
        for topic in self.state.channels.topics(&self.channel).unwrap_or_default() {
            self.state.wake(&topic);
        }
    }

    async fn talk(&mut self, mut line: Line) -> Disconnect {
        if let Err(over) = self.apply_due_faults().await {
            return over;
        }
        loop {
            if let Err(over) = self.turn(&mut line).await {
                return over;
            }
        }
    }

    /// Whatever comes first: something to send or to hear, a heartbeat, an announced closing, the end of the channel.
    async fn turn(&mut self, line: &mut Line) -> Result<(), Disconnect> {
        let deadline = self.state.channels.deadline(&self.channel);
        tokio::select! {
            order = line.orders.recv() => match order {
                Some(Order::Event(json)) => self.deliver(json).await,
                Some(Order::Fault(fault)) => self.apply(fault).await,
                None => Err(self.cut_off().await),
            },
            heard = self.connection.hear() => {
                let message = heard?;
                self.answer(message).await
            }
            _ = self.heartbeat.tick(), if !self.behavior.no_heartbeat => {
                self.state.recorder.update_notification_socket(self.place, |listener| listener.heartbeats += 1);
                self.say(&metadata("WebSocket Heartbeat")).await
            }
            () = until(self.behavior.closing) => Err(self.connection.close(1001, "").await),
            // Its board forgets the channel, and with it the sender of the orders.
            () = until(deadline) => Ok(()),
        }
    }

    /// Another socket took the channel, or there is no channel any more.
    pub(crate) async fn cut_off(&mut self) -> Disconnect {
        if self.state.channels.has(&self.channel) {
            return self.connection.close(1001, "").await;
        }
        match self.say(&json!({ "result": "404", "message": "Channel not found" })).await {
            Ok(()) => self.connection.close(1001, "").await,
            Err(over) => over,
        }
    }

    /// Sends an event, with the faults that lie before and after it.
    async fn deliver(&mut self, json: Utf8Bytes) -> Result<(), Disconnect> {
        self.due += 1;
        if self.behavior.lose > 0 {
            self.behavior.lose -= 1;
        } else if self.behavior.reorder {
            self.behavior.reorder = false;
            self.behavior.held = Some(json);
        } else {
            let held = self.behavior.held.take();
            for json in std::iter::once(json).chain(held) {
                if self.behavior.twice {
                    self.event(json.clone()).await?;
                }
                self.event(json).await?;
            }
        }
        self.apply_due_faults().await
    }

    async fn event(&mut self, json: Utf8Bytes) -> Result<(), Disconnect> {
        self.connection.feed(Message::Text(json)).await?;
        self.connection.flush().await?;
        if !self.connection.stream.is_mute() {
            self.state.recorder.update_notification_socket(self.place, |listener| listener.events += 1);
        }
        Ok(())
    }

    /// Sends something that is no event of a topic.
    pub(crate) async fn say(&mut self, frame: &Value) -> Result<(), Disconnect> {
        self.connection.feed(Message::Text(frame.to_string().into())).await?;
        self.connection.flush().await
    }

    async fn answer(&mut self, message: Message) -> Result<(), Disconnect> {
        note_heard(&self.state, self.place, &message);
        if message.is_close() {
            return Err(Disconnect::Left);
        }
        let frame: Value = message.to_text().ok().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        match frame["message"].as_str() {
            Some("ping") => {
                self.state.recorder.update_notification_socket(self.place, |listener| listener.pings += 1);
                self.say(&metadata("pong")).await
            }
            Some("subscribe") => self.subscribe(&frame, Change::Add, "subscribed").await,
            Some("unsubscribe") => self.subscribe(&frame, Change::Remove, "unsubscribed").await,
            // Whatever else a client says is ignored.
            _ => Ok(()),
        }
    }

    async fn subscribe(&mut self, frame: &Value, change: Change, status: &str) -> Result<(), Disconnect> {
        let topics = frame["topics"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let topics: Vec<_> = topics.map(str::to_owned).collect();
        let bad = topics.iter().find(|topic| judge(&self.state, topic) != TopicPermission::Permitted);
        let done = bad.is_none() && self.state.channels.subscribe(&self.channel, change, &topics, None) == Some(Ok(()));
        let mut answer = if done {
            json!({ "result": "200", "status": status })
        } else {
            json!({ "result": "400", "status": "failure", "message": "The subscription topic is not valid." })
        };
        if frame["correlationId"].is_string() {
            answer["correlationId"] = frame["correlationId"].clone();
        }
        self.wake();
        self.say(&answer).await
    }

    /// Sees the connection off, and tells the log when it is gone.
    async fn finish(self, over: Disconnect, socket: u64) {
        let Self { connection, state, place, channel, .. } = self;
        state.channels.detach(&channel, socket);
        connection.drain_and_close(over, |message| note_heard(&state, place, message)).await;
        state.recorder.update_notification_socket(place, |listener| listener.closed_at = Some(Instant::now()));
    }
}

fn note_heard(state: &SimulatorState, place: usize, message: &Message) {
    state.recorder.update_notification_socket(place, |listener| match message {
        Message::Close(frame) => listener.close_code = Some(frame.as_ref().map_or(1005, |frame| frame.code.into())),
        Message::Text(_) | Message::Binary(_) => listener.messages_received += 1,
        Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
    });
}

fn metadata(message: &str) -> Value {
    json!({ "topicName": "channel.metadata", "eventBody": { "message": message } })
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
