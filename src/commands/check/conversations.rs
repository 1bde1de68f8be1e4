//! The named conversations: existence, media, state.

use std::io;

use super::importance::Importance;
use super::permissions::ProbedConversation;
use super::report::{CheckResult, Report};
use crate::api::rest::RestError;
use crate::plural::count;
use crate::source::SourceError;
use crate::wire::conversation::Snapshot;

/// Prints a line about each conversation. An error of the first one was already printed with the permission.
pub(super) fn check(
    conversations: &[ProbedConversation],
    importance: Importance,
    report: &mut Report<'_>,
) -> io::Result<()> {
    for (index, ProbedConversation { id, snapshot }) in conversations.iter().enumerate() {
        match snapshot {
            Ok(snapshot) => report.print(&describe(id, snapshot))?,
            Err(error @ RestError::NotFound { host, body }) => {
                let message = format!("conversation {id}: {host} has none: {body}");
                report.print(&absent(importance, message, &SourceError::from_rest(error.clone(), id)))?;
            }
            Err(_) if index == 0 => {}
            Err(error) => report.print(&importance.result(&format!("conversation {id}"), error))?,
        }
    }
    Ok(())
}

fn absent(importance: Importance, message: String, error: &SourceError) -> CheckResult {
    match importance {
        Importance::Required => CheckResult::fail(error.class(), message, error.hint()),
        Importance::Fallback | Importance::Optional => CheckResult::warn(message, error.hint()),
    }
}

fn describe(id: &str, snapshot: &Snapshot) -> CheckResult {
    let messages: usize = snapshot.participants.iter().map(|participant| participant.messages.len()).sum();
    let media = match (snapshot.has_messages, snapshot.has_calls) {
        (true, false) => "messages",
        (false, true) => "a call",
        (true, true) => "messages and a call",
        (false, false) => "neither messages nor a call",
    };
    let state = if snapshot.has_ended() { "over" } else { "open" };
    let participants = count(snapshot.participants.len(), "participant");
    let message = format!("conversation {id}: {media}, {state}, {participants}, {}", count(messages, "message"));
    match (snapshot.has_messages, snapshot.has_calls) {
        (true, _) => CheckResult::ok(message),
        (false, true) if snapshot.has_ended() => {
            CheckResult::warn(message, "what was said in a call can only be had while it goes on")
        }
        (false, true) => CheckResult::ok(format!("{message}; its words come where transcription is switched on")),
        (false, false) => {
            CheckResult::warn(message, "a tail prints messages and transcribed calls: there may be nothing to print")
        }
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

    fn line(json: &str) -> String {
        describe("c1", &Snapshot::parse(json).expect("a conversation")).to_string()
    }

    #[test]
    fn an_open_conversation_is_described_in_one_line() {
        let messages = r#"{"participants":[{"purpose":"customer","messages":[{"state":"connected",
            "messages":[{"messageId":"m1"},{"messageId":"m2"}]}]}]}"#;
        assert_eq!(line(messages), "ok    conversation c1: messages, open, 1 participant, 2 messages");
        let call = r#"{"participants":[{"calls":[{"state":"connected"}]},{"calls":[{"state":"connected"}]}]}"#;
        assert_eq!(
            line(call),
            "ok    conversation c1: a call, open, 2 participants, 0 messages; its words come where transcription is switched on"
        );
    }

    #[test]
    fn a_conversation_without_anything_to_print_is_a_warning() {
        let ended = r#"{"endTime":"2026-01-02T03:04:05Z","participants":[{"calls":[{"state":"disconnected"}]}]}"#;
        assert!(line(ended).starts_with("warn  conversation c1: a call, over, "), "{}", line(ended));
        for other in ["{}", r#"{"participants":[{"emails":[{}]}]}"#] {
            assert!(line(other).starts_with("warn  conversation c1: neither messages nor a call"), "{other}");
        }
    }

    #[test]
    fn an_absent_conversation_is_a_failure_only_if_the_api_is_required() {
        let body = ErrorBody::new(StatusCode::NOT_FOUND, &HeaderMap::new(), b"", &Secrets::default());
        let error = RestError::NotFound { host: "api.test".to_owned(), body };
        let error = SourceError::from_rest(error, "c1");
        let status = |importance| absent(importance, error.to_string(), &error).status;
        assert_eq!(status(Importance::Required), Status::Fail(ErrorClass::NoInput));
        assert_eq!([Importance::Fallback, Importance::Optional].map(status), [Status::Warn; 2]);
    }
}
