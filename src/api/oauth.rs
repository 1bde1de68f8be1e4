//! The OAuth token: fetched by the client-credentials grant, shared by every conversation, renewed one at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretBox, SecretString};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use super::error_body::{ErrorBody, is_page};
use super::http::{self, Http, HttpError};
use crate::config::Credentials;
use crate::status::redact::Secrets;
use crate::system::suspend::{SuspendDetector, time_suspended};

/// Two renewals on schedule are never closer together than this.
const SHORTEST_LIFE: Duration = Duration::from_secs(10);

/// A lifetime beyond this is not believed. Genesys grants at most 48 hours.
const LONGEST_LIFE: Duration = Duration::from_secs(366 * 86_400);

/// Where tokens come from.
#[derive(Debug)]
pub(crate) struct Auth {
    http: Http,
    endpoint: Url,
    credentials: Credentials,
    secrets: Secrets,
    known: Mutex<Known>,
}

/// What the latest requests have brought.
#[derive(Debug, Default)]
struct Known {
    token: Option<Token>,
    /// The latest failure, and when it was known.
    failure: Option<(Instant, AuthError)>,
}

/// A token, and when the next one is due.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    /// What goes behind `Bearer`.
    pub(crate) secret: SecretString,
    /// When it should be renewed; `None` when its lifetime is not known, and only a refusal will tell.
    pub(crate) renew_at: Option<Instant>,
    /// Its life goes on while the machine sleeps and its other clock stands still.
    nap: SuspendDetector,
    refused: Arc<AtomicBool>,
}

/// Why there is no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AuthError {
    /// There was no answer.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The credentials are no good.
    #[error("sign-in at {host} is refused: {answer}")]
    Refused { host: String, answer: ErrorBody },
    /// Not now.
    #[error("sign-in at {host} is not possible now: {answer}")]
    Unavailable { host: String, answer: ErrorBody },
    /// This is no token endpoint.
    #[error("{host} does not answer like a token endpoint: {reason}")]
    Unusable { host: String, reason: String },
}

impl Auth {
    /// Fetches nothing yet.
    pub(crate) fn new(http: Http, endpoint: Url, credentials: Credentials, secrets: Secrets) -> Self {
        Self { http, endpoint, credentials, secrets, known: Mutex::default() }
    }

    /// The current token, or a new one when there is none or a renewal is due. Whoever asks while another waits for
    /// the answer gets that one's token, or its failure.
    ///
    /// # Errors
    ///
    /// When a new one was needed and did not come. Cancel safe.
    pub(crate) async fn token(&self) -> Result<Token, AuthError> {
        let asked = Instant::now();
        let mut known = self.known.lock().await;
        if let Some(token) = known.token.as_ref().filter(|token| !token.is_due()) {
            return Ok(token.clone());
        }
        // A thousand conversations that wait would otherwise ask an endpoint in trouble one after the other.
        if let Some((_, error)) = known.failure.as_ref().filter(|(at, _)| *at >= asked) {
            return Err(error.clone());
        }
        let token = match self.fetch().await {
            Ok(token) => token,
            Err(error) => {
                known.failure = Some((Instant::now(), error.clone()));
                return Err(error);
            }
        };
        if known.token.replace(token.clone()).is_some() {
            tracing::debug!("token renewed");
        }
        Ok(token)
    }

    /// The current token is of no more use: whoever needs one next fetches another.
    pub(crate) fn distrust(&self) {
        // Whoever holds the lock is fetching another already.
        if let Ok(known) = self.known.try_lock()
            && let Some(token) = &known.token
        {
            token.invalidate();
        }
    }

    async fn fetch(&self) -> Result<Token, AuthError> {
        let host = http::host(&self.endpoint);
        let asked = Instant::now();
        let request = self
            .http
            .post(self.endpoint.clone())
            .basic_auth(&self.credentials.client_id, Some(self.credentials.client_secret.expose_secret()))
            .form(&[("grant_type", "client_credentials")]);
        let response = self.http.send(&host, request).await?;
        match response.status().as_u16() {
            200 => {
                // Wiped when it goes, as the token in it is.
                let body = SecretBox::new(Box::new(self.http.body(&host, response, http::SMALL_BODY).await?));
                self.read(body.expose_secret(), asked).map_err(|reason| AuthError::Unusable { host, reason })
            }
            400 | 401 | 403 => Err(AuthError::Refused { answer: self.http.refusal(&host, response).await, host }),
            501 => Err(self.unusable(host, response).await),
            408 | 429 | 500..=599 => {
                Err(AuthError::Unavailable { answer: self.http.refusal(&host, response).await, host })
            }
            _ => Err(self.unusable(host, response).await),
        }
    }

    async fn unusable(&self, host: String, response: reqwest::Response) -> AuthError {
        let answer = self.http.refusal(&host, response).await;
        AuthError::Unusable { host, reason: format!("it says {answer}") }
    }

