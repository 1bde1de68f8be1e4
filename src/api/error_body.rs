//! Error responses, in the shapes of the REST API and of the token endpoint.

use std::fmt;
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};
use serde_json::Value;

use super::stated_wait::stated_wait;
use crate::decision::ResponseKind;
use crate::status::redact::Secrets;

/// The maximum length of a server's message, to fit a status line.
const MAX_MESSAGE_CHARS: usize = 300;

/// An error response. Shown as status, message and missing permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ErrorBody {
    /// The status code.
    pub(crate) status: StatusCode,
    /// The delay that the server asks for.
    pub(crate) retry_after: Option<Duration>,
    /// The machine-readable code: `missing.permissions` of the REST API, `invalid_client` of the token endpoint.
    pub(crate) code: Option<String>,
    /// The body is an error object of the REST API: it has a `code` or a `message`. A firewall or proxy sends another one.
    pub(crate) is_api_error: bool,
    /// The message and the missing permission, not escaped.
    text: String,
}

impl ErrorBody {
    /// Reads the response. Redacts `secrets` before it cuts the message: the beginning of a cut secret would no longer be
    /// recognised.
    pub(crate) fn new(status: StatusCode, headers: &HeaderMap, body: &[u8], secrets: &Secrets) -> Self {
        let body = String::from_utf8_lossy(body);
        let json: Option<Value> = serde_json::from_str(&body).ok();
        let message = message(json.as_ref(), &body);
        let retry_after = stated_wait(status, headers, message);
        let message = cut(&secrets.redact(message));
        let mut text = match status.canonical_reason() {
            Some(reason) if message.is_empty() => reason.to_owned(),
            _ if message.is_empty() => String::new(),
            _ => format!("({message})"),
        };
        if let Some(missing) = json.as_ref().and_then(permissions).or_else(|| scope(headers))
            && !message.contains(missing)
        {
            text = format!("{text}, missing: {}", cut(&secrets.redact(missing)));
        }
        let code = json.as_ref().and_then(|json| first_string(json, &["code", "error"])).map(cut);
        let is_api_error = json.as_ref().is_some_and(|json| first_string(json, &["code", "message"]).is_some());
        Self { status, retry_after, code, is_api_error, text }
    }

    /// Classifies the response of the REST API or to a handshake.
    pub(crate) fn response_kind(&self) -> ResponseKind {
        ResponseKind::of_status(self.status.as_u16(), self.is_api_error)
    }

    /// Classifies the response of the token endpoint, whose error objects may have only an `error`.
    pub(crate) fn sign_in_response_kind(&self) -> ResponseKind {
        ResponseKind::of_status(self.status.as_u16(), self.is_api_error || self.code.is_some())
    }

    /// Returns whether the response names the missing permission or scope, such as `conversation:message:view`.
    pub(crate) fn names_permission(&self) -> bool {
        self.text.contains(", missing: ")
            || self.text.split(|char: char| !char.is_alphanumeric() && char != ':').any(is_permission)
    }
}

impl fmt::Display for ErrorBody {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = if self.text.is_empty() { "" } else { " " };
        write!(formatter, "{}{separator}{}", self.status.as_u16(), self.text)
    }
}

/// Returns whether a body is HTML, as a proxy or a login page sends it.
pub(crate) fn is_html(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"<")
}

fn message<'a>(json: Option<&'a Value>, body: &'a str) -> &'a str {
    match json {
        Some(json) => first_string(json, &["message", "error_description", "description", "error"]).unwrap_or_default(),
        None if is_html(body.as_bytes()) => "",
        None => body.trim(),
    }
}

/// Returns whether a word has the form `domain:entity:action` of a permission or `domain:action` of a scope.
fn is_permission(word: &str) -> bool {
    let parts: Vec<&str> = word.split(':').collect();
    (2..=3).contains(&parts.len()) && parts.iter().all(|part| part.starts_with(char::is_alphabetic))
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_MESSAGE_CHARS).collect()
}

/// Returns the permissions that a body of the REST API names apart from its message.
fn permissions(json: &Value) -> Option<&str> {
    first_string(json.get("messageParams")?, &["permissions", "permission", "scopes", "scope"])
}

fn first_string<'a>(json: &'a Value, members: &[&str]) -> Option<&'a str> {
    members.iter().find_map(|member| json.get(member)?.as_str())
}

