//! The two searches for open conversations of queues and users.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use reqwest::Method;
use serde_json::{Value, json};

use super::details::{DETAILS_QUERY, OBSERVATIONS_QUERY, any, observation_query};
use crate::api::rest::{Rest, RestError};
use crate::config::{FollowedMedia, Targets};
use crate::wire::open_conversations::{OpenConversations, ROWS_PER_PAGE};

/// The maximum interval of a query with a filter.
const MAX_INTERVAL: TimeDelta = TimeDelta::days(31);

/// The time after the present that a query covers: the clocks may differ, and an interval must not end at the present.
const MARGIN: TimeDelta = TimeDelta::hours(1);

/// Returns the conversations that are open in the queues, of any age. Where there are very many, the API lists only some.
pub(crate) async fn observed_open_conversations(
    rest: &Rest,
    targets: &Targets,
) -> Result<OpenConversations, RestError> {
    let body = rest.send(Method::POST, OBSERVATIONS_QUERY, Some(&observation_query(&targets.queues))).await?;
    OpenConversations::from_observations(&body, &media_types(targets.media))
        .ok_or_else(|| rest.unexpected("not a list of observations"))
}

/// Returns a page of the open conversations of the queues and users that started within a month, newest first. Pages are
/// counted from 1.
///
/// Analytics lag behind: a conversation that has just started may be missing. Rows move between pages.
pub(crate) async fn open_conversation_rows(
    rest: &Rest,
    targets: &Targets,
    page: usize,
) -> Result<OpenConversations, RestError> {
    let body = rest.send(Method::POST, DETAILS_QUERY, Some(&query(targets, page, Utc::now()))).await?;
    OpenConversations::from_rows(&body).ok_or_else(|| rest.unexpected("not a list of conversations"))
}

fn query(targets: &Targets, page: usize, now: DateTime<Utc>) -> Value {
    let rfc3339 = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Millis, true);
    let end = now + MARGIN;
    let media: Vec<String> = media_types(targets.media).into_iter().map(str::to_owned).collect();
    let is_open = json!({ "type": "dimension", "dimension": "conversationEnd", "operator": "notExists" });
    json!({
        "interval": format!("{}/{}", rfc3339(end - MAX_INTERVAL), rfc3339(end)),
        "segmentFilters": [of_targets(targets), any("mediaType", &media)],
        "conversationFilters": [{ "type": "and", "predicates": [is_open] }],
        "order": "desc",
        "orderBy": "conversationStart",
        "paging": { "pageSize": ROWS_PER_PAGE, "pageNumber": page },
    })
}

/// Returns the names of the followed media in analytics.
fn media_types(media: FollowedMedia) -> Vec<&'static str> {
    let all = [("message", media.messages), ("voice", media.calls)];
    all.into_iter().filter(|(_, is_followed)| *is_followed).map(|(name, _)| name).collect()
}

/// Returns a filter for one of the queues and users.
fn of_targets(targets: &Targets) -> Value {
    let mut filter = any("queueId", &targets.queues);
    let mut users = any("userId", &targets.users);
    if let (Some(all), Some(users)) = (filter["predicates"].as_array_mut(), users["predicates"].as_array_mut()) {
        all.append(users);
    }
    filter
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queues_and_users_are_alternatives_and_the_other_filters_are_required() {
        let targets =
            Targets { queues: vec!["q1".into()], users: vec!["u1".into(), "u2".into()], ..Targets::default() };
        let query = query(&targets, 3, DateTime::UNIX_EPOCH);
        let alternatives = &query["segmentFilters"][0];
        assert_eq!(alternatives["type"], "or");
        assert_eq!(alternatives["predicates"].as_array().map(Vec::len), Some(3));
        assert_eq!(query["conversationFilters"][0]["predicates"][0]["operator"], "notExists");
        assert_eq!(query["paging"]["pageNumber"], 3);
        assert_eq!(query["interval"], "1969-12-01T01:00:00.000Z/1970-01-01T01:00:00.000Z", "31 days, not up to now");
    }
}
