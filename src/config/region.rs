//! The regions of Genesys Cloud and their hosts.

use url::Url;

/// The AWS name and the domain of every published region. The default is first.
const REGIONS: [(&str, &str); 18] = [
    ("us-east-1", "mypurecloud.com"),
    ("us-east-2", "use2.us-gov-pure.cloud"),
    ("us-west-2", "usw2.pure.cloud"),
    ("ca-central-1", "cac1.pure.cloud"),
    ("mx-central-1", "mxc1.pure.cloud"),
    ("sa-east-1", "sae1.pure.cloud"),
    ("eu-west-1", "mypurecloud.ie"),
    ("eu-west-2", "euw2.pure.cloud"),
    ("eu-central-1", "mypurecloud.de"),
    ("eu-central-2", "euc2.pure.cloud"),
    ("eusc-de-east-1", "edee1.eusc-pure.cloud"),
    ("me-central-1", "mec1.pure.cloud"),
    ("ap-south-1", "aps1.pure.cloud"),
    ("ap-northeast-1", "mypurecloud.jp"),
    ("ap-northeast-2", "apne2.pure.cloud"),
    ("ap-northeast-3", "apne3.pure.cloud"),
    ("ap-southeast-1", "apse1.pure.cloud"),
    ("ap-southeast-2", "mypurecloud.com.au"),
];

/// The AWS name of the default region.
pub(crate) const DEFAULT: &str = REGIONS[0].0;

/// The hosts of one region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hosts {
    /// The host of REST and of the transcript socket.
    pub(crate) api: String,
    /// The host of the token endpoint.
    pub(crate) login: String,
    /// Set if the region is unknown and the hosts follow from the usual pattern of names.
    pub(crate) guessed: bool,
}

/// Returns the hosts of `region`: an AWS name in any case, `_` instead of `-` allowed, the domain of a region, or a URL below
/// it.
///
/// `None` if `region` is neither known nor has the form of an AWS name.
pub(crate) fn hosts(region: &str) -> Option<Hosts> {
    let region = region.trim().to_ascii_lowercase();
    let name = region.replace('_', "-");
    if let Some((_, domain)) = REGIONS.iter().find(|(aws, _)| *aws == name) {
        return Some(hosts_of(domain));
    }
    if is_aws_name(&name) {
        return Some(guess_hosts(&name));
    }
    let host = host_of(&region)?;
    REGIONS.iter().find(|(_, domain)| is_host_of(&host, domain)).map(|(_, domain)| hosts_of(domain))
}

/// Returns the AWS name of the known region that an API host belongs to.
pub(crate) fn of_api_host(host: &str) -> Option<&'static str> {
    REGIONS.iter().find(|(_, domain)| host == hosts_of(domain).api).map(|(aws, _)| *aws)
}

/// Returns the AWS names of the known regions.
pub(crate) fn names() -> [&'static str; 18] {
    REGIONS.map(|(aws, _)| aws)
}

/// Returns the AWS names of the known regions, separated by commas.
pub(crate) fn known_names() -> String {
    names().join(", ")
}

fn hosts_of(domain: &str) -> Hosts {
    Hosts { api: format!("api.{domain}"), login: format!("login.{domain}"), guessed: false }
}

fn guess_hosts(name: &str) -> Hosts {
    let host = format!("api.{name}.mypurecloud.com");
    Hosts { api: host.clone(), login: host, guessed: true }
}

/// Returns whether `name` has the form of an AWS name: at least two words of letters and a number of one or two digits, as
/// in `ap-east-1` and `us-gov-west-1`.
fn is_aws_name(name: &str) -> bool {
    let parts: Vec<&str> = name.split('-').collect();
    let [area, words @ .., number] = parts.as_slice() else { return false };
    let is_word = |word: &str| word.len() >= 2 && word.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_number = (1..=2).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
    is_word(area) && !words.is_empty() && words.iter().all(|word| is_word(word)) && is_number
}

fn host_of(text: &str) -> Option<String> {
    let url = if text.contains("://") { Url::parse(text) } else { Url::parse(&format!("https://{text}")) };
    url.ok()?.host_str().map(str::to_owned)
}

/// Returns whether `host` is the domain itself or one label below it. Two labels are too many:
/// `api.us-east-9.mypurecloud.com` is no host of `us-east-1`.
fn is_host_of(host: &str, domain: &str) -> bool {
    let Some(prefix) = host.strip_suffix(domain) else { return false };
    prefix.is_empty() || prefix.strip_suffix('.').is_some_and(|label| !label.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aws_names_domains_and_urls_resolve_to_the_hosts_of_a_region() {
        let cases = [
            ("us-east-1", "mypurecloud.com"),
            ("EU_West_1", "mypurecloud.ie"),
            (" ap-southeast-2 ", "mypurecloud.com.au"),
            ("us-east-2", "use2.us-gov-pure.cloud"),
            ("eusc_de_east_1", "edee1.eusc-pure.cloud"),
            ("mypurecloud.ie", "mypurecloud.ie"),
            ("MyPureCloud.com.au", "mypurecloud.com.au"),
            ("api.mypurecloud.de", "mypurecloud.de"),
            ("login.usw2.pure.cloud", "usw2.pure.cloud"),
            ("apps.mypurecloud.jp/directory/#/engage", "mypurecloud.jp"),
            ("https://apps.usw2.pure.cloud/directory/#/engage", "usw2.pure.cloud"),
            ("https://api.mypurecloud.com:443", "mypurecloud.com"),
        ];
        for (region, domain) in cases {
            assert_eq!(hosts(region), Some(hosts_of(domain)), "{region}");
        }
    }

    #[test]
    fn an_api_host_names_its_region() {
        assert_eq!(of_api_host("api.mypurecloud.ie"), Some("eu-west-1"));
        for other in ["mypurecloud.ie", "login.mypurecloud.ie", "api.example.com", "127.0.0.1", ""] {
            assert_eq!(of_api_host(other), None, "{other}");
        }
    }

    #[test]
    fn the_hosts_of_an_unknown_aws_name_are_guessed() {
        let guessed = hosts("AP_East_1").expect("an AWS name");
        assert_eq!(guessed.api, "api.ap-east-1.mypurecloud.com");
        assert_eq!(guessed.login, guessed.api);
        assert!(guessed.guessed);
        assert!(hosts("us-gov-west-1").expect("an AWS name").guessed);
    }

    #[test]
    fn other_names_and_hosts_are_unknown() {
        let cases = [
            "",
            "europe",
            "us-east",
            "us-east-",
            "us--1",
            "us-1",
            "us-east-123",
            "us-e4st-1",
            "example.com",
            "mypurecloud.com.example.com",
            "notmypurecloud.com",
            "api.us-east-9.mypurecloud.com",
            "https://example.com/mypurecloud.com",
            "https://",
        ];
        for region in cases {
            assert_eq!(hosts(region), None, "{region}");
        }
    }

    #[test]
    fn the_default_is_known_and_regions_are_unique() {
        assert_eq!(hosts(DEFAULT), Some(hosts_of("mypurecloud.com")));
        for (position, (aws, domain)) in REGIONS.iter().enumerate() {
            assert!(REGIONS[..position].iter().all(|(name, other)| name != aws && other != domain), "{aws}");
            assert!(is_aws_name(aws), "{aws}");
        }
    }
}
