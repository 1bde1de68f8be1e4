//! How to mend what the report finds, in words.

use std::time::Duration;

use crate::api::http::HttpError;
use crate::api::rest::RestError;
use crate::source::SourceError;

/// What a failing line says where the rest depends on it.
pub(super) const NOT_TRIED: &str = "what needs it was not tried";

/// What to do where a permission is missing.
pub(super) const PERMIT: &str = "give the OAuth client a role with that permission, in the conversation's division";

/// What to do about a request that failed.
pub(super) fn mend(error: &RestError) -> String {
    let mend = match error {
        RestError::Http(error) => return network(error),
        RestError::Auth(_) => "see the step about signing in",
        RestError::Unauthorized { .. } => "check that --api-url and --login-url belong to the same region",
        RestError::Forbidden { .. } => PERMIT,
        RestError::NotFound { .. } => "check --region or --api-url",
        RestError::Unavailable { .. } => "the service has trouble or is asked too often: try later",
        RestError::UnexpectedResponse { .. } => {
            "check --region or --api-url; something in between may answer in its place"
        }
    };
    mend.to_owned()
}

/// What to do about a host that does not answer, in the words of a tail.
pub(super) fn network(error: &HttpError) -> String {
    SourceError::Http(error.clone()).hint().unwrap_or("check the network").to_owned()
}

/// A span of time for people, to the second.
pub(super) fn span(duration: Duration) -> String {
    let seconds = duration.saturating_add(Duration::from_millis(500)).as_secs();
    humantime::format_duration(Duration::from_secs(seconds)).to_string()
}

/// `1 message`, `2 messages`.
pub(super) fn count(number: usize, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}
