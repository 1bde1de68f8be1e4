//! A refusal in the server's own words.

use std::fmt;
use std::num::IntErrorKind;
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER, WWW_AUTHENTICATE};
use serde_json::Value;

use crate::status::redact::Secrets;

/// How much of a server's words is worth a line on a terminal.
const LONGEST_WORDS: usize = 300;

/// An answer that is not the one hoped for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ErrorBody {
    /// The status.
    pub(crate) status: StatusCode,
    /// How long the server asks us to wait.
    pub(crate) retry_after: Option<Duration>,
    /// The machine-readable code: `missing.permissions` of the REST API, `invalid_client` of the token endpoint.
    pub(crate) code: Option<String>,
    /// What it says about it, and which permission or scope it misses; not yet escaped.
    words: String,
}

impl ErrorBody {
    /// Reads the words out of a body of either shape: that of the token endpoint, or that of the REST API. Secrets are
    /// struck out here, before the cut could leave the beginning of one that nobody recognises.
    pub(crate) fn new(status: StatusCode, headers: &HeaderMap, body: &[u8], secrets: &Secrets) -> Self {
        let body = String::from_utf8_lossy(body);
        let json: Option<Value> = serde_json::from_str(&body).ok();
        let said = cut(&secrets.redact(said(json.as_ref(), &body)));
        let mut words = match status.canonical_reason() {
            Some(reason) if said.is_empty() => reason.to_owned(),
            _ if said.is_empty() => String::new(),
            _ => format!("({said})"),
        };
        if let Some(missing) = json.as_ref().and_then(permissions).or_else(|| scope(headers))
            && !said.contains(missing)
        {
            words = format!("{words}, missing: {}", cut(&secrets.redact(missing)));
        }
        let code = json.as_ref().and_then(|json| text_of(json, &["code", "error"])).map(cut);
        Self { status, retry_after: retry_after(headers), code, words }
    }
}

impl ErrorBody {
    /// Whether it says which permission or scope it misses: `conversation:message:view`, or what [`ErrorBody::new`] found.
    pub(crate) fn names_permission(&self) -> bool {
        self.words.contains(", missing: ")
            || self.words.split(|char: char| !char.is_alphanumeric() && char != ':').any(is_permission)
    }
}

impl fmt::Display for ErrorBody {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = if self.words.is_empty() { "" } else { " " };
        write!(formatter, "{}{separator}{}", self.status.as_u16(), self.words)
    }
}

/// What a person would want to read.
fn said<'a>(json: Option<&'a Value>, body: &'a str) -> &'a str {
    match json {
        Some(json) => text_of(json, &["message", "error_description", "description", "error"]).unwrap_or_default(),
        None if is_page(body.as_bytes()) => "",
        None => body.trim(),
    }
}

/// Whether something is a page for people rather than an answer for programs, as a proxy or a login page sends it.
pub(crate) fn is_page(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"<")
}

/// `domain:entity:action`, or a scope of two parts.
fn is_permission(word: &str) -> bool {
    let parts: Vec<&str> = word.split(':').collect();
    (2..=3).contains(&parts.len()) && parts.iter().all(|part| part.starts_with(char::is_alphabetic))
}

fn cut(words: &str) -> String {
    words.chars().take(LONGEST_WORDS).collect()
}

/// The permissions an error body names beside its message.
fn permissions(json: &Value) -> Option<&str> {
    text_of(json.get("messageParams")?, &["permissions", "permission", "scopes", "scope"])
}

fn text_of<'a>(json: &'a Value, members: &[&str]) -> Option<&'a str> {
    members.iter().find_map(|member| json.get(member)?.as_str())
}

/// The scope that a `WWW-Authenticate` header asks for, as in `Bearer error="insufficient_scope", scope="messages"`.
fn scope(headers: &HeaderMap) -> Option<&str> {
    let challenge = headers.get(WWW_AUTHENTICATE)?.to_str().ok()?;
    let (_, value) = challenge.split_once("scope=")?;
    let scope = match value.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next(),
        None => value.split([',', ' ']).next(),
    };
    scope.filter(|scope| !scope.is_empty())
}

