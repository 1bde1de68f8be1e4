//! Requests under way: each is a future that ends in what it has brought.

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use super::Mode;
use crate::api::calls::{self, SubscribeMode};
use crate::api::oauth::Token;
use crate::api::rest::{Rest, RestError};
use crate::config::Targets;
use crate::wire::channel::TopicState;
use crate::wire::conversation::Snapshot;
use crate::wire::message::MessageBody;

/// A request under way.
pub(super) type RequestFuture = LocalBoxFuture<'static, Done>;

/// What a request has brought.
#[derive(Debug)]
pub(super) enum Done {
    /// A look at a conversation.
    Look { conversation: String, result: Result<Snapshot, RestError> },
    /// Words of messages.
    Words { conversation: String, result: Result<Vec<MessageBody>, RestError> },
    /// What became of topics, and the token they were told with.
    Subscriptions {
        channel: String,
        asked: Vec<String>,
        change: SubscribeMode,
        result: Result<(Vec<TopicState>, Token), RestError>,
    },
    /// The name of an agent.
    Name { user: String, result: Result<Option<String>, RestError> },
    /// The conversations that are open in a group.
    Open { result: Result<Vec<String>, RestError> },
}

/// Looks at a conversation.
pub(super) fn look(rest: Rest, scope: Mode, conversation: String) -> RequestFuture {
    async move {
        let result = snapshot(&rest, scope, &conversation).await;
        Done::Look { conversation, result }
    }
    .boxed_local()
}

/// What is known of a conversation now. For the past its messages are enough, which takes fewer permissions.
///
/// # Errors
///
/// Whatever stands in the way. Cancel safe.
pub(crate) async fn snapshot(rest: &Rest, scope: Mode, conversation: &str) -> Result<Snapshot, RestError> {
    match scope {
        Mode::HistoryOnly => calls::message_snapshot(rest, conversation).await,
        Mode::Full => calls::snapshot(rest, conversation).await,
    }
}

/// Fetches the words of messages.
pub(super) fn words(rest: Rest, conversation: String, ids: Vec<String>) -> RequestFuture {
    async move {
        let result = calls::message_bodies(&rest, &conversation, &ids).await;
        Done::Words { conversation, result }
    }
    .boxed_local()
}

/// Tells the channel what to listen to.
pub(super) fn topics(rest: Rest, channel: String, change: SubscribeMode, asked: Vec<String>) -> RequestFuture {
    async move {
        let result = subscribe(&rest, &channel, change, &asked).await;
        Done::Subscriptions { channel, asked, change, result }
    }
    .boxed_local()
}

/// Tells the channel what to listen to: what became of each topic, and the token it was told with.
///
/// # Errors
///
/// Whatever stands in the way. Cancel safe.
pub(crate) async fn subscribe(
    rest: &Rest,
    channel: &str,
    change: SubscribeMode,
    asked: &[String],
) -> Result<(Vec<TopicState>, Token), RestError> {
    let states = calls::subscribe(rest, channel, change, asked).await?;
    Ok((states, rest.token().await?))
}

/// Asks for the name of an agent.
pub(super) fn name(rest: Rest, user: String) -> RequestFuture {
    async move {
        let result = calls::user_name(&rest, &user).await;
        Done::Name { user, result }
    }
    .boxed_local()
}

/// Asks which conversations are open in a group.
pub(super) fn open(rest: Rest, groups: Targets) -> RequestFuture {
    async move { Done::Open { result: calls::open_conversations(&rest, &groups).await } }.boxed_local()
}
