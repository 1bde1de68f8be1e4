//! Notification channels and their topics.

use reqwest::Method;
use serde_json::{Value, json};

use super::path_segment;
use crate::api::rest::{Rest, RestError};
use crate::config::is_loopback;
use crate::wire::channel::{self, AvailableTopic, Channel, SubscribeMode, TopicState};

/// Creates a channel. The API has no call to delete one; a channel expires.
///
/// # Errors
///
/// In addition to the errors of [`Rest::get`], a `connectUri` that is neither `wss` nor on loopback. A 404 becomes
/// [`RestError::UnexpectedResponse`]: this path exists in every Genesys Cloud API.
pub(crate) async fn create_channel(rest: &Rest) -> Result<Channel, RestError> {
    let result = rest.send(Method::POST, "/api/v2/notifications/channels", None::<&()>).await;
    let body = result.map_err(|error| match error {
        RestError::NotFound { body, .. } => rest.unexpected(body.to_string()),
        error => error,
    })?;
    Channel::parse(&body, is_loopback).map_err(|error| rest.unexpected(error.to_string()))
}

/// Returns whether the channel still exists.
pub(crate) async fn channel_exists(rest: &Rest, channel: &str) -> Result<bool, RestError> {
    rest.exists(&format!("/api/v2/notifications/channels/{}", path_segment(channel))).await
}

/// Subscribes a channel to topics. Returns the state of each.
///
/// Returns [`RestError::NotFound`] if the channel no longer exists.
pub(crate) async fn subscribe(
    rest: &Rest,
    channel: &str,
    mode: SubscribeMode,
    topics: &[String],
) -> Result<Vec<TopicState>, RestError> {
    let method = match mode {
        SubscribeMode::Add => Method::POST,
        SubscribeMode::Replace => Method::PUT,
    };
    let path = format!("/api/v2/notifications/channels/{}/subscriptions?ignoreErrors=true", path_segment(channel));
    let wanted: Vec<Value> = topics.iter().map(|topic| json!({ "id": topic })).collect();
    let body = rest.send(method, &path, Some(&wanted)).await?;
    channel::parse_topic_states(&body).ok_or_else(|| rest.unexpected("not a list of topics"))
}

/// Returns every topic that the API offers, with the permissions it requires.
pub(crate) async fn available_topics(rest: &Rest) -> Result<Vec<AvailableTopic>, RestError> {
    let path = "/api/v2/notifications/availabletopics?expand=requiresPermissions&expand=permissionDetails";
    let body = rest.get(path).await?;
    channel::parse_available_topics(&body).ok_or_else(|| rest.unexpected("not a list of topics"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unencrypted_channel_address_has_to_be_on_loopback() {
        for (uri, is_accepted) in [
            ("wss://streaming.example.invalid/x", true),
            ("ws://127.0.0.1:8080/x", true),
            ("ws://localhost/x", true),
            ("ws://[::1]/x", true),
            ("ws://streaming.example.invalid/x", false),
            ("ws://localhost.example.invalid/x", false),
        ] {
            let json = json!({ "id": "x", "connectUri": uri }).to_string();
            assert_eq!(Channel::parse(&json, is_loopback).is_ok(), is_accepted, "{uri}");
        }
    }
}
