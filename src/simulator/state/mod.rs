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

use crate::simulator::faults::FaultBook;
use crate::simulator::request_log::Recorder;
use crate::simulator::script::Script;
use crate::simulator::{Options, Sources};
use channels::Switchboard;
use conversation::Stage;
use rate_limits::Limits;
use tokens::Tokens;

#[derive(Debug)]
pub(crate) struct Cloud {
    pub(crate) base_url: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) script: Script,
    pub(crate) rate: Option<f64>,
    pub(crate) sources: Sources,
    pub(crate) heartbeat_interval: Duration,
    pub(crate) board: Switchboard,
    pub(crate) limits: Limits,
    pub(crate) tokens: Tokens,
    pub(crate) faults: FaultBook,
    pub(crate) recorder: Recorder,
    pub(crate) stop: CancellationToken,
    permissions: Vec<String>,
    stages: Vec<Arc<Stage>>,
}

impl Cloud {
    /// `options` must name a conversation at least.
    pub(crate) fn new(options: Options, address: SocketAddr) -> Self {
        // Each has a seed of its own, so that no message id is found in two of them.
        let seed = |number: u64| options.seed ^ number.wrapping_mul(0xd1b5_4a32_d192_ed03);
        let stage = |(number, id)| Arc::new(Stage::new(id, seed(number), &options.script));
        let stages = (0..).zip(options.conversations).map(stage).collect();
        Self {
            base_url: format!("http://{address}"),
            client_id: options.client_id,
            client_secret: options.client_secret,
            script: options.script,
            rate: options.rate,
            sources: options.sources,
            heartbeat_interval: options.heartbeat_interval,
            board: Switchboard::new(options.channel_lifetime, options.seed),
            limits: Limits::new(options.rate_limit, options.rate_limit_window),
            tokens: Tokens::new(options.token_lifetime, options.seed),
            faults: FaultBook::new(options.faults),
            recorder: Recorder::default(),
            stop: CancellationToken::new(),
            permissions: options.permissions,
            stages,
        }
    }

    /// The conversations that exist, never none.
    pub(crate) fn conversations(&self) -> &[Arc<Stage>] {
        &self.stages
    }

    pub(crate) fn stage(&self, id: &str) -> Option<Arc<Stage>> {
        self.stages.iter().find(|stage| stage.id() == id).cloned()
    }

    /// Whether the client has a permission just now.
    pub(crate) fn grants(&self, permission: &str) -> bool {
        self.permissions.iter().any(|granted| granted == permission) && !self.faults.denies(permission)
    }

    /// Begins every conversation that a topic is about.
    pub(crate) fn wake(self: &Arc<Self>, topic: &str) {
        self.stages.iter().filter(|stage| stage.is_subject_of(topic)).for_each(|stage| self.begin(stage));
    }

    /// Begins a conversation, unless it has begun.
    pub(crate) fn begin(self: &Arc<Self>, stage: &Arc<Stage>) {
        if stage.begin() {
            let (cloud, stage) = (Arc::clone(self), Arc::clone(stage));
            tokio::spawn(async move { stage.play(&cloud).await });
        }
    }
}

/// A panic while the lock was held is the holder's affair; what is behind it is whole between statements.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