/// Returns the scope that a `WWW-Authenticate` header asks for, as in
/// `Bearer error="insufficient_scope", scope="messages"`.
fn scope(headers: &HeaderMap) -> Option<&str> {
    let challenge = headers.get(WWW_AUTHENTICATE)?.to_str().ok()?;
    let (_, value) = challenge.split_once("scope=")?;
    let scope = match value.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next(),
        None => value.split([',', ' ']).next(),
    };
    scope.filter(|scope| !scope.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(body: &str) -> String {
        ErrorBody::new(StatusCode::BAD_REQUEST, &HeaderMap::new(), body.as_bytes(), &Secrets::default()).to_string()
    }

    #[test]
    fn the_message_of_either_error_shape_is_shown() {
        let oauth =
            r#"{"error":"invalid_client","description":"client not found","error_description":"client not found"}"#;
        assert_eq!(shown(oauth), "400 (client not found)");
        assert_eq!(
            shown(r#"{"message":"Invalid login credentials.","code":"bad.credentials"}"#),
            "400 (Invalid login credentials.)"
        );
        assert_eq!(shown("try later\n"), "400 (try later)");
        for without_message in ["", "{}", "[]", "<html><body>Bad Request</body></html>", r#"{"message":{"no":"text"}}"#]
        {
            assert_eq!(shown(without_message), "400 Bad Request", "{without_message}");
        }
    }

    #[test]
    fn only_a_403_with_an_error_object_is_an_answer_of_genesys_cloud() {
        for (json, answer, sign_in_answer) in [
            (r#"{"message":"No."}"#, ResponseKind::Forbidden, ResponseKind::Forbidden),
            (r#"{"code":"missing.permissions","status":403}"#, ResponseKind::Forbidden, ResponseKind::Forbidden),
            (r#"{"error":"unauthorized_client"}"#, ResponseKind::ForbiddenPage, ResponseKind::Forbidden),
            (r#"{"message":null,"code":403}"#, ResponseKind::ForbiddenPage, ResponseKind::ForbiddenPage),
            (r#"["message"]"#, ResponseKind::ForbiddenPage, ResponseKind::ForbiddenPage),
            (r#""code""#, ResponseKind::ForbiddenPage, ResponseKind::ForbiddenPage),
            ("<html>Blocked by policy</html>", ResponseKind::ForbiddenPage, ResponseKind::ForbiddenPage),
            ("Access denied: message", ResponseKind::ForbiddenPage, ResponseKind::ForbiddenPage),
            ("{}", ResponseKind::ForbiddenPage, ResponseKind::ForbiddenPage),
            ("", ResponseKind::ForbiddenPage, ResponseKind::ForbiddenPage),
        ] {
            let body = ErrorBody::new(StatusCode::FORBIDDEN, &HeaderMap::new(), json.as_bytes(), &Secrets::default());
            assert_eq!((body.response_kind(), body.sign_in_response_kind()), (answer, sign_in_answer), "{json}");
        }
    }

    #[test]
    fn a_named_permission_is_recognised() {
        for (json, named) in [
            (r#"{"message":"You are missing the following permission(s): a:bC:view"}"#, true),
            (r#"{"message":"No.","messageParams":{"scopes":"messages"}}"#, true),
            (r#"{"message":"[missing conversation:view]"}"#, true),
            (r#"{"message":"Not before 12:30:00, see https://example.test:443/x"}"#, false),
            ("", false),
        ] {
            let body = ErrorBody::new(StatusCode::FORBIDDEN, &HeaderMap::new(), json.as_bytes(), &Secrets::default());
            assert_eq!(body.names_permission(), named, "{json}");
        }
    }

    #[test]
    fn the_missing_permission_is_shown_once() {
        let named = r#"{"message":"You are missing: a:b:view","messageParams":{"permissions":"a:b:view"}}"#;
        assert_eq!(shown(named), "400 (You are missing: a:b:view)");
        let unnamed = r#"{"message":"Not you.","messageParams":{"permissions":"a:b:view"}}"#;
        assert_eq!(shown(unnamed), "400 (Not you.), missing: a:b:view");
        for (challenge, expected) in [
            (r#"Bearer realm="x", error="insufficient_scope", scope="a:readonly b""#, ", missing: a:readonly b"),
            ("Bearer scope=a:readonly, error=insufficient_scope", ", missing: a:readonly"),
            (r#"Bearer scope="""#, ""),
            (r#"Bearer error="insufficient_scope""#, ""),
        ] {
            let headers = HeaderMap::from_iter([(WWW_AUTHENTICATE, challenge.parse().expect("a header value"))]);
            let body = ErrorBody::new(StatusCode::FORBIDDEN, &headers, b"", &Secrets::default());
            assert_eq!(body.to_string(), format!("403 Forbidden{expected}"), "{challenge}");
        }
    }

    #[test]
    fn a_long_message_is_cut_and_the_missing_permission_is_kept() {
        assert!(shown(&"ä".repeat(5000)).chars().count() < 320);
        let long = format!(r#"{{"message":"{}","messageParams":{{"permissions":"a:b:view"}}}}"#, "x".repeat(5000));
        assert!(shown(&long).ends_with("missing: a:b:view"));
    }

    #[test]
    fn a_cut_message_shows_no_part_of_a_secret() {
        let secrets = Secrets::default();
        secrets.add_token(&"an-invented-token".to_owned().into());
        let body = format!("{}an-invented-token", "x".repeat(MAX_MESSAGE_CHARS - 5));
        let text = ErrorBody::new(StatusCode::BAD_REQUEST, &HeaderMap::new(), body.as_bytes(), &secrets).text;
        assert!(!text.contains("an-in"), "{text}");
    }
}
