//! The analytics query for conversations.

use std::collections::HashSet;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::response::IntoResponse;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::handler::{HandlerResult, bad_request, parse_body, query_value, require_any};
use crate::simulator::state::SimulatorState;
use crate::simulator::state::message::format_time;
use crate::simulator::state::model::ConversationModel;

const DETAIL_PERMISSIONS: [&str; 1] = ["analytics:conversationDetail:view"];

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
    order: Option<String>,
}

#[derive(Deserialize)]
struct ObservationQuery {
    filter: Filter,
}

/// The time that a query covers.
struct Interval {
    start: DateTime<Utc>,
    end: DateTime<Utc>,
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
    require_any(&state, &DETAIL_PERMISSIONS)?;
    let query: Query = parse_body(&body)?;
    let filters: Vec<_> = query.segment_filters.iter().chain(&query.conversation_filters).collect();
    let interval = Interval::parse(query.interval.as_deref().unwrap_or_default())
        .ok_or_else(|| bad_request("An interval is required."))?;
    let max_days = if filters.is_empty() { 7 } else { 31 };
    if interval.end - interval.start > TimeDelta::days(max_days) {
        let message = "You must specify a search interval as part of your query that does not exceed";
        return Err(bad_request(&format!("{message} {max_days} days")));
    }
    let paging = query.paging.unwrap_or(Paging { page_size: 25, page_number: 1 });
    if paging.page_size > MAX_PAGE_SIZE {
        return Err(bad_request("The page size is limited to 100."));
    }
    let is_wanted = |model: &ConversationModel| {
        interval.contains(model.started_at) && filters.iter().all(|filter| filter.matches(model))
    };
    let mut found: Vec<Value> = details_of(&state, is_wanted);
    if query.order.as_deref() == Some("desc") {
        found.reverse();
    }
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

/// `GET /api/v2/analytics/conversations/details`
pub(super) async fn details(State(state): State<Arc<SimulatorState>>, RawQuery(query): RawQuery) -> HandlerResult {
    require_any(&state, &DETAIL_PERMISSIONS)?;
    let ids = query_value(query.as_deref(), "id").unwrap_or_default();
    let ids: HashSet<&str> = ids.split(',').collect();
    let found = details_of(&state, |model| ids.contains(model.id.as_str()));
    Ok(Json(json!({ "conversations": found })).into_response())
}

/// `POST /api/v2/analytics/queues/observations/query`
pub(super) async fn observations(State(state): State<Arc<SimulatorState>>, body: Bytes) -> HandlerResult {
    require_any(&state, &["analytics:queueObservation:view"])?;
    let query: ObservationQuery = parse_body(&body)?;
    let observation = |model: &ConversationModel| {
        let queue = model.current_queue().filter(|_| model.ended_at.is_none() && query.filter.matches(model))?;
        let observation = json!({ "conversationId": model.id, "observationDate": format_time(model.started_at) });
        Some(json!({
            "group": { "queueId": queue.id, "mediaType": model.media_type() },
            "data": [{ "metric": "oInteracting", "stats": { "count": 1 }, "truncated": false,
                "observations": [observation] }],
        }))
    };
    let conversations = state.begun_conversations();
    let results: Vec<Value> = conversations.filter_map(|conversation| conversation.read_model(observation)).collect();
    Ok(Json(json!({ "results": results })).into_response())
}

/// Returns the entries of the conversations that match, oldest first.
fn details_of(state: &SimulatorState, is_wanted: impl Fn(&ConversationModel) -> bool) -> Vec<Value> {
    let entry = |model: &ConversationModel| is_wanted(model).then(|| (model.started_at, model.analytics_detail()));
    let conversations = state.begun_conversations();
    let mut found: Vec<_> = conversations.filter_map(|conversation| conversation.read_model(entry)).collect();
    found.sort_by_key(|(started_at, _)| *started_at);
    found.into_iter().map(|(_, detail)| detail).collect()
}

impl Interval {
    fn parse(text: &str) -> Option<Self> {
        let (start, end) = text.split_once('/')?;
        Some(Self { start: start.parse().ok()?, end: end.parse().ok()? })
    }

    /// Returns whether the interval touches the day of a time.
    fn contains(&self, time: DateTime<Utc>) -> bool {
        (self.start.date_naive()..=self.end.date_naive()).contains(&time.date_naive())
    }
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
