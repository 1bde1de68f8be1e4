//! What every part of a running simulator shares.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::faults::FaultBook;
use super::notify::Switchboard;
use super::oauth::Tokens;
use super::recorder::Recorder;
use super::rest::Limits;
use super::script::Script;
use super::stage::Stage;
use super::{Options, Wires};

#[derive(Debug)]
pub(super) struct Cloud {
    pub(super) base_url: String,
    pub(super) client_id: String,
    pub(super) client_secret: String,
    pub(super) script: Script,
    pub(super) rate: Option<f64>,
    pub(super) wires: Wires,
    pub(super) heartbeat: Duration,
    pub(super) board: Switchboard,
    pub(super) limits: Limits,
    pub(super) tokens: Tokens,
    pub(super) faults: FaultBook,
    pub(super) recorder: Recorder,
    pub(super) stop: CancellationToken,
    permissions: Vec<String>,
    stages: Vec<Arc<Stage>>,
}

impl Cloud {
    /// `options` must name a conversation at least.
    pub(super) fn new(options: Options, address: SocketAddr) -> Self {
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
            wires: options.wires,
            heartbeat: options.heartbeat,
            board: Switchboard::new(options.channel_lifetime, options.seed),
            limits: Limits::new(options.rate_limit, options.rate_window),
            tokens: Tokens::new(options.token_lifetime, options.seed),
            faults: FaultBook::new(options.faults),
            recorder: Recorder::default(),
            stop: CancellationToken::new(),
            permissions: options.permissions,
            stages,
        }
    }

    /// The conversations that exist, never none.
    pub(super) fn conversations(&self) -> &[Arc<Stage>] {
        &self.stages
    }

    pub(super) fn stage(&self, id: &str) -> Option<Arc<Stage>> {
        self.stages.iter().find(|stage| stage.id() == id).cloned()
    }

    /// Whether the client has a permission just now.
    pub(super) fn grants(&self, permission: &str) -> bool {
        self.permissions.iter().any(|granted| granted == permission) && !self.faults.denies(permission)
    }

    /// Begins every conversation that a topic is about.
    pub(super) fn wake(self: &Arc<Self>, topic: &str) {
        self.stages.iter().filter(|stage| stage.is_subject_of(topic)).for_each(|stage| self.begin(stage));
    }

    /// Begins a conversation, unless it has begun.
    pub(super) fn begin(self: &Arc<Self>, stage: &Arc<Stage>) {
        if stage.begin() {
            let (cloud, stage) = (Arc::clone(self), Arc::clone(stage));
            tokio::spawn(async move { stage.play(&cloud).await });
        }
    }
}

/// A panic while the lock was held is the holder's affair; what is behind it is whole between statements.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
