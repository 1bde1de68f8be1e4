//! Authenticated requests to the REST API, and the classification of their responses.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use reqwest::{Method, Response, StatusCode};
use secrecy::ExposeSecret;
use serde::Serialize;
use tokio::time::{Instant, sleep_until};
use url::Url;

use super::error_body::{ErrorBody, is_html};
use super::hints::{GRANT_PERMISSION, SAME_REGION, UNEXPECTED_RESPONSE, after_unavailable};
use super::http::Http;
use super::http_error::{HttpError, host};
use super::oauth::{Auth, AuthError};
use super::rate_limit::RateLimit;
use super::token::Token;
use crate::config::is_loopback;
use crate::decision::{Request, ResponseKind};
use crate::exit_code::ErrorClass;

/// The maximum size of a response. A snapshot of a conversation with ten thousand messages has about 5 MB.
const MAX_BODY: usize = 64 * 1024 * 1024;

/// A client of the REST API. Clones share token and rate limit.
#[derive(Debug, Clone)]
pub(crate) struct Rest {
    http: Http,
    auth: Arc<Auth>,
    base_url: Url,
    rate_limit: Arc<Mutex<RateLimit>>,
}

/// A request without a usable response.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RestError {
    /// There was no response.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// No token could be obtained.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// The server refused two tokens in a row.
    #[error("{host} rejected a new token: {body}")]
    Unauthorized { host: String, body: ErrorBody },
    /// The OAuth client lacks a permission.
    #[error("permission denied by {host}: {body}")]
    Forbidden { host: String, body: ErrorBody },
    /// The requested entity does not exist, or no longer.
    #[error("not found at {host}: {body}")]
    NotFound { host: String, body: ErrorBody },
    /// The server is overloaded, down, or limits requests.
    #[error("{host} is temporarily unavailable: {body}")]
    Unavailable { host: String, body: ErrorBody },
    /// The server is not the Genesys Cloud API.
    #[error("unexpected response from {host}: {reason}")]
    UnexpectedResponse { host: String, reason: String },
}

impl RestError {
    /// Returns the class, which decides the exit code.
    pub(crate) fn class(&self) -> ErrorClass {
        match self {
            Self::Http(error) => error.class(),
            Self::Auth(error) => error.class(),
            Self::Unauthorized { .. } | Self::Forbidden { .. } => ErrorClass::NoPermission,
            Self::NotFound { .. } => ErrorClass::NoInput,
            Self::Unavailable { .. } => ErrorClass::Unavailable,
            Self::UnexpectedResponse { .. } => ErrorClass::Protocol,
        }
    }

    /// Returns what the error means for the next attempt.
    pub(crate) fn response_kind(&self) -> ResponseKind {
        match self {
            Self::Http(error) => error.response_kind(),
            Self::Auth(error) => error.response_kind(),
            Self::Unauthorized { .. } => ResponseKind::Unauthorized,
            Self::Forbidden { .. } => ResponseKind::Forbidden,
            Self::NotFound { .. } => ResponseKind::Missing,
            Self::Unavailable { .. } => ResponseKind::Unavailable,
            Self::UnexpectedResponse { .. } => ResponseKind::Unexpected,
        }
    }

    /// Returns the likely cause and the next step.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Http(error) => error.hint(),
            Self::Auth(error) => error.hint(),
            Self::Unauthorized { .. } => SAME_REGION,
            Self::Forbidden { .. } => GRANT_PERMISSION,
            Self::NotFound { .. } => "check the region or API URL",
            Self::Unavailable { body, .. } => after_unavailable(body),
            Self::UnexpectedResponse { .. } => UNEXPECTED_RESPONSE,
        }
    }
}

impl Rest {
    /// Creates a client. `base_url` may have a path, with or without a slash at its end.
    pub(crate) fn new(http: Http, auth: Arc<Auth>, base_url: Url) -> Self {
        Self { http, auth, base_url, rate_limit: Arc::default() }
    }

    /// A client of an unreachable server.
    #[cfg(test)]
    pub(crate) fn to_nowhere() -> Self {
        use crate::config::{Credentials, Endpoints, Network};
        // Another test of this process may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let api: Url = "http://127.0.0.1:1/".parse().expect("a URL");
        let endpoints = Endpoints { api: api.clone(), token: api.clone() };
        let http =
            Http::new(&Network::direct(), &endpoints, crate::status::redact::Secrets::default()).expect("a client");
        let credentials = Credentials { client_id: "id".to_owned(), client_secret: "secret".into() };
        let auth = Auth::new(http.clone(), api.clone(), credentials, http.secrets().clone());
        Self::new(http, Arc::new(auth), api)
    }

