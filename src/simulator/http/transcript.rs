//! The handshake of the transcript socket.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use hyper::upgrade::OnUpgrade;

use super::authentication::{authenticate, header_text};
use super::error_response;
use super::fault_responses::{RequestContext, faulty_response};
use super::websocket_upgrade::{switching_protocols, switching_protocols_with_wrong_accept, upgrade_key};
use crate::simulator::faults::{Endpoint, RequestFault};
use crate::simulator::state::SimulatorState;
use crate::simulator::state::conversation::SimulatedConversation;
use crate::simulator::state::tokens::AccessToken;
use crate::simulator::ws::faulty_stream::StreamControl;
use crate::simulator::ws::transcript::{self, TranscriptClient};

/// `GET /api/v2/messaging/conversations/{id}/transcript`
pub(super) async fn handshake(
    State(state): State<Arc<SimulatorState>>,
    Extension(stream): Extension<StreamControl>,
    Path(id): Path<String>,
    mut request: Request,
) -> Response {
    let authorization = header_text(request.headers(), &header::AUTHORIZATION);
    let entry = state.recorder.transcript_handshake(id.clone(), authorization.clone());
    let faults = state.faults.take_request_faults(Endpoint::TranscriptHandshake, Some(&id), "");
    let credentials = authorization.unwrap_or_default();
    let context = RequestContext {
        endpoint: Endpoint::TranscriptHandshake,
        credentials: &credentials,
        base_url: &state.base_url,
        stream: &stream,
    };
    if let Some(faulty) = faulty_response(&faults, &context).await {
        if let Some(status) = faulty.status {
            state.recorder.transcript_handshake_response(entry, status);
        }
        return faulty.response;
    }
    let response = match AcceptedHandshake::new(&state, &id, &mut request) {
        Ok(_) if faults.contains(&RequestFault::BadAccept) => switching_protocols_with_wrong_accept(),
        Ok(accepted) => {
            let response = switching_protocols(&accepted.key);
            tokio::spawn(open_socket(accepted, stream, Arc::clone(&state)));
            response
        }
        Err(error) => error,
    };
    state.recorder.transcript_handshake_response(entry, response.status().as_u16());
    response
}

/// An accepted request that becomes a socket.
struct AcceptedHandshake {
    conversation: Arc<SimulatedConversation>,
    token: AccessToken,
    key: HeaderValue,
    upgrade: OnUpgrade,
}

impl AcceptedHandshake {
    #[expect(clippy::result_large_err, reason = "a response is what the caller needs, once per connection")]
    fn new(state: &SimulatorState, id: &str, request: &mut Request) -> Result<Self, Response> {
        let token = authenticate(&state.tokens, request.headers())?;
        let conversation = state
            .begun_conversation(id)
            .filter(|conversation| conversation.has_messages())
            .ok_or_else(|| error_response::for_status(StatusCode::NOT_FOUND))?;
        let key =
            upgrade_key(request.headers()).ok_or_else(|| error_response::for_status(StatusCode::UPGRADE_REQUIRED))?;
        let upgrade = hyper::upgrade::on(request);
        Ok(Self { conversation, token, key, upgrade })
    }
}

async fn open_socket(accepted: AcceptedHandshake, stream: StreamControl, state: Arc<SimulatorState>) {
    // An error means that the client left before the response to its handshake.
    let Ok(upgraded) = accepted.upgrade.await else { return };
    let client = TranscriptClient { conversation: accepted.conversation, token: accepted.token, stream };
    transcript::serve(upgraded, client, state).await;
}
