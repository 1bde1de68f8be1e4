//! OAuth tokens from the client-credentials grant: cached, shared by all conversations, renewed by one request at a time.

use std::sync::{Arc, Mutex as SyncMutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretBox};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};
use url::Url;

use super::error_body::ErrorBody;
use super::hints::after_unavailable;
use super::http::{self, Http};
use super::http_error::{HttpError, host};
use super::sign_in_refusal;
use super::token::Token;
use crate::backoff::{Backoff, limited, milliseconds};
use crate::config::Credentials;
use crate::decision::{self, Action, Before, ResponseKind, TokenState, decide};
use crate::exit_code::ErrorClass;
use crate::status::redact::Secrets;

/// The token endpoint, with the current token.
#[derive(Debug)]
pub(crate) struct Auth {
    http: Http,
    endpoint: Url,
    credentials: Credentials,
    secrets: Secrets,
    state: SyncMutex<State>,
    /// Held by the request for a token, so that one runs at a time (CONN-26).
    request: Mutex<()>,
}

#[derive(Debug)]
struct State {
    token: Option<Token>,
    failures: Failures,
}

/// The failed requests for a token since the last one that succeeded.
#[derive(Debug)]
struct Failures {
    backoff: Backoff,
    in_a_row: u32,
    last: Option<Failure>,
}

#[derive(Debug)]
struct Failure {
    at: Instant,
    /// The delay before the next renewal of a token that is still valid.
    delay: Duration,
    /// The end of the wait that the server has stated. No request is sent before.
    wait_until: Option<Instant>,
    error: AuthError,
    is_logged: bool,
}

/// A token that could not be obtained.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AuthError {
    /// There was no response.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The server refuses the credentials.
    #[error("sign-in at {host} failed: {body}")]
    Refused { host: String, body: ErrorBody, has_signed_in: bool },
    /// The server is overloaded, down, or limits requests.
    #[error("sign-in at {host} is temporarily unavailable: {body}")]
    Unavailable { host: String, body: ErrorBody },
    /// The server is not a token endpoint.
    #[error("unexpected response from {host} to the sign-in: {reason}")]
    Unusable { host: String, reason: String, has_signed_in: bool },
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

    /// Returns whether the same credentials have been accepted before in the run.
    pub(crate) fn has_signed_in(&self) -> bool {
        matches!(self, Self::Refused { has_signed_in: true, .. } | Self::Unusable { has_signed_in: true, .. })
    }

    /// Returns what the error means for the next attempt.
    pub(crate) fn response_kind(&self) -> ResponseKind {
        match self {
            Self::Http(error) => error.response_kind(),
            Self::Refused { body, .. } | Self::Unavailable { body, .. } => body.sign_in_response_kind(),
            Self::Unusable { .. } => ResponseKind::Unexpected,
        }
    }

    /// Returns the delay that the server asks for.
    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable { body, .. } => body.retry_after,
            Self::Http(_) | Self::Refused { .. } | Self::Unusable { .. } => None,
        }
    }

    /// Returns the likely cause and the next step.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Http(error) => error.hint(),
            Self::Refused { body, .. } => sign_in_refusal::hint(body),
            Self::Unavailable { body, .. } => after_unavailable(body),
            Self::Unusable { .. } => "check the region or login URL; a proxy or captive portal may have answered",
        }
    }
}

impl Auth {
    /// Sends no request yet.
    pub(crate) fn new(http: Http, endpoint: Url, credentials: Credentials, secrets: Secrets) -> Self {
        let state = SyncMutex::new(State { token: None, failures: Failures::new() });
        Self { http, endpoint, credentials, secrets, state, request: Mutex::default() }
    }

    /// Returns the current token, or requests one if none is valid.
    ///
    /// A token whose renewal is due is renewed meanwhile, and used until it expires if that fails (CONN-28). Cancel safe.
    pub(crate) async fn token(self: &Arc<Self>) -> Result<Token, AuthError> {
        let Some(token) = self.valid_token() else { return self.renewed_token().await };
        let is_requested = self.request.try_lock().is_err();
        if token.is_due() && !is_requested && !self.state().failures.delays_renewal() {
            let auth = Arc::clone(self);
            tokio::spawn(async move { auth.is_renewal_postponed().await });
        }
        Ok(token)
    }

    /// Returns the current token, or a new one if its renewal is due.
    ///
    /// Calls that wait for the same request share its token or its error (CONN-26). A request is sent after the wait that the
    /// server has stated (CONN-1). After a failed renewal of a valid token,
    /// the error is returned again until the next attempt is due. Cancel safe.
    pub(crate) async fn renewed_token(self: &Arc<Self>) -> Result<Token, AuthError> {
        let (auth, called) = (Arc::clone(self), Instant::now());
        // A task of its own: a caller that is not polled for a while must not keep the others waiting.
        let request = tokio::spawn(async move { auth.request_token_if_due(called).await });
        request.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
    }

