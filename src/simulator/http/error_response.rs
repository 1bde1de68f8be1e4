//! Error responses, in the two forms that the service has for them.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// The correlation id of every response of the REST API.
pub(super) const CORRELATION_ID: &str = "7f0c3d5e-2a61-4b8f-a1d3-9c4e6b7f8a20";

/// Returns an error of the REST API or of a handshake.
pub(super) fn rest(status: StatusCode, code: &str, message: &str) -> Response {
    let body = json!({
        "message": message,
        "code": code,
        "status": status.as_u16(),
        "contextId": CORRELATION_ID,
        "details": [],
        "errors": [],
    });
    (status, [("inin-correlation-id", CORRELATION_ID)], Json(body)).into_response()
}

/// Returns the REST API's usual error for a status.
pub(super) fn for_status(status: StatusCode) -> Response {
    let (code, message) = code_and_message(status);
    rest(status, code, message)
}

/// Returns the error for a client that has none of these permissions.
pub(super) fn missing_permissions(permissions: &[&str]) -> Response {
    let (code, any) = match permissions.len() {
        0 | 1 => ("missing.permissions", ""),
        _ => ("missing.any.permissions", "any of "),
    };
    let names = permissions.join(", ");
    let message =
        format!("Unable to perform the requested action. You are missing {any}the following permission(s): {names}");
    rest(StatusCode::FORBIDDEN, code, &message)
}

/// Returns the message of a request above the rate limit.
pub(super) fn rate_limit_message(seconds: u64) -> String {
    format!("Rate limit exceeded the maximum. Retry the request in [{seconds}] seconds")
}

/// Returns an error of the token endpoint.
pub(super) fn oauth(status: StatusCode, error: &str, description: &str) -> Response {
    let body = json!({ "error": error, "description": description, "error_description": description });
    (status, Json(body)).into_response()
}

/// Returns the REST API's usual code and message for a status.
pub(super) fn code_and_message(status: StatusCode) -> (&'static str, &'static str) {
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
        426 => ("upgrade.required", "This path requires a WebSocket upgrade."),
        429 => ("too.many.requests", "Rate limit exceeded the maximum. Retry the request later."),
        500 => ("internal.server.error", "The server encountered an unexpected condition."),
        503 => ("service.unavailable", "Service Unavailable - The server is currently unavailable."),
        504 => ("request.timeout", "The request timed out."),
        _ => ("bad.request", "The request could not be understood by the server."),
    }
}
