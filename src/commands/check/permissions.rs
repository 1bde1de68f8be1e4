//! The permissions of the REST API. Each is tried with a request that requires it and changes nothing.

use std::io;

use super::importance::Importance;
use super::messages;
use super::report::{CheckResult, Report};
use super::{CheckContext, PLACEHOLDER_ID};
use crate::api::calls;
use crate::api::rest::{Rest, RestError};
use crate::config::Targets;
use crate::plural::count;
use crate::wire::conversation::Snapshot;

/// The permission for snapshots.
pub(super) const CONVERSATION: &str = "conversation:communication:view";

/// The permissions for message text. Either is enough.
const TEXT: &str = "conversation:message:view or conversation:webmessaging:view";

/// The permission to find the conversations of queues and users.
const SEARCH: &str = "analytics:conversationDetail:view";

/// The consequence of a missing [`SEARCH`] permission.
const WITHOUT_SEARCH: &str =
    "--user, and --queue without analytics:queueObservation:view, then join a conversation with its next message";

/// The permission to find the open conversations of queues, of any age.
const OBSERVATIONS: &str = "analytics:queueObservation:view";

/// The consequence of a missing [`OBSERVATIONS`] permission.
const WITHOUT_OBSERVATIONS: &str = "--queue then joins conversations older than 31 days with \
     their next message, and list --queue omits those older than 7 days";

/// The permissions for the stored transcripts of calls. Both are needed.
const CALL_TRANSCRIPTS: &str = "recording:recording:view and speechAndTextAnalytics:data:view";

/// The consequence of missing [`CALL_TRANSCRIPTS`] permissions.
const WITHOUT_CALL_TRANSCRIPTS: &str = "nothing is then printed of a call that has ended";

/// Message bodies to request: enough to see that the permission works.
const PROBED_BODIES: usize = 3;

/// A named conversation with its snapshot.
pub(super) struct ProbedConversation {
    pub(super) id: String,
    pub(super) snapshot: Result<Snapshot, RestError>,
}

/// Tries each permission. Returns the snapshots of the named conversations.
pub(super) async fn check(
    context: &CheckContext<'_>,
    targets: &Targets,
    importance: Importance,
    report: &mut Report<'_>,
) -> io::Result<Vec<ProbedConversation>> {
    let conversations = take_snapshots(context).await;
    let placeholder;
    let snapshot = if let Some(first) = conversations.first() {
        &first.snapshot
    } else {
        placeholder = calls::snapshot(&context.rest, PLACEHOLDER_ID).await;
        &placeholder
    };
    report.print(&result(CONVERSATION, importance, snapshot.as_ref().map(|_| ())))?;
    let text = probe_text(&context.rest, &conversations).await;
    // A tail of calls requests no message bodies.
    let importance = if are_all_calls(&conversations) { Importance::Optional } else { importance };
    report.print(&result(TEXT, importance, text.as_ref().copied()))?;
    report.print(&probe_search(context, targets).await)?;
    if !targets.queues.is_empty() {
        report.print(&probe_observations(context, targets).await)?;
    }
    report.print(&probe_call_transcript(&context.rest, &conversations).await)?;
    Ok(conversations)
}

/// Requests the link to the transcript of a call, or one that does not exist. Warns at most: the text of a call in progress
/// needs no stored transcript.
async fn probe_call_transcript(rest: &Rest, conversations: &[ProbedConversation]) -> CheckResult {
    let with_leg =
        conversations.iter().find_map(|conversation| Some((conversation.id.as_str(), customer_leg(conversation)?)));
    let (conversation, leg) = with_leg.unwrap_or((PLACEHOLDER_ID, PLACEHOLDER_ID));
    match calls::call_transcript_link(rest, conversation, leg).await {
        Ok(_) | Err(RestError::NotFound { .. }) => {
            CheckResult::ok(format!("permission {CALL_TRANSCRIPTS}: granted (for ended calls)"))
        }
        Err(error) => CheckResult::warn(
            format!("permission {CALL_TRANSCRIPTS}: {error}; {WITHOUT_CALL_TRANSCRIPTS}"),
            messages::remedy(&error),
        ),
    }
}

/// Returns the leg of the customer of a call.
fn customer_leg(conversation: &ProbedConversation) -> Option<&str> {
    let participants = &conversation.snapshot.as_ref().ok()?.participants;
    let customer = participants.iter().filter(|participant| participant.purpose.is_customer());
    customer.flat_map(|customer| &customer.call_legs).map(|leg| leg.id.as_str()).next()
}

async fn take_snapshots(context: &CheckContext<'_>) -> Vec<ProbedConversation> {
    let mut conversations = Vec::new();
    for id in &context.check.conversations {
        context.throttle().await;
        let snapshot = calls::snapshot(&context.rest, id).await;
        conversations.push(ProbedConversation { id: id.clone(), snapshot });
    }
    conversations
}

