//! The settings of the HTTP client: proxy, trusted certificates and time limits.

use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{Certificate, Client, NoProxy, Proxy, redirect};

use super::connect_observer::ConnectObserver;
use super::http_error::innermost;
use crate::config::{Endpoints, Network, ProxyLogin, is_loopback};
use crate::system::io_error;

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

/// The settings that each client of a run is built with.
#[derive(Debug)]
pub(super) struct ClientSetup {
    connect_timeout: Duration,
    roots: Roots,
    route: Route,
}

/// The trusted certificates.
#[derive(Debug)]
enum Roots {
    Only(Vec<Certificate>),
    SystemAnd(Vec<Certificate>),
}

/// The proxy to connect through.
#[derive(Debug)]
enum Route {
    Direct,
    Through(Box<Proxy>),
    SystemProxy,
}

impl ClientSetup {
    /// Reads the certificates that replace those of the system, unless both endpoints are plain HTTP on loopback.
    ///
    /// # Errors
    ///
    /// Names the setting that cannot be used: a certificate or the proxy.
    pub(super) fn new(network: &Network, endpoints: &Endpoints) -> Result<Self, SetupError> {
        Ok(Self {
            connect_timeout: network.connect_timeout,
            roots: roots(network, endpoints)?,
            route: route(network, endpoints)?,
        })
    }

    /// Builds a client without connections. Loads the certificates of the system, which takes some milliseconds.
    pub(super) fn build(&self) -> Result<Client, SetupError> {
        let builder = Client::builder()
            .user_agent(concat!("genesys-tail/", env!("CARGO_PKG_VERSION")))
            .http1_only()
            .redirect(redirect::Policy::none())
            .connect_timeout(self.connect_timeout)
            .connector_layer(ConnectObserver)
            .tcp_nodelay(true);
        let builder = match &self.roots {
            Roots::Only(roots) => builder.tls_certs_only(roots.clone()),
            Roots::SystemAnd(roots) => builder.tls_certs_merge(roots.clone()),
        };
        let builder = match &self.route {
            Route::Direct => builder.no_proxy(),
            Route::Through(proxy) => builder.proxy(Proxy::clone(proxy)),
            Route::SystemProxy => builder,
        };
        builder.build().map_err(|error| SetupError::Tls(innermost(&error)))
    }
}

fn roots(network: &Network, endpoints: &Endpoints) -> Result<Roots, SetupError> {
    let extra = certificates(network.cacert.as_ref().map(|bundle| bundle.pem.as_slice())).map_err(SetupError::Tls)?;
    let is_plain = [&endpoints.api, &endpoints.token].iter().all(|endpoint| endpoint.scheme() == "http");
    Ok(match &network.ssl_cert_file {
        _ if endpoints.are_local() && is_plain => Roots::Only(extra),
        Some(path) => Roots::Only(root_certificates(path)?.into_iter().chain(extra).collect()),
        None => Roots::SystemAnd(extra),
    })
}

fn route(network: &Network, endpoints: &Endpoints) -> Result<Route, SetupError> {
    Ok(match &network.proxy {
        // reqwest applies the asterisk to names only. It means addresses as well.
        Some(_) if network.no_proxy.as_deref().is_some_and(is_everything) => Route::Direct,
        Some(proxy) => {
            let proxy = except_loopback(proxy, network.no_proxy.as_deref()).map_err(SetupError::Proxy)?;
            Route::Through(Box::new(proxy))
        }
        // reqwest would use the system's proxy for loopback as well.
        None if [&endpoints.api, &endpoints.token].into_iter().any(is_loopback) => Route::Direct,
        None => Route::SystemProxy,
    })
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
