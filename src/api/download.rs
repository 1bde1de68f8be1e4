//! The download of a file from a link that holds its own permission, as object stores hand them out.
//!
//! The link is a secret: it is all that reading the file takes. Errors name its host only, and the request carries no
//! credentials.

use std::time::Duration;

use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderMap, LOCATION};
use reqwest::{Response, StatusCode};
use url::Url;

use super::http::Http;
use super::http_error::{HttpError, host};
use crate::config::is_loopback;

/// The maximum size of a file (CALL-9).
const MAX_SIZE: usize = 64 * 1024 * 1024;

/// The maximum number of redirects that are followed.
const MAX_REDIRECTS: usize = 5;

/// The maximum duration of a download. A part of it that takes longer than the time limit of a request ends it earlier.
const MAX_DURATION: Duration = Duration::from_secs(300);

/// A file that could not be downloaded.
#[derive(Debug)]
pub(super) enum DownloadError {
    /// There was no response, or only a part of it.
    Http(HttpError),
    /// The host refuses the link, which may have expired.
    LinkRefused { host: String, status: StatusCode },
    /// The host is overloaded or down.
    Unavailable { host: String, status: StatusCode, headers: Box<HeaderMap> },
    /// The link or the response cannot be used.
    Unusable { host: String, reason: String },
}

impl From<HttpError> for DownloadError {
    fn from(error: HttpError) -> Self {
        Self::Http(error)
    }
}

/// Downloads the file of `link`. Plain HTTP is accepted on loopback only, and only if `is_local`. Cancel safe.
pub(super) async fn download(http: &Http, link: Url, is_local: bool) -> Result<Vec<u8>, DownloadError> {
    let last_host = host(&link);
    match tokio::time::timeout(MAX_DURATION, download_unlimited(http, link, is_local)).await {
        Ok(result) => result,
        Err(_) => Err(HttpError::Timeout { host: last_host, after: MAX_DURATION }.into()),
    }
}

async fn download_unlimited(http: &Http, link: Url, is_local: bool) -> Result<Vec<u8>, DownloadError> {
    let (host, response) = open(http, link, is_local).await?;
    match response.status().as_u16() {
        200 => read(http, host, response).await,
        // Object stores answer 400, 403 or 404 to an expired link.
        400 | 401 | 403 | 404 | 410 => Err(DownloadError::LinkRefused { host, status: response.status() }),
        408 | 429 | 500 | 502..=599 => {
            let (status, headers) = (response.status(), Box::new(response.headers().clone()));
            Err(DownloadError::Unavailable { host, status, headers })
        }
        status => Err(DownloadError::Unusable { host, reason: format!("status {status} for a file") }),
    }
}

/// Requests the file, and follows redirects within one scheme.
async fn open(http: &Http, mut link: Url, is_local: bool) -> Result<(String, Response), DownloadError> {
    for _ in 0..=MAX_REDIRECTS {
        check(&link, is_local)?;
        let host = host(&link);
        let request = http.get(link.clone()).header(ACCEPT_ENCODING, "identity");
        let response = http.send(&host, request).await?;
        if !matches!(response.status().as_u16(), 301..=303 | 307 | 308) {
            return Ok((host, response));
        }
        let location = response.headers().get(LOCATION).and_then(|location| location.to_str().ok());
        let next = location.and_then(|location| link.join(location).ok());
        let Some(next) = next else { return Err(unusable(&link, "redirect without a usable address")) };
        if next.scheme() != link.scheme() {
            return Err(unusable(&link, format!("redirect to the scheme {}", next.scheme())));
        }
        link = next;
    }
    Err(unusable(&link, format!("more than {MAX_REDIRECTS} redirects")))
}

/// Refuses a link that would send the file, or credentials, over an unsafe connection.
fn check(link: &Url, is_local: bool) -> Result<(), DownloadError> {
    let is_safe = link.scheme() == "https" || (link.scheme() == "http" && is_local && is_loopback(link));
    if !is_safe {
        return Err(unusable(link, format!("link with the scheme {}", link.scheme())));
    }
    // The client would send them as a header.
    if !link.username().is_empty() || link.password().is_some() {
        return Err(unusable(link, "link with a user name"));
    }
    Ok(())
}

async fn read(http: &Http, host: String, mut response: Response) -> Result<Vec<u8>, DownloadError> {
    let encoding =
        response.headers().get(CONTENT_ENCODING).map(|encoding| String::from_utf8_lossy(encoding.as_bytes()));
    if let Some(encoding) = encoding.filter(|encoding| !encoding.trim().eq_ignore_ascii_case("identity")) {
        let encoding: String = encoding.chars().take(20).collect();
        return Err(DownloadError::Unusable { host, reason: format!("file with the content encoding {encoding}") });
    }
    let mut body = Vec::new();
    while let Some(chunk) = http.with_timeout(&host, response.chunk()).await? {
        if body.len() + chunk.len() > MAX_SIZE {
            return Err(DownloadError::Unusable { host, reason: "file of more than 64 MiB".to_owned() });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn unusable(link: &Url, reason: impl Into<String>) -> DownloadError {
    DownloadError::Unusable { host: host(link), reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(link: &str, is_local: bool) -> Option<String> {
        match check(&link.parse().expect("a URL"), is_local) {
            Ok(()) => None,
            Err(DownloadError::Unusable { host, reason }) => Some(format!("{host}: {reason}")),
            Err(error) => panic!("{error:?}"),
        }
    }

    #[test]
    fn a_link_is_https_or_loopback_and_holds_no_credentials() {
        for (link, is_local, expected) in [
            ("https://files.test/a?s3cret", false, None),
            ("https://files.test/a?s3cret", true, None),
            ("http://127.0.0.1:1/a?s3cret", true, None),
            ("http://[::1]/a", true, None),
            ("http://127.0.0.1:1/a?s3cret", false, Some("127.0.0.1:1: link with the scheme http")),
            ("http://files.test/a?s3cret", true, Some("files.test: link with the scheme http")),
            ("ftp://files.test/a?s3cret", true, Some("files.test: link with the scheme ftp")),
            ("file:///etc/passwd", true, Some(": link with the scheme file")),
            ("https://s3cret@files.test/a", false, Some("files.test: link with a user name")),
            ("https://:s3cret@files.test/a", false, Some("files.test: link with a user name")),
        ] {
            assert_eq!(refusal(link, is_local).as_deref(), expected, "{link}");
        }
    }
}
