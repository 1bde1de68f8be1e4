//! Signing in, and telling apart why that is refused.

use std::io;

use secrecy::ExposeSecret as _;
use tokio::time::Instant;

use super::report::Report;
use super::step::Step;
use super::{Visit, words};
use crate::api::error_body::ErrorBody;
use crate::api::http_error::host;
use crate::api::oauth::{AuthError, Token};
use crate::config::Credentials;
use crate::config::region;

/// What to do about a client secret that is wrong.
const SECRET: &str = "check the client secret: all of it, of this client, in single quotes where a .env holds it";

/// What to do about a client of another grant.
const GRANT: &str = "in Admin > Integrations > OAuth give the client the grant \"Client Credentials\"";

/// What to do about credentials that changed places.
const SWAPPED: &str = "client id and client secret look as if they had changed places";

/// Signs in, and says whether that went well.
pub(super) async fn sign_in(visit: &Visit<'_>, report: &mut Report<'_>) -> io::Result<bool> {
    let credentials = &visit.check.credentials;
    if look_swapped(credentials) {
        // The server may repeat what it takes for the id.
        let secrets = visit.rest.http().secrets();
        secrets.add_login("", &credentials.client_id.clone().into());
    }
    let signed_in = visit.rest.token().await;
    let step = match &signed_in {
        Ok(token) => success(&host(&visit.check.endpoints.token), token),
        Err(error) => failure(error, credentials),
    };
    report.say(&step)?;
    Ok(signed_in.is_ok())
}

/// The client id, unless it may be a secret in the wrong place.
pub(super) fn shown_id(credentials: &Credentials) -> Option<&str> {
    Some(credentials.client_id.as_str()).filter(|id| is_uuid(id))
}

fn success(host: &str, token: &Token) -> Step {
    let renewal = match token.renew_at {
        Some(due) => format!("a token is renewed after {}", words::span(due.saturating_duration_since(Instant::now()))),
        None => "it does not say how long a token lives".to_owned(),
    };
    Step::ok(format!("signed in at {host}; {renewal}"))
}

fn failure(error: &AuthError, credentials: &Credentials) -> Step {
    let mend = match error {
        AuthError::Http(error) => words::network(error),
        AuthError::Refused { host, answer } if !concerns_grant(answer) && look_swapped(credentials) => {
            format!("{SWAPPED}; if not, {}", refused(host, answer))
        }
        AuthError::Refused { host, answer } => refused(host, answer),
        AuthError::Unavailable { .. } => "the service has trouble or is asked too often: try later".to_owned(),
        AuthError::Unusable { .. } => {
            "check --region and --login-url; a proxy, or the login page of a network, may answer in its place"
                .to_owned()
        }
    };
    let what = match error {
        AuthError::Http(_) => format!("sign-in: {error}"),
        _ => error.to_string(),
    };
    Step::fail(error.class(), format!("{what}; {}", words::NOT_TRIED), mend)
}

/// What to do about a refusal. The server's words are all there is to tell one from another.
fn refused(host: &str, answer: &ErrorBody) -> String {
    let said = said(answer);
    if concerns_grant(answer) {
        return GRANT.to_owned();
    }
    if said.contains("client not found") {
        let regions = region::known_names();
        return format!(
            "check the client id and --region: a client exists only in its own, and {host} does not know it; regions are {regions}"
        );
    }
    match answer.status.as_u16() {
        401 => SECRET.to_owned(),
        _ => format!("check client id, secret and region ({host} was asked); {GRANT}"),
    }
}

/// `unsupported_grant_type` is made of words too, and "granted" is another one.
fn concerns_grant(answer: &ErrorBody) -> bool {
    let said = said(answer);
    said.contains("unauthorized_client")
        || said.split(|other: char| !other.is_alphanumeric()).any(|word| word == "grant")
}

fn said(answer: &ErrorBody) -> String {
    format!("{} {answer}", answer.code.as_deref().unwrap_or_default()).to_ascii_lowercase()
}

/// The service gives UUIDs to clients, and never to secrets.
fn look_swapped(credentials: &Credentials) -> bool {
    is_uuid(credentials.client_secret.expose_secret()) && !is_uuid(&credentials.client_id)
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    lengths == [8, 4, 4, 4, 12] && groups.concat().bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;
    use reqwest::header::HeaderMap;

    use super::*;
    use crate::status::redact::Secrets;

    const ID: &str = "51b0c1de-7a1e-4e0c-8d52-0c7f0a9b3e14";

    fn line(status: u16, body: &str, client_id: &str, client_secret: &str) -> String {
        let status = StatusCode::from_u16(status).expect("a status");
        let answer = ErrorBody::new(status, &HeaderMap::new(), body.as_bytes(), &Secrets::default());
        let credentials =
            Credentials { client_id: client_id.to_owned(), client_secret: client_secret.to_owned().into() };
        failure(&AuthError::Refused { host: "login.test".to_owned(), answer }, &credentials).to_string()
    }

    #[test]
    fn region_secret_and_grant_are_told_apart_by_the_servers_words() {
        let oauth = |error: &str, words: &str| format!(r#"{{"error":"{error}","description":"{words}"}}"#);
        for (status, body, mend) in [
            (400, oauth("invalid_client", "client not found"), "a client exists only in its own, and login.test"),
            (401, oauth("invalid_client", "authentication failed"), SECRET),
            (401, String::new(), SECRET),
            (400, oauth("unauthorized_client", "not allowed"), GRANT),
            (400, oauth("unsupported_grant_type", "no"), GRANT),
            (401, oauth("invalid_client", "Grant type not allowed"), GRANT),
            (401, oauth("invalid_client", "access is not granted"), SECRET),
            (403, String::new(), "check client id, secret and region (login.test was asked)"),
        ] {
            let line = line(status, &body, ID, "invented");
            assert!(line.starts_with("fail  sign-in at login.test is refused: "), "{line}");
            assert!(line.contains(mend), "{mend:?} is not in {line}");
            assert_eq!(line.contains(SECRET), mend == SECRET, "{line}");
            assert_eq!(line.contains("was asked"), status == 403, "nothing more is known: {line}");
        }
    }

    #[test]
    fn an_id_and_a_secret_that_changed_places_are_suspected_and_not_shown() {
        let body = r#"{"error":"invalid_client","description":"client not found"}"#;
        let swapped = line(400, body, "s3cret", ID);
        assert!(swapped.contains(SWAPPED), "{swapped}");
        assert!(!swapped.contains("s3cret") && !swapped.contains(ID), "{swapped}");
        for (id, secret) in [(ID, "s3cret"), (ID, ID), ("s3cret", "s3cret")] {
            assert!(!line(400, body, id, secret).contains(SWAPPED), "{id} {secret}");
        }
    }

    #[test]
    fn only_what_is_shaped_like_one_is_a_uuid() {
        assert!(is_uuid(ID) && is_uuid(&ID.to_uppercase()));
        for other in ["", "51b0c1de", "51b0c1de-7a1e-4e0c-8d52-0c7f0a9b3e1z", "51b0c1de7a1e4e0c8d520c7f0a9b3e14"] {
            assert!(!is_uuid(other), "{other}");
        }
    }
}
