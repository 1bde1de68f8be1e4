//! Texts that several checks share.

use std::time::Duration;

use crate::api::rest::RestError;

/// The end of a failure that other checks depend on.
pub(super) const NOT_TRIED: &str = "what needs it was not tried";

/// Returns the next step after a failed request.
pub(super) fn remedy(error: &RestError) -> &'static str {
    match error {
        RestError::Auth(_) => "see the step about signing in",
        error => error.hint(),
    }
}

/// Returns ` through the proxy …`, or nothing if the connection is direct.
pub(super) fn via_proxy(proxy: Option<&str>) -> String {
    proxy.map_or_else(String::new, |proxy| format!(" through the proxy {proxy}"))
}

/// Returns a duration, rounded to seconds.
pub(super) fn seconds(duration: Duration) -> String {
    let seconds = duration.saturating_add(Duration::from_millis(500)).as_secs();
    humantime::format_duration(Duration::from_secs(seconds)).to_string()
}
