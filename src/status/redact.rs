//! Redaction of secrets and personal data in every line on stderr (SEC-1, SVC-12).
//!
//! The program logs no secret itself. Redaction covers texts from the network, such as an error in which a server repeats
//! a token.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};

use crate::redaction::Redaction;

const REPLACEMENT: &str = "[redacted]";

/// The replacement of a channel id or connect URI. The id alone is enough to receive the notifications.
const CHANNEL_REPLACEMENT: &str = "[channel]";

/// The minimum length of a redacted secret in characters. No real secret is shorter, and redacting every `abc` would make
/// lines unreadable and reveal the secret by its gaps.
const MIN_LENGTH: usize = 4;

/// All characters except the unreserved ones of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The number of tokens and channels to remember: enough for a renewal, its retry and a late error message.
const MAX_GENERATIONS: usize = 4;

/// A registry of secrets. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Secrets {
    registry: Arc<RwLock<Registry>>,
}

#[derive(Default)]
struct Registry {
    settings: Vec<SecretString>,
    tokens: VecDeque<Vec<SecretString>>,
    /// The connect URI of each channel before the id that it contains.
    channels: VecDeque<Vec<SecretString>>,
    redaction: Redaction,
}

impl Secrets {
    /// Registers the secret of a user or client: as it is, percent-encoded, and with `user` as in HTTP Basic
    /// authentication.
    pub(crate) fn add_login(&self, user: &str, secret: &SecretString) {
        if secret.expose_secret().is_empty() {
            return;
        }
        let basic = BASE64_STANDARD.encode(format!("{user}:{}", secret.expose_secret()));
        let mut encodings = encodings(secret);
        encodings.push(basic.into());
        self.update(|registry| registry.settings.append(&mut encodings));
    }

    /// Registers an access token. Only the last few are remembered, so that memory stays bounded.
    pub(crate) fn add_token(&self, token: &SecretString) {
        self.update(|registry| {
            if registry.tokens.len() == MAX_GENERATIONS {
                registry.tokens.pop_front();
            }
            registry.tokens.push_back(encodings(token));
        });
    }

    /// Registers a notification channel. Only the last few are remembered.
    pub(crate) fn add_channel(&self, id: &str, connect_uri: &str) {
        self.update(|registry| {
            if registry.channels.len() == MAX_GENERATIONS {
                registry.channels.pop_front();
            }
            let mut secrets = vec![connect_uri.to_owned().into()];
            secrets.append(&mut encodings(&id.to_owned().into()));
            registry.channels.push_back(secrets);
        });
    }

    /// Sets the personal data that is replaced in every line (SVC-12).
    pub(crate) fn set_redaction(&self, redaction: Redaction) {
        self.update(|registry| registry.redaction = redaction);
    }

    /// Replaces every registered channel id and connect URI. Borrows a text without any.
    #[must_use]
    pub(crate) fn redact_channel<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let registry = self.registry.read().unwrap_or_else(PoisonError::into_inner);
        let secrets = registry.channels.iter().flatten().map(ExposeSecret::expose_secret);
        let present = secrets.filter(|secret| text.contains(*secret));
        present.fold(Cow::Borrowed(text), |text, secret| Cow::Owned(text.replace(secret, CHANNEL_REPLACEMENT)))
    }

    /// Replaces every registered secret and channel, and personal data. Borrows a text without any.
    #[must_use]
    pub(crate) fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let text = self.redact_secrets(text);
        let registry = self.registry.read().unwrap_or_else(PoisonError::into_inner);
        match registry.redaction.apply(&text) {
            Cow::Owned(redacted) => Cow::Owned(redacted),
            Cow::Borrowed(_) => text,
        }
    }

    fn redact_secrets<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let text = self.redact_channel(text);
        let registry = self.registry.read().unwrap_or_else(PoisonError::into_inner);
        let mut present: Vec<&str> = registry.secrets().filter(|secret| text.contains(secret)).collect();
        if present.is_empty() {
            return text;
        }
        // Longest first: a secret may be the beginning of a longer one, whose remainder would stay.
        present.sort_unstable_by_key(|secret| std::cmp::Reverse(secret.len()));
        Cow::Owned(present.into_iter().fold(text.into_owned(), |text, secret| text.replace(secret, REPLACEMENT)))
    }

    fn update(&self, change: impl FnOnce(&mut Registry)) {
        change(&mut self.registry.write().unwrap_or_else(PoisonError::into_inner));
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets")
    }
}

impl Registry {
    fn secrets(&self) -> impl Iterator<Item = &str> {
        self.settings.iter().chain(self.tokens.iter().flatten()).map(ExposeSecret::expose_secret)
    }
}

/// Returns the secret as it is, and percent-encoded if that differs.
fn encodings(secret: &SecretString) -> Vec<SecretString> {
    let plain = secret.expose_secret();
    if plain.chars().count() < MIN_LENGTH {
        return Vec::new();
    }
    let encoded = utf8_percent_encode(plain, RESERVED).to_string();
    if encoded == plain { vec![secret.clone()] } else { vec![secret.clone(), encoded.into()] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretString {
        text.to_owned().into()
    }

    #[test]
    fn a_login_is_redacted_in_every_encoding() {
        let secrets = Secrets::default();
        secrets.add_login("client", &secret("s3cret/+&"));
        let cases = [
            ("it is s3cret/+& here", "it is [redacted] here"),
            ("secret=s3cret%2F%2B%26&x=1", "secret=[redacted]&x=1"),
            ("Basic Y2xpZW50OnMzY3JldC8rJg==", "Basic [redacted]"),
            ("s3cret/+&s3cret/+&", "[redacted][redacted]"),
            ("client", "client"),
        ];
        for (text, expected) in cases {
            assert_eq!(secrets.redact(text), expected);
        }
    }

    #[test]
    fn text_without_secrets_is_borrowed_and_clones_share_the_registry() {
        let secrets = Secrets::default();
        let clone = secrets.clone();
        clone.add_token(&secret("token-1"));
        assert!(matches!(secrets.redact("nothing to hide"), Cow::Borrowed(_)));
        assert_eq!(secrets.redact("Bearer token-1"), "Bearer [redacted]");
    }

    #[test]
    fn a_secret_that_begins_like_another_leaves_no_remainder() {
        let secrets = Secrets::default();
        secrets.add_token(&secret("token"));
        secrets.add_token(&secret("token-tail"));
        assert_eq!(secrets.redact("token-tail token"), "[redacted] [redacted]");
    }

    #[test]
    fn the_last_tokens_and_all_settings_are_remembered() {
        let secrets = Secrets::default();
        secrets.add_login("client", &secret("setting"));
        for number in 0..20 {
            secrets.add_token(&secret(&format!("token-{number:02}")));
        }
        assert_eq!(secrets.redact("setting token-15 token-16 token-19"), "[redacted] token-15 [redacted] [redacted]");
    }

    #[test]
    fn short_secrets_are_redacted_only_in_basic_authentication() {
        let secrets = Secrets::default();
        secrets.add_login("", &secret(""));
        secrets.add_login("user", &secret("abc"));
        assert_eq!(secrets.redact("abc dXNlcjphYmM="), "abc [redacted]");
        assert_eq!(secrets.redact("Og=="), "Og==");
    }

    #[test]
    fn debug_output_shows_no_secret() {
        let secrets = Secrets::default();
        secrets.add_token(&secret("token-1"));
        assert_eq!(format!("{secrets:?}"), "Secrets");
    }
}
