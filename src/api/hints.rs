//! Next steps that several error types suggest.

use reqwest::StatusCode;

use super::error_body::ErrorBody;

/// For a server that is overloaded or down.
const TRY_LATER: &str = "try again later: the service is overloaded or down";

/// For a response with 429.
const RATE_LIMITED: &str = "try again later: all programs with this OAuth client share one rate limit; use one process, or one client per machine";

/// Returns the next step after a response of a server that is overloaded, down, or limits requests.
pub(crate) fn after_unavailable(body: &ErrorBody) -> &'static str {
    if is_rate_limit(body) { RATE_LIMITED } else { TRY_LATER }
}

/// Returns whether the server limits requests.
pub(crate) fn is_rate_limit(body: &ErrorBody) -> bool {
    body.status == StatusCode::TOO_MANY_REQUESTS
}

/// For a token that the API does not accept.
pub(crate) const SAME_REGION: &str =
    "check that the OAuth client is active, and that API URL and login URL belong to the same region";

/// For a response that the Genesys Cloud API does not send.
pub(crate) const UNEXPECTED_RESPONSE: &str = "check the region or API URL; a proxy or captive portal may have answered";

/// For a missing permission that the server does not name.
pub(crate) const ASK_PERMISSION: &str = "ask the Genesys Cloud administrator which permission the OAuth client lacks";

/// For a missing permission that the server names.
pub(crate) const GRANT_PERMISSION: &str =
    "give the OAuth client a role with this permission, in the division of the conversation";
