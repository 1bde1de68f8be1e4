//! Requests that got no response: `HttpError`, classified from the errors of reqwest, hyper and rustls.

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::certificate::CertificateError;
use crate::config::is_loopback;
use crate::decision::ResponseKind;
use crate::exit_code::ErrorClass;
use crate::system::io_error;
use crate::system::limits::SOCKETS_HINT;

const UNKNOWN_HOST: &str = "host name does not resolve";
const CONNECTION_REFUSED: &str = "connection refused";

/// A request that got no response. The texts read after the name of what was attempted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HttpError {
    /// The host name does not resolve.
    #[error("cannot reach {host}: {UNKNOWN_HOST}")]
    Dns { host: String },
    /// The host name does not resolve, although a SOCKS proxy may know it.
    #[error("cannot reach {host}: {UNKNOWN_HOST}")]
    DnsBeforeSocks { host: String },
    /// The host is unreachable, or closed the connection without a response.
    #[error("cannot reach {host}: {reason}")]
    Unreachable { host: String, reason: String },
    /// No process listens on this port of the loopback interface.
    #[error("cannot reach {host}: {CONNECTION_REFUSED}")]
    NoLocalServer { host: String },
    /// The process cannot open another socket.
    #[error("cannot reach {host}: too many open files")]
    TooManyFiles { host: String },
    /// The connection ended within a response.
    #[error("incomplete response from {host}: {reason}")]
    Incomplete { host: String, reason: String },
    /// The host did not respond in time.
    #[error("no response from {host} within {}", humantime::format_duration(*.after))]
    Timeout { host: String, after: Duration },
    /// The certificate of the host is not trusted.
    #[error("certificate of {host} rejected: {error}")]
    Certificate { host: String, error: CertificateError },
    /// The certificate of the proxy is not trusted.
    #[error("certificate of the proxy for {host} rejected: {error}")]
    ProxyCertificate { host: String, error: CertificateError },
    /// The proxy is unreachable.
    #[error("cannot reach the proxy {proxy} for {host}: {reason}")]
    Proxy { host: String, proxy: Arc<str>, reason: String },
    /// The proxy refuses to connect to the host.
    #[error("the proxy {proxy} did not connect to {host}: {reason}")]
    ProxyRefuses { host: String, proxy: Arc<str>, reason: String },
    /// The proxy accepts no request without other credentials.
    #[error("the proxy {refusal} for {host} (407)")]
    ProxyCredentials { host: String, refusal: ProxyRefusal },
}

/// The proxy of the settings, for messages.
#[derive(Debug)]
pub(super) struct ProxyOfSettings {
    /// Host, port and setting, without the login.
    pub(super) label: Arc<str>,
    /// This program resolves the host names, not the proxy.
    pub(super) needs_resolved_hosts: bool,
}

/// The name of a proxy that the operating system has.
const SYSTEM_PROXY: &str = "of the operating system";

/// The reason why a proxy answers 407. The text reads after the words "the proxy".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProxyRefusal {
    /// No credentials are configured.
    #[error("requires a user name and password")]
    NoLogin,
    /// Credentials were sent.
    #[error("refuses the user name and password")]
    WrongLogin,
    /// The proxy offers these schemes, and not Basic.
    #[error("requires the unsupported scheme {0}")]
    Schemes(String),
}

impl HttpError {
    /// Classifies an error of reqwest. Leaves out the URL, which may hold a secret.
    pub(super) fn from_reqwest(host: &str, timeout: Duration, error: reqwest::Error) -> Self {
        let (host, error) = (host.to_owned(), error.without_url());
        if let Some(message) = chain(&error).find_map(proxy_message) {
            return Self::from_proxy(host, &message, timeout, &error);
        }
        if let Some(error) = chain(&error).find_map(CertificateError::from_rustls) {
            return Self::Certificate { host, error };
        }
        if error.is_timeout() {
            return Self::Timeout { host, after: timeout };
        }
        if chain(&error).filter_map(|cause| cause.downcast_ref()).any(io_error::is_short_of_files) {
            return Self::TooManyFiles { host };
        }
        if error.is_dns() {
            return Self::Dns { host };
        }
        if error.is_body() || error.is_decode() {
            return Self::Incomplete { host, reason: innermost(&error) };
        }
        match innermost(&error) {
            reason if reason == CONNECTION_REFUSED && is_loopback_host(&host) => Self::NoLocalServer { host },
            reason => Self::Unreachable { host, reason },
        }
    }

    /// Adds the settings of trusted certificates to the error about an unknown issuer.
    pub(super) fn with_trusted(self, settings: &str) -> Self {
        match self {
            Self::Certificate { host, error } => Self::Certificate { host, error: error.with_trusted(settings) },
            Self::ProxyCertificate { host, error } => {
                Self::ProxyCertificate { host, error: error.with_trusted(settings) }
            }
            error => error,
        }
    }

