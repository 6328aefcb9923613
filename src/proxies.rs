//! Address of a visitor behind reverse proxies: only `X-Forwarded-For` of configured proxies is trusted.

use std::net::IpAddr;

use payments::outbound::Network;

/// Trusted proxies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies(Vec<Network>);

impl Proxies {
    /// Parses addresses and networks separated by commas: `10.0.0.0/8, 203.0.113.7, fd00::/8`.
    pub fn parse(text: &str) -> Result<Proxies, String> {
        let networks: Option<Vec<Network>> =
            text.split(',').map(|part| Network::parse(part.trim())).collect();
        networks.map(Proxies).ok_or_else(|| {
            "must be addresses or networks such as 10.0.0.0/8, with commas between them".to_owned()
        })
    }

    /// Returns whether this address is a trusted proxy.
    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(address))
    }

    /// Returns the first address from the right that is no trusted proxy. Each proxy appends its caller at the right end of
    /// `X-Forwarded-For`; entries left of an unknown address may be forged.
    pub fn visitor<'a>(&self, peer: IpAddr, forwarded: impl DoubleEndedIterator<Item = &'a str>) -> IpAddr {
        let mut address = peer.to_canonical();
        for hop in forwarded.rev().flat_map(|line| line.rsplit(',')) {
            let Some(caller) = parse_hop(hop.trim()).filter(|_| self.trusts(address)) else {
                break;
            };
            address = caller;
        }
        address
    }
}

/// Parses an address as proxies write it, some of them with a port.
fn parse_hop(text: &str) -> Option<IpAddr> {
    let address: Option<IpAddr> = text.parse().ok();
    let with_port = || {
        text.parse::<std::net::SocketAddr>()
            .ok()
            .map(|address| address.ip())
    };
    address.or_else(with_port).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visitor(proxies: &str, peer: &str, forwarded: &[&str]) -> String {
        let proxies = Proxies::parse(proxies).unwrap();
        let visitor = proxies.visitor(peer.parse().unwrap(), forwarded.iter().copied());
        visitor.to_string()
    }

    #[test]
    fn only_configured_proxies_are_trusted() {
        let spoofed = ["198.51.100.1, 203.0.113.7"];
        assert_eq!(visitor("10.0.0.0/8", "10.1.2.3", &spoofed), "203.0.113.7");
        assert_eq!(visitor("10.0.0.0/8", "192.0.2.1", &spoofed), "192.0.2.1");
        assert_eq!(
            Proxies::default()
                .visitor("10.1.2.3".parse().unwrap(), spoofed.into_iter())
                .to_string(),
            "10.1.2.3"
        );
        // Through two proxies, and over two header lines.
        let lines = ["198.51.100.1", "203.0.113.7, 10.9.9.9"];
        assert_eq!(visitor("10.0.0.0/8", "::ffff:10.1.2.3", &lines), "203.0.113.7");
        assert_eq!(
            visitor("10.0.0.0/8,203.0.113.7", "10.1.2.3", &lines),
            "198.51.100.1"
        );
        for odd in ["unknown", "", "203.0.113.7;", "10.9.9.9.9"] {
            assert_eq!(visitor("10.0.0.0/8", "10.1.2.3", &[odd]), "10.1.2.3", "{odd}");
        }
        assert_eq!(
            visitor("fd00::/8", "fd12::1", &["[2001:db8::1]:4711"]),
            "2001:db8::1"
        );
        assert_eq!(
            visitor("127.0.0.1", "127.0.0.1", &["203.0.113.7:80"]),
            "203.0.113.7"
        );
    }

    #[test]
    fn a_network_matches_by_its_first_bits() {
        let has = |network: &str, address: &str| {
            Network::parse(network)
                .unwrap()
                .contains(address.parse().unwrap())
        };
        assert!(has("10.0.0.0/8", "10.255.0.1") && !has("10.0.0.0/8", "11.0.0.1"));
        assert!(has("192.0.2.128/25", "192.0.2.200") && !has("192.0.2.128/25", "192.0.2.100"));
        assert!(has("0.0.0.0/0", "8.8.8.8") && !has("0.0.0.0/0", "::1"));
        assert!(has("::/0", "::1") && has("::1", "::1") && !has("::1", "::2"));
        for text in ["", "10.0.0.0/33", "10.0.0.0/", "proxy", "::/129", "10.0.0.0/8,,"] {
            assert!(Proxies::parse(text).is_err(), "{text}");
        }
    }
}
