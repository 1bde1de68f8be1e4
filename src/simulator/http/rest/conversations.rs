//! Conversations and the bodies of their messages.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::json;

use super::handler::{HandlerResult, bad_request, json_response, not_found, parse_body, require_any};
use super::middleware::ResponseOptions;
use crate::simulator::http::error_response;
use crate::simulator::state::SimulatorState;
use crate::simulator::state::model::ConversationModel;

const CONVERSATION_PERMISSIONS: [&str; 1] = ["conversation:communication:view"];
const MESSAGE_PERMISSIONS: [&str; 2] = ["conversation:message:view", "conversation:webmessaging:view"];

/// The maximum number of ids in a bulk request.
const MAX_BULK_IDS: usize = 1_000;

/// `GET /api/v2/conversations/{id}`
pub(super) async fn conversation(State(state): State<Arc<SimulatorState>>, Path(id): Path<String>) -> HandlerResult {
    require_any(&state, &CONVERSATION_PERMISSIONS)?;
    let conversation = state.begun_conversation(&id).ok_or_else(no_conversation)?;
    Ok(json_response(&conversation.read_model(ConversationModel::nested_response)))
}

/// `GET /api/v2/conversations/messages/{id}`, for which the API declares no permission
pub(super) async fn message_conversation(
    State(state): State<Arc<SimulatorState>>,
    Path(id): Path<String>,
) -> HandlerResult {
    let conversation = state.begun_conversation(&id).filter(|conversation| conversation.has_messages());
    let conversation = conversation.ok_or_else(no_conversation)?;
    Ok(json_response(&conversation.read_model(ConversationModel::flat_response)))
}

/// `GET /api/v2/conversations/messages/{id}/messages/{message}`
pub(super) async fn message(
    State(state): State<Arc<SimulatorState>>,
    Path((id, message)): Path<(String, String)>,
    Extension(options): Extension<ResponseOptions>,
) -> HandlerResult {
    require_any(&state, &MESSAGE_PERMISSIONS)?;
    let conversation = state.begun_conversation(&id).ok_or_else(no_conversation)?;
    let body = conversation
        .read_model(|model| model.message_body(&message, options.min_body_age, options.legacy_bodies))
        .ok_or_else(not_found)?;
    Ok(Json(body).into_response())
}

/// `GET /api/v2/conversations/messages/{message}/details`
pub(super) async fn details(
    State(state): State<Arc<SimulatorState>>,
    Path(message): Path<String>,
    Extension(options): Extension<ResponseOptions>,
) -> HandlerResult {
    require_any(&state, &MESSAGE_PERMISSIONS)?;
    let body = |model: &ConversationModel| model.message_body(&message, options.min_body_age, options.legacy_bodies);
    let body = state.begun_conversations().find_map(|conversation| conversation.read_model(body));
    Ok(Json(body.ok_or_else(not_found)?).into_response())
}

/// `POST /api/v2/conversations/messages/{id}/messages/bulk`
pub(super) async fn bulk(
    State(state): State<Arc<SimulatorState>>,
    Path(id): Path<String>,
    Extension(options): Extension<ResponseOptions>,
    body: Bytes,
) -> HandlerResult {
    require_any(&state, &MESSAGE_PERMISSIONS)?;
    let conversation = state.begun_conversation(&id).ok_or_else(no_conversation)?;
    let ids: Vec<String> = parse_body(&body)?;
    if ids.len() > MAX_BULK_IDS {
        return Err(bad_request(&format!("A maximum of {MAX_BULK_IDS} messages can be requested at once.")));
    }
    let mut entities: Vec<_> = conversation.read_model(|model| {
        // The service leaves out unknown ids and bodies that are not readable yet, without an error.
        let body = |id: &String| model.message_body(id, options.min_body_age, options.legacy_bodies);
        ids.iter().skip(options.omit).filter_map(body).collect()
    });
    if options.newest_first {
        entities.reverse();
    }
    Ok(Json(json!({ "entities": entities })).into_response())
}

fn no_conversation() -> Response {
    let code = "conversation.error.conversation.not.found";
    error_response::rest(StatusCode::NOT_FOUND, code, "The conversation does not exist.")
}
