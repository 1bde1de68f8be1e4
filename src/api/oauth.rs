//! OAuth tokens from the client-credentials grant: cached, shared by all conversations, renewed by one request at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretBox, SecretString};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use super::error_body::{ErrorBody, is_html};
use super::hints::TRY_LATER;
use super::http::{self, Http};
use super::http_error::{HttpError, host};
use crate::backoff::renewal_delay;
use crate::config::Credentials;
use crate::exit_code::ErrorClass;
use crate::status::redact::Secrets;
use crate::system::suspend::{SuspendDetector, time_suspended};

/// The minimum time between two scheduled renewals.
const MIN_LIFETIME: Duration = Duration::from_secs(10);

/// The longest lifetime that is believed. Genesys grants at most 48 hours.
const MAX_LIFETIME: Duration = Duration::from_secs(366 * 86_400);

/// The token endpoint, with the current token.
#[derive(Debug)]
pub(crate) struct Auth {
    http: Http,
    endpoint: Url,
    credentials: Credentials,
    secrets: Secrets,
    cache: Mutex<CachedToken>,
}

#[derive(Debug, Default)]
struct CachedToken {
    token: Option<Token>,
    last_failure: Option<Failure>,
}

#[derive(Debug)]
struct Failure {
    at: Instant,
    error: AuthError,
}

/// An access token. Clones share its invalidation.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    /// The value for the `Authorization: Bearer` header.
    pub(crate) secret: SecretString,
    /// The time to renew the token; `None` if the server does not state a lifetime.
    pub(crate) renew_at: Option<Instant>,
    /// The lifetime that the server states.
    pub(crate) lifetime: Option<Duration>,
    /// `renew_at` is on a clock that stops during a suspend, and the lifetime is not.
    suspend: SuspendDetector,
    is_invalid: Arc<AtomicBool>,
}

/// A token that could not be obtained.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AuthError {
    /// There was no response.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The server refuses the credentials.
    #[error("sign-in at {host} failed: {body}")]
    Refused { host: String, body: ErrorBody },
    /// The server is overloaded, down, or limits requests.
    #[error("sign-in at {host} is temporarily unavailable: {body}")]
    Unavailable { host: String, body: ErrorBody },
    /// The server is not a token endpoint.
    #[error("unexpected response from {host} to the sign-in: {reason}")]
    Unusable { host: String, reason: String },
}

impl AuthError {
    /// Returns the class, which decides the exit code.
    pub(crate) fn class(&self) -> ErrorClass {
        match self {
            Self::Http(error) => error.class(),
            Self::Refused { .. } => ErrorClass::NoPermission,
            Self::Unavailable { .. } => ErrorClass::Unavailable,
            Self::Unusable { .. } => ErrorClass::Protocol,
        }
    }

    /// Returns the likely cause and the next step.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Http(error) => error.hint(),
            Self::Refused { .. } => {
                "check client id, client secret and region; a client exists only in its own region, and needs the grant Client Credentials"
            }
            Self::Unavailable { .. } => TRY_LATER,
            Self::Unusable { .. } => "check the region or login URL; a proxy or captive portal may have answered",
        }
    }
}

impl Auth {
    /// Sends no request yet.
    pub(crate) fn new(http: Http, endpoint: Url, credentials: Credentials, secrets: Secrets) -> Self {
        Self { http, endpoint, credentials, secrets, cache: Mutex::default() }
    }

    /// Returns the current token, or requests one if there is none or its renewal is due (CONN-26).
    ///
    /// Calls that wait for the same request share its token or its error. Cancel safe.
    pub(crate) async fn token(&self) -> Result<Token, AuthError> {
        let called = Instant::now();
        let mut cache = self.cache.lock().await;
        if let Some(token) = cache.token.as_ref().filter(|token| !token.is_due()) {
            return Ok(token.clone());
        }
        // Otherwise a thousand waiting conversations would query an endpoint in trouble one after the other.
        if let Some(failure) = cache.last_failure.as_ref().filter(|failure| failure.at >= called) {
            return Err(failure.error.clone());
        }
        let token = match self.request_token().await {
            Ok(token) => token,
            Err(error) => {
                cache.last_failure = Some(Failure { at: Instant::now(), error: error.clone() });
                return Err(error);
            }
        };
        if cache.token.replace(token.clone()).is_some() {
            tracing::debug!("token renewed");
        }
        Ok(token)
    }

    /// Marks the current token as invalid. The next call of [`Auth::token`] requests another.
    pub(crate) fn invalidate(&self) {
        // A locked cache means that a request for a new token is in flight.
        if let Ok(cache) = self.cache.try_lock()
            && let Some(token) = &cache.token
        {
            token.invalidate();
        }
    }

    async fn request_token(&self) -> Result<Token, AuthError> {
        let host = host(&self.endpoint);
        let sent = Instant::now();
        let request = self
            .http
            .post(self.endpoint.clone())
            .basic_auth(&self.credentials.client_id, Some(self.credentials.client_secret.expose_secret()))
            .form(&[("grant_type", "client_credentials")]);
        let response = self.http.send(&host, request).await?;
        match response.status().as_u16() {
            200 => {
                // Zeroed on drop, like the token in it.
                let body = SecretBox::new(Box::new(self.http.read_body(&host, response, http::SMALL_BODY).await?));
                self.read(body.expose_secret(), sent).map_err(|reason| AuthError::Unusable { host, reason })
            }
            400 | 401 | 403 => Err(AuthError::Refused { body: self.http.read_error_body(&host, response).await, host }),
            501 => Err(self.unusable(host, response).await),
            408 | 429 | 500..=599 => {
                Err(AuthError::Unavailable { body: self.http.read_error_body(&host, response).await, host })
            }
            _ => Err(self.unusable(host, response).await),
        }
    }

    async fn unusable(&self, host: String, response: reqwest::Response) -> AuthError {
        let body = self.http.read_error_body(&host, response).await;
        AuthError::Unusable { host, reason: body.to_string() }
    }

    fn read(&self, body: &[u8], sent: Instant) -> Result<Token, String> {
        let (secret, lifetime) = parse_grant(body)?;
        self.secrets.add_token(&secret);
        let renew_at = lifetime.and_then(|lifetime| renew_at(sent, lifetime));
        Ok(Token { lifetime, ..Token::new(secret, renew_at) })
    }
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
        Self { secret, renew_at, lifetime: None, suspend, is_invalid: Arc::default() }
    }

    /// Marks the token as invalid. The next call of [`Auth::token`] requests another.
    pub(crate) fn invalidate(&self) {
        self.is_invalid.store(true, Ordering::Relaxed);
    }

    /// Returns whether a server refused the token.
    pub(crate) fn is_invalid(&self) -> bool {
        self.is_invalid.load(Ordering::Relaxed)
    }

    fn is_due(&self) -> bool {
        self.is_invalid() || self.renew_at.is_some_and(|due| due <= Instant::now() + self.suspend.suspended())
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
