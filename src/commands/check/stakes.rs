//! How much depends on a part of the published API, and so what its refusal is: a warning or a failure.

use super::step::Step;
use super::words;
use crate::api::rest::RestError;
use crate::config::SourceChoice;

/// How much depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stakes {
    /// The conversation comes this way and no other.
    Needed,
    /// The transcript socket is open, and this brings the past. It need not be there, but what is there has to be
    /// permitted: the socket may be gone another day.
    Backing,
    /// Nothing that was asked for depends on it.
    Extra,
}

impl Stakes {
    /// Of the API as a whole; `opened` says whether the transcript socket was.
    pub(super) fn of(source: SourceChoice, opened: bool) -> Self {
        match source {
            SourceChoice::Transcript => Self::Extra,
            SourceChoice::Auto if opened => Self::Backing,
            SourceChoice::Auto | SourceChoice::Notifications => Self::Needed,
        }
    }

    /// The step that ended in this error.
    pub(super) fn step(self, what: &str, error: &RestError) -> Step {
        let what = format!("{what}: {error}");
        let fails = match self {
            Self::Needed => true,
            Self::Backing => matches!(error, RestError::Forbidden { .. }),
            Self::Extra => false,
        };
        let mend = words::mend(error);
        if fails { Step::fail(error.class(), what, mend) } else { Step::warn(what, mend) }
    }
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

    #[test]
    fn a_refusal_is_a_failure_only_where_a_tail_would_end_or_a_permission_lacks() {
        let answer = |status| ErrorBody::new(status, &HeaderMap::new(), b"", &Secrets::default());
        let host = || "h".to_owned();
        let forbidden = RestError::Forbidden { host: host(), answer: answer(StatusCode::FORBIDDEN) };
        let absent = RestError::NotFound { host: host(), answer: answer(StatusCode::NOT_FOUND) };
        let odd = RestError::UnexpectedResponse { host: host(), reason: "it sings".to_owned() };
        let verdicts = |stakes: Stakes| [&forbidden, &absent, &odd].map(|error| stakes.step("x", error).verdict);
        let [permission, input, protocol] =
            [ErrorClass::NoPermission, ErrorClass::NoInput, ErrorClass::Protocol].map(Verdict::Fail);
        for (source, opened, expected) in [
            (SourceChoice::Notifications, false, [permission, input, protocol]),
            (SourceChoice::Auto, false, [permission, input, protocol]),
            (SourceChoice::Auto, true, [permission, Verdict::Warn, Verdict::Warn]),
            (SourceChoice::Transcript, true, [Verdict::Warn; 3]),
            (SourceChoice::Transcript, false, [Verdict::Warn; 3]),
        ] {
            assert_eq!(verdicts(Stakes::of(source, opened)), expected, "{source:?} {opened}");
        }
    }
}
