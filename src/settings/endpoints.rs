//! Resolves a region, or URLs, to [`Endpoints`].

use url::Url;

use crate::cli::AccountArgs;
use crate::config::{Endpoints, is_loopback, region};

use super::env::{Env, REGION_VARIABLES};
use super::problems::{Problem, Problems, Setting};

const TOKEN_PATH: &str = "oauth/token";

const NOT_HTTPS: &str = "must be an https URL such as https://api.mypurecloud.com";

pub(super) fn resolve(args: &AccountArgs, env: &Env, problems: &mut Problems) -> Option<Endpoints> {
    let api = api_url(args, env);
    let login = env.flag_or(args.login_url.as_deref(), "--login-url", &["GENESYS_LOGIN_URL"]);
    let token = login.as_ref().map(|login| checked_url(login, problems).map(token_endpoint));
    let Some(api) = api else {
        let region = env.flag_or(args.region.as_deref(), "--region", &REGION_VARIABLES);
        let of_region = of_region(region, problems)?;
        return Some(Endpoints { api: of_region.api, token: token.unwrap_or(Some(of_region.token))? });
    };
    let api = with_slash(checked_url(&api, problems)?);
    let token = token.unwrap_or_else(|| api.join(TOKEN_PATH).ok())?;
    Some(Endpoints { api, token })
}

/// Returns the URL that replaces the API of the region, if one is set.
pub(super) fn api_url(args: &AccountArgs, env: &Env) -> Option<Setting> {
    env.flag_or(args.api_url.as_deref(), "--api-url", &["GENESYS_API_URL"])
}

fn of_region(region: Option<Setting>, problems: &mut Problems) -> Option<Endpoints> {
    let region = region.unwrap_or_else(|| Setting { value: region::DEFAULT.into(), name: "--region".into() });
    let Some(hosts) = region::hosts(&region.value) else {
        problems.add(Problem::UnknownRegion { setting: region.name, value: region.value });
        return None;
    };
    if hosts.guessed {
        let known = region::known_names();
        problems.warn([format!(
            "{}: '{}' is not a known region, using {}; known regions: {known}",
            region.name, region.value, hosts.api
        )]);
    }
    let url = |host: &str| Url::parse(&format!("https://{host}/")).expect("the hosts of a region are valid");
    Some(Endpoints { api: url(&hosts.api), token: token_endpoint(url(&hosts.login)) })
}

/// Parses the URL of a setting. A problem does not show the value, because it may hold a password.
fn checked_url(setting: &Setting, problems: &mut Problems) -> Option<Url> {
    parse(&setting.value).map_err(|reason| problems.unusable(&setting.name, reason)).ok()
}

/// Parses a URL, with `https` for `wss` and `http` for `ws`.
fn parse(text: &str) -> Result<Url, &'static str> {
    let mut url = Url::parse(text).ok().filter(Url::has_host).ok_or("not a URL such as https://api.mypurecloud.com")?;
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
            ("localhost:8080", Err("not a URL")),
            ("api.example", Err("not a URL")),
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
    fn paths_of_urls_are_kept() {
        let url = |text| Url::parse(text).unwrap();
        assert_eq!(token_endpoint(url("https://x")).as_str(), "https://x/oauth/token");
        assert_eq!(token_endpoint(url("https://x/my/token/")).as_str(), "https://x/my/token/");
        assert_eq!(with_slash(url("https://x/a/b//")).join("api/v2").unwrap().as_str(), "https://x/a/b/api/v2");
        assert_eq!(with_slash(url("https://x")).as_str(), "https://x/");
    }
}
