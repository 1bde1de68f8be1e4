//! The analytics query for conversations.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::{Value, json};

use super::handler::{HandlerResult, bad_request, parse_body, require_any};
use crate::simulator::state::SimulatorState;
use crate::simulator::state::model::ConversationModel;

/// The maximum number of conversations on a page.
const MAX_PAGE_SIZE: usize = 100;

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
pub(super) async fn query(State(state): State<Arc<SimulatorState>>, body: Bytes) -> HandlerResult {
    require_any(&state, &["analytics:conversationDetail:view"])?;
    let query: Query = parse_body(&body)?;
    if query.interval.as_deref().is_none_or(|interval| !interval.contains('/')) {
        return Err(bad_request("An interval is required."));
    }
    let paging = query.paging.unwrap_or(Paging { page_size: 25, page_number: 1 });
    if paging.page_size > MAX_PAGE_SIZE {
        return Err(bad_request("The page size is limited to 100."));
    }
    let filters: Vec<_> = query.segment_filters.iter().chain(&query.conversation_filters).collect();
    let detail = |model: &ConversationModel| {
        filters.iter().all(|filter| filter.matches(model)).then(|| model.analytics_detail())
    };
    let conversations = state.conversations().iter();
    let found: Vec<Value> = conversations.filter_map(|conversation| conversation.read_model(detail)).collect();
    let total = found.len();
    let skipped = paging.page_number.saturating_sub(1) * paging.page_size;
    let page: Vec<_> = found.into_iter().skip(skipped).take(paging.page_size).collect();
    let mut response = json!({ "totalHits": total });
    if !page.is_empty() {
        // The service omits an empty list.
        response["conversations"] = page.into();
    }
    Ok(Json(response).into_response())
}

impl Filter {
    fn matches(&self, model: &ConversationModel) -> bool {
        let predicates = self.predicates.iter().map(|predicate| predicate.matches(model));
        let mut parts = predicates.chain(self.clauses.iter().map(|clause| clause.matches(model)));
        if self.r#type.as_deref() == Some("or") {
            parts.any(|is_match| is_match)
        } else {
            parts.all(|is_match| is_match)
        }
    }
}

impl Predicate {
    /// Returns whether the conversation matches. Dimensions that the simulator does not have always match.
    fn matches(&self, model: &ConversationModel) -> bool {
        let value = self.value.as_deref().unwrap_or_default();
        match self.dimension.as_deref() {
            Some("queueId") => model.queues().any(|queue| queue.id == value),
            Some("userId") => model.users().any(|user| user.id == value),
            Some("conversationId") => model.id == value,
            Some("mediaType") => model.media_type().eq_ignore_ascii_case(value),
            Some("conversationEnd") => (self.operator.as_deref() == Some("notExists")) == model.ended_at.is_none(),
            _ => true,
        }
    }
}
