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

/// The short names of the regions whose domains have no short name in them. `{short}.pure.cloud` is an alias of the domain.
const SHORT_NAMES: [(&str, &str); 5] = [
    ("use1", "mypurecloud.com"),
    ("euw1", "mypurecloud.ie"),
    ("euc1", "mypurecloud.de"),
    ("apne1", "mypurecloud.jp"),
    ("apse2", "mypurecloud.com.au"),
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

/// Returns the hosts of `region`: an AWS name or a short name, in any case and with `_` or `-`, or a host or URL below a
/// domain of Genesys Cloud (CLI-66).
///
/// `None` if `region` is neither known nor has the form of an AWS name.
pub(crate) fn hosts(region: &str) -> Option<Hosts> {
    let region = region.trim();
    hosts_of_name(&region.to_ascii_lowercase().replace('_', "-")).or_else(|| hosts_of_url(region))
}

/// Returns the hosts of the region whose domain the host of `url` is below. The scheme may be missing.
pub(crate) fn hosts_of_url(url: &str) -> Option<Hosts> {
    let host = host_of(url)?;
    let is_below = |domain: &str| host.strip_suffix(domain).filter(|prefix| prefix.is_empty() || prefix.ends_with('.'));
    if let Some((prefix, domain)) = REGIONS.iter().find_map(|(_, domain)| Some((is_below(domain)?, domain))) {
        // `api.us-east-9.mypurecloud.com` is no host of us-east-1.
        let label = prefix.trim_end_matches('.').rsplit('.').next().filter(|label| is_aws_name(label));
        return label.map_or_else(|| Some(hosts_of(domain)), hosts_of_name);
    }
    let label = host.strip_suffix(".pure.cloud")?.rsplit('.').next().filter(|label| is_short_name(label))?;
    let alias = SHORT_NAMES.iter().find(|(short, _)| *short == label);
    Some(alias.map_or_else(|| hosts_of(&format!("{label}.pure.cloud")), |(_, domain)| hosts_of(domain)))
}

/// Returns the AWS name of the known region that an API host belongs to.
pub(crate) fn of_api_host(host: &str) -> Option<&'static str> {
    REGIONS.iter().find(|(_, domain)| host == hosts_of(domain).api).map(|(aws, _)| *aws)
}

/// Returns the AWS names of the known regions.
pub(crate) fn names() -> [&'static str; 18] {
    REGIONS.map(|(aws, _)| aws)
}

/// Returns AWS name, short name and domain of each known region.
pub(super) fn all() -> impl Iterator<Item = [&'static str; 3]> {
    REGIONS.iter().map(|(aws, domain)| {
        let short = SHORT_NAMES.iter().find(|(_, of_short)| of_short == domain).map(|(short, _)| *short);
        [*aws, short.or_else(|| domain.split('.').next()).unwrap_or_default(), *domain]
    })
}

/// Returns the AWS names of the known regions, separated by commas.
pub(crate) fn known_names() -> String {
    names().join(", ")
}

fn hosts_of_name(name: &str) -> Option<Hosts> {
    let of_aws_name = REGIONS.iter().find(|(aws, _)| *aws == name).map(|(_, domain)| *domain);
    match of_aws_name.or_else(|| domain_of_short_name(name.strip_prefix("prod-").unwrap_or(name))) {
        Some(domain) => Some(hosts_of(domain)),
        None => is_aws_name(name).then(|| guess_hosts(name)),
    }
}

fn domain_of_short_name(name: &str) -> Option<&'static str> {
    let is_first_label = |domain: &str| is_short_name(name) && domain.split('.').next() == Some(name);
    let known = SHORT_NAMES.iter().find(|(short, _)| *short == name);
    known.or_else(|| REGIONS.iter().find(|(_, domain)| is_first_label(domain))).map(|(_, domain)| *domain)
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

/// Returns whether `label` has the form of a short name, such as `usw2` and `edee1`.
fn is_short_name(label: &str) -> bool {
    let letters = label.trim_end_matches(|character: char| character.is_ascii_digit());
    (2..=5).contains(&letters.len())
        && letters.bytes().all(|byte| byte.is_ascii_lowercase())
        && (1..=2).contains(&(label.len() - letters.len()))
}

