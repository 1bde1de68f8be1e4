//! Sign-in, with the remedy of a refusal.

use std::io;

use secrecy::ExposeSecret as _;

use super::CheckContext;
use super::messages;
use super::report::{CheckResult, Report};
use crate::api::http_error::host;
use crate::api::oauth::AuthError;
use crate::api::sign_in_refusal::concerns_grant;
use crate::api::token::Token;
use crate::config::Credentials;

const UNSWAP: &str = "swap client id and client secret: the secret is a UUID and the id is not";

/// Requests a token. Returns whether there is one.
pub(super) async fn check(context: &CheckContext<'_>, report: &mut Report<'_>) -> io::Result<bool> {
    let credentials = &context.check.credentials;
    if look_swapped(credentials) {
        // The server may repeat the client id, which is likely the secret.
        let secrets = context.rest.http().secrets();
        secrets.add_login("", &credentials.client_id.clone().into());
    }
    let token = context.rest.auth().token().await;
    report.print(&match &token {
        Ok(token) => success(&host(&context.check.endpoints.token), token),
        Err(error) => failure(error, credentials),
    })?;
    Ok(token.is_ok())
}

/// Returns the client id unless it may be a misplaced secret.
pub(super) fn displayable_client_id(credentials: &Credentials) -> Option<&str> {
    Some(credentials.client_id.as_str()).filter(|id| is_uuid(id))
}

fn success(host: &str, token: &Token) -> CheckResult {
    let validity = token.lifetime.map_or_else(
        || "the server states no token lifetime".to_owned(),
        |lifetime| format!("the token is valid for {}", messages::span(lifetime)),
    );
    CheckResult::ok(format!("sign-in at {host}; {validity}"))
}

fn failure(error: &AuthError, credentials: &Credentials) -> CheckResult {
    let remedy = match error {
        AuthError::Refused { body, .. } if !concerns_grant(body) && look_swapped(credentials) => {
            format!("{UNSWAP}; otherwise {}", error.hint())
        }
        AuthError::Unavailable { body, .. } => messages::try_again(body),
        error => error.hint().to_owned(),
    };
    let message = match error {
        AuthError::Refused { .. } | AuthError::Unavailable { .. } => error.to_string(),
        AuthError::Http(_) | AuthError::Unusable { .. } => format!("sign-in: {error}"),
    };
    CheckResult::fail(error.class(), message, remedy).with_skipped_checks()
}

/// Returns whether id and secret are likely swapped. Genesys Cloud issues UUIDs as client ids and never as secrets.
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
    use crate::api::error_body::ErrorBody;
    use crate::status::redact::Secrets;

    const ID: &str = "51b0c1de-7a1e-4e0c-8d52-0c7f0a9b3e14";

    fn line(status: u16, body: &str, client_id: &str, client_secret: &str) -> String {
        let status = StatusCode::from_u16(status).expect("a status");
        let body = ErrorBody::new(status, &HeaderMap::new(), body.as_bytes(), &Secrets::default());
        let credentials =
            Credentials { client_id: client_id.to_owned(), client_secret: client_secret.to_owned().into() };
        failure(&AuthError::Refused { host: "login.test".to_owned(), body, has_signed_in: false }, &credentials)
            .to_string()
    }

    #[test]
    fn swapped_credentials_are_suspected_and_not_shown() {
        let body = r#"{"error":"invalid_client","description":"client not found"}"#;
        let swapped = line(400, body, "s3cret", ID);
        assert!(swapped.contains(UNSWAP), "{swapped}");
        assert!(!swapped.contains("s3cret") && !swapped.contains(ID), "{swapped}");
        for (id, secret) in [(ID, "s3cret"), (ID, ID), ("s3cret", "s3cret")] {
            assert!(!line(400, body, id, secret).contains(UNSWAP), "{id} {secret}");
        }
    }

    #[test]
    fn a_uuid_has_five_groups_of_hexadecimal_digits() {
        assert!(is_uuid(ID) && is_uuid(&ID.to_uppercase()));
        for other in ["", "51b0c1de", "51b0c1de-7a1e-4e0c-8d52-0c7f0a9b3e1z", "51b0c1de7a1e4e0c8d520c7f0a9b3e14"] {
            assert!(!is_uuid(other), "{other}");
        }
    }
}
