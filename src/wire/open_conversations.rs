//! The open conversations of queues and users, as the two kinds of search report them.

use std::collections::HashMap;

use serde_json::Value;

use super::conversation_row::{RowState, parse_rows};
use super::json::{self, items_at, text_at};

/// Rows per page. The API allows at most 100.
pub(crate) const ROWS_PER_PAGE: usize = 100;

/// An open conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OpenConversation {
    pub(crate) id: String,
    /// The ids of its queues and users, as far as the search tells them.
    pub(crate) queues: Vec<String>,
    pub(crate) users: Vec<String>,
}

/// A part of the open conversations.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct OpenConversations {
    pub(crate) found: Vec<OpenConversation>,
    /// There are no more.
    pub(crate) is_complete: bool,
}

impl OpenConversations {
    /// Parses a page of rows.
    pub(crate) fn from_rows(body: &str) -> Option<Self> {
        let page = parse_rows(body)?;
        let rows = page.rows.into_iter().filter(|row| row.state != RowState::Ended);
        let found = rows.map(|row| OpenConversation { id: row.id, queues: row.queue_ids, users: row.user_ids });
        Some(Self { found: found.collect(), is_complete: page.listed < ROWS_PER_PAGE })
    }

    /// Parses the observations of these types of media, or of all if there are none, each conversation once. They are
    /// incomplete if the service says so, or counts more than it lists.
    pub(crate) fn from_observations(body: &str, media_types: &[&str]) -> Option<Self> {
        let body = json::parse(body).ok().filter(Value::is_object)?;
        let mut all = Self { found: Vec::new(), is_complete: true };
        let mut places = HashMap::new();
        let is_wanted = |group: &Value| {
            media_types.is_empty() || text_at(group, "mediaType").is_none_or(|media| is_one_of(&media, media_types))
        };
        for result in items_at(&body, "results").filter(|result| is_wanted(&result["group"])) {
            let queue = text_at(&result["group"], "queueId");
            for data in items_at(result, "data") {
                let listed: Vec<&Value> = items_at(data, "observations").collect();
                all.is_complete &= data["truncated"] != true && !counts_more(data, listed.len());
                for id in listed.iter().filter_map(|observation| text_at(observation, "conversationId")) {
                    let place = *places.entry(id.clone()).or_insert_with(|| {
                        all.found.push(OpenConversation { id, queues: Vec::new(), users: Vec::new() });
                        all.found.len() - 1
                    });
                    let queues = &mut all.found[place].queues;
                    queues.extend(queue.clone().filter(|queue| !queues.contains(queue)));
                }
            }
        }
        Some(all)
    }
}

fn is_one_of(media: &str, media_types: &[&str]) -> bool {
    media_types.iter().any(|known| known.eq_ignore_ascii_case(media))
}

