//! What a channel subscribes.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::channels::value;
use super::middleware::Caller;
use super::{Answer, read};
use crate::simulator::http::error_response;
use crate::simulator::request_log::SubscriptionRequest;
use crate::simulator::state::SimulatorState;
use crate::simulator::state::channels::{Change, TOPICS_MOST};
use crate::simulator::state::topics::{TopicPermission, judge};

/// A topic in the body of a request.
#[derive(Deserialize)]
struct Wanted {
    id: String,
}

/// `GET /api/v2/notifications/channels/{id}/subscriptions`
pub(super) async fn list(State(state): State<Arc<SimulatorState>>, Path(id): Path<String>) -> Answer {
    Ok(listing(&id, &state.channels.topics(&id).ok_or_else(no_channel)?, &[]))
}

/// `DELETE /api/v2/notifications/channels/{id}/subscriptions`
pub(super) async fn clear(State(state): State<Arc<SimulatorState>>, Path(id): Path<String>) -> Answer {
    if !state.channels.clear(&id) {
        return Err(no_channel());
    }
    note(&state, id, &Method::DELETE, Vec::new(), &[]);
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `POST` adds, `PUT` replaces; both let the channel live on
pub(super) async fn change(
    State(state): State<Arc<SimulatorState>>,
    Path(id): Path<String>,
    method: Method,
    RawQuery(query): RawQuery,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Answer {
    if !state.channels.has(&id) {
        return Err(no_channel());
    }
    let wanted: Vec<Wanted> = read(&body)?;
    let judged = wanted.into_iter().map(|wanted| (judge(&state, &wanted.id), wanted.id));
    let (good, bad): (Vec<_>, Vec<_>) = judged.partition(|(verdict, _)| *verdict == TopicPermission::Permitted);
    let topics: Vec<_> = good.into_iter().map(|(_, topic)| topic).collect();
    let lenient = value(query.as_deref(), "ignoreErrors").as_deref() == Some("true");
    if let Some((verdict, _)) = bad.first().filter(|_| !lenient) {
        return Err(refuse(*verdict));
    }
    let change = if method == Method::PUT { Change::Replace } else { Change::Add };
    match state.channels.subscribe(&id, change, &topics, Some(caller.expiry)) {
        None => return Err(no_channel()),
        Some(Err(count)) => return Err(too_many(count)),
        Some(Ok(())) => {}
    }
    start_script(&state, &id, &bad);
    let all = state.channels.topics(&id).unwrap_or_default();
    let answer = listing(&id, &all, &bad);
    note(&state, id, &method, topics, &bad);
    Ok(answer)
}

/// A conversation begins for a socket that now can hear it, and for whoever has to do without.
fn start_script(state: &Arc<SimulatorState>, id: &str, bad: &[(TopicPermission, String)]) {
    if state.channels.is_connected(id) {
        state.channels.topics(id).unwrap_or_default().iter().for_each(|topic| state.wake(topic));
    }
    for (_, topic) in bad {
        state.wake(topic);
    }
}

fn note(
    state: &SimulatorState,
    channel: String,
    method: &Method,
    topics: Vec<String>,
    bad: &[(TopicPermission, String)],
) {
    let rejected = bad.iter().map(|(_, topic)| topic.clone()).collect();
    let method = method.to_string();
    state.recorder.subscription(SubscriptionRequest { at: Instant::now(), channel, method, topics, rejected });
}

fn listing(id: &str, topics: &[String], bad: &[(TopicPermission, String)]) -> Response {
    let uri = format!("/api/v2/notifications/channels/{id}/subscriptions");
    let permitted = topics.iter().map(|topic| json!({ "id": topic, "state": "Permitted", "selfUri": uri }));
    let rejected = bad.iter().map(|(verdict, topic)| rejection(*verdict, topic));
    let entities: Vec<Value> = permitted.chain(rejected).collect();
    Json(json!({ "entities": entities })).into_response()
}

fn rejection(verdict: TopicPermission, topic: &str) -> Value {
    let (_, _, words) = complaint(verdict);
    let mut entity = json!({ "id": topic, "state": "Rejected", "rejectionReason": words });
    if let TopicPermission::Missing(permission) = verdict {
        entity["missingPermissions"] = json!([permission]);
    }
    entity
}

fn refuse(verdict: TopicPermission) -> Response {
    let (status, code, words) = complaint(verdict);
    error_response::rest(status, code, words)
}

fn complaint(verdict: TopicPermission) -> (StatusCode, &'static str, &'static str) {
    match verdict {
        TopicPermission::Invalid => {
            (StatusCode::BAD_REQUEST, "notification.invalid.topic", "The subscription topic is not valid.")
        }
        TopicPermission::Permitted | TopicPermission::Missing(_) | TopicPermission::Refused => {
            (StatusCode::FORBIDDEN, "notification.unauthorized.topic", "Not authorized for this topic.")
        }
    }
}

fn too_many(count: usize) -> Response {
    let words = format!("Too many subscriptions: {count} of at most {TOPICS_MOST}");
    error_response::rest(StatusCode::BAD_REQUEST, "notification.subscription.too.many.subscriptions", &words)
}

fn no_channel() -> Response {
    error_response::rest(StatusCode::NOT_FOUND, "entity.not.found", "Subscription list not found.")
}
