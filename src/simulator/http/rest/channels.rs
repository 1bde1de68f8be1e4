//! Notification channels and available topics.

use std::collections::HashSet;
use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::{Value, json};

use super::handler::{not_found, query_value};
use crate::simulator::state::SimulatorState;
use crate::simulator::state::channels::ChannelInfo;
use crate::simulator::state::message::format_time;
use crate::simulator::state::tokens::AccessToken;
use crate::simulator::state::topics::{TOPICS, Topic};

/// `POST /api/v2/notifications/channels`
pub(super) async fn create(
    State(state): State<Arc<SimulatorState>>,
    Extension(token): Extension<AccessToken>,
) -> Response {
    let (channel, evicted) = state.channels.create(&token);
    state.recorder.channel(channel.id.clone(), token.value, evicted);
    Json(channel_json(&state, &channel)).into_response()
}

/// `GET /api/v2/notifications/channels`: channels of other tokens are listed without their ids
pub(super) async fn list(
    State(state): State<Arc<SimulatorState>>,
    Extension(token): Extension<AccessToken>,
    RawQuery(query): RawQuery,
) -> Response {
    let includes_all = query_value(query.as_deref(), "includechannels").as_deref() == Some("oauthclient");
    let entity = |channel: &ChannelInfo| {
        if channel.token == token.value {
            return Some(channel_json(&state, channel));
        }
        includes_all.then(|| json!({ "expires": format_time(channel.expires_at) }))
    };
    let entities: Vec<_> = state.channels.list().iter().filter_map(entity).collect();
    Json(json!({ "entities": entities })).into_response()
}

/// `HEAD /api/v2/notifications/channels/{id}`
pub(super) async fn exists(State(state): State<Arc<SimulatorState>>, Path(id): Path<String>) -> Response {
    if state.channels.exists(&id) { StatusCode::OK.into_response() } else { not_found() }
}

/// `GET /api/v2/notifications/availabletopics`
pub(super) async fn available_topics(RawQuery(query): RawQuery) -> Response {
    let expand = query_value(query.as_deref(), "expand").unwrap_or_default();
    let expand: HashSet<_> = expand.split(',').collect();
    let entities: Vec<_> = TOPICS.iter().map(|topic| topic_json(topic, &expand)).collect();
    Json(json!({ "entities": entities })).into_response()
}

fn channel_json(state: &SimulatorState, channel: &ChannelInfo) -> Value {
    let host = state.base_url.trim_start_matches("http://");
    json!({
        "connectUri": format!("ws://{host}/channels/{}", channel.id),
        "id": channel.id,
        "expires": format_time(channel.expires_at),
    })
}

/// Returns a topic with the details in `expand`.
fn topic_json(topic: &Topic, expand: &HashSet<&str>) -> Value {
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
