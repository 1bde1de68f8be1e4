//! Which conversations there are.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, read, require};
use crate::simulator::http::error_response;
use crate::simulator::state::SimulatorState;
use crate::simulator::state::model::ConversationModel;

/// Conversations on a page, at most.
const PAGE_MOST: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Query {
    interval: Option<String>,
    #[serde(default)]
    segment_filters: Vec<Filter>,
    #[serde(default)]
    conversation_filters: Vec<Filter>,
    paging: Option<Paging>,
}

#[derive(Default, Deserialize)]
struct Filter {
    r#type: Option<String>,
    #[serde(default)]
    predicates: Vec<Predicate>,
    #[serde(default)]
    clauses: Vec<Filter>,
}

#[derive(Deserialize)]
struct Predicate {
    dimension: Option<String>,
    operator: Option<String>,
    value: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Paging {
    page_size: usize,
    page_number: usize,
}

/// `POST /api/v2/analytics/conversations/details/query`
pub(super) async fn query(State(state): State<Arc<SimulatorState>>, body: Bytes) -> Answer {
    require(&state, &["analytics:conversationDetail:view"])?;
    let query: Query = read(&body)?;
    if query.interval.as_deref().is_none_or(|interval| !interval.contains('/')) {
        return Err(error_response::rest(StatusCode::BAD_REQUEST, "bad.request", "An interval is required."));
    }
    let paging = query.paging.unwrap_or(Paging { page_size: 25, page_number: 1 });
    if paging.page_size > PAGE_MOST {
        return Err(error_response::rest(StatusCode::BAD_REQUEST, "bad.request", "The page size is limited to 100."));
    }
    let filters: Vec<_> = query.segment_filters.iter().chain(&query.conversation_filters).collect();
    let found = |model: &ConversationModel| filters.iter().all(|filter| filter.holds(model)).then(|| model.detail());
    let found: Vec<Value> = state.conversations().iter().filter_map(|conversation| conversation.model(found)).collect();
    let total = found.len();
    let skipped = paging.page_number.saturating_sub(1) * paging.page_size;
    let page: Vec<_> = found.into_iter().skip(skipped).take(paging.page_size).collect();
    let mut answer = json!({ "totalHits": total });
    if !page.is_empty() {
        // Where there is nothing, there is no list.
        answer["conversations"] = page.into();
    }
    Ok(Json(answer).into_response())
}

impl Filter {
    fn holds(&self, model: &ConversationModel) -> bool {
        let mut parts = self
            .predicates
            .iter()
            .map(|predicate| predicate.holds(model))
            .chain(self.clauses.iter().map(|clause| clause.holds(model)));
        if self.r#type.as_deref() == Some("or") { parts.any(|holds| holds) } else { parts.all(|holds| holds) }
    }
}

impl Predicate {
    /// What the simulator does not know of keeps nothing out.
    fn holds(&self, model: &ConversationModel) -> bool {
        let value = self.value.as_deref().unwrap_or_default();
        match self.dimension.as_deref() {
            Some("queueId") => model.queues().any(|queue| queue.id == value),
            Some("userId") => model.users().any(|user| user.id == value),
            Some("conversationId") => model.id == value,
            Some("mediaType") => model.media().eq_ignore_ascii_case(value),
            Some("conversationEnd") => (self.operator.as_deref() == Some("notExists")) == model.ended.is_none(),
            _ => true,
        }
    }
}
