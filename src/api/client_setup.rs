//! The settings of the HTTP client: proxy, trusted certificates and time limits.

use std::time::Duration;

use reqwest::{Certificate, Client, ClientBuilder, Proxy, redirect};
use url::Url;

use super::connect_observer::ConnectObserver;
use super::http_error::innermost;
use super::setup_error::SetupError;
use super::trusted_roots::replacing_roots;
use crate::config::{Endpoints, Network, NoProxy, ProxyLogin, is_loopback};

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
    Through { proxy: Box<Proxy>, without_login: Box<Proxy> },
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
        let builder = match &self.route {
            Route::Direct => self.builder().no_proxy(),
            Route::Through { proxy, .. } => self.builder().proxy(Proxy::clone(proxy)),
            Route::SystemProxy => self.builder(),
        };
        builder.build().map_err(|error| SetupError::Tls(innermost(&error)))
    }

    /// Builds a client that sends no credentials to the proxy; `None` without a proxy.
    pub(super) fn build_without_login(&self) -> Option<Client> {
        let Route::Through { without_login, .. } = &self.route else { return None };
        self.builder().proxy(Proxy::clone(without_login)).build().ok()
    }

    fn builder(&self) -> ClientBuilder {
        let builder = Client::builder()
            .user_agent(concat!("genesys-tail/", env!("CARGO_PKG_VERSION")))
            .http1_only()
            .redirect(redirect::Policy::none())
            .connect_timeout(self.connect_timeout)
            .connector_layer(ConnectObserver)
            .tcp_nodelay(true);
        match &self.roots {
            Roots::Only(roots) => builder.tls_certs_only(roots.clone()),
            Roots::SystemAnd(roots) => builder.tls_certs_merge(roots.clone()),
        }
    }
}

fn roots(network: &Network, endpoints: &Endpoints) -> Result<Roots, SetupError> {
    let extra = network.cacert.iter().flat_map(|bundle| &bundle.certificates);
    let is_plain = [&endpoints.api, &endpoints.token].iter().all(|endpoint| endpoint.scheme() == "http");
    if endpoints.are_local() && is_plain {
        return certificates(extra).map(Roots::Only);
    }
    match replacing_roots(network)? {
        Some(roots) => certificates(roots.iter().chain(extra)).map(Roots::Only),
        None => certificates(extra).map(Roots::SystemAnd),
    }
}

fn certificates<'a>(encoded: impl Iterator<Item = &'a Vec<u8>>) -> Result<Vec<Certificate>, SetupError> {
    let certificates = encoded.map(|certificate| Certificate::from_der(certificate));
    certificates.collect::<Result<_, _>>().map_err(|error| SetupError::Tls(innermost(&error)))
}

fn route(network: &Network, endpoints: &Endpoints) -> Result<Route, SetupError> {
    Ok(match &network.proxy {
        Some(proxy) => Route::Through {
            proxy: Box::new(except_direct(with_login(proxy)?, &network.no_proxy)),
            without_login: Box::new(except_direct(proxy.url.clone(), &network.no_proxy)),
        },
        // reqwest would use the system's proxy for loopback as well.
        None if [&endpoints.api, &endpoints.token].into_iter().any(is_loopback) => Route::Direct,
        None => Route::SystemProxy,
    })
}

/// Returns the URL of a proxy with its credentials.
fn with_login(proxy: &crate::config::Proxy) -> Result<Url, SetupError> {
    use secrecy::ExposeSecret;
    let mut url = proxy.url.clone();
    if let Some(ProxyLogin { user, password }) = &proxy.login {
        let set = url.set_username(user).and_then(|()| url.set_password(Some(password.expose_secret())));
        set.map_err(|()| SetupError::Proxy("its address cannot have credentials".to_owned()))?;
    }
    Ok(url)
}

/// Returns a proxy for all URLs but those that are requested directly.
fn except_direct(proxy: Url, no_proxy: &NoProxy) -> Proxy {
    let no_proxy = no_proxy.clone();
    Proxy::custom(move |url| (!no_proxy.is_direct(url)).then(|| proxy.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::CaBundle;

    /// (R12)
    #[test]
    fn the_certificates_of_a_variable_replace_those_of_the_system_and_cacert_adds_to_either() {
        let certificate = rcgen::generate_simple_self_signed(["a.test".to_owned()]).expect("a certificate").cert.pem();
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a.pem");
        std::fs::write(&file, &certificate).expect("a file");
        let other = rcgen::generate_simple_self_signed(["b.test".to_owned()]).expect("a certificate").cert.pem();
        let cacert = CaBundle::parse("b.pem".into(), other.as_bytes()).expect("a certificate");
        let remote: Url = "https://api.example.test".parse().expect("a URL");
        let endpoints = Endpoints { api: remote.clone(), token: remote };
        let roots = |network: Network| match roots(&network, &endpoints).expect("usable certificates") {
            Roots::Only(roots) => (true, roots.len()),
            Roots::SystemAnd(roots) => (false, roots.len()),
        };
        assert_eq!(roots(Network::direct()), (false, 0));
        let cacert = Some(cacert);
        assert_eq!(roots(Network { cacert: cacert.clone(), ..Network::direct() }), (false, 1));
        let ssl_cert_dirs = vec![folder.path().to_owned()];
        assert_eq!(roots(Network { ssl_cert_dirs, ..Network::direct() }), (true, 1));
        assert_eq!(roots(Network { ssl_cert_file: Some(file.clone()), ..Network::direct() }), (true, 1));
        assert_eq!(roots(Network { ssl_cert_file: Some(file), cacert, ..Network::direct() }), (true, 2));
    }
}
