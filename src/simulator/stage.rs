//! A conversation: what has happened in it, who listens, and a hand to make things happen.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::Utf8Bytes;
use tokio_util::sync::CancellationToken;

use super::cloud::lock;
use super::compose::{Composer, Frame};
use super::faults::{Fault, FaultError, SocketTrick};
use super::script::{Act, Script, ScriptError, step};

/// A socket that falls behind by this many frames slows the conversation down, so that memory stays bounded.
const AHEAD: usize = 1024;

/// The latest frames that a new connection can be given.
const PAST_KEPT: usize = 10_000;

/// Steps without a pause after which others get their turn.
const STEPS_IN_A_ROW: usize = 64;

#[derive(Debug)]
pub(super) struct Stage {
    id: String,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    composer: Composer,
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
pub(super) enum Order {
    Frame(Frame),
    Text(Utf8Bytes),
    Binary(Bytes),
    /// Bytes for the stream as they are, a WebSocket frame or not.
    Bytes(Bytes),
    Trick(SocketTrick),
}

/// A place in the audience.
pub(super) struct Seat {
    /// What the socket is sent first.
    pub(super) opening: Vec<Frame>,
    pub(super) orders: mpsc::Receiver<Order>,
    /// It is the first: the play begins.
    pub(super) first: bool,
}

impl Stage {
    pub(super) fn new(id: String, seed: u64, script: &Script) -> Self {
        let state = State {
            phase: Phase::Waiting,
            composer: Composer::new(seed, script.customers()),
            audience: Vec::new(),
            past: VecDeque::new(),
        };
        Self { id, state: Mutex::new(state) }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Takes a seat, with the past as the opening when `replay` is set.
    pub(super) fn join(&self, replay: bool) -> Seat {
        let (sender, orders) = mpsc::channel(AHEAD);
        let mut state = lock(&self.state);
        let first = state.phase == Phase::Waiting;
        if first {
            state.phase = Phase::Playing;
        }
        state.audience.retain(|sender| !sender.is_closed());
        state.audience.push(sender);
        let opening = match state.phase {
            _ if replay => state.past.iter().cloned().collect(),
            Phase::Over => vec![state.composer.compose(&Act::Close)],
            Phase::Waiting | Phase::Playing => Vec::new(),
        };
        Seat { opening, orders, first }
    }

    /// Plays the script in real time, whoever listens.
    pub(super) async fn play(&self, script: &Script, rate: Option<f64>, stop: &CancellationToken) {
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
                self.act(&step.act).await;
            }
        };
        stop.run_until_cancelled(lines).await;
    }

    async fn act(&self, act: &Act) {
        let (frame, audience) = {
            let mut state = lock(&self.state);
            let frame = state.composer.compose(act);
            if frame.last {
                state.phase = Phase::Over;
            }
            if state.past.len() == PAST_KEPT {
                state.past.pop_front();
            }
            state.past.push_back(frame.clone());
            (frame, state.audience.clone())
        };
        send(audience, &Order::Frame(frame)).await;
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

/// A hand inside a conversation, for tests: what it does, every open socket gets, in order with the script.
///
/// Each method returns when the sockets have been told, and waits for a socket that is a thousand frames behind.
#[derive(Debug, Clone)]
pub struct Conversation {
    stage: Arc<Stage>,
}

impl Conversation {
    pub(super) fn new(stage: Arc<Stage>) -> Self {
        Self { stage }
    }

    /// The id.
    #[must_use]
    pub fn id(&self) -> &str {
        self.stage.id()
    }

    /// Plays one line of a script at once, such as `customer Ada: Hello` or `close`.
    ///
    /// # Errors
    ///
    /// It is no line of a script.
    pub async fn play(&self, line: &str) -> Result<(), ScriptError> {
        let step = step(line).map_err(|what| ScriptError::Line { line: 1, what })?;
        self.stage.act(&step.act).await;
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
    pub async fn inflict(&self, fault: &str) -> Result<(), FaultError> {
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
