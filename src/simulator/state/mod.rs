//! The state of a running simulator. It knows no handler.

pub(super) mod channels;
pub(super) mod conversation;
pub(super) mod directory;
pub(super) mod event_stream;
pub(super) mod ids;
pub(super) mod message;
pub(super) mod model;
mod playback;
pub(super) mod rate_limits;
pub(super) mod tokens;
pub(super) mod topics;
mod transcript_frames;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::faults::FaultSchedule;
use super::options::{Options, Sources};
use super::request_log::recorder::Recorder;
use super::script::Script;
use channels::ChannelRegistry;
use conversation::SimulatedConversation;
use directory::{Directory, User};
use event_stream::EventStream;
use ids::NamedEntity;
use model::ConversationModel;
use rate_limits::RateLimits;
use tokens::Tokens;
use topics::{Topic, TopicAccess};

/// The state that all handlers share.
#[derive(Debug)]
pub(crate) struct SimulatorState {
    pub(crate) base_url: String,
    pub(crate) seed: u64,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) sources: Sources,
    pub(crate) heartbeat_interval: Duration,
    pub(crate) channels: ChannelRegistry,
    pub(crate) event_stream: EventStream,
    pub(crate) rate_limits: RateLimits,
    pub(crate) tokens: Tokens,
    pub(crate) faults: FaultSchedule,
    pub(crate) recorder: Recorder,
    pub(crate) stop: CancellationToken,
    pub(crate) directory: Directory,
    lines_per_second: Option<f64>,
    permissions: Vec<String>,
    conversations: Vec<Arc<SimulatedConversation>>,
}

impl SimulatorState {
    /// `options` must name at least one conversation.
    pub(crate) fn new(options: Options, address: SocketAddr, event_stream: EventStream) -> Self {
        // Each conversation has its own seed, so that all message ids differ.
        let seed = |number: u64| options.seed ^ number.wrapping_mul(0xd1b5_4a32_d192_ed03);
        let scripts: Vec<_> = std::iter::once(options.script).chain(options.more_scripts).map(Arc::new).collect();
        let directory = Directory::new(scripts.iter().map(AsRef::as_ref), &options.queues, &options.users);
        let numbered = (0..).zip(options.conversations).zip(scripts.iter().cycle());
        let conversation = |((number, id), script): ((u64, String), &Arc<Script>)| {
            Arc::new(SimulatedConversation::new(id, seed(number), Arc::clone(script)))
        };
        let conversations = numbered.map(conversation).collect();
        Self {
            base_url: format!("http://{address}"),
            seed: options.seed,
            client_id: options.client_id,
            client_secret: options.client_secret,
            sources: options.sources,
            heartbeat_interval: options.heartbeat_interval,
            channels: ChannelRegistry::new(options.channel_lifetime, options.seed),
            event_stream,
            rate_limits: RateLimits::new(options.rate_limit, options.rate_limit_window),
            tokens: Tokens::new(options.token_lifetime, options.seed),
            faults: FaultSchedule::new(options.faults),
            recorder: Recorder::default(),
            stop: CancellationToken::new(),
            directory,
            lines_per_second: options.rate,
            permissions: options.permissions,
            conversations,
        }
    }

    /// Returns all conversations; there is at least one.
    pub(crate) fn conversations(&self) -> &[Arc<SimulatedConversation>] {
        &self.conversations
    }

    pub(crate) fn conversation(&self, id: &str) -> Option<Arc<SimulatedConversation>> {
        self.conversations.iter().find(|conversation| conversation.id() == id).cloned()
    }

    /// Returns the conversations that have begun.
    pub(crate) fn begun_conversations(&self) -> impl Iterator<Item = &Arc<SimulatedConversation>> {
        self.conversations.iter().filter(|conversation| conversation.has_begun())
    }

    /// Returns a conversation that has begun.
    pub(crate) fn begun_conversation(&self, id: &str) -> Option<Arc<SimulatedConversation>> {
        self.conversation(id).filter(|conversation| conversation.has_begun())
    }

    /// Returns the users of the directory, then those who only take part in conversations.
    pub(crate) fn users(&self) -> Vec<User> {
        let mut users = self.directory.users().to_vec();
        for user in self.played(|model| model.users().cloned().collect()) {
            if !users.iter().any(|known| known.id == user.id) {
                users.push(user.into());
            }
        }
        users
    }

    /// Returns the queues of the directory, then those that only occur in conversations.
    pub(crate) fn queues(&self) -> Vec<NamedEntity> {
        let mut queues = self.directory.queues().to_vec();
        for queue in self.played(|model| model.queues().cloned().collect()) {
            if !queues.contains(&queue) {
                queues.push(queue);
            }
        }
        queues
    }

    /// Returns the users or queues of the conversations so far.
    fn played(&self, entities: fn(&ConversationModel) -> Vec<NamedEntity>) -> Vec<NamedEntity> {
        self.conversations.iter().flat_map(|conversation| conversation.read_model(entities)).collect()
    }

    /// Returns whether the client has a permission now. A fault may deny it.
    pub(crate) fn grants(&self, permission: &str) -> bool {
        self.permissions.iter().any(|granted| granted == permission) && !self.faults.denies_permission(permission)
    }

    /// Checks whether the client may subscribe a topic now.
    pub(crate) fn topic_access(&self, topic: &str) -> TopicAccess {
        let Some(kind) = Topic::find(topic) else { return TopicAccess::Unknown };
        if !self.grants(kind.permission) {
            return TopicAccess::MissingPermission(kind.permission);
        }
        if self.faults.rejects_topic(topic) { TopicAccess::Rejected } else { TopicAccess::Permitted }
    }
}
