//! Rows of conversation analytics, and the conversations that are open in queues.

use chrono::{DateTime, SecondsFormat, Utc};
use reqwest::Method;
use serde_json::{Value, json};

use super::path_segment;
use crate::api::rest::{Rest, RestError};
use crate::wire::conversation_row::{ConversationRow, RowPage, parse_rows};
use crate::wire::open_conversations::{OpenConversations, ROWS_PER_PAGE};

pub(super) const DETAILS_QUERY: &str = "/api/v2/analytics/conversations/details/query";
pub(super) const OBSERVATIONS_QUERY: &str = "/api/v2/analytics/queues/observations/query";

/// A query for a page of rows, newest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct RowQuery {
    pub(crate) start: DateTime<Utc>,
    pub(crate) end: DateTime<Utc>,
    /// Only conversations with one of these queues, users and types of media. Empty lists stand for all.
    pub(crate) queues: Vec<String>,
    pub(crate) users: Vec<String>,
    pub(crate) media_types: Vec<&'static str>,
    pub(crate) only_open: bool,
    /// The number of the page, counted from 1.
    pub(crate) page: usize,
}

impl RowQuery {
    /// Returns whether the API may search a longer interval.
    pub(crate) fn has_filter(&self) -> bool {
        self.only_open || !(self.queues.is_empty() && self.users.is_empty() && self.media_types.is_empty())
    }

    fn body(&self) -> Value {
        let rfc3339 = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Millis, true);
        let media_types: Vec<String> = self.media_types.iter().map(|media| (*media).to_owned()).collect();
        let lists = [("queueId", &self.queues), ("userId", &self.users), ("mediaType", &media_types)];
        let segment_filters: Vec<Value> = lists
            .iter()
            .filter(|(_, values)| !values.is_empty())
            .map(|(dimension, values)| any(dimension, values))
            .collect();
        let mut body = json!({
            "interval": format!("{}/{}", rfc3339(self.start), rfc3339(self.end)),
            "order": "desc",
            "orderBy": "conversationStart",
            "paging": { "pageSize": ROWS_PER_PAGE, "pageNumber": self.page },
        });
        if !segment_filters.is_empty() {
            body["segmentFilters"] = segment_filters.into();
        }
        if self.only_open {
            let is_open = json!({ "type": "dimension", "dimension": "conversationEnd", "operator": "notExists" });
            body["conversationFilters"] = json!([{ "type": "and", "predicates": [is_open] }]);
        }
        body
    }
}

/// Returns a page of rows. Analytics lag behind: a conversation that has just started may be missing.
pub(crate) async fn conversation_rows(rest: &Rest, query: &RowQuery) -> Result<RowPage, RestError> {
    let body = rest.send(Method::POST, DETAILS_QUERY, Some(&query.body())).await?;
    parse_rows(&body).ok_or_else(|| rest.unexpected("not a list of conversations"))
}

/// Returns the rows of these conversations, at most [`ROWS_PER_PAGE`].
pub(crate) async fn rows_of(rest: &Rest, ids: &[String]) -> Result<Vec<ConversationRow>, RestError> {
    let ids: Vec<String> = ids.iter().map(|id| path_segment(id).to_string()).collect();
    let body = rest.get(&format!("/api/v2/analytics/conversations/details?id={}", ids.join(","))).await?;
    let page = parse_rows(&body).ok_or_else(|| rest.unexpected("not a list of conversations"))?;
    Ok(page.rows)
}

/// Returns the ids of the conversations that are open in these queues, of any age. A queue with very many lists only some.
pub(crate) async fn observed_conversations(rest: &Rest, queues: &[String]) -> Result<Vec<String>, RestError> {
    let body = rest.send(Method::POST, OBSERVATIONS_QUERY, Some(&observation_query(queues))).await?;
    let open = OpenConversations::from_observations(&body, &[]);
    let open = open.ok_or_else(|| rest.unexpected("not a list of observations"))?;
    Ok(open.found.into_iter().map(|conversation| conversation.id).collect())
}

/// Returns the query for everything that is open in these queues.
pub(super) fn observation_query(queues: &[String]) -> Value {
    let metrics = ["oInteracting", "oWaiting", "oAlerting"];
    json!({ "filter": any("queueId", queues), "metrics": metrics, "detailMetrics": metrics })
}

/// Returns a filter for one of several values.
pub(super) fn any(dimension: &str, values: &[String]) -> Value {
    let predicate =
        |value: &String| json!({ "type": "dimension", "dimension": dimension, "operator": "matches", "value": value });
    json!({ "type": "or", "predicates": values.iter().map(predicate).collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_one_dimension_are_alternatives_and_dimensions_are_combined() {
        let query = RowQuery {
            queues: vec!["q1".into(), "q2".into()],
            media_types: vec!["voice"],
            only_open: true,
            page: 3,
            ..RowQuery::default()
        };
        let body = query.body();
        let filters = body["segmentFilters"].as_array().unwrap();
        assert_eq!(filters.len(), 2);
        assert_eq!(
            (filters[0]["type"].as_str(), filters[0]["predicates"].as_array().map(Vec::len)),
            (Some("or"), Some(2))
        );
        assert_eq!(body["conversationFilters"][0]["predicates"][0]["operator"], "notExists");
        assert_eq!((&body["paging"]["pageNumber"], &body["order"]), (&json!(3), &json!("desc")));
    }

    #[test]
    fn a_query_without_filters_has_none() {
        let query = RowQuery::default();
        let body = query.body();
        assert!(
            !query.has_filter() && body.get("segmentFilters").is_none() && body.get("conversationFilters").is_none()
        );
        assert!(RowQuery { only_open: true, ..RowQuery::default() }.has_filter());
    }
}
