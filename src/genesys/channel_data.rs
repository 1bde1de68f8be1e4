//! Channels and topics of the notification service, as REST gives them.

use chrono::{DateTime, Utc};
use serde_json::Value;
use url::Url;

use super::http::is_loopback;
use super::value::{items, parse, says, text, time};

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
    pub(crate) permitted: bool,
    /// Why not, in the server's words.
    pub(crate) reason: Option<String>,
    /// The permissions that are missing.
    pub(crate) missing: Vec<String>,
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
pub(crate) fn topic_states(json: &str) -> Option<Vec<TopicState>> {
    entities(json, |entity| {
        Some(TopicState {
            id: text(entity, "id")?,
            permitted: entity.get("state").is_none_or(Value::is_null) || says(entity, "state", "Permitted"),
            reason: text(entity, "rejectionReason"),
            missing: strings(entity, "missingPermissions").collect(),
        })
    })
}

/// Reads the list of what can be subscribed to; `None` when it is something else.
pub(crate) fn available_topics(json: &str) -> Option<Vec<AvailableTopic>> {
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
