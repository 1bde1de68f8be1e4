//! The options of a simulator.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::faults::Fault;
use super::script::Script;
use super::state::ids::uuid;

/// The options of a simulator.
#[derive(Debug, Clone)]
pub struct Options {
    /// The loopback address to listen on. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// The script of the first conversation.
    pub script: Script,
    /// The scripts of further conversations, in turn with the first one.
    pub more_scripts: Vec<Script>,
    /// Lines per second in place of the script's own pauses; finite and above zero.
    pub rate: Option<f64>,
    /// The faults, in the order in which they are checked.
    pub faults: Vec<Fault>,
    /// The seed of every token, message id and varied field.
    pub seed: u64,
    /// The lifetime of a token.
    pub token_lifetime: Duration,
    /// The ids of the conversations; at least one. Each plays its script independently.
    pub conversations: Vec<String>,
    /// The names of queues beside those of the scripts. A repeated name is another queue.
    pub queues: Vec<String>,
    /// The names of users beside those of the scripts. A repeated name is another user.
    pub users: Vec<String>,
    /// The id of the only client.
    pub client_id: String,
    /// The secret of that client.
    pub client_secret: String,
    /// The available sources of messages.
    pub sources: Sources,
    /// The permissions of the client, such as `conversation:message:view`.
    pub permissions: Vec<String>,
    /// The time between two heartbeats of a notification socket; above zero.
    pub heartbeat_interval: Duration,
    /// The lifetime of a channel that is not renewed by a subscription.
    pub channel_lifetime: Duration,
    /// The number of REST requests per token in a [`Options::rate_limit_window`].
    pub rate_limit: u32,
    /// The time after which the requests of a token are counted anew.
    pub rate_limit_window: Duration,
}

/// The sources of messages that a simulator offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sources {
    /// The transcript socket and the published API.
    Both,
    /// The transcript socket without notifications and history.
    TranscriptOnly,
    /// The published API without the transcript socket, as in an ordinary organization.
    NotificationsOnly,
}

/// The permissions for every request and topic. `conversation:webmessaging:view` is missing because it grants the same
/// as `conversation:message:view`.
const PERMISSIONS: [&str; 9] = [
    "conversation:communication:view",
    "conversation:message:view",
    "conversation:transcription:view",
    "analytics:conversationDetail:view",
    "analytics:queueObservation:view",
    "routing:queue:view",
    "directory:user:view",
    "recording:recording:view",
    "speechAndTextAnalytics:data:view",
];

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            script: Script::default(),
            more_scripts: Vec::new(),
            rate: None,
            faults: Vec::new(),
            seed: 0,
            token_lifetime: Duration::from_secs(86_400),
            conversations: vec!["85c0155f-3d3a-4c1b-9f0e-5a1d7e2b4c60".to_owned()],
            queues: ["Billing EMEA", "Delivery"].map(str::to_owned).to_vec(),
            users: ["Priya Nair", "Lee Chen"].map(str::to_owned).to_vec(),
            client_id: "51b0c1de-7a1e-4e0c-8d52-0c7f0a9b3e14".to_owned(),
            client_secret: "simulated-4pQz7LmV2xTn".to_owned(),
            sources: Sources::Both,
            permissions: PERMISSIONS.map(str::to_owned).to_vec(),
            heartbeat_interval: Duration::from_secs(30),
            channel_lifetime: Duration::from_secs(86_400),
            rate_limit: 300,
            rate_limit_window: Duration::from_secs(60),
        }
    }
}

impl Options {
    /// Returns the ids of this many conversations, at least one. The first is the default one.
    #[must_use]
    pub fn conversation_ids(count: usize) -> Vec<String> {
        let more = (2..=count).map(|number| uuid(&format!("conversation {number}")));
        Self::default().conversations.into_iter().chain(more).collect()
    }

    /// Checks the options; the error is of kind `InvalidInput`.
    pub(super) fn validate(&self) -> io::Result<()> {
        let problem = if !self.listen.ip().is_loopback() {
            format!("the address must be a loopback address, not {}", self.listen.ip())
        } else if self.rate.is_some_and(|rate| !(rate.is_finite() && rate > 0.0)) {
            "the rate must be greater than 0".to_owned()
        } else if self.heartbeat_interval.is_zero() {
            "the heartbeat interval must be greater than 0".to_owned()
        } else if self.conversations.is_empty() {
            "at least one conversation is required".to_owned()
        } else {
            return Ok(());
        };
        Err(io::Error::new(io::ErrorKind::InvalidInput, problem))
    }
}
