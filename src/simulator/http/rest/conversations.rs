//! Conversations, and the bodies of their messages.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::json;

use super::middleware::ResponseOptions;
use super::{Answer, read, require};
use crate::simulator::http::error_response;
use crate::simulator::state::SimulatorState;
use crate::simulator::state::model::ConversationModel;

const CONVERSATION: [&str; 1] = ["conversation:communication:view"];
const MESSAGE: [&str; 2] = ["conversation:message:view", "conversation:webmessaging:view"];

/// Ids in one bulk request.
const BULK_MOST: usize = 1_000;

/// `GET /api/v2/conversations/{id}`
pub(super) async fn conversation(State(state): State<Arc<SimulatorState>>, Path(id): Path<String>) -> Answer {
    require(&state, &CONVERSATION)?;
    let conversation = state.conversation(&id).ok_or_else(no_conversation)?;
    Ok(super::json(&conversation.model(ConversationModel::nested_answer)))
}

/// `GET /api/v2/conversations/messages/{id}`, for which no permission is declared
pub(super) async fn message_conversation(State(state): State<Arc<SimulatorState>>, Path(id): Path<String>) -> Answer {
    let conversation =
        state.conversation(&id).filter(|conversation| !conversation.is_call()).ok_or_else(no_conversation)?;
    Ok(super::json(&conversation.model(ConversationModel::flat_answer)))
}

/// `GET /api/v2/conversations/messages/{id}/messages/{message}`
pub(super) async fn message(
    State(state): State<Arc<SimulatorState>>,
    Path((id, message)): Path<(String, String)>,
    Extension(twist): Extension<ResponseOptions>,
) -> Answer {
    require(&state, &MESSAGE)?;
    let conversation = state.conversation(&id).ok_or_else(no_conversation)?;
    let body = conversation.model(|model| model.body(&message, twist.age, twist.legacy));
    Ok(Json(body.ok_or_else(nothing)?).into_response())
}

/// `GET /api/v2/conversations/messages/{message}/details`
pub(super) async fn details(
    State(state): State<Arc<SimulatorState>>,
    Path(message): Path<String>,
    Extension(twist): Extension<ResponseOptions>,
) -> Answer {
    require(&state, &MESSAGE)?;
    let body = |model: &ConversationModel| model.body(&message, twist.age, twist.legacy);
    let body = state.conversations().iter().find_map(|conversation| conversation.model(body));
    Ok(Json(body.ok_or_else(nothing)?).into_response())
}

/// `POST /api/v2/conversations/messages/{id}/messages/bulk`
pub(super) async fn bulk(
    State(state): State<Arc<SimulatorState>>,
    Path(id): Path<String>,
    Extension(twist): Extension<ResponseOptions>,
    body: Bytes,
) -> Answer {
    require(&state, &MESSAGE)?;
    let conversation = state.conversation(&id).ok_or_else(no_conversation)?;
    let ids: Vec<String> = read(&body)?;
    if ids.len() > BULK_MOST {
        let words = format!("A maximum of {BULK_MOST} messages can be asked for at once.");
        return Err(error_response::rest(StatusCode::BAD_REQUEST, "bad.request", &words));
    }
    let mut entities: Vec<_> = conversation.model(|model| {
        // What is not there, or not there yet, is left out without a word.
        ids.iter().skip(twist.omit).filter_map(|id| model.body(id, twist.age, twist.legacy)).collect()
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
