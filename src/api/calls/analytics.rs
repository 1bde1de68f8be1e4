//! The search for open conversations of queues and users.

use std::collections::HashSet;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use reqwest::Method;
use serde_json::{Value, json};

use crate::api::rest::{Rest, RestError};
use crate::config::{Target, Targets};
use crate::wire::conversation_row::{ConversationRow, OpenConversations, RowPage, RowState, parse_rows};

/// Conversations per page. The API allows at most 100.
const PAGE_SIZE: usize = 100;

/// The maximum number of open conversations that a search returns. No more are followed at a time.
const MAX_CONVERSATIONS: usize = 10_000;

/// The maximum age of an open conversation. Asynchronous ones stay open for days; the API allows a month.
const MAX_AGE_DAYS: i64 = 30;

/// Adds the rows that are new and open: rows move between pages while these are requested.
fn add_open(open: &mut OpenConversations, rows: Vec<ConversationRow>, targets: &[Target], seen: &mut HashSet<String>) {
    open.counts.resize(targets.len(), 0);
    let rows = rows.into_iter().filter(|row| row.state != RowState::Ended);
    for row in rows.filter(|row| seen.insert(row.id.clone())) {
        for (target, count) in targets.iter().zip(&mut open.counts) {
            *count += usize::from(match target {
                Target::Queue(id) => row.queue_ids.contains(id),
                Target::User(id) => row.user_ids.contains(id),
            });
        }
        open.ids.push(row.id);
    }
}

/// Returns the open conversations of these queues and users, newest first.
///
/// Analytics lag behind: a conversation that has just started may be missing.
pub(crate) async fn open_conversations(rest: &Rest, targets: &Targets) -> Result<OpenConversations, RestError> {
    let (mut open, mut seen) = (OpenConversations::default(), HashSet::new());
    let all_targets: Vec<Target> = targets.iter().collect();
    for page in 1..=MAX_CONVERSATIONS / PAGE_SIZE {
        if page > 1 {
            rest.wait_for_rate_limit().await;
        }
        let path = "/api/v2/analytics/conversations/details/query";
        let body = rest.send(Method::POST, path, Some(&query(targets, page))).await?;
        let RowPage { rows, listed, .. } =
            parse_rows(&body).ok_or_else(|| rest.unexpected("not a list of conversations"))?;
        add_open(&mut open, rows, &all_targets, &mut seen);
        if listed < PAGE_SIZE {
            break;
        }
    }
    Ok(open)
}

fn query(targets: &Targets, page: usize) -> Value {
    let rfc3339 = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Millis, true);
    let now = Utc::now();
    let matches = |dimension: &str, value: &str| json!({ "type": "dimension", "dimension": dimension, "operator": "matches", "value": value });
    let queues = targets.queues.iter().map(|id| matches("queueId", id));
    let users = targets.users.iter().map(|id| matches("userId", id));
    let media = [("message", targets.media.messages), ("voice", targets.media.calls)];
    let media: Vec<Value> =
        media.iter().filter(|(_, is_followed)| *is_followed).map(|(media, _)| matches("mediaType", media)).collect();
    let targets: Vec<Value> = queues.chain(users).collect();
    let is_open = json!({ "type": "dimension", "dimension": "conversationEnd", "operator": "notExists" });
    json!({
        "interval": format!("{}/{}", rfc3339(now - TimeDelta::days(MAX_AGE_DAYS)), rfc3339(now + TimeDelta::hours(1))),
        "segmentFilters": [
            { "type": "or", "predicates": targets },
            { "type": "or", "predicates": media },
        ],
        "conversationFilters": [{ "type": "and", "predicates": [is_open] }],
        "order": "desc",
        "orderBy": "conversationStart",
        "paging": { "pageSize": PAGE_SIZE, "pageNumber": page },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(targets: &Targets, bodies: &[&str]) -> OpenConversations {
        let (mut open, mut seen) = (OpenConversations::default(), HashSet::new());
        let targets: Vec<Target> = targets.iter().collect();
        for body in bodies {
            add_open(&mut open, parse_rows(body).unwrap().rows, &targets, &mut seen);
        }
        open
    }

    #[test]
    fn only_open_conversations_are_returned_each_once() {
        let body = r#"{"totalHits":2,"conversations":[{"conversationId":"a"},{"conversationId":"b","conversationEnd":"2026-01-02T03:04:05Z"},null]}"#;
        assert_eq!(open(&Targets::default(), &[body, body, "{}"]).ids, ["a"]);
    }

    #[test]
    fn open_conversations_are_counted_for_each_target() {
        let row = |id: &str, queue: &str, user: &str| {
            json!({ "conversationId": id, "participants": [{ "userId": user, "sessions": [{ "mediaType": "message",
                "segments": [{ "queueId": queue }] }] }] })
        };
        let body = json!({ "conversations": [row("a", "q1", "u1"), row("b", "q1", "u2"), row("c", "q3", "u1")] });
        let targets =
            Targets { queues: vec!["q1".into(), "q2".into()], users: vec!["u1".into()], ..Targets::default() };
        let counts = open(&targets, &[&body.to_string()]).counts;
        assert_eq!(counts, [2, 0, 2]);
    }

    #[test]
    fn queues_and_users_are_alternatives_and_the_other_filters_are_required() {
        let targets =
            Targets { queues: vec!["q1".into()], users: vec!["u1".into(), "u2".into()], ..Targets::default() };
        let query = query(&targets, 3);
        let alternatives = &query["segmentFilters"][0];
        assert_eq!(alternatives["type"], "or");
        assert_eq!(alternatives["predicates"].as_array().map(Vec::len), Some(3));
        assert_eq!(query["conversationFilters"][0]["predicates"][0]["operator"], "notExists");
        assert_eq!(query["paging"]["pageNumber"], 3);
    }
}
