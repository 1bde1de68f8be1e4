//! The REST API: one desk that every request passes, and a handler behind it for each path.

mod analytics;
mod channels;
mod conversations;
mod directory;
mod middleware;
mod subscriptions;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::http::{StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, head, post};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::simulator::http::error_response;
use crate::simulator::state::SimulatorState;

/// What a handler decides: an answer, or the error that is one too.
type Answer = Result<Response, Response>;

pub(crate) fn router(state: &Arc<SimulatorState>) -> Router<Arc<SimulatorState>> {
    const MESSAGES: &str = "/api/v2/conversations/messages/{id}";
    const CHANNELS: &str = "/api/v2/notifications/channels";
    const SUBSCRIPTIONS: &str = "/api/v2/notifications/channels/{id}/subscriptions";
    let subscriptions =
        get(subscriptions::list).post(subscriptions::change).put(subscriptions::change).delete(subscriptions::clear);
    Router::new()
        .route("/api/v2/conversations/{id}", get(conversations::conversation))
        .route(MESSAGES, get(conversations::message_conversation))
        .route(&format!("{MESSAGES}/messages/{{message}}"), get(conversations::message))
        .route(&format!("{MESSAGES}/messages/bulk"), post(conversations::bulk))
        .route(&format!("{MESSAGES}/details"), get(conversations::details))
        .route("/api/v2/analytics/conversations/details/query", post(analytics::query))
        .route("/api/v2/users/{id}", get(directory::user))
        .route("/api/v2/routing/queues/{id}", get(directory::queue))
        .route("/api/v2/notifications/availabletopics", get(channels::topics))
        .route(CHANNELS, post(channels::create).get(channels::list))
        .route(&format!("{CHANNELS}/{{id}}"), head(channels::exists))
        .route(SUBSCRIPTIONS, subscriptions)
        .route_layer(from_fn_with_state(Arc::clone(state), middleware::receive))
}

/// Asks for one of these permissions.
#[expect(clippy::result_large_err, reason = "a response is what the caller needs, once per request")]
fn require(state: &SimulatorState, permissions: &[&str]) -> Result<(), Response> {
    let granted = permissions.iter().any(|permission| state.grants(permission));
    if granted { Ok(()) } else { Err(error_response::missing(permissions)) }
}

/// Reads the body of a request.
#[expect(clippy::result_large_err, reason = "a response is what the caller needs, once per request")]
fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Response> {
    serde_json::from_slice(body).map_err(|error| {
        error_response::rest(StatusCode::BAD_REQUEST, "bad.request", &format!("The body is unusable: {error}"))
    })
}

/// An answer that is JSON already.
fn json(raw: &RawValue) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], raw.get().to_owned()).into_response()
}