/// Returns the host of a URL in lower case, without the dot at its end.
pub(crate) fn host_of(url: &str) -> Option<String> {
    let url = if url.contains("://") { Url::parse(url) } else { Url::parse(&format!("https://{url}")) };
    Some(url.ok()?.host_str()?.trim_end_matches('.').to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The AWS name, the short name and the domain of every region that Genesys publishes.
    const PUBLISHED: [(&str, &str, &str); 18] = [
        ("us-east-1", "use1", "mypurecloud.com"),
        ("eu-west-1", "euw1", "mypurecloud.ie"),
        ("eu-central-1", "euc1", "mypurecloud.de"),
        ("ap-northeast-1", "apne1", "mypurecloud.jp"),
        ("ap-southeast-2", "apse2", "mypurecloud.com.au"),
        ("us-west-2", "usw2", "usw2.pure.cloud"),
        ("ca-central-1", "cac1", "cac1.pure.cloud"),
        ("ap-northeast-2", "apne2", "apne2.pure.cloud"),
        ("eu-west-2", "euw2", "euw2.pure.cloud"),
        ("ap-south-1", "aps1", "aps1.pure.cloud"),
        ("us-east-2", "use2", "use2.us-gov-pure.cloud"),
        ("sa-east-1", "sae1", "sae1.pure.cloud"),
        ("me-central-1", "mec1", "mec1.pure.cloud"),
        ("ap-northeast-3", "apne3", "apne3.pure.cloud"),
        ("eu-central-2", "euc2", "euc2.pure.cloud"),
        ("mx-central-1", "mxc1", "mxc1.pure.cloud"),
        ("ap-southeast-1", "apse1", "apse1.pure.cloud"),
        ("eusc-de-east-1", "edee1", "edee1.eusc-pure.cloud"),
    ];

    /// (R11) CLI-66.
    #[test]
    fn every_published_region_is_accepted_in_every_form() {
        assert_eq!(PUBLISHED.len(), REGIONS.len());
        for (aws, short, domain) in PUBLISHED {
            let forms = [
                aws.to_owned(),
                aws.to_uppercase(),
                aws.replace('-', "_"),
                format!(" {aws}\n"),
                short.to_owned(),
                short.to_uppercase(),
                format!("prod-{short}"),
                format!("PROD_{short}"),
                domain.to_owned(),
                domain.to_uppercase(),
                format!("{domain}."),
                format!("api.{domain}"),
                format!("https://login.{domain}"),
                format!("https://apps.{domain}/directory/#/engage/admin/interactions/x"),
                format!("apps.{domain}/directory/?a=b"),
                format!("wss://streaming.{domain}:443/channels/x"),
                format!("https://one.two.{domain}/"),
                format!("https://api.{aws}.mypurecloud.com"),
            ];
            for form in forms {
                assert_eq!(hosts(&form), Some(hosts_of(domain)), "{form}");
            }
        }
        for (_, short, domain) in &PUBLISHED[..5] {
            for form in [format!("{short}.pure.cloud"), format!("https://apps.{short}.pure.cloud/directory/")] {
                assert_eq!(hosts(&form), Some(hosts_of(domain)), "{form}");
            }
        }
    }

    #[test]
    fn a_host_of_a_new_region_gives_the_hosts_of_its_domain() {
        for form in ["usn9.pure.cloud", "https://apps.usn9.pure.cloud/directory/#/x"] {
            assert_eq!(hosts(form), Some(hosts_of("usn9.pure.cloud")), "{form}");
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
        assert_eq!(hosts("api.us-east-9.mypurecloud.com"), hosts("us-east-9"));
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
            "https://example.com/mypurecloud.com",
            "https://apps.mypurecloud.ie@example.com/",
            "mypurecloud",
            "mypurecloud.fr",
            "pure.cloud",
            "api.pure.cloud",
            "usw2.pure.cloud.example.com",
            "notpure.cloud",
            "xyz1.us-gov-pure.cloud",
            "usw9",
            "prod",
            "prod-mypurecloud",
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
