//! Certificate and proxy settings that cannot be used.

use std::path::PathBuf;

/// A certificate or proxy setting that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SetupError {
    /// The certificates that replace the roots of the system cannot be used.
    #[error("cannot use {variable} {}: {reason}", path.display())]
    RootCertificates { variable: &'static str, path: PathBuf, reason: String },
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
            Self::RootCertificates { variable: "SSL_CERT_DIR", .. } => {
                "set SSL_CERT_DIR to a folder with PEM certificates, or unset it"
            }
            Self::RootCertificates { .. } => "set SSL_CERT_FILE to a file with PEM certificates, or unset it",
            Self::Proxy(_) => "check the address of the proxy (--proxy, HTTPS_PROXY)",
            Self::Tls(_) => "check the root certificates of the operating system and of --cacert",
        }
    }
}
