//! Networks: all addresses with the same first bits.

use std::net::IpAddr;

/// All addresses with the same first bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    n_bits: u8,
}

/// Several networks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(Vec<Network>);

impl Network {
    /// Reads `10.0.0.0/8`, or an address alone.
    pub fn parse(text: &str) -> Option<Network> {
        let (address, n_bits) = match text.split_once('/') {
            Some((address, n_bits)) => (address.parse().ok()?, Some(n_bits.parse().ok()?)),
            None => (text.parse().ok()?, None),
        };
        let most = address_width(address);
        let n_bits = n_bits.unwrap_or(most);
        (n_bits <= most).then_some(Network { address, n_bits })
    }

    pub fn contains(self, address: IpAddr) -> bool {
        let most = address_width(self.address);
        let n_free = u32::from(most - self.n_bits);
        let differing = address_number(self.address) ^ address_number(address);
        // A network of no bits is everybody; a shift by the whole width would overflow.
        address_width(address) == most && differing.checked_shr(n_free).unwrap_or(0) == 0
    }
}

impl Networks {
    /// Addresses and networks with commas between them: `10.0.0.0/8, 203.0.113.7, fd00::/8`.
    pub fn parse(text: &str) -> Result<Networks, String> {
        let networks: Option<Vec<Network>> =
            text.split(',').map(|part| Network::parse(part.trim())).collect();
        networks.map(Networks).ok_or_else(|| {
            "must be addresses or networks such as 10.0.0.0/8, with commas between them".to_owned()
        })
    }

    /// The addresses by which a machine reaches itself.
    pub fn loopback() -> Networks {
        Networks(vec![
            Network {
                address: IpAddr::from([127, 0, 0, 0]),
                n_bits: 8,
            },
            Network {
                address: std::net::Ipv6Addr::LOCALHOST.into(),
                n_bits: 128,
            },
        ])
    }

    /// These networks and the others.
    #[must_use]
    pub fn with(mut self, others: &Networks) -> Networks {
        self.0.extend_from_slice(&others.0);
        self
    }

    pub fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }
}

fn address_width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn address_number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}
