//! Subscriptions of a channel.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::handler::{HandlerResult, parse_body, query_value};
use crate::simulator::http::error_response;
use crate::simulator::request_log::SubscriptionRequest;
use crate::simulator::state::SimulatorState;
use crate::simulator::state::channels::{MAX_TOPICS, SubscribeError, TopicChange};
use crate::simulator::state::tokens::AccessToken;
use crate::simulator::state::topics::TopicAccess;

#[derive(Deserialize)]
struct RequestedTopic {
    id: String,
}

/// A topic that cannot be subscribed.
struct RejectedTopic {
    topic: String,
    access: TopicAccess,
}

/// `GET /api/v2/notifications/channels/{id}/subscriptions`
pub(super) async fn list(State(state): State<Arc<SimulatorState>>, Path(id): Path<String>) -> HandlerResult {
    let topics = state.channels.topics(&id).ok_or_else(no_channel)?;
    Ok(listing(&id, &topics, &[]))
}

/// `DELETE /api/v2/notifications/channels/{id}/subscriptions`
pub(super) async fn clear(State(state): State<Arc<SimulatorState>>, Path(id): Path<String>) -> HandlerResult {
    if !state.channels.clear_topics(&id) {
        return Err(no_channel());
    }
    log(&state, id, &Method::DELETE, Vec::new(), &[]);
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `POST` adds topics, `PUT` replaces them. Both renew the channel.
pub(super) async fn change(
    State(state): State<Arc<SimulatorState>>,
    Path(id): Path<String>,
    method: Method,
    RawQuery(query): RawQuery,
    Extension(token): Extension<AccessToken>,
    body: Bytes,
) -> HandlerResult {
    if !state.channels.exists(&id) {
        return Err(no_channel());
    }
    let (topics, rejected) = check_topics(&state, parse_body(&body)?);
    let ignores_errors = query_value(query.as_deref(), "ignoreErrors").as_deref() == Some("true");
    if let Some(rejected) = rejected.first().filter(|_| !ignores_errors) {
        let (status, code, message) = error_of(rejected.access);
        return Err(error_response::rest(status, code, message));
    }
    let change = if method == Method::PUT { TopicChange::Replace } else { TopicChange::Add };
    state.channels.change_topics(&id, change, &topics, Some(token.expires_at)).map_err(|error| match error {
        SubscribeError::NoChannel => no_channel(),
        SubscribeError::TooManyTopics(count) => too_many_topics(count),
    })?;
    start_scripts(&state, &id, &rejected);
    let subscribed = state.channels.topics(&id).unwrap_or_default();
    let response = listing(&id, &subscribed, &rejected);
    log(&state, id, &method, topics, &rejected);
    Ok(response)
}

fn check_topics(state: &SimulatorState, requested: Vec<RequestedTopic>) -> (Vec<String>, Vec<RejectedTopic>) {
    let (mut permitted, mut rejected) = (Vec::new(), Vec::new());
    for RequestedTopic { id: topic } in requested {
        match state.topic_access(&topic) {
            TopicAccess::Permitted => permitted.push(topic),
            access => rejected.push(RejectedTopic { topic, access }),
        }
    }
    (permitted, rejected)
}

/// Starts the conversations whose events the socket now receives, and those of rejected topics: their clients have to
/// poll.
fn start_scripts(state: &Arc<SimulatorState>, channel: &str, rejected: &[RejectedTopic]) {
    if state.channels.is_connected(channel) {
        state.channels.topics(channel).unwrap_or_default().iter().for_each(|topic| state.start_scripts_of(topic));
    }
    for rejected in rejected {
        state.start_scripts_of(&rejected.topic);
    }
}

fn log(state: &SimulatorState, channel: String, method: &Method, topics: Vec<String>, rejected: &[RejectedTopic]) {
    let rejected = rejected.iter().map(|rejected| rejected.topic.clone()).collect();
    let method = method.to_string();
    state.recorder.subscription(SubscriptionRequest { at: Instant::now(), channel, method, topics, rejected });
}

fn listing(channel: &str, topics: &[String], rejected: &[RejectedTopic]) -> Response {
    let uri = format!("/api/v2/notifications/channels/{channel}/subscriptions");
    let permitted = topics.iter().map(|topic| json!({ "id": topic, "state": "Permitted", "selfUri": uri }));
    let entities: Vec<Value> = permitted.chain(rejected.iter().map(rejection)).collect();
    Json(json!({ "entities": entities })).into_response()
}

fn rejection(rejected: &RejectedTopic) -> Value {
    let (_, _, reason) = error_of(rejected.access);
    let mut entity = json!({ "id": rejected.topic, "state": "Rejected", "rejectionReason": reason });
    if let TopicAccess::MissingPermission(permission) = rejected.access {
        entity["missingPermissions"] = json!([permission]);
    }
    entity
}

fn error_of(access: TopicAccess) -> (StatusCode, &'static str, &'static str) {
    match access {
        TopicAccess::Unknown => {
            (StatusCode::BAD_REQUEST, "notification.invalid.topic", "The subscription topic is not valid.")
        }
        TopicAccess::Permitted | TopicAccess::MissingPermission(_) | TopicAccess::Rejected => {
            (StatusCode::FORBIDDEN, "notification.unauthorized.topic", "Not authorized for this topic.")
        }
    }
}

fn too_many_topics(count: usize) -> Response {
    let message = format!("Too many subscriptions: {count} of at most {MAX_TOPICS}");
    error_response::rest(StatusCode::BAD_REQUEST, "notification.subscription.too.many.subscriptions", &message)
}

fn no_channel() -> Response {
    error_response::rest(StatusCode::NOT_FOUND, "entity.not.found", "Subscription list not found.")
}
