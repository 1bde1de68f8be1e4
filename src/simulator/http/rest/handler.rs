//! Helpers of all handlers.

use axum::body::Bytes;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use url::form_urlencoded;

use crate::simulator::http::error_response;
use crate::simulator::state::SimulatorState;

/// The result of a handler; an error is a response, too.
pub(super) type HandlerResult = Result<Response, Response>;

/// Checks that the client has one of these permissions.
#[expect(clippy::result_large_err, reason = "a response is what the caller needs, once per request")]
pub(super) fn require_any(state: &SimulatorState, permissions: &[&str]) -> Result<(), Response> {
    let is_granted = permissions.iter().any(|permission| state.grants(permission));
    if is_granted { Ok(()) } else { Err(error_response::missing_permissions(permissions)) }
}

#[expect(clippy::result_large_err, reason = "a response is what the caller needs, once per request")]
pub(super) fn parse_body<T: DeserializeOwned>(body: &Bytes) -> Result<T, Response> {
    serde_json::from_slice(body).map_err(|error| bad_request(&format!("The request body is not valid: {error}")))
}

/// Returns the values of a query key, joined by commas.
pub(super) fn query_value(query: Option<&str>, key: &str) -> Option<String> {
    let pairs = form_urlencoded::parse(query?.as_bytes());
    let values: Vec<_> = pairs.filter(|(name, _)| name == key).map(|(_, value)| value.into_owned()).collect();
    (!values.is_empty()).then(|| values.join(","))
}

pub(super) fn json_response(json: &RawValue) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], json.get().to_owned()).into_response()
}

pub(super) fn bad_request(message: &str) -> Response {
    error_response::rest(StatusCode::BAD_REQUEST, "bad.request", message)
}

pub(super) fn not_found() -> Response {
    error_response::for_status(StatusCode::NOT_FOUND)
}
