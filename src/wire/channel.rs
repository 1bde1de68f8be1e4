//! Channels and topics of the notification service, as REST gives them.

use chrono::{DateTime, Utc};
use serde_json::Value;
use url::Url;

use super::json::{items, parse, says, text, time};
use crate::config::is_loopback;

/// A notification channel. Whoever knows its id or address can listen: neither may ever be shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Channel {
    /// Its id.
    pub(crate) id: String,
    /// Where to dial: `wss`, or `ws` on this machine.
    pub(crate) connect_uri: Url,
    /// When it ends unless its subscriptions are renewed.
    pub(crate) expires: Option<DateTime<Utc>>,
}

/// Why an answer is no channel to be used. No message holds the address or the id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ChannelError {
    /// It is something else.
    #[error("the answer is not the JSON of a notification channel")]
    NotJson,
    /// It has no id.
    #[error("the notification channel has no id")]
    NoId,
    /// It cannot be dialled.
    #[error("the notification channel has no connectUri that is an address")]
    NoAddress,
    /// Anybody on the way could listen.
    #[error("the connectUri of the notification channel is not wss")]
    NotSecure,
}

/// What has become of a wish to subscribe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TopicState {
    /// The name of the topic.
    pub(crate) id: String,
    /// Whether its events will come.
    pub(crate) is_permitted: bool,
    /// Why not, in the server's words.
    pub(crate) rejection_reason: Option<String>,
    /// The permissions that are missing.
    pub(crate) missing_permissions: Vec<String>,
}

/// A topic that can be subscribed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AvailableTopic {
    /// Its name, with `{id}` where an id goes.
    pub(crate) id: String,
    /// The permissions it needs, each once.
    pub(crate) permissions: Vec<String>,
}

impl Channel {
    /// Reads the answer to a request for a channel.
    ///
    /// # Errors
    ///
    /// When it lacks what is needed, or would be dialled in the open.
    pub(crate) fn parse(json: &str) -> Result<Self, ChannelError> {
        let value = parse(json).ok().filter(Value::is_object).ok_or(ChannelError::NotJson)?;
        let id = text(&value, "id").ok_or(ChannelError::NoId)?;
        let address = text(&value, "connectUri").and_then(|address| Url::parse(&address).ok());
        let connect_uri = address.filter(Url::has_host).ok_or(ChannelError::NoAddress)?;
        match connect_uri.scheme() {
            "wss" => {}
            "ws" if is_loopback(&connect_uri) => {}
            _ => return Err(ChannelError::NotSecure),
        }
        Ok(Self { id, connect_uri, expires: time(&value, "expires") })
    }
}

impl std::fmt::Debug for Channel {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Channel").field("expires", &self.expires).finish_non_exhaustive()
    }
}

/// Reads the answer to subscriptions, without the topics that have no name; `None` when it is something else.
pub(crate) fn parse_topic_states(json: &str) -> Option<Vec<TopicState>> {
    entities(json, |entity| {
        Some(TopicState {
            id: text(entity, "id")?,
            is_permitted: entity.get("state").is_none_or(Value::is_null) || says(entity, "state", "Permitted"),
            rejection_reason: text(entity, "rejectionReason"),
            missing_permissions: strings(entity, "missingPermissions").collect(),
        })
    })
}

/// Reads the list of what can be subscribed to; `None` when it is something else.
pub(crate) fn parse_available_topics(json: &str) -> Option<Vec<AvailableTopic>> {
    entities(json, |entity| Some(AvailableTopic { id: text(entity, "id")?, permissions: permissions(entity) }))
}

fn permissions(topic: &Value) -> Vec<String> {
    let detailed = items(topic, "permissionDetails").flat_map(|detail| strings(detail, "permissions"));
    let mut permissions = Vec::new();
    for permission in strings(topic, "requiresPermissions").chain(detailed) {
        if !permissions.contains(&permission) {
            permissions.push(permission);
        }
    }
    permissions
}

fn entities<T>(json: &str, read: impl Fn(&Value) -> Option<T>) -> Option<Vec<T>> {
    let listing = parse(json).ok()?;
    let entities = listing.get("entities")?.as_array()?;
    Some(entities.iter().filter_map(read).collect())
}

