//! The opening handshake (RFC 6455, section 4.1), over the HTTP client.

use reqwest::StatusCode;
pub(crate) use reqwest::Upgraded;
use reqwest::header::{self, AUTHORIZATION, CONNECTION, HeaderMap, HeaderName, HeaderValue, UPGRADE};
use secrecy::ExposeSecret;
use tokio_tungstenite::tungstenite::handshake::{client::generate_key, derive_accept_key};
use url::Url;

use super::{KeepAlive, Socket};
use crate::api::error_body::ErrorBody;
use crate::api::http::Http;
use crate::api::http_error::{HttpError, host};
use crate::api::token::Token;
use crate::config::SocketLimits;
use crate::decision::ResponseKind;
use crate::system::suspend::{SuspendDetector, time_suspended};

/// A failed handshake.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HandshakeError {
    /// There was no response.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The server responded with another status than 101.
    #[error("{host} {}: {body}", rejection(body))]
    Rejected { host: String, body: ErrorBody },
    /// The server responded with 101, but not as the protocol requires.
    #[error("unexpected response from {host} to the WebSocket handshake: {reason}")]
    Invalid { host: String, reason: String },
}

fn rejection(body: &ErrorBody) -> &'static str {
    match body.response_kind() {
        ResponseKind::Unavailable => "is temporarily unavailable",
        _ => "rejected the WebSocket handshake",
    }
}

/// Opens a socket, with `token` as its bearer token. The address of a notification channel needs none. Cancel safe.
pub(crate) async fn open(
    http: &Http,
    url: &Url,
    token: Option<&Token>,
    limits: SocketLimits,
    keep_alive: KeepAlive,
) -> Result<Socket<Upgraded>, HandshakeError> {
    let host = host(url);
    let key = generate_key();
    let request = http.get(url.clone()).headers(upgrade_headers(&key, token));
    let response = http.send(&host, request).await?;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Err(HandshakeError::Rejected { body: http.read_error_body(&host, response).await, host });
    }
    if let Some(reason) = violation(response.headers(), &key) {
        return Err(HandshakeError::Invalid { host, reason: reason.to_owned() });
    }
    match response.upgrade().await {
        Ok(stream) => Ok(Socket::new(stream, limits, keep_alive, SuspendDetector::start(time_suspended)).await),
        Err(error) => Err(HandshakeError::Invalid { host, reason: error.without_url().to_string() }),
    }
}

/// Returns the address of a WebSocket with the scheme that the HTTP client supports.
pub(crate) fn to_http_scheme(address: &Url) -> Url {
    let mut url = address.clone();
    let scheme = if url.scheme() == "wss" { "https" } else { "http" };
    url.set_scheme(scheme).expect("one special scheme can replace another");
    url
}

fn upgrade_headers(key: &str, token: Option<&Token>) -> HeaderMap {
    let mut headers = HeaderMap::from_iter([
        (CONNECTION, HeaderValue::from_static("Upgrade")),
        (UPGRADE, HeaderValue::from_static("websocket")),
        (header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13")),
        (header::SEC_WEBSOCKET_KEY, HeaderValue::from_str(key).expect("base64 is valid in a header")),
    ]);
    if let Some(token) = token {
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.secret.expose_secret()))
            .expect("parse_grant checks the characters of a token");
        bearer.set_sensitive(true);
        headers.insert(AUTHORIZATION, bearer);
    }
    headers
}

/// Returns the first violation of RFC 6455, section 4.1, in a 101 response.
fn violation(headers: &HeaderMap, key: &str) -> Option<&'static str> {
    let accept = headers.get(header::SEC_WEBSOCKET_ACCEPT);
    match accept.map(HeaderValue::as_bytes) {
        None => Some("Sec-WebSocket-Accept is missing"),
        Some(accept) if accept != derive_accept_key(key.as_bytes()).as_bytes() => Some("Sec-WebSocket-Accept is wrong"),
        Some(_) if !contains(headers, &UPGRADE, "websocket") => Some("Upgrade is not websocket"),
        Some(_) if !contains(headers, &CONNECTION, "upgrade") => Some("Connection is not Upgrade"),
        // The client offers neither, so their frames could not be read.
        Some(_) if headers.contains_key(header::SEC_WEBSOCKET_EXTENSIONS) => Some("unexpected extension"),
        Some(_) if headers.contains_key(header::SEC_WEBSOCKET_PROTOCOL) => Some("unexpected subprotocol"),
        Some(_) => None,
    }
}

/// Returns whether a header, which may be a list, contains this word.
fn contains(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|item| item.trim().eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_websocket_address_gets_the_http_scheme_of_the_same_security() {
        let converted = |url: &str| to_http_scheme(&url.parse().expect("a URL")).to_string();
        assert_eq!(converted("wss://streaming.test/channels/x"), "https://streaming.test/channels/x");
        assert_eq!(converted("ws://127.0.0.1:8080/channels/x"), "http://127.0.0.1:8080/channels/x");
    }

    #[test]
    fn a_response_that_violates_the_protocol_is_rejected() {
        let good = [
            ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
            ("upgrade", "WebSocket"),
            ("connection", "x, upgrade"),
        ];
        for (name, value, expected) in [
            ("date", "today", None),
            ("sec-websocket-accept", "", Some("Sec-WebSocket-Accept is missing")),
            ("sec-websocket-accept", "s3p", Some("Sec-WebSocket-Accept is wrong")),
            ("upgrade", "", Some("Upgrade is not websocket")),
            ("upgrade", "h2c", Some("Upgrade is not websocket")),
            ("connection", "close", Some("Connection is not Upgrade")),
            ("sec-websocket-extensions", "permessage-deflate", Some("unexpected extension")),
            ("sec-websocket-protocol", "chat", Some("unexpected subprotocol")),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in good.into_iter().chain([(name, value)]) {
                headers.insert(name, value.parse().expect("a value"));
            }
            if value.is_empty() {
                headers.remove(name);
            }
            assert_eq!(violation(&headers, "dGhlIHNhbXBsZSBub25jZQ=="), expected, "{name}: {value}");
        }
    }
}
