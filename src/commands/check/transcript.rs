//! The transcript endpoint: whether there is one, and whether it lets us in.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};

use super::report::Report;
use super::step::Step;
use super::{LIMITS, MADE_UP, Visit, words};
use crate::api::websocket::{self, CLOSE_NORMAL, HandshakeError, KeepAlive, Socket};
use crate::config::SourceChoice;
use crate::source::is_without_transcript_socket;
use crate::source::transcript::endpoint;

/// How long the server may take to answer a goodbye.
const GOODBYE: Duration = Duration::from_secs(1);

/// Tries the endpoint, unless it is not asked for, and says whether a socket opened.
pub(super) async fn open(visit: &Visit<'_>, report: &mut Report<'_>) -> io::Result<bool> {
    if visit.check.source == SourceChoice::Notifications {
        return Ok(false);
    }
    let named = visit.check.conversations.first().map(String::as_str);
    let opened = dial(visit, named.unwrap_or(MADE_UP)).await;
    report.say(&judge(visit.check.source, named, opened.as_ref().copied()))?;
    Ok(opened.is_ok())
}

/// Says goodbye, and reads what the server still sends: a connection that is dropped with something unread is reset,
/// and the reset would overtake our close frame.
pub(super) async fn leave<T: AsyncRead + AsyncWrite + Unpin>(mut socket: Socket<T>) {
    socket.close(CLOSE_NORMAL).await;
    let rest = async { while socket.next().await.is_ok() {} };
    // A server that does not answer has been told.
    let _ = tokio::time::timeout(GOODBYE, rest).await;
}

async fn dial(visit: &Visit<'_>, conversation: &str) -> Result<(), HandshakeError> {
    let url = endpoint(&visit.check.endpoints.api, conversation);
    let token = visit.rest.token().await.ok();
    let socket = websocket::open(visit.rest.http(), &url, token.as_ref(), LIMITS, KeepAlive::PingFrame).await?;
    leave(socket).await;
    Ok(())
}

/// What the answer to the handshake means, for a conversation that is `named` or a made-up one.
fn judge(source: SourceChoice, named: Option<&str>, opened: Result<(), &HandshakeError>) -> Step {
    let Err(error) = opened else { return Step::ok("transcript socket opens, and is closed again") };
    let what = format!("transcript endpoint: {error}");
    match error {
        HandshakeError::Rejected { answer, .. }
            if source == SourceChoice::Auto && is_without_transcript_socket(answer.status.as_u16()) =>
        {
            Step::warn(what, "the notifications are taken instead, which is usual")
        }
        _ => Step::fail(error.class(), what, mend(named, error)),
    }
}

fn mend(named: Option<&str>, error: &HandshakeError) -> String {
    let (status, tells_which) = match error {
        HandshakeError::Http(error) => return words::network(error),
        HandshakeError::Invalid { .. } => (101, false),
        HandshakeError::Rejected { answer, .. } => (answer.status.as_u16(), answer.names_permission()),
    };
    let mend = match (status, named) {
        (401, _) => "check that --api-url and --login-url belong to the same region",
        (403, _) if tells_which => words::PERMIT,
        (403, _) => "the lines about permissions below say what the OAuth client lacks",
        (404 | 410, Some(_)) => "check the id and the region; without --source transcript the notifications are taken",
        (404 | 410, None) => "a made-up conversation was asked for: name one with -c to know more",
        (408 | 429 | 500 | 502..=599, _) => "the service has trouble or is asked too often: try later",
        _ => "check --region or --api-url; a proxy in between may not pass WebSockets on",
    };
    mend.to_owned()
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;
    use reqwest::header::HeaderMap;

    use super::super::step::Verdict;
    use super::*;
    use crate::api::error_body::ErrorBody;
    use crate::exit_code::ErrorClass;
    use crate::status::redact::Secrets;

    fn verdict(source: SourceChoice, status: u16) -> Verdict {
        let status = StatusCode::from_u16(status).expect("a status");
        let answer = ErrorBody::new(status, &HeaderMap::new(), b"", &Secrets::default());
        let error = HandshakeError::Rejected { host: "api.test".to_owned(), answer };
        judge(source, Some("c1"), Err(&error)).verdict
    }

    #[test]
    fn its_absence_is_a_warning_unless_it_was_asked_for() {
        for (status, blame) in [
            (404, ErrorClass::NoInput),
            (410, ErrorClass::NoInput),
            (200, ErrorClass::Protocol),
            (302, ErrorClass::Protocol),
            (400, ErrorClass::Protocol),
            (405, ErrorClass::Protocol),
            (426, ErrorClass::Protocol),
            (501, ErrorClass::Protocol),
        ] {
            assert_eq!(verdict(SourceChoice::Auto, status), Verdict::Warn, "{status}");
            assert_eq!(verdict(SourceChoice::Transcript, status), Verdict::Fail(blame), "{status}");
        }
    }

    #[test]
    fn every_other_refusal_is_a_failure() {
        for (status, blame) in [
            (401, ErrorClass::NoPermission),
            (403, ErrorClass::NoPermission),
            (402, ErrorClass::Protocol),
            (429, ErrorClass::Unavailable),
            (503, ErrorClass::Unavailable),
        ] {
            for source in [SourceChoice::Auto, SourceChoice::Transcript] {
                assert_eq!(verdict(source, status), Verdict::Fail(blame), "{status} {source:?}");
            }
        }
        let broken = HandshakeError::Invalid { host: "api.test".to_owned(), reason: "it is odd".to_owned() };
        assert_eq!(judge(SourceChoice::Auto, None, Err(&broken)).verdict, Verdict::Fail(ErrorClass::Protocol));
    }

    #[test]
    fn a_prefix_in_the_address_of_the_api_stays() {
        let address = endpoint(&"https://api.test/prefix/".parse().expect("a URL"), "c1");
        assert_eq!(address.as_str(), "https://api.test/prefix/api/v2/messaging/conversations/c1/transcript");
    }
}
