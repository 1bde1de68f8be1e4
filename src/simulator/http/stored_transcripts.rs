//! The files of stored transcripts, as an object store hands them out: the link holds its own permission.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::simulator::faults::CallFault;
use crate::simulator::state::SimulatorState;
use crate::simulator::state::ids::uuid;

/// The approximate size of a word in a file.
const BYTES_PER_WORD: usize = 130;

/// Returns the link to the file of a conversation.
pub(super) fn link(state: &SimulatorState, conversation: &str) -> String {
    format!("{}/stored-transcripts/{conversation}?X-Amz-Expires=600&{}", state.base_url, signature(conversation))
}

/// `GET /stored-transcripts/{id}`
pub(super) async fn file(
    State(state): State<Arc<SimulatorState>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let is_signed = query.is_some_and(|query| query.split('&').any(|pair| pair == signature(&id)));
    if headers.contains_key(header::AUTHORIZATION) {
        return refusal(StatusCode::BAD_REQUEST, "Only one auth mechanism allowed");
    }
    if !is_signed || state.faults.breaks_call_transcript(&CallFault::ExpiredLink) {
        return refusal(StatusCode::FORBIDDEN, "Request has expired");
    }
    if state.faults.breaks_call_transcript(&CallFault::RedirectedTranscript) {
        return (StatusCode::FOUND, [(header::LOCATION, "ftp://127.0.0.1/transcript")]).into_response();
    }
    if state.faults.breaks_call_transcript(&CallFault::BrokenTranscript) {
        return r#"{"transcripts":[{"phrases":[{"text":"hel"#.into_response();
    }
    let filler = state.faults.transcript_size() / BYTES_PER_WORD;
    match state.begun_conversation(&id) {
        Some(conversation) => Json(conversation.read_model(|model| model.stored_transcript(filler))).into_response(),
        None => refusal(StatusCode::NOT_FOUND, "The specified key does not exist"),
    }
}

fn signature(conversation: &str) -> String {
    format!("X-Amz-Signature={}", uuid(&format!("signature of {conversation}")))
}

fn refusal(status: StatusCode, message: &str) -> Response {
    let body = format!("<Error><Code>AccessDenied</Code><Message>{message}</Message></Error>");
    (status, [(header::CONTENT_TYPE, "application/xml")], body).into_response()
}
