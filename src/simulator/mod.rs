//! A local Genesys SimulatorState on loopback, for `genesys-tail simulate`, for `--demo` and for tests.
//!
//! It speaks the wire from the other side and shares no code with the client, so a mistake cannot agree with
//! itself. A conversation's [`Script`] begins when a first socket can hear it, and goes on in real time whoever listens:
//! on the transcript socket, on notification channels, and in what the REST API answers. [`Fault`]s happen on request, and the [`RequestLog`] tells afterwards, or as it happens, what the client did.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use genesys_tail::simulator::{Options, Script, Simulator};
//!
//! let faults = vec!["socket:reset,after=3".parse().expect("a fault")];
//! let script = Script::built_in("billing").expect("a built-in script");
//! let simulator = Simulator::start(Options { script, faults, ..Options::default() }).await?;
//! // Point a client at `simulator.base_url()`, then wait for what it should do.
//! simulator.wait_for(|log| log.transcript_sockets.len() == 2).await;
//! # Ok(())
//! # }
//! ```

mod faults;
mod http;
mod request_log;
mod script;
mod state;
mod ws;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::DropGuard;

pub use faults::{Fault, FaultError, fault_help};
pub use request_log::{
    Channel, NotificationHandshake, NotificationSocket, Request, RequestLog, SubscriptionRequest, TokenRequest,
    TranscriptHandshake, TranscriptSocket, UnroutedRequest,
};
pub use script::{Script, ScriptError};
use state::SimulatorState;
use state::channels;
pub use state::conversation::ConversationHandle;
use state::model;

/// What a simulator is to be.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen; must be loopback. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// What happens in each conversation.
    pub script: Script,
    /// Lines per second in place of the script's own pauses; finite and above zero.
    pub rate: Option<f64>,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// Decides every token, message id and varied field: the same seed tells the same story.
    pub seed: u64,
    /// How long a token is good for.
    pub token_lifetime: Duration,
    /// The ids of the conversations that exist; at least one. Each plays the script on its own.
    pub conversations: Vec<String>,
    /// The one client that may sign in.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// Which of the two sources there are.
    pub sources: Sources,
    /// What the client may do, by name, such as `conversation:message:view`.
    pub permissions: Vec<String>,
    /// Time between two heartbeats of a notification socket; above zero.
    pub heartbeat_interval: Duration,
    /// How long a channel lives unless it is subscribed again.
    pub channel_lifetime: Duration,
    /// REST requests per token and [`Options::rate_limit_window`].
    pub rate_limit: u32,
    /// Time after which a token's requests are counted anew.
    pub rate_limit_window: Duration,
}

/// The ways to a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sources {
    /// The transcript socket and the published API.
    Both,
    /// The transcript socket alone: no notifications, no history.
    TranscriptOnly,
    /// The published API alone, as in an ordinary organisation.
    NotificationsOnly,
}

/// Every permission that some request or topic takes, except for `conversation:webmessaging:view`, which does what
/// `conversation:message:view` does.
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

/// A running simulator. It stops, and cuts every connection, when it is dropped.
#[derive(Debug)]
pub struct Simulator {
    state: Arc<SimulatorState>,
    accepting: JoinHandle<()>,
    stop: DropGuard,
}

impl Simulator {
    /// Binds, and serves on the current runtime.
    ///
    /// # Errors
    ///
    /// The address is in use or not loopback, or the options make no sense (`InvalidInput`).
    pub async fn start(options: Options) -> io::Result<Self> {
        check(&options)?;
        let listener = TcpListener::bind(options.listen).await?;
        let state = Arc::new(SimulatorState::new(options, listener.local_addr()?));
        let accepting = tokio::spawn(http::accept(listener, Arc::clone(&state)));
        let stop = state.stop.clone().drop_guard();
        Ok(Self { state, accepting, stop })
    }