fn counts_more(data: &Value, listed: usize) -> bool {
    let listed = f64::from(u32::try_from(listed).unwrap_or(u32::MAX));
    data["stats"]["count"].as_f64().is_some_and(|count| count > listed)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const MEDIA: [&str; 2] = ["message", "voice"];

    fn ids(open: &OpenConversations) -> Vec<(&str, usize)> {
        open.found.iter().map(|one| (one.id.as_str(), one.queues.len())).collect()
    }

    fn group(queue: &str, media: &str, data: &Value) -> Value {
        json!({ "group": { "queueId": queue, "mediaType": media }, "data": data })
    }

    /// Observations of one metric.
    fn metric(ids: &[&str], count: usize, is_truncated: bool) -> Value {
        let observations: Vec<Value> = ids.iter().map(|id| json!({ "conversationId": id })).collect();
        json!([{ "metric": "oWaiting", "stats": { "count": count }, "truncated": is_truncated, "observations": observations }])
    }

    fn observed(results: &[Value], media: &[&str]) -> OpenConversations {
        OpenConversations::from_observations(&json!({ "results": results }).to_string(), media).unwrap()
    }

    #[test]
    fn observations_name_each_conversation_once_with_all_its_queues() {
        let results = [
            group("q1", "message", &metric(&["a", "b"], 2, false)),
            group("q2", "voice", &metric(&["b", "c"], 2, false)),
            json!({ "data": metric(&["d"], 1, false) }),
        ];
        let open = observed(&results, &MEDIA);
        assert_eq!((ids(&open), open.is_complete), (vec![("a", 1), ("b", 2), ("c", 1), ("d", 0)], true));
    }

    #[test]
    fn observations_of_other_media_are_left_out() {
        let results =
            ["Message", "voice", "email", "callback"].map(|media| group("q1", media, &metric(&[media], 1, false)));
        assert_eq!(ids(&observed(&results, &MEDIA)), [("Message", 1), ("voice", 1)]);
        assert_eq!(ids(&observed(&results, &["voice"])), [("voice", 1)]);
    }

    #[test]
    fn observations_are_incomplete_if_the_service_says_so_or_lists_fewer_than_it_counts() {
        for (data, is_complete) in [
            (metric(&["a"], 1, false), true),
            (metric(&["a"], 1, true), false),
            (metric(&["a"], 2, false), false),
            (json!([{ "metric": "oWaiting", "stats": { "count": 0.0 } }, {}, null]), true),
            (json!([{ "observations": [{ "conversationId": "a" }] }]), true),
            (json!(null), true),
        ] {
            let open = observed(&[group("q1", "message", &data), json!(7)], &MEDIA);
            assert_eq!(open.is_complete, is_complete, "{data}");
        }
        let empty = OpenConversations { found: Vec::new(), is_complete: true };
        assert_eq!(OpenConversations::from_observations("{}", &MEDIA), Some(empty));
        for body in ["", "[]", "<html>", "null"] {
            assert_eq!(OpenConversations::from_observations(body, &MEDIA), None, "{body}");
            assert_eq!(OpenConversations::from_rows(body), None, "{body}");
        }
    }

    #[test]
    fn rows_of_open_conversations_name_their_queues_and_users() {
        let row = |id: &str| {
            json!({ "conversationId": id, "participants": [{ "userId": "u1", "sessions": [{ "mediaType": "message",
                "segments": [{ "queueId": "q1" }] }] }] })
        };
        let mut ended = row("b");
        ended["conversationEnd"] = json!("2026-01-02T03:04:05Z");
        let body = json!({ "totalHits": 4, "conversations": [row("a"), ended, null] }).to_string();
        let expected = OpenConversation { id: "a".into(), queues: vec!["q1".into()], users: vec!["u1".into()] };
        assert_eq!(
            OpenConversations::from_rows(&body),
            Some(OpenConversations { found: vec![expected], is_complete: true })
        );
    }

    #[test]
    fn a_full_page_is_followed_by_another_one() {
        for (listed, is_complete) in [(ROWS_PER_PAGE - 1, true), (ROWS_PER_PAGE, false)] {
            let rows: Vec<Value> = (0..listed).map(|number| json!({ "conversationId": number.to_string() })).collect();
            let open = OpenConversations::from_rows(&json!({ "conversations": rows }).to_string()).unwrap();
            assert_eq!((open.found.len(), open.is_complete), (listed, is_complete));
        }
    }

    #[test]
    fn without_media_all_observed_conversations_are_listed_once() {
        let result = |media: &str, id: &str| json!({ "group": { "mediaType": media }, "data": [{ "observations": [{ "conversationId": id }, {}] }, {}] });
        let body =
            json!({ "results": [result("email", "a"), result("voice", "b"), result("voice", "a"), {}] }).to_string();
        let open = OpenConversations::from_observations(&body, &[]).unwrap();
        assert_eq!(open.found.iter().map(|found| found.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        for body in ["", "[]", "<html>", "null"] {
            assert_eq!(OpenConversations::from_observations(body, &[]), None, "{body}");
        }
    }
}
