//! Names of users and queues.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::json;

use super::handler::{HandlerResult, not_found, require_any};
use crate::simulator::http::error_response;
use crate::simulator::state::SimulatorState;
use crate::simulator::state::ids::division;

/// `GET /api/v2/users/{id}`, for which the API declares no permission
pub(super) async fn user(State(state): State<Arc<SimulatorState>>, Path(id): Path<String>) -> HandlerResult {
    if id == "me" {
        let message =
            "This request requires a user context. Client credentials cannot be used for requests to this resource.";
        return Err(error_response::rest(StatusCode::BAD_REQUEST, "not.a.user", message));
    }
    let user = state.conversations().iter().find_map(|conversation| conversation.user(&id));
    let user = user.ok_or_else(not_found)?;
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
pub(super) async fn queue(State(state): State<Arc<SimulatorState>>, Path(id): Path<String>) -> HandlerResult {
    require_any(&state, &["routing:queue:view"])?;
    let queue = state.conversations().iter().find_map(|conversation| conversation.queue(&id));
    let queue = queue.ok_or_else(not_found)?;
    let body = json!({
        "id": queue.id,
        "name": queue.name,
        "division": division(),
        "memberCount": 3,
        "selfUri": format!("/api/v2/routing/queues/{}", queue.id),
    });
    Ok(Json(body).into_response())
}
