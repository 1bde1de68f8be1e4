//! A conversation: what has happened in it, who listens, and a hand to make things happen.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use chrono::Utc;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::simulator::faults::{Fault, FaultError, SocketFault};
use crate::simulator::script::{Action, Script, ScriptError, step};
use crate::simulator::state::channels;
use crate::simulator::state::model::{ConversationModel, EventPublisher, NamedEntity, person, queue};
use crate::simulator::state::transcript_frames::{Frame, FrameComposer};
use crate::simulator::state::{SimulatorState, lock};

/// A socket that falls behind by this many frames slows the conversation down, so that memory stays bounded.
const AHEAD: usize = 1024;

/// The latest frames that a new connection can be given.
const PAST_KEPT: usize = 10_000;

/// Steps without a pause after which others get their turn.
const STEPS_IN_A_ROW: usize = 64;

#[derive(Debug)]
pub(crate) struct SimulatedConversation {
    id: String,
    is_call: bool,
    /// The users and queues of the script, also before they come into play.
    users: Vec<NamedEntity>,
    queues: Vec<NamedEntity>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    composer: FrameComposer,
    model: ConversationModel,
    audience: Vec<mpsc::Sender<Order>>,
    past: VecDeque<Frame>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Waiting,
    Playing,
    Closed,
}

/// What a socket is told to do.
#[derive(Debug, Clone)]
pub(crate) enum Order {
    Frame(Frame),
    Text(Utf8Bytes),
    Binary(Bytes),
    /// Bytes for the stream as they are, a WebSocket frame or not.
    Bytes(Bytes),
    Fault(SocketFault),
}

/// A place in the audience.
pub(crate) struct Subscription {
    /// What the socket is sent first.
    pub(crate) opening: Vec<Frame>,
    pub(crate) orders: mpsc::Receiver<Order>,
}

impl SimulatedConversation {
    pub(crate) fn new(id: String, seed: u64, script: &Script) -> Self {
        let state = State {
            phase: Phase::Waiting,
            composer: FrameComposer::new(seed, script.customers()),
            model: ConversationModel::new(&id, script),
            audience: Vec::new(),
            past: VecDeque::new(),
        };
        Self {
            id,
            is_call: script.is_call(),
            users: script.agents().iter().map(|name| person(name)).collect(),
            queues: script.queues().iter().map(|name| queue(name)).chain(state.model.queues().cloned()).collect(),
            state: Mutex::new(state),
        }
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// A call has no messages, hence no transcript socket.
    pub(crate) fn is_call(&self) -> bool {
        self.is_call
    }

    /// Looks at what the published API knows of the conversation.
    pub(crate) fn model<T>(&self, look: impl FnOnce(&ConversationModel) -> T) -> T {
        look(&lock(&self.state).model)
    }

    /// The user with this id, of the script or of what happened.
    pub(crate) fn user(&self, id: &str) -> Option<NamedEntity> {
        let known = |users: &[NamedEntity]| users.iter().find(|user| user.id == id).cloned();
        known(&self.users).or_else(|| self.model(|model| model.users().find(|user| user.id == id).cloned()))
    }

    /// The queue with this id, of the script or of what happened.
    pub(crate) fn queue(&self, id: &str) -> Option<NamedEntity> {
        let known = |queues: &[NamedEntity]| queues.iter().find(|queue| queue.id == id).cloned();
        known(&self.queues).or_else(|| self.model(|model| model.queues().find(|queue| queue.id == id).cloned()))
    }

    /// Whether a topic is about this conversation, or about somebody in it.
    pub(crate) fn is_subject_of(&self, topic: &str) -> bool {
        let ids = self.users.iter().chain(&self.queues).map(|named| named.id.as_str());
        ids.chain([self.id.as_str()]).any(|id| topic.split('.').any(|word| word.eq_ignore_ascii_case(id)))
    }

    /// From now on it plays; false where it does already.
    pub(crate) fn begin(&self) -> bool {
        let mut state = lock(&self.state);
        let waits = state.phase == Phase::Waiting;
        if waits {
            state.phase = Phase::Playing;
        }
        waits
    }

    /// Takes a seat, with the past as the opening when `replay` is set.
    pub(crate) fn join(&self, replay: bool) -> Subscription {
        let (sender, orders) = mpsc::channel(AHEAD);
        let mut state = lock(&self.state);
        state.audience.retain(|sender| !sender.is_closed());
        state.audience.push(sender);
        let opening = match state.phase {
            _ if replay => state.past.iter().cloned().collect(),
            // It has ended once, at one time, whoever is told when.
            Phase::Closed => state.past.iter().rfind(|frame| frame.last).cloned().into_iter().collect(),
            Phase::Waiting | Phase::Playing => Vec::new(),
        };
        Subscription { opening, orders }
    }

    /// Plays the script in real time, whoever listens.
    pub(crate) async fn play(&self, state: &SimulatorState) {
        let (script, rate) = (&state.script, state.rate);
        let lines = async {
            let mut due = Instant::now();
            let beat = rate.and_then(|rate| Duration::try_from_secs_f64(rate.recip()).ok());
            for (number, step) in script.play().enumerate() {
                due += beat.unwrap_or(step.pause);
                if due > Instant::now() {
                    sleep_until(due).await;
                } else if number % STEPS_IN_A_ROW == 0 {
                    tokio::task::yield_now().await;
                }
                self.act(&step.act, state).await;
            }
        };
        state.stop.run_until_cancelled(lines).await;
    }

    async fn act(&self, act: &Action, shared: &SimulatorState) {
        let (frame, audience, events) = {
            let mut state = lock(&self.state);
            let now = Utc::now();
            let spoken = state.composer.spoken(act, now);
            let frame = state.composer.compose(act, spoken.as_ref(), now);
            if frame.last {
                state.phase = Phase::Closed;
            }
            if state.past.len() == PAST_KEPT {
                state.past.pop_front();
            }
            state.past.push_back(frame.clone());
            let mut publisher = EventPublisher::new(&shared.channels, &shared.faults, now);
            state.model.apply(act, spoken, &mut publisher);
            (frame, state.audience.clone(), publisher.into_events())
        };
        send(audience, &Order::Frame(frame)).await;
        for event in events {
            shared.channels.order(Some(&event.topic), &channels::Order::Event(event.json)).await;
        }
    }

    async fn order(&self, order: Order) {
        let audience = lock(&self.state).audience.clone();
        send(audience, &order).await;
    }
}

async fn send(audience: Vec<mpsc::Sender<Order>>, order: &Order) {
    for socket in audience {
        // One that is gone hears nothing, as in reality.
        let _ = socket.send(order.clone()).await;
    }
}

/// A hand inside a conversation, for tests: what it does, every open transcript socket gets, in order with the script.
/// What [`ConversationHandle::play`] does is heard on notification sockets and found by REST as well.
///
/// Each method returns when the sockets have been told, and waits for a socket that is a thousand frames behind.
#[derive(Debug, Clone)]
pub struct ConversationHandle {
    conversation: Arc<SimulatedConversation>,
    state: Arc<SimulatorState>,
}

impl ConversationHandle {
    pub(crate) fn new(conversation: Arc<SimulatedConversation>, state: Arc<SimulatorState>) -> Self {
        Self { conversation, state }
    }

