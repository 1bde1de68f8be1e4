//! The handshake of the transcript socket.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::upgrade::OnUpgrade;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::simulator::faults::{Place, Presented, RequestTrick, answer};
use crate::simulator::http::error_response;
use crate::simulator::state::Cloud;
use crate::simulator::state::conversation::Stage;
use crate::simulator::ws::faulty_stream::Fate;
use crate::simulator::ws::transcript::{self, Entry};

/// `GET /api/v2/messaging/conversations/{id}/transcript`
pub(crate) async fn handshake(
    State(cloud): State<Arc<Cloud>>,
    Extension(fate): Extension<Fate>,
    Path(id): Path<String>,
    mut request: Request,
) -> Response {
    let authorization = error_response::text(request.headers(), &header::AUTHORIZATION);
    let noted = cloud.recorder.transcript_handshake(id.clone(), authorization.clone());
    let tricks = cloud.faults.request(Place::Handshake, Some(&id), "");
    let credentials = authorization.unwrap_or_default();
    let presented =
        Presented { place: Place::Handshake, credentials: &credentials, base_url: &cloud.base_url, fate: &fate };
    for trick in &tricks {
        if let Some(response) = answer(trick, &presented).await {
            if !matches!(trick, RequestTrick::Reset) {
                cloud.recorder.transcript_handshake_response(noted, response.status().as_u16());
            }
            return response;
        }
    }
    let response = match admit(&cloud, &id, &mut request) {
        Ok(_) if tricks.contains(&RequestTrick::BadAccept) => switch("bm90IHRoZSByaWdodCBvbmU="),
        Ok(visit) => {
            let response = switch(&derive_accept_key(visit.key.as_bytes()));
            tokio::spawn(open(visit, fate, Arc::clone(&cloud)));
            response
        }
        Err(refusal) => refusal,
    };
    cloud.recorder.transcript_handshake_response(noted, response.status().as_u16());
    response
}

/// A request that may become a socket.
struct Visit {
    stage: Arc<Stage>,
    token: String,
    expiry: Instant,
    key: HeaderValue,
    upgrade: OnUpgrade,
}

#[expect(clippy::result_large_err, reason = "a response is what the caller needs, once per connection")]
fn admit(cloud: &Cloud, id: &str, request: &mut Request) -> Result<Visit, Response> {
    let (token, expiry) = cloud.tokens.admit(request.headers())?;
    let stage =
        cloud.stage(id).filter(|stage| !stage.is_call()).ok_or_else(|| error_response::usual(StatusCode::NOT_FOUND))?;
    let key = upgrade_key(request.headers()).ok_or_else(|| error_response::usual(StatusCode::UPGRADE_REQUIRED))?;
    let upgrade = hyper::upgrade::on(request);
    Ok(Visit { stage, token, expiry, key, upgrade })
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

async fn open(visit: Visit, fate: Fate, cloud: Arc<Cloud>) {
    // A client that does not wait for the answer to its handshake has no socket.
    let Ok(upgraded) = visit.upgrade.await else { return };
    let entry = Entry { stage: visit.stage, token: visit.token, expiry: visit.expiry, fate };
    transcript::serve(upgraded, entry, cloud).await;
}
