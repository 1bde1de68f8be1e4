//! The Genesys Cloud organization: its endpoints and the OAuth client that signs in.

use secrecy::SecretString;
use url::{Host, Url};

/// The two URLs that all others are derived from.
///
/// Both are `https`, or `http` on loopback. Neither has a user, a query or a fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoints {
    /// The base of REST and of the transcript socket. Its path ends in a slash, so that [`Url::join`] with a relative
    /// path keeps a prefix.
    pub(crate) api: Url,
    /// The token endpoint itself.
    pub(crate) token: Url,
}

impl Endpoints {
    /// Returns whether both endpoints are on this machine.
    pub(crate) fn are_local(&self) -> bool {
        is_loopback(&self.api) && is_loopback(&self.token)
    }
}

/// An OAuth client of the client-credentials grant. Neither part is empty.
#[derive(Debug, Clone)]
pub(crate) struct Credentials {
    pub(crate) client_id: String,
    pub(crate) client_secret: SecretString,
}

/// Returns whether the host of `url` is a loopback address or `localhost`.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
