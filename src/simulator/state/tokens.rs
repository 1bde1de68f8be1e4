//! The access tokens that were issued.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use crate::simulator::lock::lock;

const TOKEN_LENGTH: usize = 86;

/// A valid token.
#[derive(Debug, Clone)]
pub(crate) struct AccessToken {
    pub(crate) value: String,
    pub(crate) expires_at: Instant,
}

#[derive(Debug)]
pub(crate) struct Tokens {
    lifetime: Duration,
    issued: Mutex<IssuedTokens>,
}

#[derive(Debug)]
struct IssuedTokens {
    random: fastrand::Rng,
    expiries: HashMap<String, Instant>,
}

impl Tokens {
    pub(crate) fn new(lifetime: Duration, seed: u64) -> Self {
        let issued = IssuedTokens { random: fastrand::Rng::with_seed(seed), expiries: HashMap::new() };
        Self { lifetime, issued: Mutex::new(issued) }
    }

    pub(crate) fn lifetime(&self) -> Duration {
        self.lifetime
    }

    pub(crate) fn issue(&self) -> String {
        let mut issued = lock(&self.issued);
        let token: String = std::iter::repeat_with(|| issued.random.alphanumeric()).take(TOKEN_LENGTH).collect();
        issued.expiries.insert(token.clone(), Instant::now() + self.lifetime);
        token
    }

    /// Returns the token with its expiry, or `None` if it is unknown, expired or revoked.
    pub(crate) fn validate(&self, token: &str) -> Option<AccessToken> {
        let expires_at = lock(&self.issued).expiries.get(token).copied()?;
        (expires_at > Instant::now()).then(|| AccessToken { value: token.to_owned(), expires_at })
    }

    pub(crate) fn revoke_all(&self) {
        lock(&self.issued).expiries.clear();
    }
}
