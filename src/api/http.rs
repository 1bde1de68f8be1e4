//! The one HTTP client: token, REST and the WebSocket handshake all go through it, so that proxy, certificates and
//! time-outs are settled in one place.

use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::DATE;
use reqwest::{Certificate, Method, NoProxy, Proxy, RequestBuilder, Response, redirect};
use url::Url;

use super::certificate::CertificateError;
use super::error_body::ErrorBody;
use super::http_error::{explain, innermost};
use crate::config::{Endpoints, Network, is_loopback};
use crate::status::redact::Secrets;
use crate::system::io_error;

/// No answer about a token or a refusal is larger; what is longer is cut off, never read.
pub(super) const SMALL_BODY: usize = 1024 * 1024;

/// What never goes through a proxy.
pub(super) const LOOPBACK: &str = "localhost,127.0.0.0/8,::1";

/// A client for one set of endpoints.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    client: reqwest::Client,
    patience: Duration,
    secrets: Secrets,
}

/// Why there was no answer at all. The texts read after the name of what was attempted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HttpError {
    /// The name does not resolve.
    #[error("cannot find {host}: the name does not resolve")]
    Dns { host: String },
    /// The other end cannot be reached, or hung up.
    #[error("cannot reach {host}: {reason}")]
    Unreachable { host: String, reason: String },
    /// No answer in time.
    #[error("no answer from {host} within {}", humantime::format_duration(*.after))]
    Timeout { host: String, after: Duration },
    /// The certificate cannot be trusted.
    #[error("the certificate of {host} is refused: {distrust}")]
    Certificate { host: String, distrust: CertificateError },
    /// The proxy cannot be reached.
    #[error("cannot reach the proxy before {host}: {reason}")]
    Proxy { host: String, reason: String },
    /// The proxy is there, and that is all.
    #[error("the proxy does not pass us on to {host}: {reason}")]
    ProxyRefuses { host: String, reason: String },
    /// The proxy wants other credentials, or any.
    #[error("the proxy refuses to pass us on to {host}: it wants a user name and password (407)")]
    ProxyCredentials { host: String },
}

impl Http {
    /// Builds the client. Reads the certificates that are trusted, which takes some milliseconds, only when an
    /// endpoint is not on loopback or wants them. No refusal shows any of the `secrets`.
    ///
    /// # Errors
    ///
    /// Says what in the settings cannot be used: a certificate or the proxy.
    pub(crate) fn new(network: &Network, endpoints: &Endpoints, secrets: Secrets) -> Result<Self, String> {
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("genesys-tail/", env!("CARGO_PKG_VERSION")))
            .http1_only()
            .redirect(redirect::Policy::none())
            .connect_timeout(network.connect_timeout)
            .tcp_nodelay(true);
        let local = [&endpoints.api, &endpoints.token].map(is_loopback);
        let is_plain = [&endpoints.api, &endpoints.token].iter().all(|endpoint| endpoint.scheme() == "http");
        let extra = certificates(network.cacert.as_ref().map(|bundle| bundle.pem.as_slice()))?;
        builder = match &network.ssl_cert_file {
            _ if local == [true, true] && is_plain => builder.tls_certs_only(extra),
            Some(path) => builder.tls_certs_only(roots(path)?.into_iter().chain(extra)),
            None => builder.tls_certs_merge(extra),
        };
        builder = match &network.proxy {
            // The library takes the asterisk for all names, and we for all addresses too.
            Some(_) if network.no_proxy.as_deref().is_some_and(is_everything) => builder.no_proxy(),
            Some(proxy) => builder.proxy(passing_by_loopback(proxy, network.no_proxy.as_deref())?),
            // The system's proxy, as reqwest finds it, would be asked for loopback too.
            None if local.contains(&true) => builder.no_proxy(),
            None => builder,
        };
        let client = builder.build().map_err(|error| innermost(&error))?;
        Ok(Self { client, patience: network.connect_timeout, secrets })
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

    /// What no line may ever show.
    pub(crate) fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// Sends a request and waits for the head of the answer, whatever its status.
    ///
    /// # Errors
    ///
    /// When no answer came, for whatever reason. Cancel safe: dropping it closes the connection.
    pub(crate) async fn send(&self, host: &str, request: RequestBuilder) -> Result<Response, HttpError> {
        match tokio::time::timeout(self.patience, request.send()).await {
            Ok(answer) => answer.map_err(|error| explain(host, self.patience, error)),
            Err(_) => Err(HttpError::Timeout { host: host.to_owned(), after: self.patience }),
        }
    }