/// Requests some message bodies, or one that does not exist.
async fn probe_text(rest: &Rest, conversations: &[ProbedConversation]) -> Result<(), RestError> {
    let with_messages = conversations.iter().find_map(|conversation| Some((conversation, message_ids(conversation)?)));
    let (conversation, mut ids) = match with_messages {
        Some((conversation, ids)) => (conversation.id.as_str(), ids),
        None => (conversations.first().map_or(PLACEHOLDER_ID, |first| &first.id), Vec::new()),
    };
    if ids.is_empty() {
        ids.push(PLACEHOLDER_ID.to_owned());
    }
    calls::message_bodies(rest, conversation, &ids).await.map(|_| ())
}

/// Returns the first message ids of a message conversation.
fn message_ids(conversation: &ProbedConversation) -> Option<Vec<String>> {
    let snapshot = conversation.snapshot.as_ref().ok().filter(|snapshot| snapshot.has_messages)?;
    let messages = snapshot.participants.iter().flat_map(|participant| &participant.messages);
    Some(messages.take(PROBED_BODIES).map(|message| message.id.clone()).collect())
}

fn are_all_calls(conversations: &[ProbedConversation]) -> bool {
    let is_call = |conversation: &ProbedConversation| {
        conversation.snapshot.as_ref().is_ok_and(|snapshot| snapshot.has_calls && !snapshot.has_messages)
    };
    !conversations.is_empty() && conversations.iter().all(is_call)
}

/// Returns the result for a permission. A 404 shows that the request was permitted.
fn result(permission: &str, importance: Importance, response: Result<(), &RestError>) -> CheckResult {
    match response {
        Ok(()) | Err(RestError::NotFound { .. }) => CheckResult::ok(format!("permission {permission}: granted")),
        Err(error) => importance.result(&format!("permission {permission}"), error),
    }
}

/// Searches for open conversations. Warns at most: a tail of queues and users works without the search.
async fn probe_search(context: &CheckContext<'_>, targets: &Targets) -> CheckResult {
    let placeholder = Targets { queues: vec![PLACEHOLDER_ID.to_owned()], users: Vec::new(), ..Targets::default() };
    let searched = if targets.is_empty() { &placeholder } else { targets };
    match calls::open_conversation_rows(&context.rest, searched, 1).await {
        Ok(_) if targets.is_empty() => {
            CheckResult::ok(format!("permission {SEARCH}: granted (for --queue and --user)"))
        }
        Ok(open) => {
            let at_least = if open.is_complete { "" } else { "at least " };
            let open = count(open.found.len(), "open conversation");
            CheckResult::ok(format!("permission {SEARCH}: granted; {at_least}{open} in these queues and users"))
        }
        Err(error) => {
            CheckResult::warn(format!("permission {SEARCH}: {error}; {WITHOUT_SEARCH}"), messages::remedy(&error))
        }
    }
}

/// Searches the queues for open conversations of any age.
async fn probe_observations(context: &CheckContext<'_>, targets: &Targets) -> CheckResult {
    match calls::observed_conversations(&context.rest, &targets.queues).await {
        Ok(open) => {
            let open = count(open.len(), "open conversation");
            CheckResult::ok(format!("permission {OBSERVATIONS}: granted; {open} of any age in these queues"))
        }
        Err(error) => CheckResult::warn(
            format!("permission {OBSERVATIONS}: {error}; {WITHOUT_OBSERVATIONS}"),
            messages::remedy(&error),
        ),
    }
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;
    use reqwest::header::HeaderMap;

    use super::super::report::Status;
    use super::*;
    use crate::api::error_body::ErrorBody;
    use crate::exit_code::ErrorClass;
    use crate::status::redact::Secrets;

    const MESSAGES: &str = r#"{"participants":[{"messages":[{"state":"connected","messages":[{"messageId":"m1"},
        {"messageId":"m2"},{"messageId":"m3"},{"messageId":"m4"}]}]}]}"#;
    const CALL: &str = r#"{"participants":[{"calls":[{"state":"connected"}]}]}"#;

    fn probed(json: &str) -> ProbedConversation {
        ProbedConversation { id: "c1".to_owned(), snapshot: Ok(Snapshot::parse(json).expect("a conversation")) }
    }

    #[test]
    fn a_request_for_an_absent_entity_was_permitted() {
        let body = |status| ErrorBody::new(status, &HeaderMap::new(), b"", &Secrets::default());
        let absent = RestError::NotFound { host: "h".to_owned(), body: body(StatusCode::NOT_FOUND) };
        let forbidden = RestError::Forbidden { host: "h".to_owned(), body: body(StatusCode::FORBIDDEN) };
        let status = |response| result("a:b:view", Importance::Required, response).status;
        assert_eq!([status(Ok(())), status(Err(&absent))], [Status::Ok; 2]);
        assert_eq!(status(Err(&forbidden)), Status::Fail(ErrorClass::NoPermission));
    }

    #[test]
    fn the_first_three_messages_of_a_message_conversation_are_probed() {
        assert_eq!(message_ids(&probed(MESSAGES)), Some(["m1", "m2", "m3"].map(str::to_owned).to_vec()));
        assert_eq!(message_ids(&probed(CALL)), None);
    }

    #[test]
    fn only_calls_make_message_text_optional() {
        assert!(are_all_calls(&[probed(CALL)]));
        assert!(!are_all_calls(&[probed(CALL), probed(MESSAGES)]));
        assert!(!are_all_calls(&[]));
    }
}
