//! Next steps that several error types suggest.

/// For a server that is overloaded, down, or limits requests.
pub(crate) const TRY_LATER: &str = "try again later: the service is overloaded, down, or limits requests";

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
