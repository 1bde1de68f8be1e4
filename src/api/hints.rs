//! Next steps that several error types suggest.

/// For a server that is overloaded, down, or limits requests.
pub(crate) const TRY_LATER: &str = "the service has trouble or is asked too often: try later";

/// For a token that the API does not accept.
pub(crate) const SAME_REGION: &str = "check that --api-url and --login-url belong to the same region";

/// For a missing permission that the server names.
pub(crate) const GRANT_PERMISSION: &str =
    "give the OAuth client a role with that permission, in the conversation's division";
