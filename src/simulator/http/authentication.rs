//! Bearer tokens of requests.

use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::Response;

use super::error_response;
use crate::simulator::state::tokens::{AccessToken, Tokens};

/// Returns the valid token of a request, or the error response for a request without one.
#[expect(clippy::result_large_err, reason = "a response is what the caller needs, once per request")]
pub(super) fn authenticate(tokens: &Tokens, headers: &HeaderMap) -> Result<AccessToken, Response> {
    let Some(token) = bearer_token(headers) else {
        let message = "No authentication bearer token specified in authorization header.";
        return Err(error_response::rest(StatusCode::UNAUTHORIZED, "authentication.required", message));
    };
    tokens.validate(&token).ok_or_else(|| error_response::for_status(StatusCode::UNAUTHORIZED))
}

pub(super) fn bearer_token(headers: &HeaderMap) -> Option<String> {
    let header = header_text(headers, &header::AUTHORIZATION)?;
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}

/// Returns a header's value as text, with replacement characters for invalid UTF-8.
pub(super) fn header_text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}