    /// Returns the host of the API as messages show it.
    pub(crate) fn host(&self) -> String {
        host(&self.base_url)
    }

    /// Returns whether the API is on this computer.
    pub(super) fn is_local(&self) -> bool {
        is_loopback(&self.base_url)
    }

    /// Returns the error for a response that the Genesys Cloud API does not send.
    pub(super) fn unexpected(&self, reason: impl Into<String>) -> RestError {
        RestError::UnexpectedResponse { host: self.host(), reason: reason.into() }
    }

    /// Returns the HTTP client.
    pub(crate) fn http(&self) -> &Http {
        &self.http
    }

    /// Returns the sign-in.
    pub(crate) fn auth(&self) -> &Arc<Auth> {
        &self.auth
    }

    /// Returns when the rate limit of the API allows the next request: `now` or later.
    pub(crate) fn next_request_at(&self, now: Instant) -> Instant {
        self.rate_limit().next_request_at(now)
    }

    /// Returns when the next urgent request may be sent: `now` or later.
    pub(crate) fn next_urgent_request_at(&self, now: Instant) -> Instant {
        self.rate_limit().next_urgent_request_at(now)
    }

    /// Waits until the rate limit of the API allows a request.
    pub(crate) async fn wait_for_rate_limit(&self) {
        sleep_until(self.next_request_at(Instant::now())).await;
    }

    /// Returns the number of requests that the API allows per minute, if it has reported one.
    pub(crate) fn per_minute(&self) -> Option<u32> {
        self.rate_limit().per_minute()
    }

    /// Requests `path`, which starts with a slash and may have a query. Returns the body.
    ///
    /// A refused token is tried again, and replaced once (CONN-21). Cancel safe.
    pub(crate) async fn get(&self, path: &str) -> Result<String, RestError> {
        self.send(Method::GET, path, None::<&()>).await
    }

    /// Returns whether `path` exists: 404 and 410 are no errors. Otherwise like [`Rest::get`].
    pub(crate) async fn exists(&self, path: &str) -> Result<bool, RestError> {
        match self.send(Method::HEAD, path, None::<&()>).await {
            Ok(_) => Ok(true),
            Err(RestError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Sends `body` as JSON. Otherwise like [`Rest::get`].
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<String, RestError> {
        let is_unauthorized = |error: &RestError| matches!(error, RestError::Unauthorized { .. });
        let send = async |token: &Token| self.send_with(token, method.clone(), path, body).await;
        self.auth.authorize(Request::Read, is_unauthorized, send).await
    }

    async fn send_with(
        &self,
        token: &Token,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<String, RestError> {
        let host = self.host();
        let description = format!("{method} {path}");
        let mut request = self.http.request(method, self.url(path)).bearer_auth(token.secret.expose_secret());
        if let Some(body) = body {
            request = request.json(body);
        }
        self.rate_limit().record_request();
        let response = self.http.send(&host, request).await?;
        self.rate_limit().update(response.headers());
        tracing::trace!("{description}: {}", response.status().as_u16());
        if !matches!(response.status(), StatusCode::OK | StatusCode::CREATED | StatusCode::NO_CONTENT) {
            return Err(self.read_error(host, response).await);
        }
        let body = self.http.read_body(&host, response, MAX_BODY).await?;
        if is_html(&body) {
            return Err(RestError::UnexpectedResponse { host, reason: "a web page".to_owned() });
        }
        String::from_utf8(body).or_else(|error| Ok(String::from_utf8_lossy(error.as_bytes()).into_owned()))
    }

    /// Makes the error of a response by its status (CONN-10 to CONN-13, CONN-17).
    async fn read_error(&self, host: String, response: Response) -> RestError {
        let body = self.http.read_error_body(&host, response).await;
        // Calls that require a signed-in user refuse an OAuth client with 400 in some places and 403 in others.
        if body.code.as_deref() == Some("not.a.user") {
            return RestError::Forbidden { host, body };
        }
        match body.response_kind() {
            ResponseKind::Unauthorized => RestError::Unauthorized { host, body },
            ResponseKind::Forbidden => RestError::Forbidden { host, body },
            ResponseKind::Missing => RestError::NotFound { host, body },
            ResponseKind::Unavailable => RestError::Unavailable { host, body },
            _ => RestError::UnexpectedResponse { host, reason: body.to_string() },
        }
    }

    fn url(&self, path: &str) -> Url {
        let mut url = self.base_url.clone();
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        let prefix = self.base_url.path().trim_end_matches('/');
        url.set_path(&format!("{prefix}{path}"));
        url.set_query(query);
        url
    }

    fn rate_limit(&self) -> MutexGuard<'_, RateLimit> {
        self.rate_limit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
