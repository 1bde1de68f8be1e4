//! Users and queues, for their names.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::json;

use super::Answer;
use crate::simulator::http::error_response;
use crate::simulator::state::SimulatorState;
use crate::simulator::state::model::division;

/// `GET /api/v2/users/{id}`, for which no permission is declared
pub(super) async fn user(State(state): State<Arc<SimulatorState>>, Path(id): Path<String>) -> Answer {
    if id == "me" {
        let words =
            "This request requires a user context. Client credentials cannot be used for requests to this resource.";
        return Err(error_response::rest(StatusCode::BAD_REQUEST, "not.a.user", words));
    }
    let user = state.conversations().iter().find_map(|conversation| conversation.user(&id));
    let user = user.ok_or_else(|| error_response::usual(StatusCode::NOT_FOUND))?;
    let address = format!("{}@northwind.example", user.name.to_lowercase().replace(' ', "."));
    let body = json!({
        "id": user.id,
        "name": user.name,
        "division": division(),
        "email": address,
        "username": address,
        "state": "active",
        "version": 1,
        "selfUri": format!("/api/v2/users/{}", user.id),
    });
    Ok(Json(body).into_response())
}

/// `GET /api/v2/routing/queues/{id}`
pub(super) async fn queue(State(state): State<Arc<SimulatorState>>, Path(id): Path<String>) -> Answer {
    super::require(&state, &["routing:queue:view"])?;
    let queue = state.conversations().iter().find_map(|conversation| conversation.queue(&id));
    let queue = queue.ok_or_else(|| error_response::usual(StatusCode::NOT_FOUND))?;
    let body = json!({
        "id": queue.id,
        "name": queue.name,
        "division": division(),
        "memberCount": 3,
        "selfUri": format!("/api/v2/routing/queues/{}", queue.id),
    });
    Ok(Json(body).into_response())
}
