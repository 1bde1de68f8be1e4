//! The hosts to reach without the proxy (CLI-74).

use std::net::{IpAddr, Ipv4Addr};

use url::{Host, Url};

use super::is_loopback;

/// The entries of `NO_PROXY`. Without any, no host is reached directly.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct NoProxy {
    entries: Vec<NoProxyEntry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct NoProxyEntry {
    pattern: Pattern,
    /// The only port; `None` for all ports.
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Pattern {
    Everything,
    /// A host name and its subdomains.
    Domain(String),
    Address(IpAddr),
    /// An address and the number of bits that count.
    Network(IpAddr, u32),
}

impl NoProxy {
    /// Parses entries that are separated by commas or blanks. Also returns those that are unusable.
    pub(crate) fn parse(text: &str) -> (Self, Vec<&str>) {
        let (mut entries, mut unusable) = (Vec::new(), Vec::new());
        for part in text.split(|char: char| char == ',' || char.is_whitespace()).filter(|part| !part.is_empty()) {
            match NoProxyEntry::parse(part) {
                Some(entry) => entries.push(entry),
                None => unusable.push(part),
            }
        }
        (Self { entries }, unusable)
    }

    /// Returns whether `url` is requested without the proxy: it is on this machine, or listed.
    pub(crate) fn is_direct(&self, url: &Url) -> bool {
        is_loopback(url) || self.contains(url)
    }

    fn contains(&self, url: &Url) -> bool {
        let Some(host) = url.host() else { return false };
        let port = url.port_or_known_default();
        self.entries.iter().any(|entry| (entry.port.is_none() || entry.port == port) && entry.pattern.matches(&host))
    }
}

impl NoProxyEntry {
    fn parse(text: &str) -> Option<Self> {
        let on_all_ports = |pattern| Self { pattern, port: None };
        if let Some((address, bits)) = text.split_once('/') {
            return network(address, bits).map(on_all_ports);
        }
        if let Ok(address) = text.parse() {
            return Some(on_all_ports(Pattern::Address(address)));
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port.parse().ok().filter(|port| *port != 0)?)),
            _ => (text, None),
        };
        Some(Self { pattern: Pattern::parse(host)?, port })
    }
}

impl Pattern {
    fn parse(host: &str) -> Option<Self> {
        if host == "*" {
            return Some(Self::Everything);
        }
        let name = host.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(host);
        let name = name.strip_prefix('.').unwrap_or(name);
        match Host::parse(name).ok()? {
            Host::Domain(name) if name.contains('*') => None,
            Host::Domain(name) => Some(Self::Domain(name.trim_end_matches('.').to_owned())).filter(Self::is_named),
            // `10.` is an address for a URL, and means a network here.
            Host::Ipv4(address) => name.parse::<Ipv4Addr>().is_ok().then_some(Self::Address(address.into())),
            Host::Ipv6(address) => Some(Self::Address(address.into())),
        }
    }

    fn is_named(&self) -> bool {
        !matches!(self, Self::Domain(name) if name.is_empty())
    }

    fn matches<S: AsRef<str>>(&self, host: &Host<S>) -> bool {
        match (self, host) {
            (Self::Everything, _) => true,
            (Self::Domain(domain), Host::Domain(name)) => {
                let parent = name.as_ref().trim_end_matches('.').strip_suffix(domain.as_str());
                parent.is_some_and(|parent| parent.is_empty() || parent.ends_with('.'))
            }
            (pattern, Host::Ipv4(address)) => pattern.matches_address((*address).into()),
            (pattern, Host::Ipv6(address)) => pattern.matches_address((*address).into()),
            (Self::Address(_) | Self::Network(..), Host::Domain(_)) => false,
        }
    }

