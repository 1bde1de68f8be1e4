//! Resolves a region, or URLs, to [`Endpoints`].

use url::{ParseError, Url};

use crate::config::region::Hosts;
use crate::config::{Endpoints, is_loopback};

use super::problems::{Problems, Setting};

const TOKEN_PATH: &str = "oauth/token";

/// The reason to refuse a URL with an impossible port.
pub(super) const INVALID_PORT: &str = "the port is not a number from 0 to 65535";

const NOT_HTTPS: &str = "must be an https URL such as https://api.mypurecloud.com";

/// Returns the endpoints of a region.
pub(super) fn of_hosts(hosts: &Hosts) -> Endpoints {
    let url = |host: &str| Url::parse(&format!("https://{host}/")).expect("the hosts of a region are valid");
    Endpoints { api: url(&hosts.api), token: token_endpoint(url(&hosts.login)) }
}

/// Returns the endpoints of an API URL. Without a token endpoint, it is below the API URL (CLI-67).
pub(super) fn of_api_url(api: Url, token: Option<Url>) -> Option<Endpoints> {
    let api = with_slash(api);
    let token = token.or_else(|| api.join(TOKEN_PATH).ok())?;
    Some(Endpoints { api, token })
}

/// Returns the token endpoint of a login URL.
pub(super) fn login_url(setting: &Setting, problems: &mut Problems) -> Option<Url> {
    checked_url(setting, problems).map(token_endpoint)
}

/// Parses the URL of a setting. A problem does not show the value, because it may hold a password.
pub(super) fn checked_url(setting: &Setting, problems: &mut Problems) -> Option<Url> {
    parse(&setting.value).map_err(|reason| problems.unusable(&setting.name, reason)).ok()
}

/// Returns whether an API URL gives this endpoint.
pub(super) fn is_api(url: &str, api: &Url) -> bool {
    parse(url).is_ok_and(|url| with_slash(url) == *api)
}

/// Returns whether a login URL gives this token endpoint.
pub(super) fn is_login(url: &str, token: &Url) -> bool {
    parse(url).is_ok_and(|url| token_endpoint(url) == *token)
}

/// Parses a URL, with `https` for `wss` and `http` for `ws`.
fn parse(text: &str) -> Result<Url, &'static str> {
    if !text.contains("://") {
        return Err("lacks the scheme: use a URL such as https://api.mypurecloud.com");
    }
    let mut url = match Url::parse(text) {
        Ok(url) if url.has_host() => url,
        Err(ParseError::InvalidPort) => return Err(INVALID_PORT),
        _ => return Err("not a URL such as https://api.mypurecloud.com"),
    };
    if url.path().trim_end_matches('/').ends_with("/api/v2") {
        return Err("must not contain /api/v2, which the program adds: omit it");
    }
    let scheme = match url.scheme() {
        "https" | "wss" => "https",
        "http" | "ws" if is_loopback(&url) => "http",
        "http" | "ws" => return Err("must be https; http is accepted for loopback only"),
        _ => return Err(NOT_HTTPS),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not contain a user or a password");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must not contain a query or a fragment");
    }
    url.set_scheme(scheme).map_err(|()| NOT_HTTPS)?;
    Ok(url)
}

/// Adds the usual path of token endpoints to a bare host. Keeps any other path.
fn token_endpoint(mut url: Url) -> Url {
    if url.path() == "/" {
        url.set_path(TOKEN_PATH);
    }
    url
}

fn with_slash(mut url: Url) -> Url {
    let path = format!("{}/", url.path().trim_end_matches('/'));
    url.set_path(&path);
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_https_or_on_loopback_without_user_and_query() {
        let cases = [
            ("https://api.example", Ok("https://api.example/")),
            ("wss://api.example:444/p", Ok("https://api.example:444/p")),
            ("http://127.0.0.1:80", Ok("http://127.0.0.1/")),
            ("ws://localhost:8080", Ok("http://localhost:8080/")),
            ("http://[::1]:1/", Ok("http://[::1]:1/")),
            ("http://api.example", Err("https")),
            ("ws://localhost.example", Err("https")),
            ("ftp://api.example", Err("https")),
            ("localhost:8080", Err("scheme")),
            ("api.example", Err("scheme")),
            ("https://", Err("not a URL")),
            ("https://api.example:99999", Err("port")),
            ("https://api.example/api/v2", Err("omit it")),
            ("https://api.example/p/api/v2/", Err("omit it")),
            ("https://u@api.example", Err("user")),
            ("https://:p@api.example", Err("user")),
            ("https://api.example?x", Err("query")),
            ("https://api.example#x", Err("fragment")),
        ];
        for (text, expected) in cases {
            match (parse(text), expected) {
                (Ok(url), Ok(expected)) => assert_eq!(url.as_str(), expected),
                (Err(reason), Err(part)) => assert!(reason.contains(part), "{text}: {reason}"),
                (result, _) => panic!("{text}: {result:?}"),
            }
        }
    }

    #[test]
    fn the_topic_errors_quotes_the_usual_mistakes() {
        for url in ["https://api.example/api/v2", "api.example", "https://api.example:99999"] {
            let quote = format!("- `--api-url: {}` (78)\n", parse(url).unwrap_err());
            assert!(include_str!("../help/errors.md").contains(&quote), "{quote}");
        }
    }

    #[test]
    fn paths_of_urls_are_kept() {
        let url = |text| Url::parse(text).unwrap();
        assert_eq!(token_endpoint(url("https://x")).as_str(), "https://x/oauth/token");
        assert_eq!(token_endpoint(url("https://x/my/token/")).as_str(), "https://x/my/token/");
        assert_eq!(with_slash(url("https://x/a/b//")).join("api/v2").unwrap().as_str(), "https://x/a/b/api/v2");
        assert_eq!(with_slash(url("https://x")).as_str(), "https://x/");
    }
}