    /// `http://127.0.0.1:PORT`, without a trailing slash.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.state.base_url
    }

    /// The id of the client that may sign in.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.state.client_id
    }

    /// The secret of that client.
    #[must_use]
    pub fn client_secret(&self) -> &str {
        &self.state.client_secret
    }

    /// The settings a client needs to tail the first conversation, as the text of a `.env` file.
    #[must_use]
    pub fn dotenv(&self) -> String {
        format!(
            "GENESYS_API_URL={base}\nGENESYS_LOGIN_URL={base}/oauth/token\nGENESYS_CLIENT_ID={id}\n\
             GENESYS_CLIENT_SECRET='{secret}'\nGENESYS_CONVERSATION_ID={conversation}\n",
            base = self.base_url(),
            id = self.client_id(),
            secret = self.client_secret(),
            conversation = self.state.conversations()[0].id(),
        )
    }

    /// A hand inside the conversation with this id; `None` when there is no such conversation.
    #[must_use]
    pub fn conversation(&self, id: &str) -> Option<ConversationHandle> {
        self.state.conversation(id).map(|conversation| ConversationHandle::new(conversation, Arc::clone(&self.state)))
    }

    /// A hand inside the first conversation.
    #[must_use]
    pub fn first_conversation(&self) -> ConversationHandle {
        ConversationHandle::new(Arc::clone(&self.state.conversations()[0]), Arc::clone(&self.state))
    }

    /// The id of the agent with this name: the same in every simulator.
    #[must_use]
    pub fn user_id(name: &str) -> String {
        model::person(name).id
    }

    /// The id of the queue with this name. A script that names no queue has one called Support.
    #[must_use]
    pub fn queue_id(name: &str) -> String {
        model::queue(name).id
    }

    /// Forgets every token: whoever comes with one is refused. Open sockets stay as they are.
    pub fn revoke_tokens(&self) {
        self.state.tokens.revoke();
    }

    /// Ends every channel, as when others took their places. Their sockets are told and closed.
    pub fn drop_channels(&self) {
        for card in self.state.channels.cards() {
            self.state.channels.forget(&card.id);
        }
    }

    /// Sends a text frame as it is to every notification socket.
    pub async fn send_notification(&self, text: impl Into<String>) {
        self.state.channels.order(None, &channels::Order::Event(text.into().into())).await;
    }

    /// Does a fault now on every notification socket, such as `notify:close=1001` or `channel:expire`.
    ///
    /// # Errors
    ///
    /// It is no fault; one of another place does nothing.
    pub async fn apply_fault(&self, fault: &str) -> Result<(), FaultError> {
        if let Some(fault) = fault.parse::<Fault>()?.into_notification_fault() {
            self.state.channels.order(None, &channels::Order::Fault(fault)).await;
        }
        Ok(())
    }

    /// What has happened until now.
    #[must_use]
    pub fn request_log(&self) -> RequestLog {
        self.state.recorder.snapshot()
    }

    /// Waits until the log satisfies `predicate`, and returns it as it then is.
    ///
    /// Never gives up by itself, so put a time limit around it. Cancel safe. The predicate runs while the log is
    /// locked: it must not ask this simulator anything.
    pub async fn wait_for(&self, predicate: impl FnMut(&RequestLog) -> bool) -> RequestLog {
        self.state.recorder.wait_for(predicate).await
    }

    /// Stops, and waits until the port is free and no connection is left.
    pub async fn shutdown(self) {
        drop(self.stop);
        // An error here would mean that the task panicked or was cancelled: stopped either way.
        let _ = self.accepting.await;
    }
}

fn check(options: &Options) -> io::Result<()> {
    let complaint = if !options.listen.ip().is_loopback() {
        format!("the simulator listens on loopback only, and {} is not", options.listen.ip())
    } else if options.rate.is_some_and(|rate| !(rate.is_finite() && rate > 0.0)) {
        "the rate must be a number above zero".to_owned()
    } else if options.heartbeat_interval.is_zero() {
        "there must be time between two heartbeats".to_owned()
    } else if options.conversations.is_empty() {
        "there must be at least one conversation".to_owned()
    } else {
        return Ok(());
    };
    Err(io::Error::new(io::ErrorKind::InvalidInput, complaint))
}
