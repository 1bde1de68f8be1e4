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
    validity: HashMap<String, Validity>,
}

#[derive(Debug, Clone, Copy)]
struct Validity {
    starts_at: Instant,
    expires_at: Instant,
}

impl Tokens {
    pub(crate) fn new(lifetime: Duration, seed: u64) -> Self {
        let issued = IssuedTokens { random: fastrand::Rng::with_seed(seed), validity: HashMap::new() };
        Self { lifetime, issued: Mutex::new(issued) }
    }

    pub(crate) fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// Issues a token that becomes valid after `delay`.
    pub(crate) fn issue(&self, delay: Duration) -> String {
        let mut issued = lock(&self.issued);
        let token: String = std::iter::repeat_with(|| issued.random.alphanumeric()).take(TOKEN_LENGTH).collect();
        let now = Instant::now();
        issued.validity.insert(token.clone(), Validity { starts_at: now + delay, expires_at: now + self.lifetime });
        token
    }

    /// Returns the token with its expiry, or `None` if it is unknown, not yet valid, expired or revoked.
    pub(crate) fn validate(&self, token: &str) -> Option<AccessToken> {
        let Validity { starts_at, expires_at } = lock(&self.issued).validity.get(token).copied()?;
        let now = Instant::now();
        (starts_at <= now && now < expires_at).then(|| AccessToken { value: token.to_owned(), expires_at })
    }

    pub(crate) fn revoke_all(&self) {
        lock(&self.issued).validity.clear();
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_token_is_valid_from_its_start_to_its_expiry() {
        let tokens = Tokens::new(Duration::from_secs(10), 0);
        let token = tokens.issue(Duration::from_secs(3));
        let mut valid_seconds = Vec::new();
        for second in 0..12 {
            if tokens.validate(&token).is_some() {
                valid_seconds.push(second);
            }
            advance(Duration::from_secs(1)).await;
        }
        assert_eq!(valid_seconds, [3, 4, 5, 6, 7, 8, 9]);
    }
}
