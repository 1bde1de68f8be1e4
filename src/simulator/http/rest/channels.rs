//! Notification channels, and which topics there are.

use std::collections::HashSet;
use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::middleware::Caller;
use crate::simulator::http::error_response;
use crate::simulator::state::SimulatorState;
use crate::simulator::state::channels::ChannelInfo;
use crate::simulator::state::topics::{TOPICS, Topic};
use crate::simulator::state::transcript_frames::stamp;

/// `POST /api/v2/notifications/channels`
pub(super) async fn create(State(state): State<Arc<SimulatorState>>, Extension(caller): Extension<Caller>) -> Response {
    let (card, evicted) = state.channels.create(&caller.token, caller.expiry);
    state.recorder.channel(card.id.clone(), caller.token, evicted);
    Json(channel(&state, &card)).into_response()
}

/// `GET /api/v2/notifications/channels`: those of other tokens are counted, their ids are not told
pub(super) async fn list(
    State(state): State<Arc<SimulatorState>>,
    Extension(caller): Extension<Caller>,
    RawQuery(query): RawQuery,
) -> Response {
    let all = value(query.as_deref(), "includechannels").as_deref() == Some("oauthclient");
    let entity = |card: &ChannelInfo| {
        if card.token == caller.token {
            return Some(channel(&state, card));
        }
        all.then(|| json!({ "expires": stamp(card.expires) }))
    };
    let entities: Vec<_> = state.channels.cards().iter().filter_map(entity).collect();
    Json(json!({ "entities": entities })).into_response()
}

/// `HEAD /api/v2/notifications/channels/{id}`
pub(super) async fn exists(State(state): State<Arc<SimulatorState>>, Path(id): Path<String>) -> Response {
    if state.channels.has(&id) { StatusCode::OK.into_response() } else { error_response::usual(StatusCode::NOT_FOUND) }
}

/// `GET /api/v2/notifications/availabletopics`
pub(super) async fn topics(RawQuery(query): RawQuery) -> Response {
    let expand = value(query.as_deref(), "expand").unwrap_or_default();
    let expand: HashSet<_> = expand.split(',').collect();
    let entities: Vec<_> = TOPICS.iter().map(|topic| available(topic, &expand)).collect();
    Json(json!({ "entities": entities })).into_response()
}

/// The value of a key, several joined by commas.
pub(super) fn value(query: Option<&str>, key: &str) -> Option<String> {
    let pairs = form_urlencoded::parse(query?.as_bytes());
    let values: Vec<_> = pairs.filter(|(name, _)| name == key).map(|(_, value)| value.into_owned()).collect();
    (!values.is_empty()).then(|| values.join(","))
}

fn channel(state: &SimulatorState, card: &ChannelInfo) -> Value {
    let host = state.base_url.trim_start_matches("http://");
    json!({
        "connectUri": format!("ws://{host}/channels/{}", card.id),
        "id": card.id,
        "expires": stamp(card.expires),
    })
}

/// A topic, with those of its details that were asked for.
fn available(topic: &Topic, expand: &HashSet<&str>) -> Value {
    let permissions = [topic.permission];
    let details = json!([{
        "type": "requiresPermissions",
        "permissions": permissions,
        "allowsCurrentUser": false,
        "enforced": true,
    }]);
    let mut entity = json!({ "id": topic.name });
    for (key, value) in [
        ("description", "A topic of the simulator".into()),
        ("enforced", true.into()),
        ("visibility", "Public".into()),
        ("transports", json!(["All"])),
        ("requiresPermissions", json!(permissions)),
        ("permissionDetails", details),
        ("topicParameters", json!(["id"])),
    ] {
        if expand.contains(key) {
            entity[key] = value;
        }
    }
    entity
}
