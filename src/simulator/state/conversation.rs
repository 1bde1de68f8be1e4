//! A scripted conversation and its subscribers.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::SimulatorState;
use super::event_stream::{StreamEvent, StreamItem};
use super::ids::{NamedEntity, queue, user};
use super::model::ConversationModel;
use super::model::publish::{BodyOnTopic, EventPublisher, PublishedEvents};
pub(crate) use super::transcript_frames::Frame;
use super::transcript_frames::FrameComposer;
use crate::simulator::faults::SocketFault;
use crate::simulator::lock::lock;
use crate::simulator::script::{Action, Script};

/// The number of frames that a socket may lag behind. A slower socket slows the conversation down, so that memory stays
/// bounded.
const SOCKET_QUEUE: usize = 1024;

/// The number of latest frames that are kept for replay.
const MAX_HISTORY: usize = 10_000;

#[derive(Debug)]
pub(crate) struct SimulatedConversation {
    id: String,
    seed: u64,
    script: Arc<Script>,
    /// The users and queues of the script, also before their first action.
    users: Vec<NamedEntity>,
    queues: Vec<NamedEntity>,
    progress: Mutex<Progress>,
}

#[derive(Debug)]
struct Progress {
    phase: Phase,
    composer: FrameComposer,
    model: ConversationModel,
    subscribers: Vec<mpsc::Sender<TranscriptCommand>>,
    history: VecDeque<Frame>,
    /// The number of events in the event stream so far.
    stream_events: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    NotStarted,
    Playing,
    Closed,
}

/// A command to a transcript socket.
#[derive(Debug, Clone)]
pub(crate) enum TranscriptCommand {
    Frame(Frame),
    Text(Utf8Bytes),
    Binary(Bytes),
    /// Bytes for the stream below the WebSocket.
    RawBytes(Bytes),
    Fault(SocketFault),
}

/// A socket's subscription to a conversation.
pub(crate) struct Subscription {
    /// The frames to send first.
    pub(crate) backlog: Vec<Frame>,
    pub(crate) commands: mpsc::Receiver<TranscriptCommand>,
}

