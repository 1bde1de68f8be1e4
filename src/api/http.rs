//! The HTTP client for tokens, REST and the WebSocket handshake.
//!
//! A single client, so that proxy, certificates and timeouts are configured once.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::DATE;
use reqwest::{Certificate, Method, NoProxy, Proxy, RequestBuilder, Response, redirect};
use url::Url;

use super::error_body::ErrorBody;
use super::http_error::{HttpError, host, innermost};
use crate::config::{Endpoints, Network, ProxyLogin, is_loopback};
use crate::status::redact::Secrets;
use crate::system::io_error;

/// The maximum size of a token or error response. A longer body is cut off.
pub(super) const SMALL_BODY: usize = 1024 * 1024;

/// Addresses that are never requested through a proxy, in the syntax of `NO_PROXY`.
pub(super) const LOOPBACK: &str = "localhost,127.0.0.0/8,::1";

/// A certificate or proxy setting that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SetupError {
    /// The certificates that replace the roots of the system cannot be used.
    #[error("cannot use SSL_CERT_FILE {}: {reason}", path.display())]
    RootCertificates { path: PathBuf, reason: String },
    /// The proxy cannot be used.
    #[error("cannot use the proxy: {0}")]
    Proxy(String),
    /// The client cannot be built with these certificates.
    #[error("cannot set up TLS: {0}")]
    Tls(String),
}

/// An HTTP client with the settings of the user. Clones share the connections.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    client: reqwest::Client,
    /// The limit for the head of a response, and again for its body.
    timeout: Duration,
    secrets: Secrets,
}

impl SetupError {
    /// Returns the next step for the user.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::RootCertificates { .. } => "set SSL_CERT_FILE to a file with PEM certificates, or unset it",
            Self::Proxy(_) => "check the address of the proxy (--proxy, HTTPS_PROXY)",
            Self::Tls(_) => "check the root certificates of the operating system and of --cacert",
        }
    }
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
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("genesys-tail/", env!("CARGO_PKG_VERSION")))
            .http1_only()
            .redirect(redirect::Policy::none())
            .connect_timeout(network.connect_timeout)
            .tcp_nodelay(true);
        let local = [&endpoints.api, &endpoints.token].map(is_loopback);
        let is_plain = [&endpoints.api, &endpoints.token].iter().all(|endpoint| endpoint.scheme() == "http");
        let extra =
            certificates(network.cacert.as_ref().map(|bundle| bundle.pem.as_slice())).map_err(SetupError::Tls)?;
        builder = match &network.ssl_cert_file {
            _ if local == [true, true] && is_plain => builder.tls_certs_only(extra),
            Some(path) => builder.tls_certs_only(root_certificates(path)?.into_iter().chain(extra)),
            None => builder.tls_certs_merge(extra),
        };
        builder = match &network.proxy {
            // reqwest applies the asterisk to names only. It means addresses as well.
            Some(_) if network.no_proxy.as_deref().is_some_and(is_everything) => builder.no_proxy(),
            Some(proxy) => {
                let proxy = except_loopback(proxy, network.no_proxy.as_deref()).map_err(SetupError::Proxy)?;
                builder.proxy(proxy)
            }
            // reqwest would use the system's proxy for loopback as well.
            None if local.contains(&true) => builder.no_proxy(),
            None => builder,
        };
        let client = builder.build().map_err(|error| SetupError::Tls(innermost(&error)))?;
        Ok(Self { client, timeout: network.connect_timeout, secrets })
    }

    /// Starts a `GET` request.
    pub(crate) fn get(&self, url: Url) -> RequestBuilder {
        self.client.get(url)
    }

    /// Starts a `POST` request.
    pub(crate) fn post(&self, url: Url) -> RequestBuilder {
        self.client.post(url)
    }

    /// Starts a request of any method.
    pub(super) fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.client.request(method, url)
    }

    /// Returns the secrets that are redacted from error responses.
    pub(crate) fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// Sends a request and waits for the head of the response, whatever its status.
    ///
    /// Cancel safe: dropping the future closes the connection.
    pub(crate) async fn send(&self, host: &str, request: RequestBuilder) -> Result<Response, HttpError> {
        self.with_timeout(host, request.send()).await
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

    async fn with_timeout<T>(
        &self,
        host: &str,
        future: impl Future<Output = Result<T, reqwest::Error>>,
    ) -> Result<T, HttpError> {
        match tokio::time::timeout(self.timeout, future).await {
            Ok(result) => result.map_err(|error| HttpError::from_reqwest(host, self.timeout, error)),
            Err(_) => Err(HttpError::Timeout { host: host.to_owned(), after: self.timeout }),
        }
    }
}

pub(super) fn is_everything(no_proxy: &str) -> bool {
    no_proxy.split(',').any(|entry| entry.trim() == "*")
}

fn certificates(pem: Option<&[u8]>) -> Result<Vec<Certificate>, String> {
    let bundle = pem.map(Certificate::from_pem_bundle).transpose();
    Ok(bundle.map_err(|error| innermost(&error))?.unwrap_or_default())
}

/// Reads the certificates that replace the system's roots.
fn root_certificates(path: &Path) -> Result<Vec<Certificate>, SetupError> {
    let unusable = |reason| SetupError::RootCertificates { path: path.to_owned(), reason };
    let pem = std::fs::read(path).map_err(|error| unusable(io_error::describe(&error)))?;
    match certificates(Some(&pem)).map_err(unusable)? {
        found if found.is_empty() => Err(unusable("no certificate in it".to_owned())),
        found => Ok(found),
    }
}

fn except_loopback(proxy: &crate::config::Proxy, no_proxy: Option<&str>) -> Result<Proxy, String> {
    use secrecy::ExposeSecret;
    let mut url = proxy.url.clone();
    if let Some(ProxyLogin { user, password }) = &proxy.login {
        let set = url.set_username(user).and_then(|()| url.set_password(Some(password.expose_secret())));
        set.map_err(|()| "its address cannot have credentials".to_owned())?;
    }
    let direct = no_proxy.map_or_else(|| LOOPBACK.to_owned(), |more| format!("{LOOPBACK},{more}"));
    let proxy = Proxy::all(url).map_err(|error| innermost(&error))?;
    Ok(proxy.no_proxy(NoProxy::from_string(&direct)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_error_shows_no_url() {
        // Another test of this process may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let local: Url = "http://127.0.0.1/".parse().expect("a URL");
        let connect_timeout = Duration::from_secs(5);
        let network = Network { proxy: None, no_proxy: None, cacert: None, ssl_cert_file: None, connect_timeout };
        let endpoints = Endpoints { api: local.clone(), token: local };
        let http = Http::new(&network, &endpoints, Secrets::default()).expect("a client");
        let request = http.get("ftp://user:s3cret@h/?s3cret".parse().expect("a URL"));
        let error = http.send("h", request).await.expect_err("a scheme that is not HTTP");
        assert_eq!(error.to_string(), "cannot reach h: URL scheme is not allowed");
    }
}
