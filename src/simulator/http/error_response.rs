//! Answers that say no, in the two shapes the service has for it.

use axum::Json;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// An error as the REST API and the handshake give it.
pub(crate) fn rest(status: StatusCode, code: &str, message: &str) -> Response {
    let body = json!({
        "message": message,
        "code": code,
        "status": status.as_u16(),
        "contextId": "7f0c3d5e-2a61-4b8f-a1d3-9c4e6b7f8a20",
        "details": [],
        "errors": [],
    });
    (status, [("inin-correlation-id", "7f0c3d5e-2a61-4b8f-a1d3-9c4e6b7f8a20")], Json(body)).into_response()
}

/// The error that is usual for a status.
pub(crate) fn usual(status: StatusCode) -> Response {
    let (code, words) = words(status);
    rest(status, code, words)
}

/// None of these permissions is there.
pub(crate) fn missing(permissions: &[&str]) -> Response {
    let code = if permissions.len() > 1 { "missing.any.permissions" } else { "missing.permissions" };
    let any = if permissions.len() > 1 { "any of " } else { "" };
    let names = permissions.join(", ");
    let words =
        format!("Unable to perform the requested action. You are missing {any}the following permission(s): {names}");
    rest(StatusCode::FORBIDDEN, code, &words)
}

/// An error as the token endpoint gives it.
pub(crate) fn oauth(status: StatusCode, error: &str, description: &str) -> Response {
    let body = json!({ "error": error, "description": description, "error_description": description });
    (status, Json(body)).into_response()
}

/// The code and the words the REST API has for a status.
pub(crate) fn words(status: StatusCode) -> (&'static str, &'static str) {
    match status.as_u16() {
        401 => ("bad.credentials", "Invalid login credentials."),
        403 => (
            "missing.permissions",
            "Unable to perform the requested action. You are missing the following permission(s): \
             conversation:message:view",
        ),
        404 => ("not.found", "The requested resource was not found."),
        408 => ("client.timeout", "The client did not send its request in time."),
        410 => ("gone", "The requested resource is gone."),
        426 => ("upgrade.required", "This path is a WebSocket."),
        429 => ("too.many.requests", "Rate limit exceeded the maximum. Retry the request later."),
        500 => ("internal.server.error", "The server encountered an unexpected condition."),
        503 => ("service.unavailable", "Service Unavailable - The server is currently unavailable."),
        504 => ("request.timeout", "The request timed out."),
        _ => ("bad.request", "The request could not be understood by the server."),
    }
}

/// A header's value as text, also where it is not quite ASCII.
pub(crate) fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}