impl SimulatedConversation {
    pub(crate) fn new(id: String, seed: u64, script: Arc<Script>) -> Self {
        let model = ConversationModel::new(&id, &script);
        Self {
            id,
            seed,
            users: script.agents().iter().map(|name| user(name)).collect(),
            queues: script.queues().iter().map(|name| queue(name)).chain(model.queues().cloned()).collect(),
            progress: Mutex::new(Progress {
                phase: Phase::NotStarted,
                composer: FrameComposer::new(seed, script.customers()),
                model,
                subscribers: Vec::new(),
                history: VecDeque::new(),
                stream_events: 0,
            }),
            script,
        }
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Returns whether this is a conversation of messages. Others have no transcript socket.
    pub(crate) fn has_messages(&self) -> bool {
        !self.script.is_call() && !self.script.is_email()
    }

    /// Returns whether the service knows the conversation.
    pub(crate) fn has_begun(&self) -> bool {
        self.read_model(|model| model.has_begun)
    }

    pub(crate) fn script(&self) -> &Script {
        &self.script
    }

    /// Reads from the published API's view of the conversation.
    pub(crate) fn read_model<T>(&self, read: impl FnOnce(&ConversationModel) -> T) -> T {
        read(&lock(&self.progress).model)
    }

    /// Returns whether a topic names this conversation, or a user or queue of its script.
    pub(crate) fn is_concerned_by(&self, topic: &str) -> bool {
        let entities = self.users.iter().chain(&self.queues).map(|entity| entity.id.as_str());
        let mut ids = entities.chain([self.id.as_str()]);
        ids.any(|id| topic.split('.').any(|word| word.eq_ignore_ascii_case(id)))
    }

    /// Marks the script as started. Returns false if it was already.
    pub(crate) fn mark_started(&self) -> bool {
        let mut progress = lock(&self.progress);
        let is_first = progress.phase == Phase::NotStarted;
        if is_first {
            progress.phase = Phase::Playing;
        }
        is_first
    }

    /// Subscribes a socket. `replay` asks for the history as its backlog.
    pub(crate) fn subscribe(&self, replay: bool) -> Subscription {
        let (sender, commands) = mpsc::channel(SOCKET_QUEUE);
        let mut progress = lock(&self.progress);
        progress.subscribers.retain(|subscriber| !subscriber.is_closed());
        progress.subscribers.push(sender);
        let history = &progress.history;
        let backlog = match progress.phase {
            _ if replay => history.iter().cloned().collect(),
            // Every later socket gets the same closing frame, with the one time at which the conversation ended.
            Phase::Closed => history.iter().rfind(|frame| frame.is_last).cloned().into_iter().collect(),
            Phase::NotStarted | Phase::Playing => Vec::new(),
        };
        Subscription { backlog, commands }
    }

    /// Performs an action: sends its frame to the transcript sockets, and its events to the channels and the event stream.
    pub(crate) async fn perform(&self, action: &Action, state: &SimulatorState) {
        let (frame, subscribers, published, at) = {
            let mut progress = lock(&self.progress);
            let mut publisher = EventPublisher::new(state, Utc::now());
            let (frame, at) = (progress.apply(action, &mut publisher), publisher.now);
            (frame, progress.subscribers.clone(), publisher.into_events(), at)
        };
        send(subscribers, &TranscriptCommand::Frame(frame)).await;
        self.distribute(published, at, state).await;
    }

    /// Publishes the beginning of a conversation that begins with the playback of its script.
    pub(crate) async fn begin(&self, state: &SimulatorState) {
        let mut publisher = EventPublisher::new(state, Utc::now());
        publisher.publish_beginning(&lock(&self.progress).model);
        let at = publisher.now;
        self.distribute(publisher.into_events(), at, state).await;
    }

    async fn distribute(&self, published: PublishedEvents, at: DateTime<Utc>, state: &SimulatorState) {
        for event in published.events {
            state.channels.publish(&event.topic, event.json).await;
        }
        for event in published.stream_events {
            let event = self.stream_event(event, at, state);
            state.event_stream.send(StreamItem::Event(event)).await;
        }
    }

    /// Numbers an event of the stream and takes its faults. The same seed gives the same faults.
    fn stream_event(
        &self,
        BodyOnTopic { topic, body }: BodyOnTopic,
        at: DateTime<Utc>,
        state: &SimulatorState,
    ) -> StreamEvent {
        let number = {
            let mut progress = lock(&self.progress);
            progress.stream_events += 1;
            progress.stream_events
        };
        let mut random = fastrand::Rng::with_seed(self.seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let faults = state.faults.take_stream_faults(&self.id, &mut random);
        StreamEvent { topic, body, at, conversation: self.id.clone(), number, faults }
    }

    /// Sends a command to every transcript socket.
    pub(crate) async fn broadcast(&self, command: TranscriptCommand) {
        let subscribers = lock(&self.progress).subscribers.clone();
        send(subscribers, &command).await;
    }
}

impl Progress {
    fn apply(&mut self, action: &Action, publisher: &mut EventPublisher<'_>) -> Frame {
        let message = self.composer.message(action, publisher.now);
        let frame = self.composer.frame(action, message.as_ref(), publisher.now);
        if frame.is_last {
            self.phase = Phase::Closed;
        }
        if self.history.len() == MAX_HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(frame.clone());
        self.model.apply(action, message, publisher);
        frame
    }
}

async fn send(subscribers: Vec<mpsc::Sender<TranscriptCommand>>, command: &TranscriptCommand) {
    for subscriber in subscribers {
        // A closed socket loses the command, as in the service.
        let _ = subscriber.send(command.clone()).await;
    }
}
