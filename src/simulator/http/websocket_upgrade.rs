//! The server's side of a WebSocket handshake.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::authentication::header_text;

/// Returns the key of a request that has every header that RFC 6455, section 4.2.1, requires.
pub(super) fn upgrade_key(headers: &HeaderMap) -> Option<HeaderValue> {
    let contains = |name, wanted: &str| {
        header_text(headers, &name)
            .is_some_and(|value| value.split(',').any(|token| token.trim().eq_ignore_ascii_case(wanted)))
    };
    let is_upgrade = contains(header::CONNECTION, "upgrade")
        && contains(header::UPGRADE, "websocket")
        && contains(header::SEC_WEBSOCKET_VERSION, "13");
    headers.get(header::SEC_WEBSOCKET_KEY).filter(|_| is_upgrade).cloned()
}

/// Returns the response that switches to the WebSocket protocol.
pub(super) fn switching_protocols(key: &HeaderValue) -> Response {
    with_accept(&derive_accept_key(key.as_bytes()))
}

/// Returns the same response with a `Sec-WebSocket-Accept` that does not belong to any key.
pub(super) fn switching_protocols_with_wrong_accept() -> Response {
    with_accept("bm90IHRoZSByaWdodCBvbmU=")
}

fn with_accept(accept: &str) -> Response {
    let headers =
        [(header::CONNECTION, "upgrade"), (header::UPGRADE, "websocket"), (header::SEC_WEBSOCKET_ACCEPT, accept)];
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}