    /// Sends a request with the current token, and again after a 401 as [`decide`] says (CONN-21). `is_unauthorized` recognises
    /// that answer. Cancel safe.
    pub(crate) async fn authorize<T, E: From<AuthError>>(
        self: &Arc<Self>,
        request: decision::Request,
        is_unauthorized: impl Fn(&E) -> bool,
        send: impl AsyncFn(&Token) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut state = None;
        loop {
            let token = self.token().await?;
            let result = send(&token).await;
            if !result.as_ref().is_err_and(&is_unauthorized) {
                return result;
            }
            let refused =
                state.unwrap_or(if token.is_new() { TokenState::New { repeats: 0 } } else { TokenState::Old });
            let before = Before { token: refused, ..Before::new(false) };
            state = Some(match decide(request, ResponseKind::Unauthorized, before) {
                Action::RepeatWithSameToken(delay) => {
                    tokio::time::sleep(delay).await;
                    refused.repeated()
                }
                Action::RepeatWithNewToken => {
                    token.invalidate();
                    TokenState::Replacement
                }
                _ => return result,
            });
        }
    }

    /// Renews the token if that is due. Returns whether the renewal has failed while the token in hand can still be used,
    /// which is logged.
    pub(crate) async fn is_renewal_postponed(self: &Arc<Self>) -> bool {
        let Err(error) = self.renewed_token().await else { return false };
        let request = if self.valid_token().is_some() { decision::Request::Renewal } else { decision::Request::SignIn };
        let is_postponed = decide(request, error.response_kind(), Before::new(true)) == Action::KeepToken;
        if is_postponed && let Some(failure) = &mut self.state().failures.last {
            failure.log();
        }
        is_postponed
    }

    /// Logs the failed renewal of the token, once for all callers. Returns whether it is the cause of their error.
    pub(crate) fn log_failed_renewal(&self, is_cause: impl FnOnce(&AuthError) -> bool) -> bool {
        let mut state = self.state();
        let failure = state.failures.last.as_mut().filter(|failure| is_cause(&failure.error));
        failure.map(Failure::log).is_some()
    }

    /// Marks the current token as invalid. The next call of [`Auth::token`] requests another.
    pub(crate) fn invalidate(&self) {
        if let Some(token) = &self.state().token {
            token.invalidate();
        }
    }

    fn valid_token(&self) -> Option<Token> {
        self.state().token.clone().filter(Token::is_valid)
    }

    async fn request_token_if_due(&self, called: Instant) -> Result<Token, AuthError> {
        let _request = self.request.lock().await;
        if let Some(known) = self.state().known_result(called) {
            return known;
        }
        let wait_until = self.state().failures.wait_until();
        if let Some(end) = wait_until {
            sleep_until(end).await;
        }
        let result = self.request_token().await;
        self.state().record(&result);
        result
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn request_token(&self) -> Result<Token, AuthError> {
        let (host, sent) = (host(&self.endpoint), Instant::now());
        let has_signed_in = self.state().token.is_some();
        let request = self
            .http
            .post(self.endpoint.clone())
            .basic_auth(&self.credentials.client_id, Some(self.credentials.client_secret.expose_secret()))
            .form(&[("grant_type", "client_credentials")]);
        let response = self.http.send(&host, request).await?;
        if response.status() == StatusCode::OK {
            // Zeroed on drop, like the token in it.
            let body = SecretBox::new(Box::new(self.http.read_body(&host, response, http::SMALL_BODY).await?));
            let token = Token::from_response(body.expose_secret(), sent).map_err(|reason| AuthError::Unusable {
                host,
                reason: reason.to_owned(),
                has_signed_in,
            })?;
            self.secrets.add_token(&token.secret);
            return Ok(token);
        }
        let body = self.http.read_error_body(&host, response).await;
        Err(match body.sign_in_response_kind() {
            ResponseKind::BadRequest | ResponseKind::Unauthorized | ResponseKind::Forbidden => {
                AuthError::Refused { host, body, has_signed_in }
            }
            ResponseKind::Unavailable => AuthError::Unavailable { host, body },
            _ => AuthError::Unusable { host, reason: body.to_string(), has_signed_in },
        })
    }
}

impl State {
    /// Returns the result of a call at `called` that needs no request.
    fn known_result(&self, called: Instant) -> Option<Result<Token, AuthError>> {
        if let Some(token) = self.token.as_ref().filter(|token| !token.is_due()) {
            return Some(Ok(token.clone()));
        }
        let is_valid = self.token.as_ref().is_some_and(Token::is_valid);
        let delays_renewal = is_valid && self.failures.delays_renewal();
        // Otherwise a thousand waiting conversations would query an endpoint in trouble one after the other.
        let is_known = |failure: &&Failure| failure.at >= called || delays_renewal;
        self.failures.last.as_ref().filter(is_known).map(|failure| Err(failure.error.clone()))
    }

