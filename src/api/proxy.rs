//! Names the proxy that a URL is requested through, for `check`.
//!
//! reqwest decides by the same rules and does not expose the decision.

use hyper::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

use crate::config::{Endpoints, Network, is_loopback};

/// Returns the address of the proxy for `url`, without credentials; `None` if the connection is direct.
pub(crate) fn proxy_for(network: &Network, endpoints: &Endpoints, url: &Url) -> Option<String> {
    let matcher = match &network.proxy {
        Some(_) if network.no_proxy.is_direct(url) => return None,
        Some(proxy) => Matcher::builder().all(proxy.url.to_string()).build(),
        None if [&endpoints.api, &endpoints.token].into_iter().any(is_loopback) => return None,
        None => Matcher::from_system(),
    };
    let proxy = matcher.intercept(&url.as_str().parse::<Uri>().ok()?)?;
    let uri = proxy.uri();
    let port = uri.port_u16().map_or_else(String::new, |port| format!(":{port}"));
    Some(format!("{}://{}{port}", uri.scheme_str()?, uri.host()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{NoProxy, Proxy, ProxyLogin};

    fn route(no_proxy: Option<&str>, url: &str) -> Option<String> {
        let parsed = |url: &str| url.parse::<Url>().expect("a URL");
        let network = Network {
            proxy: Some(Proxy {
                url: parsed("http://proxy.test:3128"),
                login: Some(ProxyLogin { user: "ada".to_owned(), password: "s3cret".to_owned().into() }),
                setting: "--proxy".to_owned(),
            }),
            no_proxy: NoProxy::parse(no_proxy.unwrap_or_default()).0,
            ..Network::direct()
        };
        let endpoints = Endpoints { api: parsed("https://api.test"), token: parsed("https://login.test") };
        proxy_for(&network, &endpoints, &parsed(url))
    }

    #[test]
    fn the_label_of_a_proxy_has_its_setting_and_not_its_login() {
        let url = "http://proxy.test:3128".parse().expect("a URL");
        let login = Some(ProxyLogin { user: "ada".to_owned(), password: "s3cret".to_owned().into() });
        let proxy = Proxy { url, login, setting: "HTTPS_PROXY in /home/ada/.env".to_owned() };
        assert_eq!(proxy.label(), "proxy.test:3128 (HTTPS_PROXY in /home/ada/.env)");
        assert!(!proxy.needs_resolved_hosts());
    }

    #[test]
    fn a_proxy_is_named_without_its_login_and_only_for_urls_that_use_it() {
        let proxy = Some("http://proxy.test:3128".to_owned());
        for (no_proxy, url, expected) in [
            (None, "https://api.test/x", &proxy),
            (None, "http://127.0.0.1:1/x", &None),
            (None, "https://localhost/x", &None),
            (Some("api.test"), "https://api.test/x", &None),
            (Some(".test"), "https://api.test/x", &None),
            (Some("other.test"), "https://api.test/x", &proxy),
            (Some("*"), "https://api.test/x", &None),
        ] {
            assert_eq!(route(no_proxy, url), *expected, "{no_proxy:?} {url}");
        }
    }
}
