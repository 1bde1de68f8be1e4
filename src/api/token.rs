//! Access tokens: their lifetime, and the response that grants them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;

use super::error_body::is_html;
use crate::backoff::renewal_delay;
use crate::decision::NEW_TOKEN_AGE;
use crate::system::suspend::{SuspendDetector, time_suspended};

/// The minimum time between two scheduled renewals.
const MIN_LIFETIME: Duration = Duration::from_secs(10);

/// The longest lifetime that is believed. Genesys grants at most 48 hours.
const MAX_LIFETIME: Duration = Duration::from_secs(366 * 86_400);

/// An access token. Clones share its invalidation.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    /// The value for the `Authorization: Bearer` header.
    pub(crate) secret: SecretString,
    obtained_at: Instant,
    /// The time to renew the token; `None` if the server does not state a lifetime.
    pub(crate) renew_at: Option<Instant>,
    /// The time until which the token is used if its renewal fails; `None` if the server does not state a lifetime.
    valid_until: Option<Instant>,
    /// The lifetime that the server states.
    pub(crate) lifetime: Option<Duration>,
    /// These times are on a clock that stops during a suspend, and the lifetime is not.
    suspend: SuspendDetector,
    pub(super) is_invalid: Arc<AtomicBool>,
}

/// Reads the response of a token endpoint: the token, and its lifetime if that is stated.
pub(crate) fn parse_grant(body: &[u8]) -> Result<(SecretString, Option<Duration>), &'static str> {
    if is_html(body) {
        return Err("a web page");
    }
    let grant: Grant = serde_json::from_slice(body).map_err(|_| "not the JSON of a token")?;
    let token = grant.access_token.filter(|token| !token.is_empty()).ok_or("no access_token")?;
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("the access_token has characters that are invalid in a header");
    }
    Ok((token.into(), grant.expires_in.as_ref().and_then(parse_lifetime)))
}

impl Token {
    /// A valid token.
    pub(crate) fn new(secret: SecretString, renew_at: Option<Instant>) -> Self {
        let suspend = SuspendDetector::start(time_suspended);
        Self {
            secret,
            obtained_at: Instant::now(),
            renew_at,
            valid_until: None,
            lifetime: None,
            suspend,
            is_invalid: Arc::default(),
        }
    }

    /// Reads the response to a request that was sent at `sent`.
    pub(super) fn from_response(body: &[u8], sent: Instant) -> Result<Self, &'static str> {
        let (secret, lifetime) = parse_grant(body)?;
        let renew_at = lifetime.and_then(|lifetime| renew_at(sent, lifetime));
        // A lifetime below 10 s is not believed.
        let expires = lifetime.and_then(|lifetime| sent.checked_add(lifetime));
        let valid_until = expires.map(|expires| renew_at.map_or(expires, |due| due.max(expires)));
        Ok(Self { valid_until, lifetime, ..Self::new(secret, renew_at) })
    }

    /// Marks the token as invalid. The next call of [`Auth::token`] requests another.
    pub(crate) fn invalidate(&self) {
        self.is_invalid.store(true, Ordering::Relaxed);
    }

    /// Returns whether a server refused the token.
    pub(crate) fn is_invalid(&self) -> bool {
        self.is_invalid.load(Ordering::Relaxed)
    }

    /// Returns whether the token is so new that the servers may not know it yet.
    pub(super) fn is_new(&self) -> bool {
        self.obtained_at.elapsed() < NEW_TOKEN_AGE
    }

    /// Returns whether the token is to be renewed.
    pub(super) fn is_due(&self) -> bool {
        self.is_invalid() || self.is_past(self.renew_at)
    }

    /// Returns whether requests may use the token: it has not expired and no server has refused it.
    pub(super) fn is_valid(&self) -> bool {
        !self.is_invalid() && !self.is_past(self.valid_until)
    }

    fn is_past(&self, time: Option<Instant>) -> bool {
        time.is_some_and(|time| time <= Instant::now() + self.suspend.suspended())
    }
}

#[derive(Deserialize)]
struct Grant {
    access_token: Option<String>,
    #[serde(default)]
    expires_in: Option<Value>,
}

/// Reads `expires_in`: a number of seconds, whole or not, or a string with one.
fn parse_lifetime(expires_in: &Value) -> Option<Duration> {
    let seconds = match expires_in {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    let lifetime = Duration::try_from_secs_f64(seconds).ok()?;
    (Duration::ZERO < lifetime && lifetime <= MAX_LIFETIME).then_some(lifetime)
}

/// Returns when to renew a token that has just been received (CONN-25).
///
/// The lifetime counts from the request and [`MIN_LIFETIME`] from the response, so that the server sees the whole of it
/// between two requests.
fn renew_at(sent: Instant, lifetime: Duration) -> Option<Instant> {
    let earliest = Instant::now() + MIN_LIFETIME;
    sent.checked_add(renewal_delay(lifetime)).map(|due| due.max(earliest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[tokio::test(start_paused = true)]
    async fn a_token_is_not_renewed_within_ten_seconds_of_its_response() {
        let sent = Instant::now();
        tokio::time::advance(Duration::from_secs(3)).await;
        for (lifetime, seconds) in [(1, 13), (20, 13), (26, 13), (60, 30)] {
            assert_eq!(
                renew_at(sent, Duration::from_secs(lifetime)),
                Some(sent + Duration::from_secs(seconds)),
                "{lifetime}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_expires_during_a_suspend() {
        thread_local!(static ASLEEP: std::cell::Cell<Duration> = const { std::cell::Cell::new(Duration::ZERO) });
        let mut token = Token::new("t".to_owned().into(), Some(Instant::now() + Duration::from_secs(3600)));
        token.suspend = SuspendDetector::start(|| ASLEEP.get());
        assert!(!token.is_due());
        ASLEEP.set(Duration::from_secs(3599));
        assert!(!token.is_due());
        ASLEEP.set(Duration::from_secs(3600));
        assert!(token.is_due(), "the clock of `Instant` does not count a suspend");
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_that_is_due_is_valid_until_it_expires() {
        for (lifetime, due, expired) in [("16", 10, 16), ("\"600\"", 540, 600), ("1", 10, 10)] {
            let body = format!(r#"{{"access_token":"t","expires_in":{lifetime}}}"#);
            let token = Token::from_response(body.as_bytes(), Instant::now()).expect("a token");
            for second in 0..=expired {
                let state = (token.is_due(), token.is_valid());
                assert_eq!(state, (second >= due, second < expired), "{second} of {lifetime}");
                tokio::time::advance(Duration::from_secs(1)).await;
            }
        }
        let token = Token::from_response(br#"{"access_token":"t"}"#, Instant::now()).expect("a token");
        tokio::time::advance(MAX_LIFETIME).await;
        assert!(!token.is_due() && token.is_valid(), "without a lifetime");
        token.invalidate();
        assert!(token.is_due() && !token.is_valid());
    }

    #[test]
    fn an_implausible_lifetime_is_ignored() {
        assert_eq!(parse_lifetime(&json!(86399)), Some(Duration::from_secs(86_399)));
        assert_eq!(parse_lifetime(&json!("300")), Some(Duration::from_secs(300)));
        assert_eq!(parse_lifetime(&json!(299.5)), Some(Duration::from_millis(299_500)));
        for lifetime in
            [json!(0), json!(-1), json!(1e30), json!("soon"), json!("NaN"), json!(null), json!([]), json!(true)]
        {
            assert_eq!(parse_lifetime(&lifetime), None, "{lifetime}");
        }
    }
}
