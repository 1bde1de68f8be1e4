//! Conversations, and the bodies of their messages.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::json;

use super::middleware::Twist;
use super::{Answer, read, require};
use crate::simulator::http::error_response;
use crate::simulator::state::Cloud;
use crate::simulator::state::model::World;

const CONVERSATION: [&str; 1] = ["conversation:communication:view"];
const MESSAGE: [&str; 2] = ["conversation:message:view", "conversation:webmessaging:view"];

/// Ids in one bulk request.
const BULK_MOST: usize = 1_000;

/// `GET /api/v2/conversations/{id}`
pub(super) async fn conversation(State(cloud): State<Arc<Cloud>>, Path(id): Path<String>) -> Answer {
    require(&cloud, &CONVERSATION)?;
    let stage = cloud.stage(&id).ok_or_else(no_conversation)?;
    Ok(super::json(&stage.world(World::nested_answer)))
}

/// `GET /api/v2/conversations/messages/{id}`, for which no permission is declared
pub(super) async fn message_conversation(State(cloud): State<Arc<Cloud>>, Path(id): Path<String>) -> Answer {
    let stage = cloud.stage(&id).filter(|stage| !stage.is_call()).ok_or_else(no_conversation)?;
    Ok(super::json(&stage.world(World::flat_answer)))
}

/// `GET /api/v2/conversations/messages/{id}/messages/{message}`
pub(super) async fn message(
    State(cloud): State<Arc<Cloud>>,
    Path((id, message)): Path<(String, String)>,
    Extension(twist): Extension<Twist>,
) -> Answer {
    require(&cloud, &MESSAGE)?;
    let stage = cloud.stage(&id).ok_or_else(no_conversation)?;
    let body = stage.world(|world| world.body(&message, twist.age, twist.legacy));
    Ok(Json(body.ok_or_else(nothing)?).into_response())
}

/// `GET /api/v2/conversations/messages/{message}/details`
pub(super) async fn details(
    State(cloud): State<Arc<Cloud>>,
    Path(message): Path<String>,
    Extension(twist): Extension<Twist>,
) -> Answer {
    require(&cloud, &MESSAGE)?;
    let body = |world: &World| world.body(&message, twist.age, twist.legacy);
    let body = cloud.conversations().iter().find_map(|stage| stage.world(body));
    Ok(Json(body.ok_or_else(nothing)?).into_response())
}

/// `POST /api/v2/conversations/messages/{id}/messages/bulk`
pub(super) async fn bulk(
    State(cloud): State<Arc<Cloud>>,
    Path(id): Path<String>,
    Extension(twist): Extension<Twist>,
    body: Bytes,
) -> Answer {
    require(&cloud, &MESSAGE)?;
    let stage = cloud.stage(&id).ok_or_else(no_conversation)?;
    let ids: Vec<String> = read(&body)?;
    if ids.len() > BULK_MOST {
        let words = format!("A maximum of {BULK_MOST} messages can be asked for at once.");
        return Err(error_response::rest(StatusCode::BAD_REQUEST, "bad.request", &words));
    }
    let mut entities: Vec<_> = stage.world(|world| {
        // What is not there, or not there yet, is left out without a word.
        ids.iter().skip(twist.omit).filter_map(|id| world.body(id, twist.age, twist.legacy)).collect()
    });
    if twist.newest_first {
        entities.reverse();
    }
    Ok(Json(json!({ "entities": entities })).into_response())
}

fn no_conversation() -> Response {
    let code = "conversation.error.conversation.not.found";
    error_response::rest(StatusCode::NOT_FOUND, code, "The conversation does not exist.")
}

fn nothing() -> Response {
    error_response::usual(StatusCode::NOT_FOUND)
}
