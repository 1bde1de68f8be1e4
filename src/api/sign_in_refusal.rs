//! The next step after a refused sign-in, by the server's message (CONN-15).

use super::error_body::ErrorBody;

const CHECK_SECRET: &str = "check the client secret; in a .env file, put it in single quotes";

const UNKNOWN_CLIENT: &str = "check client id and region: a client exists only in its own region";

const SET_GRANT: &str =
    "set the grant type of the OAuth client to \"Client Credentials\" (Admin > Integrations > OAuth)";

const CHECK_ALL: &str =
    "check client id, secret and region; the OAuth client needs the grant type \"Client Credentials\"";

/// Returns the next step after this response of the token endpoint.
pub(super) fn hint(body: &ErrorBody) -> &'static str {
    match body.status.as_u16() {
        _ if concerns_grant(body) => SET_GRANT,
        _ if searchable_text(body).contains("client not found") => UNKNOWN_CLIENT,
        401 => CHECK_SECRET,
        _ => CHECK_ALL,
    }
}

/// Returns whether the response names the grant. Compares whole words, because `granted` is another one.
pub(crate) fn concerns_grant(body: &ErrorBody) -> bool {
    let text = searchable_text(body);
    text.contains("unauthorized_client") || text.split(|char: char| !char.is_alphanumeric()).any(|word| word == "grant")
}

fn searchable_text(body: &ErrorBody) -> String {
    format!("{} {body}", body.code.as_deref().unwrap_or_default()).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;
    use reqwest::header::HeaderMap;

    use super::*;
    use crate::status::redact::Secrets;

    #[test]
    fn the_next_step_depends_on_the_message_of_the_server() {
        let oauth = |error: &str, description: &str| format!(r#"{{"error":"{error}","description":"{description}"}}"#);
        for (status, body, expected) in [
            (400, oauth("invalid_client", "client not found"), UNKNOWN_CLIENT),
            (401, oauth("invalid_client", "authentication failed"), CHECK_SECRET),
            (401, String::new(), CHECK_SECRET),
            (400, oauth("unauthorized_client", "not allowed"), SET_GRANT),
            (400, oauth("unsupported_grant_type", "no"), SET_GRANT),
            (401, oauth("invalid_client", "Grant type not allowed"), SET_GRANT),
            (401, oauth("invalid_client", "access is not granted"), CHECK_SECRET),
            (400, oauth("invalid_request", "No."), CHECK_ALL),
            (403, String::new(), CHECK_ALL),
        ] {
            let code = StatusCode::from_u16(status).expect("a status");
            let response = ErrorBody::new(code, &HeaderMap::new(), body.as_bytes(), &Secrets::default());
            assert_eq!(hint(&response), expected, "{status} {body}");
        }
    }
}