    fn record(&mut self, result: &Result<Token, AuthError>) {
        match result {
            Ok(token) => {
                self.failures = Failures::new();
                if self.token.replace(token.clone()).is_some() {
                    tracing::debug!("token renewed");
                }
            }
            Err(error) => self.failures.add(error),
        }
    }
}

impl Failures {
    fn new() -> Self {
        Self { backoff: Backoff::new(), in_a_row: 0, last: None }
    }

    fn add(&mut self, error: &AuthError) {
        let (at, retry_after) = (Instant::now(), error.retry_after());
        let delay = self.backoff.delay(self.in_a_row, retry_after);
        let wait_until = retry_after.map(|delay| at + limited(delay));
        self.in_a_row = self.in_a_row.saturating_add(1);
        self.last = Some(Failure { at, delay, wait_until, error: error.clone(), is_logged: self.in_a_row > 1 });
    }

    /// Returns the end of the wait that the server has stated.
    fn wait_until(&self) -> Option<Instant> {
        self.last.as_ref().and_then(|failure| failure.wait_until)
    }

    /// Returns whether it is too early to renew a token that is still valid.
    fn delays_renewal(&self) -> bool {
        self.last.as_ref().is_some_and(|failure| Instant::now() < failure.at + failure.delay)
    }
}

impl Failure {
    /// Logs the first failed renewal in a row, once.
    fn log(&mut self) {
        if !std::mem::replace(&mut self.is_logged, true) {
            let (delay_ms, seconds) = (milliseconds(self.delay), self.delay.as_secs_f64());
            tracing::warn!(delay_ms, "cannot renew the token: {}; retrying in {seconds:.1} s", self.error);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use futures_util::future::join;
    use reqwest::header::RETRY_AFTER;
    use tokio::time::timeout;

    use super::*;
    use crate::api::rest::Rest;

    /// A token endpoint that cannot be reached, and a token whose renewal is due.
    fn auth_with_due_token() -> (Arc<Auth>, Token) {
        let auth = Arc::clone(Rest::to_nowhere().auth());
        let token = Token::new("t".to_owned().into(), Some(Instant::now()));
        auth.state().token = Some(token.clone());
        (auth, token)
    }

    #[tokio::test]
    async fn a_failed_renewal_leaves_the_token_in_hand_and_waits_before_the_next() {
        let (auth, token) = auth_with_due_token();
        let error = auth.renewed_token().await.expect_err("unreachable");
        assert_eq!(auth.renewed_token().await.expect_err("too early"), error);
        assert_eq!(auth.state().failures.in_a_row, 1, "no second request");
        assert!(auth.is_renewal_postponed().await);
        let used = auth.token().await.expect("the token in hand");
        assert!(Arc::ptr_eq(&used.is_invalid, &token.is_invalid));
    }

    /// (R9, CONN-1)
    #[tokio::test(start_paused = true)]
    async fn no_caller_sends_a_request_before_the_stated_wait_is_over() {
        for (stated, waits) in [(45, 45), (3600, 300)] {
            let (auth, token) = auth_with_due_token();
            token.invalidate();
            let headers = [(RETRY_AFTER, stated.into())].into_iter().collect();
            let body = ErrorBody::new(StatusCode::TOO_MANY_REQUESTS, &headers, b"", &auth.secrets);
            auth.state().failures.add(&AuthError::Unavailable { host: "login.test".to_owned(), body });
            tokio::time::advance(Duration::from_secs(1)).await;
            let callers = || join(auth.token(), auth.renewed_token());
            timeout(Duration::from_secs(waits - 2), callers()).await.expect_err("too early");
            assert_eq!(auth.state().failures.in_a_row, 1, "no request");
            let (first, second) = timeout(Duration::from_secs(30), callers()).await.expect("the wait is over");
            assert_eq!(first.expect_err("unreachable"), second.expect_err("unreachable"));
            assert_eq!(auth.state().failures.in_a_row, 2, "one request");
        }
    }

    #[tokio::test]
    async fn a_renewal_delays_no_request_that_uses_the_token_in_hand() {
        let (auth, _) = auth_with_due_token();
        let _request_in_flight = auth.request.lock().await;
        auth.token().await.expect("the token in hand");
    }

    #[tokio::test]
    async fn a_caller_that_is_not_polled_keeps_no_other_waiting() {
        let (auth, token) = auth_with_due_token();
        token.invalidate();
        let unpolled = [auth.renewed_token(), auth.renewed_token()].map(|call| {
            let mut call = Box::pin(call);
            assert!(call.as_mut().now_or_never().is_none());
            call
        });
        let waiting = tokio::time::timeout(std::time::Duration::from_secs(30), auth.renewed_token());
        waiting.await.expect("no deadlock").expect_err("unreachable");
        drop(unpolled);
    }

    #[tokio::test]
    async fn a_request_fails_without_a_valid_token_and_each_of_them_asks_for_one() {
        let (auth, token) = auth_with_due_token();
        token.invalidate();
        for failures in [1, 3] {
            auth.token().await.expect_err("unreachable");
            assert_eq!(auth.state().failures.in_a_row, failures);
            assert!(!auth.is_renewal_postponed().await, "the token in hand is of no use");
        }
    }
}