    /// The id.
    #[must_use]
    pub fn id(&self) -> &str {
        self.conversation.id()
    }

    /// Begins the script now, if it has not begun, whoever listens.
    pub fn start(&self) {
        self.state.begin(&self.conversation);
    }

    /// Plays one line of a script at once, such as `customer Ada: Hello` or `close`.
    ///
    /// # Errors
    ///
    /// It is no line of a script.
    pub async fn play(&self, line: &str) -> Result<(), ScriptError> {
        let step = step(line).map_err(|what| ScriptError::Syntax { line: 1, what })?;
        self.conversation.act(&step.act, &self.state).await;
        Ok(())
    }

    /// Sends a text frame as it is.
    pub async fn send_text(&self, text: impl Into<String>) {
        self.conversation.order(Order::Text(text.into().into())).await;
    }

    /// Sends a binary frame as it is.
    pub async fn send_binary(&self, bytes: impl Into<Bytes>) {
        self.conversation.order(Order::Binary(bytes.into())).await;
    }

    /// Writes bytes to the stream below the WebSocket.
    pub async fn send_bytes(&self, bytes: impl Into<Bytes>) {
        self.conversation.order(Order::Bytes(bytes.into())).await;
    }

    /// Does a socket fault now, such as `reset` or `close=1011,reason=bye`: a [`Fault`] without its `socket:`.
    ///
    /// # Errors
    ///
    /// It is no such fault.
    pub async fn apply_fault(&self, fault: &str) -> Result<(), FaultError> {
        let fault: Fault = format!("socket:{fault}").parse()?;
        if let Some(fault) = fault.into_socket_fault() {
            self.conversation.order(Order::Fault(fault)).await;
        }
        Ok(())
    }

    /// Closes every socket with this code.
    pub async fn close(&self, code: u16, reason: &str) {
        self.conversation.order(Order::Fault(SocketFault::Close { code, reason: reason.to_owned() })).await;
    }
}