fn strings<'a>(value: &'a Value, path: &str) -> impl Iterator<Item = String> + use<'a> {
    items(value, path).filter_map(|item| item.as_str()).filter(|text| !text.is_empty()).map(ToOwned::to_owned)
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

    #[test]
    fn a_channel_is_dialled_in_secret_or_at_home() {
        let with = |uri: &str| {
            Channel::parse(&format!(r#"{{"id":"x","connectUri":"{uri}"}}"#))
                .map(|channel| channel.connect_uri.to_string())
        };
        for (uri, expected) in [
            ("wss://streaming.example.invalid/channels/x", Ok("wss://streaming.example.invalid/channels/x")),
            ("ws://127.0.0.1:8080/channels/x", Ok("ws://127.0.0.1:8080/channels/x")),
            ("ws://localhost/x", Ok("ws://localhost/x")),
            ("ws://[::1]/x", Ok("ws://[::1]/x")),
            ("ws://streaming.example.invalid/x", Err(ChannelError::NotSecure)),
            ("ws://localhost.example.invalid/x", Err(ChannelError::NotSecure)),
            ("https://streaming.example.invalid/x", Err(ChannelError::NotSecure)),
            ("file:///x", Err(ChannelError::NoAddress)),
            ("/channels/x", Err(ChannelError::NoAddress)),
            ("", Err(ChannelError::NoAddress)),
        ] {
            assert_eq!(with(uri).as_deref(), expected.as_deref(), "{uri}");
        }
    }

    #[test]
    fn a_channel_is_whole_and_keeps_its_secrets() {
        let channel = Channel::parse(CHANNEL).expect("a channel");
        assert_eq!((channel.id.as_str(), channel.expires), ("streaming-2-x", "2026-10-09T14:02:11.512Z".parse().ok()));
        assert!(!format!("{channel:?}").contains("streaming"), "{channel:?}");
        for (json, error) in [
            ("", ChannelError::NotJson),
            ("[]", ChannelError::NotJson),
            ("{}", ChannelError::NoId),
            (r#"{"id":"x"}"#, ChannelError::NoAddress),
            (r#"{"id":"x","connectUri":7}"#, ChannelError::NoAddress),
        ] {
            assert_eq!(Channel::parse(json), Err(error), "{json}");
        }
    }

    #[test]
    fn topics_are_permitted_unless_something_else_is_said() {
        let states = parse_topic_states(TOPICS).expect("a listing");
        let [permitted, rejected] = states.as_slice() else { panic!("{states:?}") };
        assert!(
            permitted.is_permitted && permitted.rejection_reason.is_none() && permitted.missing_permissions.is_empty()
        );
        assert_eq!((rejected.is_permitted, rejected.rejection_reason.as_deref()), (false, Some("Not authorized.")));
        assert_eq!(rejected.missing_permissions, ["conversation:transcription:view"]);
        let odd =
            parse_topic_states(r#"{"entities":[{"id":"a"},{"id":"b","state":"PERMITTED"},{"id":"c","state":7},{},7]}"#);
        let permitted: Vec<bool> = odd.expect("a listing").iter().map(|topic| topic.is_permitted).collect();
        assert_eq!(permitted, [true, true, false]);
    }

    #[test]
    fn each_permission_of_a_topic_is_named_once() {
        let topics = parse_available_topics(AVAILABLE).expect("a listing");
        assert_eq!(topics[0].permissions, ["a:b:view", "c:d:view"]);
        assert!(topics[1].permissions.is_empty());
        for garbage in ["", "{}", "[]", r#"{"entities":7}"#] {
            assert!(parse_available_topics(garbage).is_none() && parse_topic_states(garbage).is_none(), "{garbage}");
        }
    }

    proptest! {
        #[test]
        fn anything_anywhere_is_read(channel in mangled(CHANNEL), topics in mangled(TOPICS), available in mangled(AVAILABLE)) {
            prop_assert_ne!(Channel::parse(&channel), Err(ChannelError::NotJson));
            let listing = |json: &str| serde_json::from_str::<Value>(json).unwrap()["entities"].is_array();
            prop_assert_eq!(parse_topic_states(&topics).is_some(), listing(&topics));
            prop_assert_eq!(parse_available_topics(&available).is_some(), listing(&available));
        }
    }
}
