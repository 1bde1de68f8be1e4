//! The second line of defence: what must never be printed is struck out of every line that is.
//!
//! The first is to log none of it. This one is for the day a server echoes a token in an error.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};

const REPLACEMENT: &str = "[redacted]";

/// What stands for a notification channel, whose id alone lets anybody listen.
const CHANNEL: &str = "[channel]";

/// Shorter ones are left alone: no real secret is that short, and striking out every `abc` would make lines
/// unreadable and give the secret away by where the holes are.
const SHORTEST: usize = 4;

/// Everything but the characters that RFC 3986 calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// As many tokens as a roll-over, its retry and a late error message can still speak of.
const TOKENS: usize = 4;

/// A registry of secrets. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Secrets {
    known: Arc<RwLock<Known>>,
}

#[derive(Default)]
struct Known {
    settings: Vec<SecretString>,
    tokens: VecDeque<Vec<SecretString>>,
    /// Addresses before the ids that they hold.
    channels: VecDeque<Vec<SecretString>>,
}

impl Secrets {
    /// Registers a user (or client id) and its secret: the secret as it is and percent-encoded, and the pair as
    /// HTTP Basic authentication sends it.
    pub(crate) fn add_login(&self, user: &str, secret: &SecretString) {
        if secret.expose_secret().is_empty() {
            return;
        }
        let basic = BASE64_STANDARD.encode(format!("{user}:{}", secret.expose_secret()));
        let mut forms = forms(secret);
        forms.push(basic.into());
        self.with(|known| known.settings.append(&mut forms));
    }

    /// Registers an access token. Only the last few are remembered, so a run of weeks needs no more memory.
    pub(crate) fn add_token(&self, token: &SecretString) {
        self.with(|known| {
            if known.tokens.len() == TOKENS {
                known.tokens.pop_front();
            }
            known.tokens.push_back(forms(token));
        });
    }

    /// Registers a notification channel by its id and its address. Only the last few are remembered.
    pub(crate) fn add_channel(&self, id: &str, address: &str) {
        self.with(|known| {
            if known.channels.len() == TOKENS {
                known.channels.pop_front();
            }
            let mut names = vec![address.to_owned().into()];
            names.append(&mut forms(&id.to_owned().into()));
            known.channels.push_back(names);
        });
    }

    /// `text` without the channels that are in it; borrowed when there is none.
    #[must_use]
    pub(crate) fn without_channel<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let names = known.channels.iter().flatten().map(ExposeSecret::expose_secret);
        let present = names.filter(|name| text.contains(*name));
        present.fold(Cow::Borrowed(text), |text, name| Cow::Owned(text.replace(name, CHANNEL)))
    }

    /// `text` with every registered secret replaced; borrowed when there is none in it.
    #[must_use]
    pub(crate) fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let text = self.without_channel(text);
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let mut present: Vec<&str> = known.all().filter(|secret| text.contains(secret)).collect();
        if present.is_empty() {
            return text;
        }
        // A secret may be the beginning of another one: the longest first leaves no remainder.
        present.sort_unstable_by_key(|secret| std::cmp::Reverse(secret.len()));
        Cow::Owned(present.into_iter().fold(text.into_owned(), |text, secret| text.replace(secret, REPLACEMENT)))
    }

    fn with(&self, change: impl FnOnce(&mut Known)) {
        change(&mut self.known.write().unwrap_or_else(PoisonError::into_inner));
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets")
    }
}

impl Known {
    fn all(&self) -> impl Iterator<Item = &str> {
        self.settings.iter().chain(self.tokens.iter().flatten()).map(ExposeSecret::expose_secret)
    }
}

/// The secret as it is, and percent-encoded where that differs.
fn forms(secret: &SecretString) -> Vec<SecretString> {
    let plain = secret.expose_secret();
    if plain.chars().count() < SHORTEST {
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
    fn a_login_is_struck_out_in_every_form_it_travels_in() {
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
    fn clean_text_is_borrowed_and_clones_share_what_they_know() {
        let secrets = Secrets::default();
        let clone = secrets.clone();
        clone.add_token(&secret("token-1"));
        assert!(matches!(secrets.redact("nothing to hide"), Cow::Borrowed(_)));
        assert_eq!(secrets.redact("Bearer token-1"), "Bearer [redacted]");
    }

    #[test]
    fn a_secret_that_begins_another_leaves_no_remainder() {
        let secrets = Secrets::default();
        secrets.add_token(&secret("token"));
        secrets.add_token(&secret("token-tail"));
        assert_eq!(secrets.redact("token-tail token"), "[redacted] [redacted]");
    }

    #[test]
    fn only_the_last_tokens_are_kept_and_settings_stay() {
        let secrets = Secrets::default();
        secrets.add_login("client", &secret("setting"));
        for number in 0..20 {
            secrets.add_token(&secret(&format!("token-{number:02}")));
        }
        assert_eq!(secrets.redact("setting token-15 token-16 token-19"), "[redacted] token-15 [redacted] [redacted]");
    }

    #[test]
    fn very_short_secrets_are_struck_out_in_pairs_only() {
        let secrets = Secrets::default();
        secrets.add_login("", &secret(""));
        secrets.add_login("user", &secret("abc"));
        assert_eq!(secrets.redact("abc dXNlcjphYmM="), "abc [redacted]");
        assert_eq!(secrets.redact("Og=="), "Og==");
    }

    #[test]
    fn debug_shows_nothing() {
        let secrets = Secrets::default();
        secrets.add_token(&secret("token-1"));
        assert_eq!(format!("{secrets:?}"), "Secrets");
    }
}