    /// Adds the proxy of the settings to the error about it.
    pub(super) fn with_proxy(self, proxy: &ProxyOfSettings) -> Self {
        match self {
            Self::Proxy { host, reason, .. } => Self::Proxy { host, proxy: Arc::clone(&proxy.label), reason },
            Self::ProxyRefuses { host, reason, .. } => {
                Self::ProxyRefuses { host, proxy: Arc::clone(&proxy.label), reason }
            }
            Self::Dns { host } if proxy.needs_resolved_hosts => Self::DnsBeforeSocks { host },
            error => error,
        }
    }

    fn from_proxy(host: String, message: &str, timeout: Duration, error: &reqwest::Error) -> Self {
        let reason = match message {
            PROXY_AUTHORIZATION => {
                return Self::ProxyCredentials { host, refusal: ProxyRefusal::NoLogin };
            }
            PROXY_UNREACHABLE => return Self::from_unreachable_proxy(host, timeout, error),
            PROXY_UNSUCCESSFUL => "forbidden, or not reachable from the proxy".to_owned(),
            PROXY_NOT_SOCKS => "not a SOCKS5 proxy".to_owned(),
            _ if PROXY_HUNG_UP.contains(&message) => "connection closed".to_owned(),
            _ => innermost(error),
        };
        Self::ProxyRefuses { host, proxy: SYSTEM_PROXY.into(), reason }
    }

    fn from_unreachable_proxy(host: String, timeout: Duration, error: &reqwest::Error) -> Self {
        if let Some(error) = chain(error).find_map(CertificateError::from_rustls) {
            return Self::ProxyCertificate { host, error };
        }
        let reason = match innermost(error) {
            _ if error.is_timeout() => format!("no response within {}", humantime::format_duration(timeout)),
            _ if error.is_dns() => UNKNOWN_HOST.to_owned(),
            // hyper-util does not pass on the cause if the proxy is a SOCKS proxy.
            reason if reason.ends_with(PROXY_UNREACHABLE) => "connection failed".to_owned(),
            reason => reason,
        };
        Self::Proxy { host, proxy: SYSTEM_PROXY.into(), reason }
    }

    /// Returns the class, which decides the exit code.
    pub(crate) fn class(&self) -> ErrorClass {
        match self {
            Self::ProxyCredentials { .. } => ErrorClass::NoPermission,
            Self::Dns { .. }
            | Self::DnsBeforeSocks { .. }
            | Self::Unreachable { .. }
            | Self::NoLocalServer { .. }
            | Self::TooManyFiles { .. }
            | Self::Incomplete { .. }
            | Self::Timeout { .. }
            | Self::Certificate { .. }
            | Self::ProxyCertificate { .. }
            | Self::Proxy { .. }
            | Self::ProxyRefuses { .. } => ErrorClass::Unavailable,
        }
    }

    /// Returns what the error means for the next attempt.
    pub(crate) fn response_kind(&self) -> ResponseKind {
        match self {
            Self::ProxyCredentials { .. } => ResponseKind::ProxyCredentials,
            Self::Certificate { .. } | Self::ProxyCertificate { .. } => ResponseKind::Certificate,
            Self::Dns { .. }
            | Self::DnsBeforeSocks { .. }
            | Self::Unreachable { .. }
            | Self::NoLocalServer { .. }
            | Self::TooManyFiles { .. }
            | Self::Incomplete { .. }
            | Self::Timeout { .. }
            | Self::Proxy { .. }
            | Self::ProxyRefuses { .. } => ResponseKind::NoResponse,
        }
    }

    /// Returns the likely cause and the next step.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Dns { .. } | Self::Unreachable { .. } => {
                "check the region or API URL, the network, and the proxy settings (--proxy, HTTPS_PROXY)"
            }
            Self::DnsBeforeSocks { .. } => {
                "use socks5h:// in place of socks5:// so that the proxy resolves host names, or check the region or API URL"
            }
            Self::NoLocalServer { .. } => {
                "start the simulator (genesys-tail simulate), or correct the port of API URL and login URL"
            }
            Self::TooManyFiles { .. } => SOCKETS_HINT,
            Self::Incomplete { .. } => {
                "check the network and the proxy settings (--proxy, HTTPS_PROXY); a device in between may cut responses off"
            }
            Self::Timeout { .. } => {
                "check the network and the proxy settings (--proxy, HTTPS_PROXY), or raise --connect-timeout"
            }
            Self::Certificate { error, .. } => error.remedy,
            Self::ProxyCertificate { error, .. } => error.proxy_remedy(),
            Self::Proxy { .. } => {
                "check the address of the proxy (--proxy, HTTPS_PROXY); NO_PROXY lists hosts to reach without it"
            }
            Self::ProxyRefuses { .. } => {
                "check scheme and address of the proxy (--proxy, HTTPS_PROXY), and that it allows this host"
            }
            Self::ProxyCredentials { refusal: ProxyRefusal::Schemes(_), .. } => {
                "use a proxy that offers Basic authentication, or a local proxy that signs in to this one"
            }
            Self::ProxyCredentials { .. } => {
                "set HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT, with special characters percent-encoded"
            }
        }
    }
}

