//! Resolves the proxy and the trusted certificates.

use std::env::split_paths;
use std::fs;
use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use secrecy::ExposeSecret as _;
use url::{ParseError, Url};

use crate::cli::NetworkArgs;
use crate::config::{CaBundle, Network, NoProxy, Proxy, ProxyLogin};
use crate::system::io_error;

use super::endpoints::INVALID_PORT;
use super::env::Env;
use super::problems::{Problem, Problems, Setting};

/// The variables of a proxy URL, in their order of precedence.
const PROXY_VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

pub(super) fn resolve(args: NetworkArgs, env: &Env, problems: &mut Problems) -> Option<Network> {
    let NetworkArgs { connect_timeout, proxy, cacert } = args;
    let proxy = match env.flag_or(proxy.as_deref(), "--proxy", &PROXY_VARIABLES) {
        Some(setting) => Some(proxy_from_url(setting)),
        None => proxy_from_parts(env),
    };
    let proxy = proxy.map(|proxy| proxy.map_err(|problem| problems.add(problem)));
    let cacert = cacert.filter(|path| !path.as_os_str().is_empty()).map(|path| {
        let setting = format!("--cacert {}", path.display());
        read_bundle(path).map_err(|reason| problems.unusable(setting, reason))
    });
    let no_proxy = no_proxy(env, proxy.is_some(), problems);
    let ssl_cert_dir = env.get("SSL_CERT_DIR").map(|setting| setting.value).unwrap_or_default();
    Some(Network {
        proxy: proxy.transpose().ok()?,
        no_proxy,
        cacert: cacert.transpose().ok()?,
        ssl_cert_file: env.get("SSL_CERT_FILE").map(|setting| setting.value.into()),
        ssl_cert_dirs: split_paths(&ssl_cert_dir).filter(|path| !path.as_os_str().is_empty()).collect(),
        connect_timeout,
    })
}

/// Returns the hosts to reach without the proxy. Warns of unusable entries if there is a proxy.
fn no_proxy(env: &Env, has_proxy: bool, problems: &mut Problems) -> NoProxy {
    let Some(Setting { name, value }) = env.flag_or(None, "", &["NO_PROXY", "no_proxy"]) else {
        return NoProxy::default();
    };
    let (no_proxy, unusable) = NoProxy::parse(&value);
    // An entry in the form of a URL may hold a password.
    let shown = unusable.iter().map(|entry| if entry.contains('@') { "URL" } else { *entry });
    let warning = |entry| format!("{name}: '{entry}' is not a host, address or network; it is ignored");
    problems.warn(shown.filter(|_| has_proxy).map(warning));
    no_proxy
}

/// Returns a warning if the command line holds a password.
pub(super) fn typed_password(args: &NetworkArgs) -> Option<String> {
    let proxy = parse_proxy(args.proxy.as_deref()?).ok()?;
    let password = proxy.login?.password;
    (!password.expose_secret().is_empty()).then(|| {
        "other users can read the password in --proxy; set HTTPS_PROXY in the environment or in .env instead".to_owned()
    })
}

/// Parses the URL of a setting. The problem does not show the value, because it may hold a password.
fn proxy_from_url(Setting { name, value }: Setting) -> Result<Proxy, Problem> {
    match parse_proxy(&value) {
        Ok(proxy) => Ok(Proxy { setting: name, ..proxy }),
        Err(reason) => Err(Problem::Unusable { setting: name, reason: reason.into() }),
    }
}

/// Returns the proxy of the `GENESYSCLOUD_PROXY_…` variables of other Genesys tools. All parts come from one place: the
/// variables, or else the profile.
fn proxy_from_parts(env: &Env) -> Option<Result<Proxy, Problem>> {
    assemble_proxy(|name| env.variable(name)).or_else(|| assemble_proxy(|name| env.profile_value(name)))
}

