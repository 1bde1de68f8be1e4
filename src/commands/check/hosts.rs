//! The settings, and whether the hosts are reachable and their certificates trusted.

use std::io;

use chrono::{DateTime, Utc};
use url::Url;

use super::messages;
use super::report::{CheckResult, Report};
use super::{CheckContext, clock, sign_in};
use crate::api::http_error::{HttpError, host};
use crate::api::proxy;
use crate::config::Check;

/// A path of the API for a request without a token. Its refusal shows that the host is reachable.
const PROBE_PATH: &str = "api/v2/notifications/availabletopics";

/// Shows the client and the endpoints.
pub(super) fn settings(check: &Check) -> CheckResult {
    let (api, token) = (&check.endpoints.api, &check.endpoints.token);
    let endpoints = format!("API {api}, sign-in {token}");
    if let Some(id) = sign_in::displayable_client_id(&check.credentials) {
        return CheckResult::ok(format!("settings: client id {id}, {endpoints}"));
    }
    let remedy = "compare the client id with that of the OAuth client in Genesys Cloud";
    CheckResult::warn(format!("settings: the client id is not a UUID, {endpoints}"), remedy)
}

struct Host {
    role: &'static str,
    url: Url,
}

/// Sends a request to each host. Returns whether all of them responded.
pub(super) async fn check(context: &CheckContext<'_>, report: &mut Report<'_>) -> io::Result<bool> {
    let (mut all_reachable, mut clock) = (true, None);
    for Host { role, url } in hosts(context.check) {
        let response = context.rest.http().probe(url.clone()).await;
        all_reachable &= response.is_ok();
        let proxy = proxy::proxy_for(&context.check.network, &context.check.endpoints, &url);
        for result in results(role, &url, proxy.as_deref(), response.as_ref()) {
            report.print(&result)?;
        }
        clock = clock.or(response.ok().flatten().map(|server| clock::compare(&host(&url), server, Utc::now())));
    }
    if let Some(clock) = clock {
        report.print(&clock)?;
    }
    Ok(all_reachable)
}

fn hosts(check: &Check) -> Vec<Host> {
    let (api, token) = (&check.endpoints.api, &check.endpoints.token);
    let probe_url = api.join(PROBE_PATH).unwrap_or_else(|_| api.clone());
    if api.origin() == token.origin() {
        return vec![Host { role: "API, sign-in", url: probe_url }];
    }
    vec![Host { role: "API", url: probe_url }, Host { role: "sign-in", url: token.clone() }]
}

/// Returns one result for the connection and one for the certificate. A rejected certificate shows that the connection
/// works.
fn results(
    role: &str,
    url: &Url,
    proxy: Option<&str>,
    response: Result<&Option<DateTime<Utc>>, &HttpError>,
) -> Vec<CheckResult> {
    let host = host(url);
    let through = messages::via_proxy(proxy);
    let reachable = || CheckResult::ok(format!("host {host} ({role}) is reachable{through}"));
    match response {
        Ok(_) if url.scheme() == "https" => {
            vec![reachable(), CheckResult::ok(format!("certificate of {host} is trusted"))]
        }
        Ok(_) => vec![reachable()],
        Err(error @ HttpError::Certificate { host: of, error: reason }) if *of == host => {
            vec![reachable(), failure(error, format!("certificate of {host} is rejected: {reason}"))]
        }
        Err(error) => vec![failure(error, format!("host ({role}){through}: {error}"))],
    }
}

fn failure(error: &HttpError, message: String) -> CheckResult {
    CheckResult::fail(error.class(), message, error.hint()).with_skipped_checks()
}

#[cfg(test)]
mod tests {
    use rustls::CertificateError::UnknownIssuer;

    use super::*;
    use crate::api::certificate::CertificateError;

    fn lines(url: &str, proxy: Option<&str>, response: Result<&Option<DateTime<Utc>>, &HttpError>) -> Vec<String> {
        let url = url.parse().expect("a URL");
        results("API", &url, proxy, response).iter().map(ToString::to_string).collect()
    }

    fn rejected_certificate(host: &str) -> HttpError {
        let error = CertificateError::from_rustls(&rustls::Error::from(UnknownIssuer)).expect("a certificate error");
        HttpError::Certificate { host: host.to_owned(), error }
    }

    #[test]
    fn connection_and_certificate_are_two_results() {
        assert_eq!(
            lines("https://api.example.test", Some("http://proxy.test:3128"), Ok(&None)),
            [
                "ok    host api.example.test (API) is reachable through proxy http://proxy.test:3128",
                "ok    certificate of api.example.test is trusted"
            ]
        );
        assert_eq!(lines("http://127.0.0.1:1", None, Ok(&None)), ["ok    host 127.0.0.1:1 (API) is reachable"]);
    }

    #[test]
    fn a_rejected_certificate_of_the_host_shows_that_it_is_reachable() {
        let lines = lines("https://h.test", None, Err(&rejected_certificate("h.test")));
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].starts_with("ok    host h.test (API) is reachable"), "{lines:?}");
        assert!(lines[1].starts_with("fail  certificate of h.test is rejected: "), "{lines:?}");
        assert!(lines[1].contains("; dependent checks skipped; ") && lines[1].contains("--cacert"), "{lines:?}");
    }

    #[test]
    fn a_rejected_certificate_of_the_proxy_shows_nothing_about_the_host() {
        let error = rejected_certificate("the proxy before h.test");
        let lines = lines("https://h.test", Some("https://p.test"), Err(&error));
        assert!(
            lines.len() == 1 && lines[0].starts_with("fail  host (API) through proxy https://p.test: "),
            "{lines:?}"
        );
    }
}
