//! Notification channels and topics, from the responses of the notifications API.

use chrono::{DateTime, Utc};
use serde_json::Value;
use url::Url;

use super::json::{items_at, parse, text_at, text_equals, time_at};

/// A notification channel. Its id and address are secrets: with either, another program can receive the events.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Channel {
    pub(crate) id: String,
    /// The WebSocket address: `wss`, or `ws` to a loopback address.
    pub(crate) connect_uri: Url,
    /// The end of the channel, unless its subscriptions are renewed.
    pub(crate) expires: Option<DateTime<Utc>>,
}

/// The reason why a response is not a usable channel. No message contains the address or the id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ChannelError {
    #[error("not the JSON of a notification channel")]
    NotJson,
    #[error("notification channel without an id")]
    MissingId,
    #[error("notification channel without a valid connectUri")]
    InvalidConnectUri,
    #[error("notification channel with a connectUri that is not wss")]
    InsecureConnectUri,
}

/// The treatment of the existing subscriptions of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SubscribeMode {
    /// They are kept.
    Add,
    /// They are removed unless they are listed again. This extends the life of the channel by 24 hours.
    Replace,
}

/// The response to the subscription of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TopicState {
    /// The name of the topic.
    pub(crate) id: String,
    pub(crate) is_permitted: bool,
    /// The server's reason for a rejection.
    pub(crate) rejection_reason: Option<String>,
    pub(crate) missing_permissions: Vec<String>,
}

/// A topic that the API offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AvailableTopic {
    /// The name of the topic, with `{id}` in place of an id.
    pub(crate) id: String,
    /// The required permissions, without duplicates.
    pub(crate) permissions: Vec<String>,
}

impl Channel {
    /// Parses the response of a request for a channel. An unencrypted address has to be one that `is_loopback`.
    pub(crate) fn parse(json: &str, is_loopback: impl FnOnce(&Url) -> bool) -> Result<Self, ChannelError> {
        let value = parse(json).ok().filter(Value::is_object).ok_or(ChannelError::NotJson)?;
        let id = text_at(&value, "id").ok_or(ChannelError::MissingId)?;
        let address = text_at(&value, "connectUri").and_then(|address| Url::parse(&address).ok());
        let connect_uri = address.filter(Url::has_host).ok_or(ChannelError::InvalidConnectUri)?;
        match connect_uri.scheme() {
            "wss" => {}
            "ws" if is_loopback(&connect_uri) => {}
            _ => return Err(ChannelError::InsecureConnectUri),
        }
        Ok(Self { id, connect_uri, expires: time_at(&value, "expires") })
    }
}

impl std::fmt::Debug for Channel {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Channel").field("expires", &self.expires).finish_non_exhaustive()
    }
}

/// Parses the response to subscriptions. Topics without a name are left out. `None` if the response is not a list of
/// topics.
pub(crate) fn parse_topic_states(json: &str) -> Option<Vec<TopicState>> {
    parse_entities(json, |entity| {
        Some(TopicState {
            id: text_at(entity, "id")?,
            is_permitted: entity.get("state").is_none_or(Value::is_null) || text_equals(entity, "state", "Permitted"),
            rejection_reason: text_at(entity, "rejectionReason"),
            missing_permissions: strings_at(entity, "missingPermissions").collect(),
        })
    })
}

/// Parses the list of topics that the API offers. `None` if the response is not a list of topics.
pub(crate) fn parse_available_topics(json: &str) -> Option<Vec<AvailableTopic>> {
    parse_entities(json, |entity| Some(AvailableTopic { id: text_at(entity, "id")?, permissions: permissions(entity) }))
}

fn permissions(topic: &Value) -> Vec<String> {
    let detailed = items_at(topic, "permissionDetails").flat_map(|detail| strings_at(detail, "permissions"));
    let mut permissions = Vec::new();
    for permission in strings_at(topic, "requiresPermissions").chain(detailed) {
        if !permissions.contains(&permission) {
            permissions.push(permission);
        }
    }
    permissions
}

fn parse_entities<T>(json: &str, parse_entity: impl Fn(&Value) -> Option<T>) -> Option<Vec<T>> {
    let response = parse(json).ok()?;
    let entities = response.get("entities")?.as_array()?;
    Some(entities.iter().filter_map(parse_entity).collect())
}