fn is_loopback_host(host: &str) -> bool {
    Url::parse(&format!("http://{host}/")).is_ok_and(|url| is_loopback(&url))
}

/// Returns the host of a URL, with its port unless that is the default of the scheme.
pub(crate) fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Returns the innermost cause in plain words. The outer ones repeat the URL or only say that the request failed.
pub(crate) fn innermost(error: &(dyn StdError + 'static)) -> String {
    if let Some(protocol) = chain(error).find_map(unspoken_protocol) {
        return format!("the server does not speak {protocol}");
    }
    if chain(error).filter_map(|cause| cause.downcast_ref::<hyper::Error>()).any(hyper::Error::is_incomplete_message) {
        return "connection closed before the response".to_owned();
    }
    let Some(cause) = chain(error).last() else { return String::new() };
    let kind = chain(error).filter_map(|cause| cause.downcast_ref::<io::Error>()).last().map(io::Error::kind);
    match kind {
        Some(io::ErrorKind::ConnectionRefused) => CONNECTION_REFUSED.to_owned(),
        Some(io::ErrorKind::ConnectionReset) => "connection reset".to_owned(),
        Some(io::ErrorKind::UnexpectedEof) => "connection closed too early".to_owned(),
        Some(io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable) => "no route to host".to_owned(),
        _ => cause.downcast_ref().map_or_else(|| cause.to_string(), io_error::describe),
    }
}

/// Returns whether an established connection has ended before a response. A head that is cut off counts as no response:
/// hyper does not distinguish it.
pub(super) fn is_without_response(error: &reqwest::Error) -> bool {
    let is_incomplete = |error: &hyper::Error| error.is_incomplete_message() || error.is_canceled();
    let has_ended = chain(error).filter_map(|cause| cause.downcast_ref::<hyper::Error>()).any(is_incomplete);
    let kind = chain(error).filter_map(|cause| cause.downcast_ref::<io::Error>()).last().map(io::Error::kind);
    let is_reset = matches!(
        kind,
        Some(
            io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::UnexpectedEof
                | io::ErrorKind::TimedOut
        )
    );
    !error.is_connect() && (has_ended || is_reset)
}

/// Prefixes of the messages of hyper-util about proxies. It exports no types for these errors.
const PROXY_PREFIXES: [&str; 2] = ["tunnel error: ", "SOCKS error: "];
const PROXY_UNREACHABLE: &str = "failed to create underlying connection";
const PROXY_AUTHORIZATION: &str = "proxy authorization required";
const PROXY_UNSUCCESSFUL: &str = "unsuccessful";
const PROXY_HUNG_UP: [&str; 2] = ["unexpected end of file", "io error during SOCKS handshake"];
const PROXY_NOT_SOCKS: &str = "failed parsing server response";

/// The message of hyper about a server that sends bytes before the request, as no web server does.
const UNEXPECTED_MESSAGE: &str = "received unexpected message from connection";

fn proxy_message(cause: &(dyn StdError + 'static)) -> Option<String> {
    let message = cause.to_string();
    PROXY_PREFIXES.iter().find_map(|prefix| message.strip_prefix(prefix)).map(str::to_owned)
}

/// Returns the protocol that the server does not speak, if its first bytes show that.
fn unspoken_protocol(cause: &(dyn StdError + 'static)) -> Option<&'static str> {
    if let Some(rustls::Error::InvalidMessage(_)) = cause.downcast_ref() {
        return Some("TLS");
    }
    let error: &hyper::Error = cause.downcast_ref()?;
    (error.is_parse() || error.to_string() == UNEXPECTED_MESSAGE).then_some("HTTP")
}

fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), source)
}

/// Returns the direct cause. An `io::Error` leaves the error that it wraps out of `source()` and returns that error's
/// own source instead.
fn source<'a>(error: &&'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    let error = *error;
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A test cannot cause this error: no name server of its own answers.
    #[test]
    fn the_topic_quotes_the_error_of_an_unknown_host_name() {
        let error = HttpError::Dns { host: "HOST".to_owned() };
        let topic = include_str!("../help/errors.md");
        assert!(topic.contains(&format!("- `{error}` (69, after `--max-retries`)\n")), "{error}");
    }

    #[test]
    fn a_name_that_only_a_socks_proxy_may_know_leads_to_socks5h() {
        let hint = |needs_resolved_hosts| {
            let proxy = ProxyOfSettings { label: "p:1 (--proxy)".into(), needs_resolved_hosts };
            HttpError::Dns { host: "h".to_owned() }.with_proxy(&proxy).hint()
        };
        assert!(hint(true).contains("socks5h://") && !hint(false).contains("socks5h://"));
    }

    #[test]
    fn a_host_is_shown_with_an_unusual_port_only() {
        let shown = |url: &str| host(&url.parse().expect("a URL"));
        assert_eq!(shown("https://api.mypurecloud.ie/x"), "api.mypurecloud.ie");
        assert_eq!(shown("http://127.0.0.1:8080"), "127.0.0.1:8080");
    }
}
