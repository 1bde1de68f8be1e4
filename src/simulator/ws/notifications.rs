//! An open notification socket.

use std::sync::Arc;

use hyper::upgrade::Upgraded;
use serde_json::{Value, json};
use tokio::time::{Instant, Interval, interval_at, sleep_until};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::connection::{Connection, Disconnect, close_code};
use super::faulty_stream::StreamControl;
use crate::simulator::faults::{NotificationFault, PendingFault};
use crate::simulator::state::SimulatorState;
use crate::simulator::state::channels::{AttachedSocket, NotificationCommand, TopicChange};
use crate::simulator::state::topics::TopicAccess;

pub(super) struct NotificationConnection {
    pub(super) state: Arc<SimulatorState>,
    /// The id of its channel.
    pub(super) channel: String,
    pub(super) connection: Connection,
    pub(super) pending_faults: Vec<PendingFault<NotificationFault>>,
    pub(super) behavior: SocketBehavior,
    /// The number of events so far, including those that faults lose or hold.
    pub(super) events_due: u64,
    log_entry: usize,
    heartbeat: Interval,
}

/// The lasting faults of a socket.
#[derive(Default)]
pub(super) struct SocketBehavior {
    pub(super) no_heartbeat: bool,
    pub(super) duplicates: bool,
    pub(super) events_to_lose: u64,
    /// True if the next event is held until the one after it.
    pub(super) holds_next_event: bool,
    held_event: Option<Utf8Bytes>,
    /// The time of an announced closing.
    pub(super) closing_at: Option<Instant>,
}

/// Serves an open socket until it is closed or the simulator stops.
pub(crate) async fn serve(upgraded: Upgraded, channel: String, stream: StreamControl, state: Arc<SimulatorState>) {
    let stop = state.stop.clone();
    stop.run_until_cancelled(serve_until_closed(upgraded, channel, stream, state)).await;
}

async fn serve_until_closed(upgraded: Upgraded, channel: String, stream: StreamControl, state: Arc<SimulatorState>) {
    let connection = Connection::new(upgraded, stream).await;
    // The channel can have ended since the handshake. The client then sees a socket that ends at once.
    let Some(attached) = state.channels.attach(&channel) else { return };
    let log_entry = state.recorder.notification_socket(channel.clone());
    let pending_faults = state.faults.notification_socket_faults();
    let heartbeat = interval_at(Instant::now() + state.heartbeat_interval, state.heartbeat_interval);
    let mut socket = NotificationConnection {
        state,
        channel,
        connection,
        pending_faults,
        behavior: SocketBehavior::default(),
        events_due: 0,
        log_entry,
        heartbeat,
    };
    socket.start_scripts();
    let number = attached.number;
    let disconnect = socket.run(attached).await;
    socket.finish(disconnect, number).await;
}

impl NotificationConnection {
    /// Starts the conversations whose events this socket receives.
    fn start_scripts(&self) {
        for topic in self.state.channels.topics(&self.channel).unwrap_or_default() {
            self.state.start_scripts_of(&topic);
        }
    }

    async fn run(&mut self, mut attached: AttachedSocket) -> Disconnect {
        if let Err(disconnect) = self.apply_due_faults().await {
            return disconnect;
        }
        loop {
            if let Err(disconnect) = self.step(&mut attached).await {
                return disconnect;
            }
        }
    }

    /// Handles what comes first: a command, a message of the client, a heartbeat, an announced closing or the end of
    /// the channel.
    async fn step(&mut self, attached: &mut AttachedSocket) -> Result<(), Disconnect> {
        let deadline = self.state.channels.deadline(&self.channel);
        tokio::select! {
            command = attached.commands.recv() => match command {
                Some(NotificationCommand::Event(json)) => self.handle_event(json).await,
                Some(NotificationCommand::Fault(fault)) => self.apply(fault).await,
                None => Err(self.close_detached().await),
            },
            message = self.connection.receive() => {
                let message = message?;
                self.handle_message(message).await
            }
            _ = self.heartbeat.tick(), if !self.behavior.no_heartbeat => {
                self.state.recorder.update_notification_socket(self.log_entry, |socket| socket.heartbeats += 1);
                self.send_json(&channel_metadata("WebSocket Heartbeat")).await
            }
            () = sleep_until_some(self.behavior.closing_at) => Err(self.connection.close(1001, "").await),
            // The registry now removes the channel, which closes the command queue.
            () = sleep_until_some(deadline) => Ok(()),
        }
    }

