//! The settings, and whether the hosts they lead to can be reached and trusted.

use std::io;

use chrono::{DateTime, Utc};
use url::Url;

use super::report::Report;
use super::step::Step;
use super::{Visit, clock, sign_in, words};
use crate::api::http_error::{HttpError, host};
use crate::api::proxy;
use crate::config::Check;

/// Whatever is asked there without a token is refused, which is an answer.
const ANY_PATH: &str = "api/v2/notifications/availabletopics";

/// Who signs in, and where.
pub(super) fn settings(check: &Check) -> Step {
    let client = match sign_in::shown_id(&check.credentials) {
        Some(id) => format!("client {id}"),
        None => "a client id that is no UUID and is not shown".to_owned(),
    };
    let (api, token) = (&check.endpoints.api, &check.endpoints.token);
    Step::ok(format!("settings: {client}, API at {api}, sign-in at {token}"))
}

/// Tries both hosts, which may be one, and says whether the rest can be tried.
pub(super) async fn reach(visit: &Visit<'_>, report: &mut Report<'_>) -> io::Result<bool> {
    let (api, token) = (&visit.check.endpoints.api, &visit.check.endpoints.token);
    let any = api.join(ANY_PATH).unwrap_or_else(|_| api.clone());
    let mut hosts = vec![("api host", any)];
    if api.origin() == token.origin() {
        hosts[0].0 = "api and login host";
    } else {
        hosts.push(("login host", token.clone()));
    }
    let (mut all, mut time) = (true, None);
    for (role, url) in hosts {
        let answer = visit.rest.http().probe(url.clone()).await;
        all &= answer.is_ok();
        let way = proxy::proxy_for(&visit.check.network, &visit.check.endpoints, &url);
        for step in steps(role, &url, way.as_deref(), answer.as_ref()) {
            report.say(&step)?;
        }
        time = time.or(answer.ok().flatten().map(|server| (host(&url), server, Utc::now())));
    }
    if let Some((host, server, ours)) = time {
        report.say(&clock::compare(&host, server, ours))?;
    }
    Ok(all)
}

/// The connection and the certificate are two steps; one that is refused shows that the other went well.
fn steps(role: &str, url: &Url, proxy: Option<&str>, answer: Result<&Option<DateTime<Utc>>, &HttpError>) -> Vec<Step> {
    let host = host(url);
    let through = proxy.map_or_else(String::new, |proxy| format!(" through the proxy {proxy}"));
    let reachable = || Step::ok(format!("{role} {host} reachable{through}"));
    match answer {
        Ok(_) if url.scheme() == "https" => {
            vec![reachable(), Step::ok(format!("certificate of {host} trusted"))]
        }
        Ok(_) => vec![reachable()],
        Err(error @ HttpError::Certificate { host: whose, .. }) if *whose == host => {
            vec![reachable(), failure(role, &through, error)]
        }
        Err(error) => vec![failure(role, &through, error)],
    }
}

fn failure(role: &str, through: &str, error: &HttpError) -> Step {
    let what = format!("{role}{through}: {error}; {}", words::NOT_TRIED);
    Step::fail(error.class(), what, words::network(error))
}

#[cfg(test)]
mod tests {
    use rustls::CertificateError::UnknownIssuer;

    use super::*;
    use crate::api::certificate::CertificateError;

    fn lines(url: &str, proxy: Option<&str>, answer: Result<&Option<DateTime<Utc>>, &HttpError>) -> Vec<String> {
        let url = url.parse().expect("a URL");
        steps("api host", &url, proxy, answer).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn reaching_and_trusting_are_two_steps() {
        assert_eq!(
            lines("https://api.example.test", Some("http://proxy.test:3128"), Ok(&None)),
            [
                "ok    api host api.example.test reachable through the proxy http://proxy.test:3128",
                "ok    certificate of api.example.test trusted"
            ]
        );
        assert_eq!(lines("http://127.0.0.1:1", None, Ok(&None)), ["ok    api host 127.0.0.1:1 reachable"]);
    }

    #[test]
    fn a_certificate_is_the_hosts_own_or_the_proxys() {
        let distrust = CertificateError::from_rustls(&rustls::Error::from(UnknownIssuer)).expect("a certificate");
        let refused = |host: &str| HttpError::Certificate { host: host.to_owned(), error: distrust.clone() };
        let own = lines("https://h.test", None, Err(&refused("h.test")));
        assert_eq!(own.len(), 2, "{own:?}");
        assert!(own[0].starts_with("ok    api host h.test reachable"), "{own:?}");
        assert!(
            own[1].starts_with("fail  api host: the certificate of h.test is refused: its issuer is not known here;"),
            "{own:?}"
        );
        assert!(own[1].contains("--cacert"), "{own:?}");
        let proxys = lines("https://h.test", Some("https://p.test"), Err(&refused("the proxy before h.test")));
        assert_eq!(proxys.len(), 1, "{proxys:?}");
    }
}
