//! The importance of the REST API for a tail, which makes its refusal a failure or a warning.

use super::messages;
use super::report::CheckResult;
use crate::api::rest::RestError;
use crate::config::SourceChoice;

/// The importance of the REST API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Importance {
    /// The API is the only way to read the conversation.
    Required,
    /// The transcript socket is open, and the API only adds history. The API may be absent, but what exists has to be
    /// permitted: the transcript socket may be absent another day.
    Fallback,
    /// A tail with these settings does not use it.
    Optional,
}

impl Importance {
    /// Returns the importance for a tail with `source`, after a try of the transcript socket.
    pub(super) fn new(source: SourceChoice, is_transcript_open: bool) -> Self {
        match source {
            SourceChoice::Transcript => Self::Optional,
            SourceChoice::Auto if is_transcript_open => Self::Fallback,
            SourceChoice::Auto | SourceChoice::Notifications => Self::Required,
        }
    }

    /// Returns the result of a check that ended in `error`.
    pub(super) fn result(self, subject: &str, error: &RestError) -> CheckResult {
        let message = format!("{subject}: {error}");
        let fails = match self {
            Self::Required => true,
            Self::Fallback => matches!(error, RestError::Forbidden { .. }),
            Self::Optional => false,
        };
        let remedy = messages::remedy(error);
        if fails { CheckResult::fail(error.class(), message, remedy) } else { CheckResult::warn(message, remedy) }
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

    #[test]
    fn a_refusal_fails_only_if_a_tail_would_end_or_a_fallback_is_forbidden() {
        let body = |status| ErrorBody::new(status, &HeaderMap::new(), b"", &Secrets::default());
        let host = || "h".to_owned();
        let forbidden = RestError::Forbidden { host: host(), body: body(StatusCode::FORBIDDEN) };
        let absent = RestError::NotFound { host: host(), body: body(StatusCode::NOT_FOUND) };
        let unexpected = RestError::UnexpectedResponse { host: host(), reason: "it sings".to_owned() };
        let statuses = |importance: Importance| {
            [&forbidden, &absent, &unexpected].map(|error| importance.result("x", error).status)
        };
        let [permission, input, protocol] =
            [ErrorClass::NoPermission, ErrorClass::NoInput, ErrorClass::Protocol].map(Status::Fail);
        for (source, is_transcript_open, expected) in [
            (SourceChoice::Notifications, false, [permission, input, protocol]),
            (SourceChoice::Auto, false, [permission, input, protocol]),
            (SourceChoice::Auto, true, [permission, Status::Warn, Status::Warn]),
            (SourceChoice::Transcript, true, [Status::Warn; 3]),
            (SourceChoice::Transcript, false, [Status::Warn; 3]),
        ] {
            let importance = Importance::new(source, is_transcript_open);
            assert_eq!(statuses(importance), expected, "{source:?} {is_transcript_open}");
        }
    }
}
