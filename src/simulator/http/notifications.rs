//! The handshake of a notification socket. The channel id in the path is the only credential.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::upgrade::OnUpgrade;

use super::authentication::header_text;
use super::error_response;
use super::fault_responses::{RequestContext, faulty_response};
use super::websocket_upgrade::{switching_protocols, switching_protocols_with_wrong_accept, upgrade_key};
use crate::simulator::faults::{Endpoint, RequestFault};
use crate::simulator::state::SimulatorState;
use crate::simulator::ws::faulty_stream::StreamControl;
use crate::simulator::ws::notifications;

/// `GET /channels/{id}`
pub(super) async fn handshake(
    State(state): State<Arc<SimulatorState>>,
    Extension(stream): Extension<StreamControl>,
    Path(id): Path<String>,
    mut request: Request,
) -> Response {
    let authorization = header_text(request.headers(), &header::AUTHORIZATION);
    let entry = state.recorder.notification_handshake(id.clone(), authorization);
    let faults = state.faults.take_request_faults(Endpoint::NotificationHandshake, None, "");
    let context = RequestContext {
        endpoint: Endpoint::NotificationHandshake,
        credentials: &id,
        base_url: &state.base_url,
        stream: &stream,
    };
    if let Some(faulty) = faulty_response(&faults, &context).await {
        if let Some(status) = faulty.status {
            state.recorder.notification_handshake_response(entry, status);
        }
        return faulty.response;
    }
    let response = match (state.channels.exists(&id), upgrade_key(request.headers())) {
        (false, _) => StatusCode::NOT_FOUND.into_response(),
        (true, None) => error_response::for_status(StatusCode::UPGRADE_REQUIRED),
        (true, Some(_)) if faults.contains(&RequestFault::BadAccept) => switching_protocols_with_wrong_accept(),
        (true, Some(key)) => {
            tokio::spawn(open_socket(hyper::upgrade::on(&mut request), id, stream, Arc::clone(&state)));
            switching_protocols(&key)
        }
    };
    state.recorder.notification_handshake_response(entry, response.status().as_u16());
    response
}

async fn open_socket(on_upgrade: OnUpgrade, channel: String, stream: StreamControl, state: Arc<SimulatorState>) {
    // An error means that the client left before the response to its handshake.
    let Ok(upgraded) = on_upgrade.await else { return };
    notifications::serve(upgraded, channel, stream, state).await;
}
