//! A conversation: what has happened in it, who listens, and a hand to make things happen.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use chrono::Utc;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::simulator::faults::{Fault, FaultError, SocketTrick};
use crate::simulator::script::{Act, Script, ScriptError, step};
use crate::simulator::state::channels;
use crate::simulator::state::model::{Named, Post, World, person, queue};
use crate::simulator::state::transcript_frames::{Composer, Frame};
use crate::simulator::state::{Cloud, lock};

/// A socket that falls behind by this many frames slows the conversation down, so that memory stays bounded.
const AHEAD: usize = 1024;

/// The latest frames that a new connection can be given.
const PAST_KEPT: usize = 10_000;

/// Steps without a pause after which others get their turn.
const STEPS_IN_A_ROW: usize = 64;

#[derive(Debug)]
pub(crate) struct Stage {
    id: String,
    is_call: bool,
    /// The users and queues of the script, also before they come into play.
    users: Vec<Named>,
    queues: Vec<Named>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    composer: Composer,
    world: World,
    audience: Vec<mpsc::Sender<Order>>,
    past: VecDeque<Frame>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Waiting,
    Playing,
    Over,
}

/// What a socket is told to do.
#[derive(Debug, Clone)]
pub(crate) enum Order {
    Frame(Frame),
    Text(Utf8Bytes),
    Binary(Bytes),
    /// Bytes for the stream as they are, a WebSocket frame or not.
    Bytes(Bytes),
    Trick(SocketTrick),
}

/// A place in the audience.
pub(crate) struct Seat {
    /// What the socket is sent first.
    pub(crate) opening: Vec<Frame>,
    pub(crate) orders: mpsc::Receiver<Order>,
}

impl Stage {
    pub(crate) fn new(id: String, seed: u64, script: &Script) -> Self {
        let state = State {
            phase: Phase::Waiting,
            composer: Composer::new(seed, script.customers()),
            world: World::new(&id, script),
            audience: Vec::new(),
            past: VecDeque::new(),
        };
        Self {
            id,
            is_call: script.is_call(),
            users: script.agents().iter().map(|name| person(name)).collect(),
            queues: script.queues().iter().map(|name| queue(name)).chain(state.world.queues().cloned()).collect(),
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
    pub(crate) fn world<T>(&self, look: impl FnOnce(&World) -> T) -> T {
        look(&lock(&self.state).world)
    }

    /// The user with this id, of the script or of what happened.
    pub(crate) fn user(&self, id: &str) -> Option<Named> {
        let known = |users: &[Named]| users.iter().find(|user| user.id == id).cloned();
        known(&self.users).or_else(|| self.world(|world| world.users().find(|user| user.id == id).cloned()))
    }

    /// The queue with this id, of the script or of what happened.
    pub(crate) fn queue(&self, id: &str) -> Option<Named> {
        let known = |queues: &[Named]| queues.iter().find(|queue| queue.id == id).cloned();
        known(&self.queues).or_else(|| self.world(|world| world.queues().find(|queue| queue.id == id).cloned()))
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
    pub(crate) fn join(&self, replay: bool) -> Seat {
        let (sender, orders) = mpsc::channel(AHEAD);
        let mut state = lock(&self.state);
        state.audience.retain(|sender| !sender.is_closed());
        state.audience.push(sender);
        let opening = match state.phase {
            _ if replay => state.past.iter().cloned().collect(),
            // It has ended once, at one time, whoever is told when.
            Phase::Over => state.past.iter().rfind(|frame| frame.last).cloned().into_iter().collect(),
            Phase::Waiting | Phase::Playing => Vec::new(),
        };
        Seat { opening, orders }
    }

    /// Plays the script in real time, whoever listens.
    pub(crate) async fn play(&self, cloud: &Cloud) {
        let (script, rate) = (&cloud.script, cloud.rate);
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
                self.act(&step.act, cloud).await;
            }
        };
        cloud.stop.run_until_cancelled(lines).await;
    }

    async fn act(&self, act: &Act, cloud: &Cloud) {
        let (frame, audience, events) = {
            let mut state = lock(&self.state);
            let now = Utc::now();
            let spoken = state.composer.spoken(act, now);
            let frame = state.composer.compose(act, spoken.as_ref(), now);
            if frame.last {
                state.phase = Phase::Over;
            }
            if state.past.len() == PAST_KEPT {
                state.past.pop_front();
            }
            state.past.push_back(frame.clone());
            let mut post = Post::new(&cloud.board, &cloud.faults, now);
            state.world.apply(act, spoken, &mut post);
            (frame, state.audience.clone(), post.into_events())
        };
        send(audience, &Order::Frame(frame)).await;
        for event in events {
            cloud.board.order(Some(&event.topic), &channels::Order::Event(event.json)).await;
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
    stage: Arc<Stage>,
    cloud: Arc<Cloud>,
}

impl ConversationHandle {
    pub(crate) fn new(stage: Arc<Stage>, cloud: Arc<Cloud>) -> Self {
        Self { stage, cloud }
    }

    /// The id.
    #[must_use]
    pub fn id(&self) -> &str {
        self.stage.id()
    }

    /// Begins the script now, if it has not begun, whoever listens.
    pub fn start(&self) {
        self.cloud.begin(&self.stage);
    }

    /// Plays one line of a script at once, such as `customer Ada: Hello` or `close`.
    ///
    /// # Errors
    ///
    /// It is no line of a script.
    pub async fn play(&self, line: &str) -> Result<(), ScriptError> {
        let step = step(line).map_err(|what| ScriptError::Line { line: 1, what })?;
        self.stage.act(&step.act, &self.cloud).await;
        Ok(())
    }

    /// Sends a text frame as it is.
    pub async fn send_text(&self, text: impl Into<String>) {
        self.stage.order(Order::Text(text.into().into())).await;
    }

    /// Sends a binary frame as it is.
    pub async fn send_binary(&self, bytes: impl Into<Bytes>) {
        self.stage.order(Order::Binary(bytes.into())).await;
    }

    /// Writes bytes to the stream below the WebSocket.
    pub async fn send_bytes(&self, bytes: impl Into<Bytes>) {
        self.stage.order(Order::Bytes(bytes.into())).await;
    }

    /// Does a socket fault now, such as `reset` or `close=1011,reason=bye`: a [`Fault`] without its `socket:`.
    ///
    /// # Errors
    ///
    /// It is no such fault.
    pub async fn apply_fault(&self, fault: &str) -> Result<(), FaultError> {
        let fault: Fault = format!("socket:{fault}").parse()?;
        if let Some(trick) = fault.into_socket_trick() {
            self.stage.order(Order::Trick(trick)).await;
        }
        Ok(())
    }

    /// Closes every socket with this code.
    pub async fn close(&self, code: u16, reason: &str) {
        self.stage.order(Order::Trick(SocketTrick::Close { code, reason: reason.to_owned() })).await;
    }
}