/// `Retry-After` in seconds or as a date; a date that has passed means at once.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let wish = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    match wish.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(error) if *error.kind() == IntErrorKind::PosOverflow => Some(Duration::MAX),
        Err(_) => {
            let date = DateTime::parse_from_rfc2822(wish).ok()?;
            Some((date.to_utc() - Utc::now()).to_std().unwrap_or_default())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(body: &str) -> String {
        ErrorBody::new(StatusCode::BAD_REQUEST, &HeaderMap::new(), body.as_bytes(), &Secrets::default()).to_string()
    }

    fn asked(value: &str) -> Option<Duration> {
        retry_after(&HeaderMap::from_iter([(RETRY_AFTER, value.parse().expect("a header value"))]))
    }

    #[test]
    fn both_error_shapes_speak_for_themselves() {
        let oauth =
            r#"{"error":"invalid_client","description":"client not found","error_description":"client not found"}"#;
        assert_eq!(shown(oauth), "400 (client not found)");
        assert_eq!(
            shown(r#"{"message":"Invalid login credentials.","code":"bad.credentials"}"#),
            "400 (Invalid login credentials.)"
        );
        assert_eq!(shown("try later\n"), "400 (try later)");
        for silent in ["", "{}", "[]", "<html><body>Bad Request</body></html>", r#"{"message":{"no":"text"}}"#] {
            assert_eq!(shown(silent), "400 Bad Request", "{silent}");
        }
    }

    #[test]
    fn a_permission_is_known_when_it_is_named() {
        for (body, named) in [
            (r#"{"message":"You are missing the following permission(s): a:bC:view"}"#, true),
            (r#"{"message":"No.","messageParams":{"scopes":"messages"}}"#, true),
            (r#"{"message":"[missing conversation:view]"}"#, true),
            (r#"{"message":"Not before 12:30:00, see https://example.test:443/x"}"#, false),
            ("", false),
        ] {
            let answer = ErrorBody::new(StatusCode::FORBIDDEN, &HeaderMap::new(), body.as_bytes(), &Secrets::default());
            assert_eq!(answer.names_permission(), named, "{body}");
        }
    }

    #[test]
    fn what_is_missing_is_named_once() {
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
            let answer = ErrorBody::new(StatusCode::FORBIDDEN, &headers, b"", &Secrets::default());
            assert_eq!(answer.to_string(), format!("403 Forbidden{expected}"), "{challenge}");
        }
    }

    #[test]
    fn long_words_are_cut_and_what_is_missing_stays() {
        assert!(shown(&"ä".repeat(5000)).chars().count() < 320);
        let long = format!(r#"{{"message":"{}","messageParams":{{"permissions":"a:b:view"}}}}"#, "x".repeat(5000));
        assert!(shown(&long).ends_with("missing: a:b:view"));
    }

    #[test]
    fn retry_after_comes_in_seconds_or_as_a_date() {
        assert_eq!(asked("23"), Some(Duration::from_secs(23)));
        assert_eq!(asked("0"), Some(Duration::ZERO));
        assert_eq!(asked("99999999999999999999999"), Some(Duration::MAX), "too long is still long");
        assert_eq!(asked("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO));
        let soon = (Utc::now() + chrono::TimeDelta::seconds(90)).format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let wait = asked(&soon).expect("a date");
        assert!((85..=90).contains(&wait.as_secs()), "{wait:?}");
        for nonsense in ["", "soon", "-1", "1.5"] {
            assert_eq!(asked(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn the_cut_leaves_no_beginning_of_a_secret() {
        let secrets = Secrets::default();
        secrets.add_token(&"an-invented-token".to_owned().into());
        let body = format!("{}an-invented-token", "x".repeat(LONGEST_WORDS - 5));
        let words = ErrorBody::new(StatusCode::BAD_REQUEST, &HeaderMap::new(), body.as_bytes(), &secrets).words;
        assert!(!words.contains("an-in"), "{words}");
    }
}
