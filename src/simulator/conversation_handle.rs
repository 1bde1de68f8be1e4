//! Control of a conversation, for tests.

use std::sync::Arc;

use bytes::Bytes;

use super::faults::{Fault, FaultError, SocketFault};
use super::script::{ScriptError, parse_step};
use super::state::SimulatorState;
use super::state::conversation::{SimulatedConversation, TranscriptCommand};

/// A handle that acts in a conversation. Every open transcript socket receives its frames in order with the script's.
/// [`ConversationHandle::play`] also reaches notification sockets and the REST API.
///
/// Each method returns once all sockets have the command. It waits for a socket that is a thousand frames behind.
#[derive(Debug, Clone)]
pub struct ConversationHandle {
    conversation: Arc<SimulatedConversation>,
    state: Arc<SimulatorState>,
}

impl ConversationHandle {
    pub(super) fn new(conversation: Arc<SimulatedConversation>, state: Arc<SimulatorState>) -> Self {
        Self { conversation, state }
    }

    /// Returns the conversation id.
    #[must_use]
    pub fn id(&self) -> &str {
        self.conversation.id()
    }

    /// Starts the script without waiting for a socket, unless it has started.
    pub fn start(&self) {
        self.state.start_script(&self.conversation);
    }

    /// Plays one line of a script at once, such as `customer Ada: Hello` or `close`.
    ///
    /// # Errors
    ///
    /// The line cannot be parsed.
    pub async fn play(&self, line: &str) -> Result<(), ScriptError> {
        let step = parse_step(line).map_err(|reason| ScriptError::Syntax { line: 1, reason })?;
        self.state.perform(&self.conversation, &step.action).await;
        Ok(())
    }

    /// Sends a text frame.
    pub async fn send_text(&self, text: impl Into<String>) {
        self.conversation.broadcast(TranscriptCommand::Text(text.into().into())).await;
    }

    /// Sends a binary frame.
    pub async fn send_binary(&self, bytes: impl Into<Bytes>) {
        self.conversation.broadcast(TranscriptCommand::Binary(bytes.into())).await;
    }

    /// Writes bytes to the stream below the WebSocket.
    pub async fn send_bytes(&self, bytes: impl Into<Bytes>) {
        self.conversation.broadcast(TranscriptCommand::RawBytes(bytes.into())).await;
    }

    /// Applies a socket fault now, such as `reset` or `close=1011,reason=bye`: a [`Fault`] without its `socket:`.
    ///
    /// # Errors
    ///
    /// There is no such fault.
    pub async fn apply_fault(&self, fault: &str) -> Result<(), FaultError> {
        let fault: Fault = format!("socket:{fault}").parse()?;
        if let Some(fault) = fault.into_socket_fault() {
            self.conversation.broadcast(TranscriptCommand::Fault(fault)).await;
        }
        Ok(())
    }

    /// Closes every transcript socket with this code.
    pub async fn close(&self, code: u16, reason: &str) {
        let fault = SocketFault::Close { code, reason: reason.to_owned() };
        self.conversation.broadcast(TranscriptCommand::Fault(fault)).await;
    }
}
