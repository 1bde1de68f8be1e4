//! The HTTP client for tokens, REST and the WebSocket handshake.
//!
//! A single client, so that proxy, certificates and timeouts are configured once.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::DATE;
use reqwest::{Method, RequestBuilder, Response};
use tokio::time::Instant;
use url::Url;

use super::client_setup::ClientSetup;
use super::error_body::ErrorBody;
use super::http_error::{HttpError, ProxyOfSettings, ProxyRefusal, host};
use super::pool::Pool;
use super::proxy_challenge::has_basic;
use super::setup_error::SetupError;
use crate::config::{Endpoints, Network};
use crate::status::redact::Secrets;

/// The maximum size of a token or error response. A longer body is cut off.
pub(super) const SMALL_BODY: usize = 1024 * 1024;

/// An HTTP client with the settings of the user. Clones share the connections.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    pool: Arc<Pool>,
    has_proxy_login: bool,
    /// The proxy of the settings, for messages.
    proxy: Option<Arc<ProxyOfSettings>>,
    /// The settings of trusted certificates, for messages.
    trusted: Arc<str>,
    /// The limit for the head of a response, and again for its body.
    timeout: Duration,
    secrets: Secrets,
}

impl Http {
    /// Builds the client. Error responses are shown without the `secrets`.
    ///
    /// Loads the trusted certificates, which takes some milliseconds, unless both endpoints are plain HTTP on loopback.
    ///
    /// # Errors
    ///
    /// Names the setting that cannot be used: a certificate or the proxy.
    pub(crate) fn new(network: &Network, endpoints: &Endpoints, secrets: Secrets) -> Result<Self, SetupError> {
        let pool = Arc::new(Pool::new(ClientSetup::new(network, endpoints)?)?);
        let has_proxy_login = network.proxy.as_ref().is_some_and(|proxy| proxy.login.is_some());
        let proxy = network.proxy.as_ref().map(|proxy| {
            let (label, needs_resolved_hosts) = (proxy.label().into(), proxy.needs_resolved_hosts());
            Arc::new(ProxyOfSettings { label, needs_resolved_hosts })
        });
        let trusted = network.trusted_certificates().into();
        Ok(Self { pool, has_proxy_login, proxy, trusted, timeout: network.connect_timeout, secrets })
    }

    /// Starts a `GET` request.
    pub(crate) fn get(&self, url: Url) -> RequestBuilder {
        self.pool.client().get(url)
    }

    /// Starts a `POST` request.
    pub(crate) fn post(&self, url: Url) -> RequestBuilder {
        self.pool.client().post(url)
    }

    /// Starts a request of any method.
    pub(super) fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.pool.client().request(method, url)
    }

    /// Returns the secrets that are redacted from error responses.
    pub(crate) fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// Drops the pooled connections because the network has been silent since then. Cheap if that has happened already.
    pub(crate) fn drop_connections(&self, silent_since: Instant) {
        self.pool.drop_connections(silent_since);
    }

    /// Sends a request and waits for the head of the response, whatever its status.
    ///
    /// Cancel safe: dropping the future closes the connection.
    pub(crate) async fn send(&self, host: &str, request: RequestBuilder) -> Result<Response, HttpError> {
        let (client, request) = request.build_split();
        let url = request.as_ref().ok().map(|request| request.url().clone());
        let result = self.with_timeout(host, async { self.pool.execute(client, request?).await }).await;
        match (result, url) {
            (Err(HttpError::ProxyCredentials { host, .. }), Some(url)) => {
                let refusal = self.explain_proxy_refusal(&url).await;
                Err(HttpError::ProxyCredentials { host, refusal })
            }
            (result, _) => result,
        }
    }

    /// Returns why the proxy refuses to connect to the host of `url`.
    async fn explain_proxy_refusal(&self, url: &Url) -> ProxyRefusal {
        let schemes = tokio::time::timeout(self.timeout, self.pool.proxy_schemes(url)).await;
        match schemes {
            Ok(Some(schemes)) if !schemes.is_empty() && !has_basic(&schemes) => {
                ProxyRefusal::Schemes(schemes.join(" or "))
            }
            _ if self.has_proxy_login => ProxyRefusal::WrongLogin,
            _ => ProxyRefusal::NoLogin,
        }
    }

    /// Sends a `GET` without credentials and accepts any response. Returns the server's time, if it sends one.
    ///
    /// Cancel safe.
    pub(crate) async fn probe(&self, url: Url) -> Result<Option<DateTime<Utc>>, HttpError> {
        let response = self.send(&host(&url), self.get(url)).await?;
        let date = response.headers().get(DATE).and_then(|date| date.to_str().ok());
        Ok(date.and_then(|date| DateTime::parse_from_rfc2822(date).ok()).map(|date| date.to_utc()))
    }

    /// Reads the body of a response, at most `limit` bytes of it.
    pub(crate) async fn read_body(
        &self,
        host: &str,
        mut response: Response,
        limit: usize,
    ) -> Result<Vec<u8>, HttpError> {
        let read = async {
            let mut body = Vec::new();
            while let Some(chunk) = response.chunk().await? {
                body.extend_from_slice(&chunk[..chunk.len().min(limit - body.len())]);
                if body.len() == limit {
                    break;
                }
            }
            Ok(body)
        };
        self.with_timeout(host, read).await
    }

    /// Reads an error response. A body that cannot be read counts as empty.
    pub(crate) async fn read_error_body(&self, host: &str, response: Response) -> ErrorBody {
        let (status, headers) = (response.status(), response.headers().clone());
        let body = self.read_body(host, response, SMALL_BODY).await.unwrap_or_default();
        ErrorBody::new(status, &headers, &body, &self.secrets)
    }

    fn classify(&self, host: &str, error: reqwest::Error) -> HttpError {
        let error = HttpError::from_reqwest(host, self.timeout, error).with_trusted(&self.trusted);
        match &self.proxy {
            Some(proxy) => error.with_proxy(proxy),
            None => error,
        }
    }

    /// Waits for a part of a response, for at most the time limit of the settings.
    pub(super) async fn with_timeout<T>(
        &self,
        host: &str,
        future: impl Future<Output = Result<T, reqwest::Error>>,
    ) -> Result<T, HttpError> {
        let started = Instant::now();
        let result = match tokio::time::timeout(self.timeout, future).await {
            Ok(result) => result.map_err(|error| self.classify(host, error)),
            Err(_) => Err(HttpError::Timeout { host: host.to_owned(), after: self.timeout }),
        };
        // The other connections may be dead as well. The next request would wait for them in turn.
        if matches!(result, Err(HttpError::Timeout { .. })) {
            self.drop_connections(started);
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_error_shows_no_url() {
        // Another test of this process may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let local: Url = "http://127.0.0.1/".parse().expect("a URL");
        let endpoints = Endpoints { api: local.clone(), token: local };
        let http = Http::new(&Network::direct(), &endpoints, Secrets::default()).expect("a client");
        let request = http.get("ftp://user:s3cret@h/?s3cret".parse().expect("a URL"));
        let error = http.send("h", request).await.expect_err("a scheme that is not HTTP");
        assert_eq!(error.to_string(), "cannot reach h: URL scheme is not allowed");
    }
}
