//! The handshake of the transcript socket.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::upgrade::OnUpgrade;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::simulator::faults::{Endpoint, RequestContext, RequestFault, answer};
use crate::simulator::http::error_response;
use crate::simulator::state::SimulatorState;
use crate::simulator::state::conversation::SimulatedConversation;
use crate::simulator::ws::faulty_stream::StreamControl;
use crate::simulator::ws::transcript::{self, Entry};

/// `GET /api/v2/messaging/conversations/{id}/transcript`
pub(crate) async fn handshake(
    State(state): State<Arc<SimulatorState>>,
    Extension(stream): Extension<StreamControl>,
    Path(id): Path<String>,
    mut request: Request,
) -> Response {
    let authorization = error_response::text(request.headers(), &header::AUTHORIZATION);
    let noted = state.recorder.transcript_handshake(id.clone(), authorization.clone());
    let faults = state.faults.request(Endpoint::Handshake, Some(&id), "");
    let credentials = authorization.unwrap_or_default();
    let presented = RequestContext {
        place: Endpoint::Handshake,
        credentials: &credentials,
        base_url: &state.base_url,
        stream: &stream,
    };
    for fault in &faults {
        if let Some(response) = answer(fault, &presented).await {
            if !matches!(fault, RequestFault::Reset) {
                state.recorder.transcript_handshake_response(noted, response.status().as_u16());
            }
            return response;
        }
    }
    let response = match admit(&state, &id, &mut request) {
        Ok(_) if faults.contains(&RequestFault::BadAccept) => switch("bm90IHRoZSByaWdodCBvbmU="),
        Ok(visit) => {
            let response = switch(&derive_accept_key(visit.key.as_bytes()));
            tokio::spawn(open(visit, stream, Arc::clone(&state)));
            response
        }
        Err(refusal) => refusal,
    };
    state.recorder.transcript_handshake_response(noted, response.status().as_u16());
    response
}

/// A request that may become a socket.
struct Visit {
    conversation: Arc<SimulatedConversation>,
    token: String,
    expiry: Instant,
    key: HeaderValue,
    upgrade: OnUpgrade,
}

#[expect(clippy::result_large_err, reason = "a response is what the caller needs, once per connection")]
fn admit(state: &SimulatorState, id: &str, request: &mut Request) -> Result<Visit, Response> {
    let (token, expiry) = state.tokens.admit(request.headers())?;
    let conversation = state
        .conversation(id)
        .filter(|conversation| !conversation.is_call())
        .ok_or_else(|| error_response::usual(StatusCode::NOT_FOUND))?;
    let key = upgrade_key(request.headers()).ok_or_else(|| error_response::usual(StatusCode::UPGRADE_REQUIRED))?;
    let upgrade = hyper::upgrade::on(request);
    Ok(Visit { conversation, token, expiry, key, upgrade })
}

/// The key of a request that asks for a WebSocket, with everything RFC 6455 section 4.2.1 wants.
pub(crate) fn upgrade_key(headers: &HeaderMap) -> Option<HeaderValue> {
    let has = |name, wanted: &str| {
        error_response::text(headers, &name)
            .is_some_and(|value| value.split(',').any(|word| word.trim().eq_ignore_ascii_case(wanted)))
    };
    let asks = has(header::CONNECTION, "upgrade")
        && has(header::UPGRADE, "websocket")
        && has(header::SEC_WEBSOCKET_VERSION, "13");
    headers.get(header::SEC_WEBSOCKET_KEY).filter(|_| asks).cloned()
}

pub(crate) fn switch(accept: &str) -> Response {
    let headers =
        [(header::CONNECTION, "upgrade"), (header::UPGRADE, "websocket"), (header::SEC_WEBSOCKET_ACCEPT, accept)];
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}

async fn open(visit: Visit, stream: StreamControl, state: Arc<SimulatorState>) {
    // A client that does not wait for the answer to its handshake has no socket.
    let Ok(upgraded) = visit.upgrade.await else { return };
    let entry = Entry { conversation: visit.conversation, token: visit.token, expiry: visit.expiry, stream };
    transcript::serve(upgraded, entry, state).await;
}