    /// Closes a socket that lost its channel: another socket replaced it, or the channel ended.
    pub(super) async fn close_detached(&mut self) -> Disconnect {
        if self.state.channels.exists(&self.channel) {
            return self.connection.close(1001, "").await;
        }
        match self.send_json(&json!({ "result": "404", "message": "Channel not found" })).await {
            Ok(()) => self.connection.close(1001, "").await,
            Err(disconnect) => disconnect,
        }
    }

    /// Sends, loses or holds an event, then applies the faults that are due after it.
    async fn handle_event(&mut self, json: Utf8Bytes) -> Result<(), Disconnect> {
        self.events_due += 1;
        if self.behavior.events_to_lose > 0 {
            self.behavior.events_to_lose -= 1;
        } else if self.behavior.holds_next_event {
            self.behavior.holds_next_event = false;
            self.behavior.held_event = Some(json);
        } else {
            let held = self.behavior.held_event.take();
            for json in std::iter::once(json).chain(held) {
                if self.behavior.duplicates {
                    self.send_event(json.clone()).await?;
                }
                self.send_event(json).await?;
            }
        }
        self.apply_due_faults().await
    }

    async fn send_event(&mut self, json: Utf8Bytes) -> Result<(), Disconnect> {
        self.connection.send(Message::Text(json)).await?;
        if !self.connection.stream.is_muted() {
            self.state.recorder.update_notification_socket(self.log_entry, |socket| socket.events += 1);
        }
        Ok(())
    }

    /// Sends a frame that is no event of a topic.
    pub(super) async fn send_json(&mut self, frame: &Value) -> Result<(), Disconnect> {
        self.connection.send(Message::Text(frame.to_string().into())).await
    }

    async fn handle_message(&mut self, message: Message) -> Result<(), Disconnect> {
        log_message(&self.state, self.log_entry, &message);
        if message.is_close() {
            return Err(Disconnect::ClosedByClient);
        }
        let frame: Value = message.to_text().ok().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        match frame["message"].as_str() {
            Some("ping") => {
                self.state.recorder.update_notification_socket(self.log_entry, |socket| socket.pings += 1);
                self.send_json(&channel_metadata("pong")).await
            }
            Some("subscribe") => self.change_topics(&frame, TopicChange::Add, "subscribed").await,
            Some("unsubscribe") => self.change_topics(&frame, TopicChange::Remove, "unsubscribed").await,
            // The service ignores any other message.
            _ => Ok(()),
        }
    }

    async fn change_topics(&mut self, frame: &Value, change: TopicChange, status: &str) -> Result<(), Disconnect> {
        let topics = frame["topics"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let topics: Vec<_> = topics.map(str::to_owned).collect();
        let is_permitted = topics.iter().all(|topic| self.state.topic_access(topic) == TopicAccess::Permitted);
        let is_changed =
            is_permitted && self.state.channels.change_topics(&self.channel, change, &topics, None).is_ok();
        let mut response = if is_changed {
            json!({ "result": "200", "status": status })
        } else {
            json!({ "result": "400", "status": "failure", "message": "The subscription topic is not valid." })
        };
        if frame["correlationId"].is_string() {
            response["correlationId"] = frame["correlationId"].clone();
        }
        self.start_scripts();
        self.send_json(&response).await
    }

    /// Waits until the connection has ended, and logs its end.
    async fn finish(self, disconnect: Disconnect, number: u64) {
        let Self { connection, state, log_entry, channel, .. } = self;
        state.channels.detach(&channel, number);
        connection.drain_and_close(disconnect, |message| log_message(&state, log_entry, message)).await;
        state.recorder.update_notification_socket(log_entry, |socket| socket.closed_at = Some(Instant::now()));
    }
}

fn log_message(state: &SimulatorState, log_entry: usize, message: &Message) {
    state.recorder.update_notification_socket(log_entry, |socket| match message {
        Message::Close(frame) => socket.close_code = Some(close_code(frame.as_ref())),
        Message::Text(_) | Message::Binary(_) => socket.messages_received += 1,
        Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
    });
}

fn channel_metadata(message: &str) -> Value {
    json!({ "topicName": "channel.metadata", "eventBody": { "message": message } })
}

async fn sleep_until_some(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}