    /// Asks without credentials, and is content with any answer. Returns the time that the server says it is.
    ///
    /// # Errors
    ///
    /// As [`Http::send`]. Cancel safe.
    pub(crate) async fn reach(&self, url: Url) -> Result<Option<DateTime<Utc>>, HttpError> {
        let host = host(&url);
        let response = self.send(&host, self.get(url)).await?;
        let date = response.headers().get(DATE).and_then(|date| date.to_str().ok());
        Ok(date.and_then(|date| DateTime::parse_from_rfc2822(date).ok()).map(|date| date.to_utc()))
    }

    /// Reads the body of an answer, at most `limit` bytes of it and no longer than our patience lasts.
    ///
    /// # Errors
    ///
    /// When the connection broke or the time ran out.
    pub(crate) async fn body(&self, host: &str, mut response: Response, limit: usize) -> Result<Vec<u8>, HttpError> {
        let read = async {
            let mut body = Vec::new();
            while let Some(chunk) = response.chunk().await? {
                body.extend_from_slice(&chunk[..chunk.len().min(limit - body.len())]);
                if body.len() == limit {
                    break;
                }
            }
            Ok::<_, reqwest::Error>(body)
        };
        match tokio::time::timeout(self.patience, read).await {
            Ok(body) => body.map_err(|error| explain(host, self.patience, error)),
            Err(_) => Err(HttpError::Timeout { host: host.to_owned(), after: self.patience }),
        }
    }

    /// Reads a refusal to the end: its status, its words, what is missing, and how long it asks us to wait.
    pub(crate) async fn refusal(&self, host: &str, response: Response) -> ErrorBody {
        let (status, headers) = (response.status(), response.headers().clone());
        let body = self.body(host, response, SMALL_BODY).await.unwrap_or_default();
        ErrorBody::new(status, &headers, &body, &self.secrets)
    }
}

/// The host of a URL as a person would write it, with its port when that is not the usual one.
pub(crate) fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

pub(super) fn is_everything(no_proxy: &str) -> bool {
    no_proxy.split(',').any(|entry| entry.trim() == "*")
}

fn certificates(pem: Option<&[u8]>) -> Result<Vec<Certificate>, String> {
    let bundle = pem.map(Certificate::from_pem_bundle).transpose();
    Ok(bundle.map_err(|error| innermost(&error))?.unwrap_or_default())
}

/// The roots that stand in for the system's.
fn roots(path: &Path) -> Result<Vec<Certificate>, String> {
    let read = std::fs::read(path).map_err(|error| io_error::describe(&error));
    let found = read
        .and_then(|pem| certificates(Some(&pem)))
        .map_err(|reason| format!("SSL_CERT_FILE {}: {reason}", path.display()))?;
    match found.as_slice() {
        [] => Err(format!("SSL_CERT_FILE {}: there is no certificate in it", path.display())),
        _ => Ok(found),
    }
}

fn passing_by_loopback(proxy: &crate::config::Proxy, no_proxy: Option<&str>) -> Result<Proxy, String> {
    use secrecy::ExposeSecret;
    let mut url = proxy.url.clone();
    if let Some((user, password)) = &proxy.login {
        let set = url.set_username(user).and_then(|()| url.set_password(Some(password.expose_secret())));
        set.map_err(|()| "the proxy's address takes no credentials".to_owned())?;
    }
    let direct = no_proxy.map_or_else(|| LOOPBACK.to_owned(), |more| format!("{LOOPBACK},{more}"));
    let proxy = Proxy::all(url).map_err(|error| innermost(&error))?;
    Ok(proxy.no_proxy(NoProxy::from_string(&direct)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_shown_with_an_unusual_port_only() {
        let shown = |url: &str| host(&url.parse().expect("a URL"));
        assert_eq!(shown("https://api.mypurecloud.ie/x"), "api.mypurecloud.ie");
        assert_eq!(shown("http://127.0.0.1:8080"), "127.0.0.1:8080");
    }
    #[tokio::test]
    async fn no_error_shows_an_address_which_may_hold_a_secret() {
        // Another test of this process may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let local: Url = "http://127.0.0.1/".parse().expect("a URL");
        let connect_timeout = Duration::from_secs(5);
        let network = Network { proxy: None, no_proxy: None, cacert: None, ssl_cert_file: None, connect_timeout };
        let endpoints = Endpoints { api: local.clone(), token: local };
        let http = Http::new(&network, &endpoints, Secrets::default()).expect("a client");
        let request = http.get("ftp://user:s3cret@h/?s3cret".parse().expect("a URL"));
        let error = http.send("h", request).await.expect_err("nobody speaks that");
        assert_eq!(error.to_string(), "cannot reach h: URL scheme is not allowed");
    }
}
