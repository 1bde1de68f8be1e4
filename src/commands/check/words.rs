//! How to mend what the report finds, in words.

use std::time::Duration;

use crate::api::hints::GRANT_PERMISSION;
use crate::api::http_error::HttpError;
use crate::api::rest::RestError;

/// What a failing line says where the rest depends on it.
pub(super) const NOT_TRIED: &str = "what needs it was not tried";

/// What to do where a permission is missing.
pub(super) const PERMIT: &str = GRANT_PERMISSION;

/// What to do about a request that failed.
pub(super) fn mend(error: &RestError) -> String {
    match error {
        RestError::Auth(_) => "see the step about signing in".to_owned(),
        error => error.hint().to_owned(),
    }
}

/// What to do about a host that does not answer, in the words of a tail.
pub(super) fn network(error: &HttpError) -> String {
    error.hint().to_owned()
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