    fn read(&self, body: &[u8], asked: Instant) -> Result<Token, String> {
        let (secret, life) = granted(body)?;
        self.secrets.add_token(&secret);
        Ok(Token::new(secret, life.and_then(|life| renew_at(asked, life))))
    }
}

/// The token in an answer, and how long it lives where that is said.
pub(crate) fn granted(body: &[u8]) -> Result<(SecretString, Option<Duration>), &'static str> {
    if is_page(body) {
        return Err("its answer is a web page");
    }
    let grant: Grant = serde_json::from_slice(body).map_err(|_| "its answer is not the JSON of a token")?;
    let token = grant.access_token.filter(|token| !token.is_empty()).ok_or("its answer holds no access_token")?;
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("its access_token holds characters that no header can carry");
    }
    Ok((token.into(), grant.expires_in.as_ref().and_then(lifetime)))
}

impl Token {
    /// A token that goes by this name.
    pub(crate) fn new(secret: SecretString, renew_at: Option<Instant>) -> Self {
        Self { secret, renew_at, nap: SuspendDetector::start(time_suspended), refused: Arc::default() }
    }

    /// Says that the server refused it, so that whoever needs one next fetches another.
    pub(crate) fn invalidate(&self) {
        self.refused.store(true, Ordering::Relaxed);
    }

    /// Whether a server refused it.
    pub(crate) fn is_refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }

    fn is_due(&self) -> bool {
        self.is_refused() || self.renew_at.is_some_and(|due| due <= Instant::now() + self.nap.suspended())
    }
}

/// The answer of a token endpoint, as far as it matters.
#[derive(Deserialize)]
struct Grant {
    access_token: Option<String>,
    #[serde(default)]
    expires_in: Option<Value>,
}

/// The lifetime a server states: a number of seconds, whole or not, or one in a string. What cannot be one is `None`.
fn lifetime(expires_in: &Value) -> Option<Duration> {
    let seconds = match expires_in {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    let life = Duration::try_from_secs_f64(seconds).ok()?;
    (Duration::ZERO < life && life <= LONGEST_LIFE).then_some(life)
}

/// When a token that has just come is renewed. Its life counts from the request, and the ten seconds from the answer, so
/// that the server sees them whole.
fn renew_at(asked: Instant, life: Duration) -> Option<Instant> {
    let soonest = Instant::now() + SHORTEST_LIFE;
    asked.checked_add(renewal(life)).map(|due| due.max(soonest))
}

/// How long after it was asked for a token should be renewed: at `life − max(60 s, 10 %)`, yet never before half its
/// life.
pub(crate) fn renewal(life: Duration) -> Duration {
    let margin = (life / 10).max(Duration::from_secs(60));
    life.saturating_sub(margin).max(life / 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn renewal_leaves_a_margin_yet_waits_for_half_the_life() {
        for (life, expected) in [(86_400, 77_760), (3_600, 3_240), (600, 540), (300, 240), (100, 50), (60, 30), (2, 1)]
        {
            assert_eq!(renewal(Duration::from_secs(life)), Duration::from_secs(expected), "{life}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_renewal_is_due_within_ten_seconds_of_the_answer() {
        let asked = Instant::now();
        tokio::time::advance(Duration::from_secs(3)).await;
        for (life, seconds) in [(1, 13), (20, 13), (26, 13), (60, 30)] {
            assert_eq!(
                renew_at(asked, Duration::from_secs(life)),
                Some(asked + Duration::from_secs(seconds)),
                "{life}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_grows_old_while_the_machine_sleeps() {
        thread_local!(static ASLEEP: std::cell::Cell<Duration> = const { std::cell::Cell::new(Duration::ZERO) });
        let mut token = Token::new("t".to_owned().into(), Some(Instant::now() + Duration::from_secs(3600)));
        token.nap = SuspendDetector::start(|| ASLEEP.get());
        assert!(!token.is_due());
        ASLEEP.set(Duration::from_secs(3599));
        assert!(!token.is_due());
        ASLEEP.set(Duration::from_secs(3600));
        assert!(token.is_due(), "the clock of deadlines has stood still");
    }

    #[test]
    fn only_a_sane_lifetime_is_believed() {
        assert_eq!(lifetime(&json!(86399)), Some(Duration::from_secs(86_399)));
        assert_eq!(lifetime(&json!("300")), Some(Duration::from_secs(300)));
        assert_eq!(lifetime(&json!(299.5)), Some(Duration::from_millis(299_500)));
        for insane in
            [json!(0), json!(-1), json!(1e30), json!("soon"), json!("NaN"), json!(null), json!([]), json!(true)]
        {
            assert_eq!(lifetime(&insane), None, "{insane}");
        }
    }
}
