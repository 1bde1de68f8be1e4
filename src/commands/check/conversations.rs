//! The named conversations: existence, media, state.

use std::io;

use super::importance::Importance;
use super::permissions::{self, ProbedConversation};
use super::report::{CheckResult, Report};
use crate::api::rest::RestError;
use crate::plural::count;
use crate::source::SourceError;
use crate::wire::conversation::{Snapshot, join_media};

/// Prints a line about each conversation. The error of the first one was already printed with the permission.
pub(super) fn check(
    conversations: &[ProbedConversation],
    importance: Importance,
    report: &mut Report<'_>,
) -> io::Result<()> {
    for (index, ProbedConversation { id, snapshot }) in conversations.iter().enumerate() {
        match snapshot {
            Ok(snapshot) => report.print(&describe(id, snapshot))?,
            Err(error @ RestError::NotFound { host, body }) => {
                let message = format!("target conversation {id}: not found at {host}: {body}");
                report.print(&absent(importance, message, &SourceError::from_rest(error.clone(), id)))?;
            }
            // The line of the permission has the error.
            Err(error) if index == 0 => report.print(&not_read(importance, id, error))?,
            Err(error) => report.print(&importance.result(&format!("target conversation {id}"), error))?,
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

fn not_read(importance: Importance, id: &str, error: &RestError) -> CheckResult {
    let message = format!("target conversation {id}: not read");
    let remedy = Some(format!("see the line of the permission {}", permissions::CONVERSATION));
    CheckResult { message, remedy, ..importance.result("", error) }
}

fn describe(id: &str, snapshot: &Snapshot) -> CheckResult {
    let messages: usize = snapshot.participants.iter().map(|participant| participant.messages.len()).sum();
    let contents = match (snapshot.has_messages, snapshot.has_calls) {
        (true, false) => count(messages, "message"),
        (false, true) => "a call".to_owned(),
        (true, true) => format!("{} and a call", count(messages, "message")),
        (false, false) if snapshot.other_media.is_empty() => "no messages and no call".to_owned(),
        (false, false) => join_media(&snapshot.other_media),
    };
    let state = if snapshot.has_ended() { "ended" } else { "open" };
    let participants = count(snapshot.participants.len(), "participant");
    let message = format!("target conversation {id}: {state}, {participants}, {contents}");
    match (snapshot.has_messages, snapshot.has_calls) {
        (true, _) => CheckResult::ok(message),
        (false, true) if snapshot.has_ended() => CheckResult::warn(
            format!("{message}; the text of an ended call is not available"),
            "follow a call while it is in progress",
        ),
        (false, true) => CheckResult::ok(format!("{message}; text is available if transcription is enabled")),
        (false, false) => CheckResult::warn(
            format!("{message}; only messages and transcribed calls are printed"),
            "check the id, or wait for the first message",
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

    fn line(json: &str) -> String {
        describe("c1", &Snapshot::parse(json).expect("a conversation")).to_string()
    }

    #[test]
    fn an_open_conversation_is_described_in_one_line() {
        let messages = r#"{"participants":[{"purpose":"customer","messages":[{"state":"connected",
            "messages":[{"messageId":"m1"},{"messageId":"m2"}]}]}]}"#;
        assert_eq!(line(messages), "ok    target conversation c1: open, 1 participant, 2 messages");
        let call = r#"{"participants":[{"calls":[{"state":"connected"}]},{"calls":[{"state":"connected"}]}]}"#;
        assert_eq!(
            line(call),
            "ok    target conversation c1: open, 2 participants, a call; text is available if transcription is enabled"
        );
    }

    #[test]
    fn a_conversation_without_anything_to_print_is_a_warning() {
        let ended = r#"{"endTime":"2026-01-02T03:04:05Z","participants":[{"calls":[{"state":"disconnected"}]}]}"#;
        assert!(
            line(ended).starts_with("warn  target conversation c1: ended, 1 participant, a call; "),
            "{}",
            line(ended)
        );
        for (other, expected) in [
            ("{}", "0 participants, no messages and no call;"),
            (r#"{"participants":[{"emails":[{}]},{}]}"#, "2 participants, an e-mail; only messages"),
            (
                r#"{"participants":[{"videos":[{}]},{"callbacks":[{}]}]}"#,
                "2 participants, a callback and a video call;",
            ),
        ] {
            let expected = format!("warn  target conversation c1: open, {expected}");
            assert!(line(other).starts_with(&expected), "{}", line(other));
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
