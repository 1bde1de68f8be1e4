//! The REST API: one request with the bearer token, and what its answer means.

use std::sync::{Arc, Mutex, PoisonError};

use reqwest::{Method, Response, StatusCode};
use secrecy::ExposeSecret;
use serde::Serialize;
use tokio::time::Instant;
use url::Url;

use super::error_body::{ErrorBody, is_page};
use super::http::{self, Http, HttpError};
use super::oauth::{Auth, AuthError, Token};
use super::rate_limit::RateLimit;

/// A conversation of ten thousand messages is listed in some 5 MB.
const LARGEST_BODY: usize = 64 * 1024 * 1024;

/// The API of one organisation, for one client. Clones share token and allowance.
#[derive(Debug, Clone)]
pub(crate) struct Rest {
    http: Http,
    auth: Arc<Auth>,
    api: Url,
    budget: Arc<Mutex<RateLimit>>,
}

/// Why there is no answer to a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RestError {
    /// The server does not answer.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// There is no token to be had.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// Two tokens in a row were refused.
    #[error("{host} refuses a token it has just granted: {answer}")]
    Unauthorized { host: String, answer: ErrorBody },
    /// The client may not do this.
    #[error("{host} does not permit it: {answer}")]
    Forbidden { host: String, answer: ErrorBody },
    /// There is no such thing, or no longer.
    #[error("{host} does not have it: {answer}")]
    NotFound { host: String, answer: ErrorBody },
    /// Not now.
    #[error("{host} cannot answer now: {answer}")]
    Unavailable { host: String, answer: ErrorBody },
    /// Whatever answers there, it is not this API.
    #[error("{host} does not answer like the Genesys Cloud API: {reason}")]
    UnexpectedResponse { host: String, reason: String },
}

impl Rest {
    /// Asks for nothing yet. `api` is the address of the API, with or without a path and a slash at its end.
    pub(crate) fn new(http: Http, auth: Arc<Auth>, api: Url) -> Self {
        Self { http, auth, api, budget: Arc::default() }
    }

    /// An API that nobody answers for.
    #[cfg(test)]
    pub(crate) fn to_nowhere() -> Self {
        use crate::config::{Credentials, Endpoints, Network};
        // Another test of this process may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let api: Url = "http://127.0.0.1:1/".parse().expect("a URL");
        let connect_timeout = std::time::Duration::from_secs(1);
        let network = Network { proxy: None, no_proxy: None, cacert: None, ssl_cert_file: None, connect_timeout };
        let endpoints = Endpoints { api: api.clone(), token: api.clone() };
        let http = Http::new(&network, &endpoints, crate::status::redact::Secrets::default()).expect("a client");
        let credentials = Credentials { client_id: "id".to_owned(), client_secret: "secret".into() };
        let auth = Auth::new(http.clone(), api.clone(), credentials, http.secrets().clone());
        Self::new(http, Arc::new(auth), api)
    }

    /// The host, for people.
    pub(crate) fn host(&self) -> String {
        http::host(&self.api)
    }

    /// Returns the error for a response that this API does not send.
    pub(super) fn unexpected(&self, reason: impl Into<String>) -> RestError {
        RestError::UnexpectedResponse { host: self.host(), reason: reason.into() }
    }

    /// The client that everything goes through.
    pub(crate) fn http(&self) -> &Http {
        &self.http
    }

    /// The current token, or a new one where that is due or was refused.
    ///
    /// # Errors
    ///
    /// When there is none to be had. Cancel safe.
    pub(crate) async fn token(&self) -> Result<Token, AuthError> {
        self.auth.token().await
    }

    /// The current token is of no more use, as somebody else has heard.
    pub(crate) fn invalidate_token(&self) {
        self.auth.distrust();
    }

    /// When the next request may be made by the allowance that the service tells; `now` where there is no need to wait.
    pub(crate) fn earliest(&self, now: Instant) -> Instant {
        self.budget().earliest(now)
    }

    /// Requests a minute, as far as the service has told.
    pub(crate) fn allowed(&self) -> Option<u32> {
        self.budget().allowed()
    }

    /// The body of what is at `path`, which begins with a slash and may have a query.
    ///
    /// # Errors
    ///
    /// Whatever stands in the way; an expired token does not, once. Cancel safe.
    pub(crate) async fn get(&self, path: &str) -> Result<String, RestError> {
        self.ask(Method::GET, path, None::<&()>).await
    }

    /// Sends `body` as JSON and returns the answer's.
    ///
    /// # Errors
    ///
    /// As [`Rest::get`].
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<String, RestError> {
        self.ask(method, path, body).await
    }

    /// Whether there is something at `path`.
    ///
    /// # Errors
    ///
    /// As [`Rest::get`], but for a 404 and 410, which are an answer.
    pub(crate) async fn exists(&self, path: &str) -> Result<bool, RestError> {
        match self.ask(Method::HEAD, path, None::<&()>).await {
            Ok(_) => Ok(true),
            Err(RestError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn ask(&self, method: Method, path: &str, body: Option<&impl Serialize>) -> Result<String, RestError> {
        let token = self.auth.token().await?;
        match self.attempt(&token, method.clone(), path, body).await {
            Err(RestError::Unauthorized { .. }) => {
                token.invalidate();
                let token = self.auth.token().await?;
                let again = self.attempt(&token, method, path, body).await;
                if matches!(again, Err(RestError::Unauthorized { .. })) {
                    token.invalidate();
                }
                again
            }
            result => result,
        }
    }

    async fn attempt(
        &self,
        token: &Token,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<String, RestError> {
        let host = self.host();
        let asked = format!("{method} {path}");
        let mut request = self.http.request(method, self.url(path)).bearer_auth(token.secret.expose_secret());
        if let Some(body) = body {
            request = request.json(body);
        }
        self.budget().spend();
        let response = self.http.send(&host, request).await?;
        self.budget().note(response.headers());
        tracing::trace!("{asked}: {}", response.status().as_u16());
        if !matches!(response.status(), StatusCode::OK | StatusCode::CREATED | StatusCode::NO_CONTENT) {
            return Err(self.refusal(host, response).await);
        }
        let body = self.http.body(&host, response, LARGEST_BODY).await?;
        if is_page(&body) {
            return Err(RestError::UnexpectedResponse { host, reason: "its answer is a web page".to_owned() });
        }
        String::from_utf8(body).or_else(|error| Ok(String::from_utf8_lossy(error.as_bytes()).into_owned()))
    }

    async fn refusal(&self, host: String, response: Response) -> RestError {
        let answer = self.http.refusal(&host, response).await;
        // A request that needs a person to be signed in is refused with 400 in one place and 403 in another.
        if answer.code.as_deref() == Some("not.a.user") {
            return RestError::Forbidden { host, answer };
        }
        match answer.status.as_u16() {
            401 => RestError::Unauthorized { host, answer },
            403 => RestError::Forbidden { host, answer },
            404 | 410 => RestError::NotFound { host, answer },
            501 => RestError::UnexpectedResponse { host, reason: format!("it says {answer}") },
            408 | 429 | 500..=599 => RestError::Unavailable { host, answer },
            _ => RestError::UnexpectedResponse { host, reason: format!("it says {answer}") },
        }
    }

    fn url(&self, path: &str) -> Url {
        let mut url = self.api.clone();
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        let prefix = self.api.path().trim_end_matches('/');
        url.set_path(&format!("{prefix}{path}"));
        url.set_query(query);
        url
    }

    fn budget(&self) -> std::sync::MutexGuard<'_, RateLimit> {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
