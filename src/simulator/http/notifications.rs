//! The handshake of a notification socket, for which the id of the channel is the only key.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::upgrade::OnUpgrade;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::transcript::{switch, upgrade_key};
use crate::simulator::http::error_response;
use crate::simulator::state::SimulatorState;
use crate::simulator::ws;
use crate::simulator::ws::faulty_stream::StreamControl;

/// `GET /channels/{id}`
pub(crate) async fn handshake(
    State(state): State<Arc<SimulatorState>>,
    Extension(stream): Extension<StreamControl>,
    Path(id): Path<String>,
    mut request: Request,
) -> Response {
    let authorization = error_response::text(request.headers(), &header::AUTHORIZATION);
    let noted = state.recorder.notification_handshake(id.clone(), authorization);
    let response = match (state.channels.has(&id), upgrade_key(request.headers())) {
        (false, _) => StatusCode::NOT_FOUND.into_response(),
        (true, None) => error_response::usual(StatusCode::UPGRADE_REQUIRED),
        (true, Some(key)) => {
            tokio::spawn(open(hyper::upgrade::on(&mut request), id, stream, Arc::clone(&state)));
            switch(&derive_accept_key(key.as_bytes()))
        }
    };
    state.recorder.notification_handshake_response(noted, response.status().as_u16());
    response
}

async fn open(upgrade: OnUpgrade, id: String, stream: StreamControl, state: Arc<SimulatorState>) {
    // A client that does not wait for the answer to its handshake has no socket.
    let Ok(upgraded) = upgrade.await else { return };
    ws::notifications::serve(upgraded, id, stream, state).await;
}
