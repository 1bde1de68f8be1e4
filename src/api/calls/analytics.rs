//! Which conversations are open in a queue or with an agent.

use chrono::{SecondsFormat, TimeDelta, Utc};
use reqwest::Method;
use serde_json::{Value, json};

use crate::api::rest::{Rest, RestError};
use crate::config::Targets;
use crate::wire::json;

/// Conversations a page; the service allows no more.
const PAGE: usize = 100;

/// More open conversations than this are not looked for.
const MOST: usize = 1000;

/// How far back an open conversation may have begun. Asynchronous ones stay open for days; the service takes a month.
const DAYS: i64 = 30;

/// The ids of the open message conversations of these groups, as far as the analytics of the service know them.
///
/// # Errors
///
/// Whatever stands in the way.
pub(crate) async fn open_conversations(rest: &Rest, groups: &Targets) -> Result<Vec<String>, RestError> {
    let mut ids = Vec::new();
    for page in 1..=MOST / PAGE {
        let path = "/api/v2/analytics/conversations/details/query";
        let body = rest.send(Method::POST, path, Some(&query(groups, page))).await?;
        let found = ids_in(&body).ok_or_else(|| RestError::UnexpectedResponse {
            host: rest.host(),
            reason: "its answer is no list of conversations".to_owned(),
        })?;
        let full = found.len() >= PAGE;
        ids.extend(found);
        if !full {
            break;
        }
    }
    Ok(ids)
}

fn query(groups: &Targets, page: usize) -> Value {
    let stamp = |time: chrono::DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Millis, true);
    let now = Utc::now();
    let is = |dimension: &'static str| move |id: &String| json!({ "type": "dimension", "dimension": dimension, "operator": "matches", "value": id });
    let groups: Vec<Value> =
        groups.queues.iter().map(is("queueId")).chain(groups.users.iter().map(is("userId"))).collect();
    let message = json!({ "type": "dimension", "dimension": "mediaType", "operator": "matches", "value": "message" });
    let open = json!({ "type": "dimension", "dimension": "conversationEnd", "operator": "notExists" });
    json!({
        "interval": format!("{}/{}", stamp(now - TimeDelta::days(DAYS)), stamp(now + TimeDelta::hours(1))),
        "segmentFilters": [
            { "type": "or", "predicates": groups },
            { "type": "and", "predicates": [message] },
        ],
        "conversationFilters": [{ "type": "and", "predicates": [open] }],
        "order": "desc",
        "orderBy": "conversationStart",
        "paging": { "pageSize": PAGE, "pageNumber": page },
    })
}

/// Where nothing is found, there is no list.
fn ids_in(body: &str) -> Option<Vec<String>> {
    let body: Value = json::parse(body).ok().filter(Value::is_object)?;
    let listed = body["conversations"].as_array().map(Vec::as_slice).unwrap_or_default();
    let open = listed.iter().filter(|one| one["conversationEnd"].is_null());
    Some(open.filter_map(|one| one["conversationId"].as_str()).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_open_conversations_are_taken_and_no_list_is_none() {
        let ids = |body| ids_in(body);
        let two = r#"{"totalHits":2,"conversations":[{"conversationId":"a"},{"conversationId":"b","conversationEnd":"2026-01-02T03:04:05Z"},{"conversationId":7},null]}"#;
        assert_eq!(ids(two), Some(vec!["a".to_owned()]));
        assert_eq!(ids("{}"), Some(Vec::new()));
        for nonsense in ["", "[]", "<html>", "null"] {
            assert_eq!(ids(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn groups_are_alternatives_and_the_rest_is_required() {
        let groups = Targets { queues: vec!["q1".into()], users: vec!["u1".into(), "u2".into()] };
        let query = query(&groups, 3);
        let alternatives: Vec<_> =
            query["segmentFilters"][0]["predicates"].as_array().expect("a list").iter().collect();
        assert_eq!(alternatives.len(), 3);
        assert_eq!((&query["segmentFilters"][0]["type"], &query["paging"]["pageNumber"]), (&json!("or"), &json!(3)));
        assert_eq!(query["conversationFilters"][0]["predicates"][0]["operator"], "notExists");
    }
}
