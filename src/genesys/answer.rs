//! A refusal in the server's own words.

use std::fmt;
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;

use crate::redact::Secrets;

/// How much of a server's words is worth a line on a terminal.
const LONGEST_WORDS: usize = 300;

/// An answer that is not the one hoped for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: StatusCode,
    /// How long the server asks us to wait.
    pub(crate) retry_after: Option<Duration>,
    /// What it says about it, not yet escaped; empty when it says nothing a person would want to read.
    pub(crate) words: String,
}

impl Answer {
    /// Reads the words out of a body of either shape: that of the token endpoint, or that of the REST API. Secrets are
    /// struck out here, before the cut could leave the beginning of one that nobody recognises.
    pub(crate) fn new(status: StatusCode, retry_after: Option<Duration>, body: &[u8], secrets: &Secrets) -> Self {
        let body = String::from_utf8_lossy(body);
        let words = match serde_json::from_str::<Value>(&body) {
            Ok(json) => ["message", "error_description", "description", "error"]
                .iter()
                .find_map(|member| json.get(member)?.as_str())
                .unwrap_or_default()
                .to_owned(),
            Err(_) if body.trim_start().starts_with('<') => String::new(),
            Err(_) => body.trim().to_owned(),
        };
        Self { status, retry_after, words: secrets.redact(&words).chars().take(LONGEST_WORDS).collect() }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.status.as_u16())?;
        match (self.words.as_str(), self.status.canonical_reason()) {
            ("", Some(reason)) => write!(formatter, " {reason}"),
            ("", None) => Ok(()),
            (words, _) => write!(formatter, " ({words})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(body: &str) -> String {
        Answer::new(StatusCode::BAD_REQUEST, None, body.as_bytes(), &Secrets::default()).to_string()
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
    fn long_words_are_cut() {
        assert!(shown(&"ä".repeat(5000)).chars().count() < 320);
    }

    #[test]
    fn the_cut_leaves_no_beginning_of_a_secret() {
        let secrets = Secrets::default();
        secrets.add_token(&"an-invented-token".to_owned().into());
        let body = format!("{}an-invented-token", "x".repeat(LONGEST_WORDS - 5));
        let words = Answer::new(StatusCode::BAD_REQUEST, None, body.as_bytes(), &secrets).words;
        assert!(!words.contains("an-in"), "{words}");
    }
}