    fn matches_address(&self, address: IpAddr) -> bool {
        match self {
            Self::Everything => true,
            Self::Domain(_) => false,
            Self::Address(same) => same.to_canonical() == address.to_canonical(),
            Self::Network(network, bits) => match (network, address) {
                (IpAddr::V4(network), IpAddr::V4(address)) => {
                    (network.to_bits() ^ address.to_bits()).leading_zeros() >= *bits
                }
                (IpAddr::V6(network), IpAddr::V6(address)) => {
                    (network.to_bits() ^ address.to_bits()).leading_zeros() >= *bits
                }
                _ => false,
            },
        }
    }
}

/// Parses a network in CIDR notation.
fn network(address: &str, bits: &str) -> Option<Pattern> {
    let address: IpAddr = address.trim_start_matches('[').trim_end_matches(']').parse().ok()?;
    let bits = bits.trim_end_matches(']').parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    (bits <= most).then_some(Pattern::Network(address, bits))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(entry: &str, url: &str) -> bool {
        let (no_proxy, unusable) = NoProxy::parse(entry);
        assert_eq!(unusable, [""; 0], "{entry}");
        no_proxy.contains(&url.parse().expect("a URL"))
    }

    /// (R10)
    #[test]
    fn each_form_of_an_entry_matches_its_hosts_and_no_others() {
        for (entry, direct, proxied) in [
            ("corp.test", "https://corp.test/x", "https://notcorp.test/"),
            ("corp.test", "https://api.corp.test", "https://corp.test.example"),
            ("CORP.test.", "https://corp.TEST", "https://test"),
            (".corp.test", "https://api.corp.test", "https://notcorp.test"),
            ("*.corp.test", "https://a.b.corp.test", "https://notcorp.test"),
            ("intranet", "https://intranet", "https://intranet.test"),
            ("bücher.test", "https://xn--bcher-kva.test", "https://bucher.test"),
            ("corp.test:443", "https://corp.test", "https://corp.test:8443"),
            ("corp.test:8443", "https://corp.test:8443", "https://corp.test"),
            ("10.1.2.3", "https://10.1.2.3", "https://10.1.2.30"),
            ("10.1.2.3:8443", "https://10.1.2.3:8443", "https://10.1.2.3"),
            ("10.0.0.0/8", "https://10.255.0.1", "https://11.0.0.1"),
            ("10.1.2.3/32", "https://10.1.2.3", "https://10.1.2.2"),
            ("fd00::1", "https://[fd00::1]", "https://[fd00::2]"),
            ("[fd00::1]", "https://[fd00:0::1]:8443", "https://[fd00::2]"),
            ("[fd00::1]:443", "https://[fd00::1]", "https://[fd00::1]:8443"),
            ("fd00::/8", "https://[fdff::1]", "https://[fe00::1]"),
            ("[fd00::]/8", "https://[fdff::1]", "https://10.0.0.1"),
            ("*:8443", "https://corp.test:8443", "https://corp.test"),
        ] {
            assert!(contains(entry, direct), "{entry} {direct}");
            assert!(!contains(entry, proxied), "{entry} {proxied}");
        }
        for url in ["https://corp.test", "https://10.0.0.1", "https://[::2]:1"] {
            assert!(contains("*", url) && contains("0.0.0.0/0 ::/0 corp.test", url), "{url}");
            assert!(!NoProxy::default().contains(&url.parse().expect("a URL")), "{url}");
        }
    }

    /// (R10)
    #[test]
    fn entries_are_separated_by_commas_or_blanks_and_unusable_ones_are_named() {
        let (no_proxy, unusable) = NoProxy::parse(" *.corp.test internal.test:443,[fd00::1],\t,a*.test,");
        assert_eq!((no_proxy.entries.len(), unusable), (3, vec!["a*.test"]));
        for entry in [
            "http://corp.test",
            "10.",
            "10.0.*",
            "10.0.0.0/33",
            "fd00::/129",
            "10.0.0.0/",
            "corp.test/8",
            "corp.test:0",
            "corp.test:http",
            "<local>",
            ".",
            "*.",
            "**",
            "ada@corp.test",
        ] {
            assert_eq!(NoProxy::parse(entry), (NoProxy::default(), vec![entry]));
        }
    }
}
