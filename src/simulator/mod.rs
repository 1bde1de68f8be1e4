//! A local Genesys Cloud on loopback, for `genesys-tail simulate`, for `--demo` and for tests.
//!
//! The simulator implements the server's side and shares no code with the client, so that a mistake cannot confirm itself. The
//! [`Script`] of a conversation starts when the first socket can receive its events. It then plays in real time: on the
//! transcript socket, on notification channels and in responses of the REST API. [`Fault`]s happen on request, and the
//! [`RequestLog`] holds everything that the client did.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use genesys_tail::simulator::{Options, Script, Simulator};
//!
//! let faults = vec!["socket:reset,after=3".parse().expect("a fault")];
//! let script = Script::built_in("billing").expect("a built-in script");
//! let simulator = Simulator::start(Options { script, faults, ..Options::default() }).await?;
//! // Point a client at `simulator.base_url()`, then wait for its reaction.
//! simulator.wait_for(|log| log.transcript_sockets.len() == 2).await;
//! # Ok(())
//! # }
//! ```
//!
//! `state` holds everything that the handlers share and knows none of them. `http` and `ws` are the handlers.

mod conversation_handle;
mod event_stream;
mod faults;
mod http;
mod lock;
mod options;
mod request_log;
mod script;
mod state;
mod ws;

use std::io;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::DropGuard;

pub use conversation_handle::ConversationHandle;
pub use event_stream::{StreamEnd, UnwrittenStream};
pub use faults::{Fault, FaultError, fault_help, fault_names};
pub use options::{Options, Sources};
pub use request_log::{
    Channel, NotificationHandshake, NotificationSocket, Request, RequestLog, SubscriptionRequest, TokenRequest,
    TranscriptHandshake, TranscriptSocket, UnroutedRequest,
};
pub use script::{Script, ScriptError};
use state::SimulatorState;
use state::channels::NotificationCommand;
use state::event_stream::EventStream;
use state::ids;

/// A running simulator. Dropping it stops it and ends every connection.
#[derive(Debug)]
pub struct Simulator {
    state: Arc<SimulatorState>,
    accepting: JoinHandle<()>,
    stop: DropGuard,
}

impl Simulator {
    /// Binds the address, and serves on the current runtime.
    ///
    /// # Errors
    ///
    /// The address is in use or not loopback, or an option is invalid (`InvalidInput`).
    pub async fn start(options: Options) -> io::Result<Self> {
        Self::start_with(options, EventStream::default()).await
    }

    /// Starts a simulator with an event stream. The scripts wait for the writer of the stream, after a thousand events.
    ///
    /// # Errors
    ///
    /// Those of [`Simulator::start`].
    pub async fn start_with_events(options: Options) -> io::Result<(Self, UnwrittenStream)> {
        let (stream, items) = EventStream::open(options.conversations.len());
        let simulator = Self::start_with(options, stream).await?;
        let stream = UnwrittenStream::new(items, Arc::clone(&simulator.state));
        Ok((simulator, stream))
    }

    async fn start_with(options: Options, event_stream: EventStream) -> io::Result<Self> {
        options.validate()?;
        let listener = TcpListener::bind(options.listen).await?;
        let state = Arc::new(SimulatorState::new(options, listener.local_addr()?, event_stream));
        let accepting = tokio::spawn(http::accept(listener, Arc::clone(&state)));
        let stop = state.stop.clone().drop_guard();
        Ok(Self { state, accepting, stop })
    }

    /// Returns `http://127.0.0.1:PORT`, without a trailing slash.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.state.base_url
    }

    /// Returns the id of the only client.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.state.client_id
    }

    /// Returns the secret of that client.
    #[must_use]
    pub fn client_secret(&self) -> &str {
        &self.state.client_secret
    }

    /// Returns the settings that a client needs to tail all conversations that have begun, as the text of a `.env` file.
    #[must_use]
    pub fn dotenv(&self) -> String {
        format!(
            "GENESYS_API_URL={base}\nGENESYS_LOGIN_URL={base}/oauth/token\nGENESYS_CLIENT_ID={id}\n\
             GENESYS_CLIENT_SECRET='{secret}'\nGENESYS_CONVERSATION_ID={conversation}\n",
            base = self.base_url(),
            id = self.client_id(),
            secret = self.client_secret(),
            conversation = self.conversation_ids().join(","),
        )
    }

    fn conversation_ids(&self) -> Vec<&str> {
        self.state.begun_conversations().map(|conversation| conversation.id()).collect()
    }

    /// Returns a handle to the conversation with this id.
    #[must_use]
    pub fn conversation(&self, id: &str) -> Option<ConversationHandle> {
        let conversation = self.state.conversation(id)?;
        Some(ConversationHandle::new(conversation, Arc::clone(&self.state)))
    }

    /// Returns a handle to the first conversation.
    #[must_use]
    pub fn first_conversation(&self) -> ConversationHandle {
        ConversationHandle::new(Arc::clone(&self.state.conversations()[0]), Arc::clone(&self.state))
    }

    /// Returns the id of the agent with this name, the same in every simulator.
    #[must_use]
    pub fn user_id(name: &str) -> String {
        ids::user(name).id
    }

    /// Returns the id of the queue with this name. A script without a queue uses one named Support.
    #[must_use]
    pub fn queue_id(name: &str) -> String {
        ids::queue(name).id
    }

    /// Revokes every token. Open sockets remain.
    pub fn revoke_tokens(&self) {
        self.state.tokens.revoke_all();
    }

    /// Removes every channel. Their sockets receive a 404 message and a close frame.
    pub fn drop_channels(&self) {
        for channel in self.state.channels.list() {
            self.state.channels.remove(&channel.id);
        }
    }

    /// Sends a text frame to every notification socket.
    pub async fn send_notification(&self, text: impl Into<String>) {
        self.state.channels.broadcast(NotificationCommand::Event(text.into().into())).await;
    }

    /// Applies a fault to every notification socket now, such as `notify:close=1001` or `channel:expire`. A fault of
    /// another place has no effect.
    ///
    /// # Errors
    ///
    /// There is no such fault.
    pub async fn apply_fault(&self, fault: &str) -> Result<(), FaultError> {
        if let Some(fault) = fault.parse::<Fault>()?.into_notification_fault() {
            self.state.channels.broadcast(NotificationCommand::Fault(fault)).await;
        }
        Ok(())
    }

    /// Returns a copy of the log.
    #[must_use]
    pub fn request_log(&self) -> RequestLog {
        self.state.recorder.snapshot()
    }

    /// Waits until the log satisfies `predicate`, and returns a copy of it.
    ///
    /// There is no timeout. Cancel safe. The predicate runs while the log is locked, so it must not call this
    /// simulator.
    pub async fn wait_for(&self, predicate: impl FnMut(&RequestLog) -> bool) -> RequestLog {
        self.state.recorder.wait_for(predicate).await
    }

    /// Stops, and waits until the port is free and every connection has ended.
    pub async fn shutdown(self) {
        drop(self.stop);
        // An error means that the task panicked or was cancelled. It has stopped in either case.
        let _ = self.accepting.await;
    }
}
