//! Texts that several checks share.

use std::time::Duration;

use crate::api::error_body::ErrorBody;
use crate::api::hints::after_unavailable;
use crate::api::rest::RestError;

/// Returns the next step after a failed request.
pub(super) fn remedy(error: &RestError) -> String {
    match error {
        RestError::Auth(_) => "see the sign-in line".to_owned(),
        RestError::Unavailable { body, .. } => try_again(body),
        error => error.hint().to_owned(),
    }
}

/// Returns the next step after a response of a server that is overloaded, down, or limits requests, with the wait that it
/// states.
pub(super) fn try_again(body: &ErrorBody) -> String {
    let hint = after_unavailable(body);
    match body.retry_after {
        Some(wait) => hint.replacen("later", &format!("in {}", span(wait)), 1),
        None => hint.to_owned(),
    }
}

/// Returns ` through proxy …`, or nothing if the connection is direct.
pub(super) fn via_proxy(proxy: Option<&str>) -> String {
    proxy.map_or_else(String::new, |proxy| format!(" through proxy {proxy}"))
}

/// Formats a duration, rounded to seconds: `24 h`, `1 h 1 min`, `1 min 30 s`. Without seconds from one hour on.
pub(super) fn span(duration: Duration) -> String {
    let seconds = duration.saturating_add(Duration::from_millis(500)).as_secs();
    let parts = match seconds {
        0..60 => [(seconds, "s"), (0, "")],
        60..3600 => [(seconds / 60, "min"), (seconds % 60, "s")],
        _ => [(seconds / 3600, "h"), (seconds % 3600 / 60, "min")],
    };
    let [first, second] = parts.map(|(number, unit)| format!("{number} {unit}"));
    if parts[1].0 == 0 { first } else { format!("{first} {second}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_at_most_two_units() {
        let spans = [0, 59, 60, 61, 3600, 3661, 86_400].map(|seconds| span(Duration::from_secs(seconds)));
        assert_eq!(spans, ["0 s", "59 s", "1 min", "1 min 1 s", "1 h", "1 h 1 min", "24 h"]);
        assert_eq!(span(Duration::from_millis(59_700)), "1 min");
    }
}