fn assemble_proxy(get: impl Fn(&str) -> Option<Setting>) -> Option<Result<Proxy, Problem>> {
    let setting = |name: &str| get(&format!("GENESYSCLOUD_PROXY_{name}"));
    let value = |name: &str| setting(name).map(|setting| setting.value);
    let mut host = setting("HOST")?;
    if !host.value.contains("://") {
        let scheme = value("PROTOCOL").unwrap_or_else(|| "http".into());
        let port = value("PORT").map(|port| format!(":{port}")).unwrap_or_default();
        host.value = format!("{scheme}://{}{port}", host.value.trim_end_matches('/'));
    }
    let login = value("AUTH_USERNAME")
        .map(|user| ProxyLogin { user, password: value("AUTH_PASSWORD").unwrap_or_default().into() });
    Some(proxy_from_url(host).map(|proxy| Proxy { login: login.or(proxy.login), ..proxy }))
}

/// Parses a proxy URL. `host:port` without a scheme is an `http` proxy, as in other tools.
fn parse_proxy(text: &str) -> Result<Proxy, &'static str> {
    const NOT_A_URL: &str = "not a URL such as http://proxy.example:3128";
    let text = text.trim();
    let parsed = if text.contains("://") { Url::parse(text) } else { Url::parse(&format!("http://{text}")) };
    let mut url = match parsed {
        Ok(url) if url.has_host() => url,
        Err(ParseError::InvalidPort) => return Err(INVALID_PORT),
        _ => return Err(NOT_A_URL),
    };
    if !matches!(url.scheme(), "http" | "https" | "socks5" | "socks5h") {
        return Err("must be an http, https, socks5 or socks5h URL");
    }
    let decode = |text: &str| percent_decode_str(text).decode_utf8().map(String::from);
    let user = decode(url.username()).map_err(|_| "the user is not valid UTF-8")?;
    let password = url.password().map(decode).transpose().map_err(|_| "the password is not valid UTF-8")?;
    let has_login = !user.is_empty() || password.is_some();
    let login = has_login.then(|| ProxyLogin { user, password: password.unwrap_or_default().into() });
    url.set_username("").and_then(|()| url.set_password(None)).map_err(|()| NOT_A_URL)?;
    Ok(Proxy { url, login, setting: String::new() })
}

/// Reads a file of PEM certificates.
fn read_bundle(path: PathBuf) -> Result<CaBundle, String> {
    let pem = fs::read(&path).map_err(|error| io_error::describe(&error))?;
    CaBundle::parse(path, &pem).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_password_in_the_proxy_flag_causes_a_warning_that_does_not_show_it() {
        for (proxy, warned) in [
            (Some("http://ada:s3cret@proxy.example:3128"), true),
            (Some("ada:s3cret@proxy.example:3128"), true),
            (Some("http://ada@proxy.example"), false),
            (Some("http://proxy.example"), false),
            (Some("nonsense://s3cret@"), false),
            (None, false),
        ] {
            let proxy = proxy.map(str::to_owned);
            let warning = typed_password(&NetworkArgs { connect_timeout: Duration::ZERO, proxy, cacert: None });
            assert_eq!(warning.is_some(), warned, "{warning:?}");
            assert!(!warning.unwrap_or_default().contains("s3cret"));
        }
    }

    #[test]
    fn the_login_of_a_proxy_url_becomes_a_secret() {
        let cases = [
            ("http://proxy.example:3128", "http://proxy.example:3128/", None),
            ("proxy.example:3128", "http://proxy.example:3128/", None),
            ("https://u:p%40ss@proxy.example", "https://proxy.example/", Some(("u", "p@ss"))),
            ("u:p@proxy.example:1", "http://proxy.example:1/", Some(("u", "p"))),
            ("socks5://u@[::1]:1080", "socks5://[::1]:1080", Some(("u", ""))),
            ("socks5h://proxy.example", "socks5h://proxy.example", None),
        ];
        for (text, url, login) in cases {
            let proxy = parse_proxy(text).unwrap();
            assert_eq!(proxy.url.as_str(), url);
            let found = proxy.login.as_ref().map(|login| (login.user.as_str(), login.password.expose_secret()));
            assert_eq!(found, login, "{text}");
            assert!(!format!("{proxy:?}").contains("p@ss"));
        }
        for text in ["http://proxy.example:80a", "proxy.example:70000"] {
            assert_eq!(parse_proxy(text).unwrap_err(), INVALID_PORT, "{text}");
        }
        for text in ["ftp://proxy.example", "http://", "socks4://proxy.example", "http://u:%ff@proxy.example", "a b"] {
            assert!(parse_proxy(text).is_err(), "{text}");
        }
    }
}
