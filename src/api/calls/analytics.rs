//! The search for open conversations of queues and users.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use reqwest::Method;
use serde_json::{Value, json};

use crate::api::rest::{Rest, RestError};
use crate::config::Targets;
use crate::wire::json;

/// Conversations per page. The API allows at most 100.
const PAGE_SIZE: usize = 100;

/// The maximum number of open conversations that a search returns.
const MAX_CONVERSATIONS: usize = 1000;

/// The maximum age of an open conversation. Asynchronous ones stay open for days; the API allows a month.
const MAX_AGE_DAYS: i64 = 30;

/// Returns the ids of the open message conversations of these queues and users, newest first.
///
/// Analytics lag behind: a conversation that has just started may be missing.
pub(crate) async fn open_conversations(rest: &Rest, targets: &Targets) -> Result<Vec<String>, RestError> {
    let mut ids = Vec::new();
    for page in 1..=MAX_CONVERSATIONS / PAGE_SIZE {
        let path = "/api/v2/analytics/conversations/details/query";
        let body = rest.send(Method::POST, path, Some(&query(targets, page))).await?;
        let found = open_ids(&body).ok_or_else(|| rest.unexpected("not a list of conversations"))?;
        let is_last = found.len() < PAGE_SIZE;
        ids.extend(found);
        if is_last {
            break;
        }
    }
    Ok(ids)
}

fn query(targets: &Targets, page: usize) -> Value {
    let rfc3339 = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Millis, true);
    let now = Utc::now();
    let matches = |dimension: &str, value: &str| json!({ "type": "dimension", "dimension": dimension, "operator": "matches", "value": value });
    let queues = targets.queues.iter().map(|id| matches("queueId", id));
    let users = targets.users.iter().map(|id| matches("userId", id));
    let targets: Vec<Value> = queues.chain(users).collect();
    let is_open = json!({ "type": "dimension", "dimension": "conversationEnd", "operator": "notExists" });
    json!({
        "interval": format!("{}/{}", rfc3339(now - TimeDelta::days(MAX_AGE_DAYS)), rfc3339(now + TimeDelta::hours(1))),
        "segmentFilters": [
            { "type": "or", "predicates": targets },
            { "type": "and", "predicates": [matches("mediaType", "message")] },
        ],
        "conversationFilters": [{ "type": "and", "predicates": [is_open] }],
        "order": "desc",
        "orderBy": "conversationStart",
        "paging": { "pageSize": PAGE_SIZE, "pageNumber": page },
    })
}

/// Returns the ids of the open conversations in a response. The API omits the list if it found none.
fn open_ids(body: &str) -> Option<Vec<String>> {
    let body: Value = json::parse(body).ok().filter(Value::is_object)?;
    let listed = body["conversations"].as_array().map(Vec::as_slice).unwrap_or_default();
    let open = listed.iter().filter(|conversation| conversation["conversationEnd"].is_null());
    Some(open.filter_map(|conversation| conversation["conversationId"].as_str()).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_open_conversations_are_returned() {
        let body = r#"{"totalHits":2,"conversations":[{"conversationId":"a"},{"conversationId":"b","conversationEnd":"2026-01-02T03:04:05Z"},{"conversationId":7},null]}"#;
        assert_eq!(open_ids(body), Some(vec!["a".to_owned()]));
    }

    #[test]
    fn a_response_without_a_list_holds_no_conversations() {
        assert_eq!(open_ids("{}"), Some(Vec::new()));
    }

    #[test]
    fn a_body_that_is_no_object_is_rejected() {
        for body in ["", "[]", "<html>", "null"] {
            assert_eq!(open_ids(body), None, "{body}");
        }
    }

    #[test]
    fn queues_and_users_are_alternatives_and_the_other_filters_are_required() {
        let targets = Targets { queues: vec!["q1".into()], users: vec!["u1".into(), "u2".into()] };
        let query = query(&targets, 3);
        let alternatives = &query["segmentFilters"][0];
        assert_eq!(alternatives["type"], "or");
        assert_eq!(alternatives["predicates"].as_array().map(Vec::len), Some(3));
        assert_eq!(query["conversationFilters"][0]["predicates"][0]["operator"], "notExists");
        assert_eq!(query["paging"]["pageNumber"], 3);
    }
}
