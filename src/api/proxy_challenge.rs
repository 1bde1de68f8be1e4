//! The authentication schemes that a proxy offers (CONN-14).

use reqwest::header::{HeaderMap, PROXY_AUTHENTICATE};

/// The maximum number of schemes, and of characters of each, that a message shows.
const MAX_SCHEMES: usize = 5;
const MAX_CHARS: usize = 20;

/// Returns the schemes of all `Proxy-Authenticate` headers, each once, as in `Negotiate, Basic realm="a, b"`.
pub(super) fn schemes(headers: &HeaderMap) -> Vec<String> {
    let mut schemes: Vec<String> = Vec::new();
    for value in headers.get_all(PROXY_AUTHENTICATE).into_iter().filter_map(|value| value.to_str().ok()) {
        for scheme in outside_quotes(value).split(',').filter_map(scheme) {
            if !schemes.iter().any(|known| known.eq_ignore_ascii_case(scheme)) && schemes.len() < MAX_SCHEMES {
                schemes.push(scheme.to_owned());
            }
        }
    }
    schemes
}

/// Returns whether Basic, the only supported scheme, is among them.
pub(super) fn has_basic(schemes: &[String]) -> bool {
    schemes.iter().any(|scheme| scheme.eq_ignore_ascii_case("basic"))
}

/// Returns the text without its quoted parts.
fn outside_quotes(text: &str) -> String {
    text.split('"').step_by(2).collect()
}

/// Returns the scheme that a part of the list begins with. A further parameter of the scheme before has none.
fn scheme(part: &str) -> Option<&str> {
    let word = part.split_whitespace().next()?;
    let is_scheme =
        word.len() <= MAX_CHARS && word.chars().all(|char| char.is_ascii_alphanumeric() || "-_.".contains(char));
    // `realm = "x"` with blanks around its sign is a parameter.
    let is_parameter = part.trim_start()[word.len()..].trim_start().starts_with('=');
    (is_scheme && !is_parameter).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// (R8)
    #[test]
    fn schemes_are_told_from_their_parameters() {
        for (values, expected) in [
            (&["Negotiate", "NTLM"][..], &["Negotiate", "NTLM"][..]),
            (&["Negotiate, NTLM, negotiate"], &["Negotiate", "NTLM"]),
            (
                &["Basic realm=\"a, Negotiate b\", charset=\"UTF-8\", Digest qop = \"x\", nonce=\"y\""],
                &["Basic", "Digest"],
            ),
            (&["NTLM TlRMTVNTUAAC=="], &["NTLM"]),
            (&["realm = \"x\"", "", ",,", "=", "\u{7f}", "a-scheme-with-a-name-without-end"], &[]),
        ] {
            let mut headers = HeaderMap::new();
            for value in values.iter().filter_map(|value| value.parse().ok()) {
                headers.append(PROXY_AUTHENTICATE, value);
            }
            assert_eq!(schemes(&headers), expected, "{headers:?}");
        }
        assert!(has_basic(&["NTLM".to_owned(), "BASIC".to_owned()]) && !has_basic(&["Basic2".to_owned()]));
    }
}
