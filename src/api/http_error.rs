//! Why there was no answer, out of what the HTTP library says about it.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use super::certificate::CertificateError;
use super::http::HttpError;
use crate::system::io_error;

/// How the library says that a proxy is the trouble, and what with it; it has no other way.
const PROXY: [&str; 2] = ["tunnel error: ", "SOCKS error: "];
const UNREACHABLE: &str = "failed to create underlying connection";
const WANTS_LOGIN: &str = "proxy authorization required";
const REFUSES: &str = "unsuccessful";
const HUNG_UP: [&str; 2] = ["unexpected end of file", "io error during SOCKS handshake"];
const NO_SOCKS: &str = "failed parsing server response";

/// What it says when somebody speaks before being asked, as no web server does.
const NO_HTTP: &str = "received unexpected message from connection";

/// Why `host` has not answered. The address, which may hold a secret, is left out.
pub(super) fn explain(host: &str, patience: Duration, error: reqwest::Error) -> HttpError {
    let (host, error) = (host.to_owned(), error.without_url());
    if let Some(trouble) = chain(&error).find_map(proxy_trouble) {
        return of_proxy(host, &trouble, patience, &error);
    }
    if let Some(distrust) = chain(&error).find_map(CertificateError::of) {
        return HttpError::Certificate { host, distrust };
    }
    if error.is_timeout() {
        return HttpError::Timeout { host, after: patience };
    }
    if error.is_dns() {
        return HttpError::Dns { host };
    }
    HttpError::Unreachable { host, reason: innermost(&error) }
}

fn proxy_trouble(cause: &(dyn StdError + 'static)) -> Option<String> {
    let words = cause.to_string();
    PROXY.iter().find_map(|kind| words.strip_prefix(kind)).map(str::to_owned)
}

fn of_proxy(host: String, trouble: &str, patience: Duration, error: &reqwest::Error) -> HttpError {
    let reason = match trouble {
        WANTS_LOGIN => return HttpError::ProxyCredentials { host },
        UNREACHABLE => return absent_proxy(host, patience, error),
        REFUSES => "it refuses, or cannot reach that host".to_owned(),
        NO_SOCKS => "it does not speak SOCKS5".to_owned(),
        _ if HUNG_UP.contains(&trouble) => "it hung up".to_owned(),
        _ => innermost(error),
    };
    HttpError::ProxyRefuses { host, reason }
}

fn absent_proxy(host: String, patience: Duration, error: &reqwest::Error) -> HttpError {
    if let Some(distrust) = chain(error).find_map(CertificateError::of) {
        return HttpError::Certificate { host: format!("the proxy before {host}"), distrust };
    }
    let reason = match innermost(error) {
        _ if error.is_timeout() => format!("no answer within {}", humantime::format_duration(patience)),
        _ if error.is_dns() => "its name does not resolve".to_owned(),
        // Of a SOCKS proxy the cause is not told.
        reason if reason.ends_with(UNREACHABLE) => "it does not answer".to_owned(),
        reason => reason,
    };
    HttpError::Proxy { host, reason }
}

/// The innermost cause in plain words. The outer ones repeat the URL, or say no more than that it failed.
pub(crate) fn innermost(error: &(dyn StdError + 'static)) -> String {
    if let Some(language) = chain(error).find_map(unspoken) {
        return format!("what answers there does not speak {language}");
    }
    if chain(error).filter_map(|cause| cause.downcast_ref::<hyper::Error>()).any(hyper::Error::is_incomplete_message) {
        return "it hung up before it had answered".to_owned();
    }
    let Some(cause) = chain(error).last() else { return String::new() };
    let kind = chain(error).filter_map(|cause| cause.downcast_ref::<io::Error>()).last().map(io::Error::kind);
    match kind {
        Some(io::ErrorKind::ConnectionRefused) => "connection refused".to_owned(),
        Some(io::ErrorKind::ConnectionReset) => "connection reset".to_owned(),
        Some(io::ErrorKind::UnexpectedEof) => "the connection ended early".to_owned(),
        Some(io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable) => "no route to it".to_owned(),
        _ => cause.downcast_ref().map_or_else(|| cause.to_string(), io_error::describe),
    }
}

/// What the other end does not speak, where its first bytes show that.
fn unspoken(cause: &(dyn StdError + 'static)) -> Option<&'static str> {
    if let Some(rustls::Error::InvalidMessage(_)) = cause.downcast_ref() {
        return Some("TLS");
    }
    let error: &hyper::Error = cause.downcast_ref()?;
    (error.is_parse() || error.to_string() == NO_HTTP).then_some("HTTP")
}

fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), cause)
}

/// An `io::Error` hides what it wraps from `source()` and shows that error's own source instead.
fn cause<'a>(error: &&'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    let error = *error;
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}
