//! What every part of a running simulator shares.

pub(crate) mod channels;
pub(crate) mod conversation;
pub(crate) mod model;
pub(crate) mod rate_limits;
pub(crate) mod tokens;
pub(crate) mod topics;
pub(crate) mod transcript_frames;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::simulator::faults::FaultSchedule;
use crate::simulator::request_log::Recorder;
use crate::simulator::script::Script;
use crate::simulator::{Options, Sources};
use channels::ChannelRegistry;
use conversation::SimulatedConversation;
use rate_limits::RateLimits;
use tokens::Tokens;

#[derive(Debug)]
pub(crate) struct SimulatorState {
    pub(crate) base_url: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) script: Script,
    pub(crate) rate: Option<f64>,
    pub(crate) sources: Sources,
    pub(crate) heartbeat_interval: Duration,
    pub(crate) channels: ChannelRegistry,
    pub(crate) limits: RateLimits,
    pub(crate) tokens: Tokens,
    pub(crate) faults: FaultSchedule,
    pub(crate) recorder: Recorder,
    pub(crate) stop: CancellationToken,
    permissions: Vec<String>,
    conversations: Vec<Arc<SimulatedConversation>>,
}

impl SimulatorState {
    /// `options` must name a conversation at least.
    pub(crate) fn new(options: Options, address: SocketAddr) -> Self {
        // Each has a seed of its own, so that no message id is found in two of them.
        let seed = |number: u64| options.seed ^ number.wrapping_mul(0xd1b5_4a32_d192_ed03);
        let conversation = |(number, id)| Arc::new(SimulatedConversation::new(id, seed(number), &options.script));
        let conversations = (0..).zip(options.conversations).map(conversation).collect();
        Self {
            base_url: format!("http://{address}"),
            client_id: options.client_id,
            client_secret: options.client_secret,
            script: options.script,
            rate: options.rate,
            sources: options.sources,
            heartbeat_interval: options.heartbeat_interval,
            channels: ChannelRegistry::new(options.channel_lifetime, options.seed),
            limits: RateLimits::new(options.rate_limit, options.rate_limit_window),
            tokens: Tokens::new(options.token_lifetime, options.seed),
            faults: FaultSchedule::new(options.faults),
            recorder: Recorder::default(),
            stop: CancellationToken::new(),
            permissions: options.permissions,
            conversations,
        }
    }

    /// The conversations that exist, never none.
    pub(crate) fn conversations(&self) -> &[Arc<SimulatedConversation>] {
        &self.conversations
    }

    pub(crate) fn conversation(&self, id: &str) -> Option<Arc<SimulatedConversation>> {
        self.conversations.iter().find(|conversation| conversation.id() == id).cloned()
    }

    /// Whether the client has a permission just now.
    pub(crate) fn grants(&self, permission: &str) -> bool {
        self.permissions.iter().any(|granted| granted == permission) && !self.faults.denies(permission)
    }

    /// Begins every conversation that a topic is about.
    pub(crate) fn wake(self: &Arc<Self>, topic: &str) {
        self.conversations
            .iter()
            .filter(|conversation| conversation.is_subject_of(topic))
            .for_each(|conversation| self.begin(conversation));
    }

    /// Begins a conversation, unless it has begun.
    pub(crate) fn begin(self: &Arc<Self>, conversation: &Arc<SimulatedConversation>) {
        if conversation.begin() {
            let (state, conversation) = (Arc::clone(self), Arc::clone(conversation));
            tokio::spawn(async move { conversation.play(&state).await });
        }
    }
}

/// A panic while the lock was held is the holder's affair; what is behind it is whole between statements.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