fn strings_at<'a>(value: &'a Value, path: &str) -> impl Iterator<Item = String> + use<'a> {
    items_at(value, path).filter_map(|item| item.as_str()).filter(|text| !text.is_empty()).map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::fixtures::mangled;
    use super::*;

    const CHANNEL: &str = r#"{"connectUri":"wss://streaming.example.invalid/channels/streaming-2-x",
        "id":"streaming-2-x","expires":"2026-10-09T14:02:11.512Z"}"#;

    const TOPICS: &str = r#"{"entities":[
        {"id":"v2.users.u1.conversations.messages","state":"Permitted"},
        {"id":"v2.conversations.c1.transcription","state":"Rejected","rejectionReason":"Not authorized.",
         "missingPermissions":["conversation:transcription:view"]}]}"#;

    const AVAILABLE: &str = r#"{"entities":[
        {"id":"v2.users.{id}.conversations.messages","requiresPermissions":["a:b:view"],
         "permissionDetails":[{"type":"requiresPermissions","permissions":["a:b:view","c:d:view"]}]},
        {"id":"v2.system.x"}]}"#;

    /// Stands in for the loopback check of the caller.
    fn is_loopback(url: &Url) -> bool {
        url.host_str() == Some("127.0.0.1")
    }

    #[test]
    fn the_address_of_a_channel_is_encrypted_or_on_loopback() {
        let parsed = |uri: &str| {
            Channel::parse(&format!(r#"{{"id":"x","connectUri":"{uri}"}}"#), is_loopback)
                .map(|channel| channel.connect_uri.to_string())
        };
        for (uri, expected) in [
            ("wss://streaming.example.invalid/channels/x", Ok("wss://streaming.example.invalid/channels/x")),
            ("ws://127.0.0.1:8080/channels/x", Ok("ws://127.0.0.1:8080/channels/x")),
            ("ws://streaming.example.invalid/x", Err(ChannelError::InsecureConnectUri)),
            ("https://streaming.example.invalid/x", Err(ChannelError::InsecureConnectUri)),
            ("https://127.0.0.1/x", Err(ChannelError::InsecureConnectUri)),
            ("file:///x", Err(ChannelError::InvalidConnectUri)),
            ("/channels/x", Err(ChannelError::InvalidConnectUri)),
            ("", Err(ChannelError::InvalidConnectUri)),
        ] {
            assert_eq!(parsed(uri).as_deref(), expected.as_deref(), "{uri}");
        }
    }

    #[test]
    fn a_channel_is_complete_and_its_debug_output_hides_its_secrets() {
        let channel = Channel::parse(CHANNEL, is_loopback).expect("a channel");
        assert_eq!((channel.id.as_str(), channel.expires), ("streaming-2-x", "2026-10-09T14:02:11.512Z".parse().ok()));
        assert!(!format!("{channel:?}").contains("streaming"), "{channel:?}");
        for (json, error) in [
            ("", ChannelError::NotJson),
            ("[]", ChannelError::NotJson),
            ("{}", ChannelError::MissingId),
            (r#"{"id":"x"}"#, ChannelError::InvalidConnectUri),
            (r#"{"id":"x","connectUri":7}"#, ChannelError::InvalidConnectUri),
        ] {
            assert_eq!(Channel::parse(json, is_loopback), Err(error), "{json}");
        }
    }

    #[test]
    fn a_topic_without_a_state_is_permitted() {
        let states = parse_topic_states(TOPICS).expect("a list of topics");
        let [permitted, rejected] = states.as_slice() else { panic!("{states:?}") };
        assert!(
            permitted.is_permitted && permitted.rejection_reason.is_none() && permitted.missing_permissions.is_empty()
        );
        assert_eq!((rejected.is_permitted, rejected.rejection_reason.as_deref()), (false, Some("Not authorized.")));
        assert_eq!(rejected.missing_permissions, ["conversation:transcription:view"]);
        let odd =
            parse_topic_states(r#"{"entities":[{"id":"a"},{"id":"b","state":"PERMITTED"},{"id":"c","state":7},{},7]}"#);
        let permitted: Vec<bool> = odd.expect("a list of topics").iter().map(|topic| topic.is_permitted).collect();
        assert_eq!(permitted, [true, true, false]);
    }

    #[test]
    fn the_permissions_of_a_topic_have_no_duplicates() {
        let topics = parse_available_topics(AVAILABLE).expect("a list of topics");
        assert_eq!(topics[0].permissions, ["a:b:view", "c:d:view"]);
        assert!(topics[1].permissions.is_empty());
        for other in ["", "{}", "[]", r#"{"entities":7}"#] {
            assert!(parse_available_topics(other).is_none() && parse_topic_states(other).is_none(), "{other}");
        }
    }

    proptest! {
        #[test]
        fn any_value_in_any_place_is_read(channel in mangled(CHANNEL), topics in mangled(TOPICS), available in mangled(AVAILABLE)) {
            prop_assert_ne!(Channel::parse(&channel, is_loopback), Err(ChannelError::NotJson));
            let is_list = |json: &str| serde_json::from_str::<Value>(json).unwrap()["entities"].is_array();
            prop_assert_eq!(parse_topic_states(&topics).is_some(), is_list(&topics));
            prop_assert_eq!(parse_available_topics(&available).is_some(), is_list(&available));
        }
    }
}
