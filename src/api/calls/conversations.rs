//! Snapshots of conversations and bodies of messages.

use reqwest::Method;

use super::path_segment;
use crate::api::rest::{Rest, RestError};
use crate::wire::conversation::Snapshot;
use crate::wire::message::{self, MessageBody};

/// Returns the state of a conversation with all its media.
pub(crate) async fn snapshot(rest: &Rest, conversation: &str) -> Result<Snapshot, RestError> {
    get_snapshot(rest, &format!("/api/v2/conversations/{}", path_segment(conversation))).await
}

/// Returns the state of a message conversation. Requires fewer permissions than [`snapshot`].
pub(crate) async fn message_snapshot(rest: &Rest, conversation: &str) -> Result<Snapshot, RestError> {
    get_snapshot(rest, &format!("/api/v2/conversations/messages/{}", path_segment(conversation))).await
}

async fn get_snapshot(rest: &Rest, path: &str) -> Result<Snapshot, RestError> {
    let body = rest.get(path).await?;
    Snapshot::parse(&body).ok_or_else(|| rest.unexpected("not a conversation"))
}

/// Returns the bodies of messages of a conversation, in no particular order and without those that do not exist.
///
/// At most 1,000 ids are allowed per call.
pub(crate) async fn message_bodies(
    rest: &Rest,
    conversation: &str,
    ids: &[String],
) -> Result<Vec<MessageBody>, RestError> {
    let path = format!("/api/v2/conversations/messages/{}/messages/bulk", path_segment(conversation));
    let body = rest.send(Method::POST, &path, Some(&ids)).await?;
    let mut bodies = message::parse_bulk(&body).ok_or_else(|| rest.unexpected("not a list of messages"))?;
    bodies.retain(|message| message.conversation.as_deref().is_none_or(|id| id == conversation));
    Ok(bodies)
}
