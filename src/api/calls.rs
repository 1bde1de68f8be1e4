//! Notification channels: made, looked for, and told what to listen to.

pub(crate) mod analytics;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};
use reqwest::Method;
use serde_json::{Value, json};

use super::rest::{Rest, RestError};
use crate::wire::channel::{Channel, TopicState, topic_states};

/// What becomes of the topics a channel has already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SubscribeMode {
    /// They stay, and others come.
    Add,
    /// They go, unless they are named again.
    Replace,
}

/// Makes a channel. The service has no way to end one: it expires.
///
/// # Errors
///
/// Whatever stands in the way, and an address that is neither `wss` nor on loopback. Where there is nothing to make
/// channels with, another API answers, for of channels there may always be one more.
pub(crate) async fn create(rest: &Rest) -> Result<Channel, RestError> {
    let unlike = |reason| RestError::UnexpectedResponse { host: rest.host(), reason };
    let made = rest.send(Method::POST, "/api/v2/notifications/channels", None::<&()>).await;
    let body = made.map_err(|error| match error {
        RestError::NotFound { answer, .. } => unlike(format!("it says {answer}")),
        error => error,
    })?;
    Channel::parse(&body).map_err(|reason| unlike(reason.to_string()))
}

/// Whether the service still knows a channel.
///
/// # Errors
///
/// When it does not say.
pub(crate) async fn exists(rest: &Rest, channel: &str) -> Result<bool, RestError> {
    rest.exists(&path(channel, "")).await
}

/// Changes what a channel listens to, which also lets it live on, and says what became of each topic.
///
/// # Errors
///
/// Whatever stands in the way; [`RestError::NotFound`] when there is no such channel any more.
pub(crate) async fn subscribe(
    rest: &Rest,
    channel: &str,
    change: SubscribeMode,
    topics: &[String],
) -> Result<Vec<TopicState>, RestError> {
    let method = match change {
        SubscribeMode::Add => Method::POST,
        SubscribeMode::Replace => Method::PUT,
    };
    let wanted: Vec<Value> = topics.iter().map(|topic| json!({ "id": topic })).collect();
    let body = rest.send(method, &path(channel, "/subscriptions?ignoreErrors=true"), Some(&wanted)).await?;
    topic_states(&body).ok_or_else(|| RestError::UnexpectedResponse {
        host: rest.host(),
        reason: "its answer is no list of topics".to_owned(),
    })
}

/// An id from the network as no more than one segment of a path.
pub(crate) fn segment(id: &str) -> PercentEncode<'_> {
    utf8_percent_encode(id, RESERVED)
}

/// Everything but the characters that RFC 3986 calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn path(channel: &str, rest: &str) -> String {
    format!("/api/v2/notifications/channels/{}{rest}", segment(channel))
}
