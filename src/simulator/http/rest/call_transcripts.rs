//! Links to the stored transcripts of calls.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::json;

use super::handler::{HandlerResult, require_any};
use crate::simulator::http::{error_response, stored_transcripts};
use crate::simulator::state::SimulatorState;

const PERMISSIONS: [&str; 2] = ["recording:recording:view", "speechAndTextAnalytics:data:view"];

/// `GET /api/v2/speechandtextanalytics/conversations/{id}/communications/{leg}/transcripturl`
pub(super) async fn link(
    State(state): State<Arc<SimulatorState>>,
    Path((id, leg)): Path<(String, String)>,
) -> HandlerResult {
    for permission in PERMISSIONS {
        require_any(&state, &[permission])?;
    }
    let delay = state.faults.transcript_delay();
    let has_transcript = |delay| {
        state
            .begun_conversation(&id)
            .is_some_and(|one| one.read_model(|model| model.has_stored_transcript(&leg, delay)))
    };
    if delay.is_some_and(has_transcript) {
        Ok(Json(json!({ "url": stored_transcripts::link(&state, &id) })).into_response())
    } else {
        Err(error_response::rest(StatusCode::NOT_FOUND, "resource.not.found", "URL is not available."))
    }
}
