//! The transcript endpoint: whether the API has it, and whether it accepts the client.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};

use super::messages;
use super::report::{CheckResult, Report};
use super::{CheckContext, LIMITS, PLACEHOLDER_ID};
use crate::api::websocket::{self, CLOSE_NORMAL, HandshakeError, KeepAlive, Socket};
use crate::config::SourceChoice;
use crate::source::SourceError;
use crate::source::transcript_endpoint;

/// The limit for the server's reply to a close frame.
const CLOSE_REPLY_TIMEOUT: Duration = Duration::from_secs(1);

/// Opens a transcript socket unless the source is notifications. Returns whether it opened.
pub(super) async fn check(context: &CheckContext<'_>, report: &mut Report<'_>) -> io::Result<bool> {
    if context.check.source == SourceChoice::Notifications {
        return Ok(false);
    }
    let named = context.check.conversations.first().map(String::as_str);
    let handshake = open_and_close(context, named.unwrap_or(PLACEHOLDER_ID)).await;
    report.print(&result(context.check.source, named, handshake.as_ref().copied()))?;
    Ok(handshake.is_ok())
}

/// Closes a socket and reads what the server still sends. Dropping a connection with unread data resets it, and the
/// reset would overtake the close frame.
pub(super) async fn close_gracefully<T: AsyncRead + AsyncWrite + Unpin>(mut socket: Socket<T>) {
    socket.close(CLOSE_NORMAL).await;
    let drain = async { while socket.next().await.is_ok() {} };
    let _ = tokio::time::timeout(CLOSE_REPLY_TIMEOUT, drain).await;
}

async fn open_and_close(context: &CheckContext<'_>, conversation: &str) -> Result<(), HandshakeError> {
    let url = transcript_endpoint(&context.check.endpoints.api, conversation);
    let token = context.rest.auth().token().await.ok();
    let socket = websocket::open(context.rest.http(), &url, token.as_ref(), LIMITS, KeepAlive::PingFrame).await?;
    close_gracefully(socket).await;
    Ok(())
}

/// Returns the result of a handshake for the `named` conversation or else for [`PLACEHOLDER_ID`].
fn result(source: SourceChoice, named: Option<&str>, handshake: Result<(), &HandshakeError>) -> CheckResult {
    let Err(error) = handshake else { return CheckResult::ok("transcript endpoint: socket opened and closed") };
    let message = format!("transcript endpoint: {error}");
    let error = SourceError::from_handshake(error.clone(), named.unwrap_or(PLACEHOLDER_ID));
    match error.handshake_status() {
        Some(404) if source == SourceChoice::Auto => CheckResult::ok(not_offered(named.is_some())),
        _ if source == SourceChoice::Auto && error.is_without_transcript_socket() => CheckResult::warn(
            format!("{message}; notifications are used"),
            "check --api-url and the proxy if a transcript socket is expected",
        ),
        _ => CheckResult::fail(error.class(), message, remedy(&error, named.is_some())),
    }
}

/// Returns the finding of a 404 in `auto`. The API gives the same response for a conversation that does not exist.
fn not_offered(is_named: bool) -> String {
    let finding = "transcript endpoint: not offered here (404); notifications are used";
    if is_named { finding.to_owned() } else { format!("{finding}; to be certain, name a conversation with -c") }
}

fn remedy(error: &SourceError, is_named: bool) -> String {
    let remedy = match error {
        SourceError::Forbidden { body, .. } if !body.names_permission() => "see the permission lines below",
        SourceError::NoTranscript { .. } if is_named => {
            "check the id and the region, or omit --source transcript to use notifications"
        }
        SourceError::NoTranscript { .. } => {
            "name a conversation with -c: the tested id is a placeholder and does not exist"
        }
        SourceError::Unavailable { body, .. } => return messages::try_again(body),
        error => error.hint(),
    };
    remedy.to_owned()
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

    fn result_status(source: SourceChoice, status: u16) -> Status {
        status_with_body(source, status, br#"{"message":"No."}"#)
    }

    fn status_with_body(source: SourceChoice, status: u16, body: &[u8]) -> Status {
        let status = StatusCode::from_u16(status).expect("a status");
        let body = ErrorBody::new(status, &HeaderMap::new(), body, &Secrets::default());
        let error = HandshakeError::Rejected { host: "api.test".to_owned(), body };
        result(source, Some("c1"), Err(&error)).status
    }

    #[test]
    fn an_absent_endpoint_is_a_failure_if_the_transcript_source_is_required() {
        assert_eq!(result_status(SourceChoice::Auto, 404), Status::Ok);
        assert_eq!(result_status(SourceChoice::Transcript, 404), Status::Fail(ErrorClass::NoInput));
    }

    #[test]
    fn another_fallback_response_is_a_warning_unless_the_transcript_source_is_required() {
        for (status, class) in [
            (410, ErrorClass::NoInput),
            (200, ErrorClass::Protocol),
            (302, ErrorClass::Protocol),
            (400, ErrorClass::Protocol),
            (405, ErrorClass::Protocol),
            (426, ErrorClass::Protocol),
            (501, ErrorClass::Protocol),
        ] {
            assert_eq!(result_status(SourceChoice::Auto, status), Status::Warn, "{status}");
            assert_eq!(result_status(SourceChoice::Transcript, status), Status::Fail(class), "{status}");
        }
    }

    #[test]
    fn a_page_in_place_of_a_403_is_a_fallback_response() {
        let status = |source| status_with_body(source, 403, b"<html>Blocked</html>");
        assert_eq!(status(SourceChoice::Auto), Status::Warn);
        assert_eq!(status(SourceChoice::Transcript), Status::Fail(ErrorClass::Protocol));
    }

    #[test]
    fn any_other_refusal_is_a_failure() {
        for (status, class) in [
            (401, ErrorClass::NoPermission),
            (403, ErrorClass::NoPermission),
            (402, ErrorClass::Protocol),
            (429, ErrorClass::Unavailable),
            (503, ErrorClass::Unavailable),
        ] {
            for source in [SourceChoice::Auto, SourceChoice::Transcript] {
                assert_eq!(result_status(source, status), Status::Fail(class), "{status} {source:?}");
            }
        }
        let invalid = HandshakeError::Invalid { host: "api.test".to_owned(), reason: "status 100".to_owned() };
        assert_eq!(result(SourceChoice::Auto, None, Err(&invalid)).status, Status::Fail(ErrorClass::Protocol));
    }

    #[test]
    fn the_path_of_the_api_url_is_kept() {
        let address = transcript_endpoint(&"https://api.test/prefix/".parse().expect("a URL"), "c1");
        assert_eq!(address.as_str(), "https://api.test/prefix/api/v2/messaging/conversations/c1/transcript");
    }
}
