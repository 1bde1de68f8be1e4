//! Names of users and queues, and the search for them.

use std::collections::HashSet;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::handler::{HandlerResult, bad_request, not_found, parse_body, query_value, require_any};
use crate::simulator::http::error_response;
use crate::simulator::state::SimulatorState;
use crate::simulator::state::directory::User;
use crate::simulator::state::ids::{NamedEntity, division};

const QUEUE_PERMISSIONS: [&str; 1] = ["routing:queue:view"];
const USER_PERMISSIONS: [&str; 1] = ["directory:user:view"];

/// The maximum numbers of entries on a page.
const MAX_QUEUES: usize = 500;
const MAX_USERS: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UserSearch {
    page_size: Option<usize>,
    page_number: Option<usize>,
    #[serde(default)]
    query: Vec<Criterion>,
}

#[derive(Deserialize)]
struct Criterion {
    r#type: String,
    #[serde(default)]
    fields: Vec<String>,
    value: Option<String>,
}

/// A page of a list, counted from 1.
struct Page {
    number: usize,
    size: usize,
}

/// `GET /api/v2/users/{id}`, for which the API declares no permission
pub(super) async fn user(State(state): State<Arc<SimulatorState>>, Path(id): Path<String>) -> HandlerResult {
    if id == "me" {
        let message =
            "This request requires a user context. Client credentials cannot be used for requests to this resource.";
        return Err(error_response::rest(StatusCode::BAD_REQUEST, "not.a.user", message));
    }
    let user = state.users().into_iter().find(|user| user.id == id).ok_or_else(not_found)?;
    Ok(Json(user_json(&user)).into_response())
}

/// `GET /api/v2/users`, for which the API declares no permission. It has no filter by name.
pub(super) async fn users(State(state): State<Arc<SimulatorState>>, RawQuery(query): RawQuery) -> HandlerResult {
    let page = page(query.as_deref(), MAX_USERS)?;
    let ids = query_value(query.as_deref(), "id");
    let ids: Option<HashSet<&str>> = ids.as_deref().map(|ids| ids.split(',').collect());
    let is_wanted = |user: &&User| ids.as_ref().is_none_or(|ids| ids.contains(user.id.as_str()));
    let found: Vec<Value> = state.users().iter().filter(is_wanted).map(user_json).collect();
    Ok(listing("entities", &found, &page))
}

/// `POST /api/v2/users/search`
pub(super) async fn search_users(State(state): State<Arc<SimulatorState>>, body: Bytes) -> HandlerResult {
    require_any(&state, &USER_PERMISSIONS)?;
    let search: UserSearch = parse_body(&body)?;
    let (size, number) = (search.page_size.unwrap_or(25), search.page_number.unwrap_or(1));
    if size > MAX_USERS {
        return Err(bad_request("too many results requested"));
    }
    let matches = |user: &&User| search.query.iter().all(|criterion| criterion.matches(user));
    let found: Vec<Value> = state.users().iter().filter(matches).map(user_json).collect();
    if found.is_empty() {
        // The service omits an empty list.
        return Ok(Json(json!({ "total": 0, "pageCount": 0, "pageSize": size, "pageNumber": number })).into_response());
    }
    Ok(listing("results", &found, &Page { number, size }))
}

/// `GET /api/v2/routing/queues/{id}`
pub(super) async fn queue(State(state): State<Arc<SimulatorState>>, Path(id): Path<String>) -> HandlerResult {
    require_any(&state, &QUEUE_PERMISSIONS)?;
    let queue = state.queues().into_iter().find(|queue| queue.id == id).ok_or_else(not_found)?;
    Ok(Json(queue_json(&queue)).into_response())
}

/// `GET /api/v2/routing/queues`
pub(super) async fn queues(State(state): State<Arc<SimulatorState>>, RawQuery(query): RawQuery) -> HandlerResult {
    require_any(&state, &QUEUE_PERMISSIONS)?;
    let page = page(query.as_deref(), MAX_QUEUES)?;
    let pattern = query_value(query.as_deref(), "name");
    let is_wanted = |queue: &&NamedEntity| pattern.as_deref().is_none_or(|pattern| matches(pattern, &queue.name));
    let found: Vec<Value> = state.queues().iter().filter(is_wanted).map(queue_json).collect();
    Ok(listing("entities", &found, &page))
}

impl Criterion {
    fn matches(&self, user: &User) -> bool {
        let value = self.value.as_deref().unwrap_or_default().to_lowercase();
        let is_match = |field: &str| {
            let text = match field {
                "name" => &user.name,
                "email" | "username" => &user.email,
                _ => return false,
            };
            let text = text.to_lowercase();
            match self.r#type.as_str() {
                "EXACT" => text == value,
                "STARTS_WITH" => text.starts_with(&value),
                "CONTAINS" => text.contains(&value),
                _ => false,
            }
        };
        self.fields.iter().any(|field| is_match(field))
    }
}

/// Returns whether a name matches a pattern, with an asterisk at either end, in any letter case.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.to_lowercase(), name.to_lowercase());
    let text = pattern.strip_prefix('*').unwrap_or(&pattern);
    let text = text.strip_suffix('*').unwrap_or(text);
    match (pattern.starts_with('*'), pattern.ends_with('*')) {
        (true, true) => name.contains(text),
        (true, false) => name.ends_with(text),
        (false, true) => name.starts_with(text),
        (false, false) => name == text,
    }
}

#[expect(clippy::result_large_err, reason = "a response is what the caller needs, once per request")]
fn page(query: Option<&str>, max_size: usize) -> Result<Page, Response> {
    let number = |key, default| query_value(query, key).map_or(Some(default), |value| value.parse().ok());
    let page = number("pageNumber", 1).zip(number("pageSize", 25));
    match page {
        Some((number @ 1.., size @ 1..)) if size <= max_size => Ok(Page { number, size }),
        _ => Err(bad_request("invalid.page.number")),
    }
}

fn listing(list: &str, found: &[Value], Page { number, size }: &Page) -> Response {
    let entries: Vec<_> = found.iter().skip((number - 1) * size).take(*size).collect();
    let (total, pages) = (found.len(), found.len().div_ceil(*size));
    Json(json!({ list: entries, "pageSize": size, "pageNumber": number, "total": total, "pageCount": pages }))
        .into_response()
}

fn user_json(User { id, name, email }: &User) -> Value {
    json!({
        "id": id,
        "name": name,
        "division": division(),
        "email": email,
        "username": email,
        "state": "active",
        "version": 1,
        "selfUri": format!("/api/v2/users/{id}"),
    })
}

fn queue_json(NamedEntity { id, name }: &NamedEntity) -> Value {
    json!({
        "id": id,
        "name": name,
        "division": division(),
        "memberCount": 3,
        "selfUri": format!("/api/v2/routing/queues/{id}"),
    })
}
