//! What every part of a running simulator shares.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use super::Options;
use super::faults::FaultBook;
use super::ledger::Recorder;
use super::oauth::Tokens;
use super::script::Script;
use super::stage::Stage;

#[derive(Debug)]
pub(super) struct Cloud {
    pub(super) base_url: String,
    pub(super) client_id: String,
    pub(super) client_secret: String,
    pub(super) script: Script,
    pub(super) rate: Option<f64>,
    pub(super) tokens: Tokens,
    pub(super) faults: FaultBook,
    pub(super) recorder: Recorder,
    pub(super) stop: CancellationToken,
    stages: Vec<Arc<Stage>>,
}

impl Cloud {
    /// `options` must name a conversation at least.
    pub(super) fn new(options: Options, address: SocketAddr) -> Self {
        // All conversations have the same seed, hence the same message ids: an id is unique within its own only.
        let stage = |id| Arc::new(Stage::new(id, options.seed, &options.script));
        let stages = options.conversations.into_iter().map(stage).collect();
        Self {
            base_url: format!("http://{address}"),
            client_id: options.client_id,
            client_secret: options.client_secret,
            script: options.script,
            rate: options.rate,
            tokens: Tokens::new(options.token_lifetime, options.seed),
            faults: FaultBook::new(options.faults),
            recorder: Recorder::default(),
            stop: CancellationToken::new(),
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
}

/// A panic while the lock was held is the holder's affair; what is behind it is whole between statements.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
