//! The options of a simulator.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::faults::Fault;
use super::script::Script;

/// The options of a simulator.
#[derive(Debug, Clone)]
pub struct Options {
    /// The loopback address to listen on. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// The script that each conversation plays.
    pub script: Script,
    /// Lines per second in place of the script's own pauses; finite and above zero.
    pub rate: Option<f64>,
    /// The faults, in the order in which they are checked.
    pub faults: Vec<Fault>,
    /// The seed of every token, message id and varied field.
    pub seed: u64,
    /// The lifetime of a token.
    pub token_lifetime: Duration,
    /// The ids of the conversations; at least one. Each plays the script independently.
    pub conversations: Vec<String>,
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
const PERMISSIONS: [&str; 5] = [
    "conversation:communication:view",
    "conversation:message:view",
    "conversation:transcription:view",
    "analytics:conversationDetail:view",
    "routing:queue:view",
];

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            script: Script::default(),
            rate: None,
            faults: Vec::new(),
            seed: 0,
            token_lifetime: Duration::from_secs(86_400),
            conversations: vec!["85c0155f-3d3a-4c1b-9f0e-5a1d7e2b4c60".to_owned()],
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
