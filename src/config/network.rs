//! Network access: proxy and trusted certificates.

use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::{CaBundle, NoProxy};

/// The network access of token requests, REST and sockets alike.
#[derive(Debug, Clone)]
pub(crate) struct Network {
    /// The proxy of all connections that do not go to loopback.
    pub(crate) proxy: Option<Proxy>,
    /// Hosts to reach without the proxy.
    pub(crate) no_proxy: NoProxy,
    /// Certificates to trust in addition to those of the system.
    pub(crate) cacert: Option<CaBundle>,
    /// The file of certificates to trust instead of those of the system. Not read yet.
    pub(crate) ssl_cert_file: Option<PathBuf>,
    /// The folders of such files. Not read yet.
    pub(crate) ssl_cert_dirs: Vec<PathBuf>,
    /// The time limit of one connection attempt, greater than 0.
    pub(crate) connect_timeout: Duration,
}

impl Network {
    /// Returns the settings that name trusted certificates, for messages; empty if there is none.
    pub(crate) fn trusted_certificates(&self) -> String {
        let file = |name: &str, path: &Path| format!("{name} {}", path.display());
        let cacert = self.cacert.iter().map(|bundle| file("--cacert", &bundle.path));
        let ssl_cert_file = self.ssl_cert_file.iter().map(|path| file("SSL_CERT_FILE", path));
        let ssl_cert_dirs = self.ssl_cert_dirs.iter().map(|path| file("SSL_CERT_DIR", path));
        cacert.chain(ssl_cert_file).chain(ssl_cert_dirs).collect::<Vec<_>>().join(" or ")
    }

    /// Network access without any setting.
    #[cfg(test)]
    pub(crate) fn direct() -> Self {
        let connect_timeout = Duration::from_secs(5);
        let (no_proxy, ssl_cert_dirs) = (NoProxy::default(), Vec::new());
        Self { proxy: None, no_proxy, cacert: None, ssl_cert_file: None, ssl_cert_dirs, connect_timeout }
    }
}

/// A proxy server.
#[derive(Debug, Clone)]
pub(crate) struct Proxy {
    /// An `http`, `https`, `socks5` or `socks5h` URL with a host and without a user.
    pub(crate) url: Url,
    pub(crate) login: Option<ProxyLogin>,
    /// The flag, or the variable and the file that it is in.
    pub(crate) setting: String,
}

impl Proxy {
    /// Returns host, port and setting, for messages.
    pub(crate) fn label(&self) -> String {
        let port = self.url.port_or_known_default().map_or_else(String::new, |port| format!(":{port}"));
        format!("{}{port} ({})", self.url.host_str().unwrap_or_default(), self.setting)
    }

    /// Returns whether this program resolves the host names that it connects to through the proxy.
    pub(crate) fn needs_resolved_hosts(&self) -> bool {
        self.url.scheme() == "socks5"
    }
}

/// The credentials of a proxy.
#[derive(Debug, Clone)]
pub(crate) struct ProxyLogin {
    pub(crate) user: String,
    pub(crate) password: SecretString,
}
