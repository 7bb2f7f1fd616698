//! Which addresses belong to the public Internet.
//!
//! After the IANA special-purpose address registries for IPv4 and IPv6 (RFC 6890 and its updates), and stricter where
//! these call something global that no server of others can be reached at. Addresses that carry an IPv4 address within
//! them are refused whole: what stands behind a translator is not known here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Blocks of IPv4 that are not public, and what they are.
pub(crate) const NOT_PUBLIC_V4: &[(Ipv4Addr, u32, &str)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8, "this network, unspecified"),
    (Ipv4Addr::new(10, 0, 0, 0), 8, "private"),
    (Ipv4Addr::new(100, 64, 0, 0), 10, "shared by carriers"),
    (Ipv4Addr::new(127, 0, 0, 0), 8, "loopback"),
    (Ipv4Addr::new(169, 254, 0, 0), 16, "link-local, metadata of clouds"),
    (Ipv4Addr::new(172, 16, 0, 0), 12, "private"),
    (Ipv4Addr::new(192, 0, 0, 0), 24, "protocol assignments"),
    (Ipv4Addr::new(192, 0, 2, 0), 24, "documentation"),
    (Ipv4Addr::new(192, 88, 99, 0), 24, "relays of 6to4"),
    (Ipv4Addr::new(192, 168, 0, 0), 16, "private"),
    (Ipv4Addr::new(198, 18, 0, 0), 15, "benchmarking"),
    (Ipv4Addr::new(198, 51, 100, 0), 24, "documentation"),
    (Ipv4Addr::new(203, 0, 113, 0), 24, "documentation"),
    (Ipv4Addr::new(224, 0, 0, 0), 4, "multicast"),
    (Ipv4Addr::new(240, 0, 0, 0), 4, "reserved, broadcast"),
];

/// The one block of IPv6 that global unicast addresses are from. Outside of it are, among others: unspecified `::`,
/// loopback `::1`, IPv4-mapped and -compatible ones, NAT64 `64:ff9b::/96`, discard-only `100::/64`, unique local
/// `fc00::/7`, link-local `fe80::/10`, site-local `fec0::/10` and multicast `ff00::/8`.
pub(crate) const GLOBAL_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// Blocks within it that are not public, and what they are.
pub(crate) const NOT_PUBLIC_V6: &[(Ipv6Addr, u32, &str)] = &[
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, "protocol assignments, Teredo, benchmarking, ORCHID"),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, "documentation"),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, "6to4"),
    (Ipv6Addr::new(0x3ffe, 0, 0, 0, 0, 0, 0, 0), 16, "given back"),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, "documentation"),
];

/// Whether an address belongs to the public Internet.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !NOT_PUBLIC_V4.iter().any(|(block, bits, _)| is_in_v4(address, *block, *bits)),
        IpAddr::V6(address) => {
            is_in_v6(address, GLOBAL_V6.0, GLOBAL_V6.1)
                && !NOT_PUBLIC_V6.iter().any(|(block, bits, _)| is_in_v6(address, *block, *bits))
        }
    }
}

/// Whether the first `bits` are the block's.
fn is_in_v4(address: Ipv4Addr, block: Ipv4Addr, bits: u32) -> bool {
    (address.to_bits() ^ block.to_bits()).leading_zeros() >= bits
}

fn is_in_v6(address: Ipv6Addr, block: Ipv6Addr, bits: u32) -> bool {
    (address.to_bits() ^ block.to_bits()).leading_zeros() >= bits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: IpAddr, public: bool, what: &str) {
        assert_eq!(is_public(address), public, "{address}: {what}");
    }

    #[test]
    fn blocks_of_the_table_are_refused_to_their_borders_and_not_beyond() {
        // Where one block ends, another one may begin.
        let v4_neighbour = |address: Ipv4Addr| !NOT_PUBLIC_V4.iter().any(|(b, bits, _)| is_in_v4(address, *b, *bits));
        for (block, bits, what) in NOT_PUBLIC_V4 {
            let (first, last) = (block.to_bits(), block.to_bits() | (u32::MAX >> bits));
            assert_eq!(first & (u32::MAX >> bits), 0, "{block}/{bits} begins at its first address");
            for address in [first, first + 1, last - 1, last] {
                check(Ipv4Addr::from_bits(address).into(), false, what);
            }
            for address in [first.checked_sub(1), last.checked_add(1)].into_iter().flatten().map(Ipv4Addr::from_bits) {
                check(address.into(), v4_neighbour(address), what);
            }
        }
        for (block, bits, what) in NOT_PUBLIC_V6 {
            let (first, last) = (block.to_bits(), block.to_bits() | (u128::MAX >> bits));
            assert_eq!(first & (u128::MAX >> bits), 0, "{block}/{bits} begins at its first address");
            for address in [first, first + 1, last - 1, last] {
                check(Ipv6Addr::from_bits(address).into(), false, what);
            }
        }
    }

    #[test]
    fn addresses_are_told_apart() {
        let public = [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "191.255.255.255",
            "192.0.1.0",
            "192.0.3.0",
            "192.88.98.255",
            "192.88.100.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "198.51.99.255",
            "198.51.101.0",
            "203.0.112.255",
            "203.0.114.0",
            "223.255.255.255",
            "2000::",
            "2001:200::",
            "2001:4860:4860::8888",
            "2001:db7:ffff::",
            "2001:db9::",
            "2001:ffff::",
            "2003::",
            "2606:4700::1111",
            "2a00::1",
            "3ffd::1",
            "3fff:1000::",
        ];
        for address in public {
            check(address.parse().unwrap(), true, "public");
        }
        let not_public = [
            ("127.0.0.1", "loopback"),
            ("169.254.169.254", "metadata"),
            ("255.255.255.255", "broadcast"),
            ("100.100.100.200", "metadata"),
            ("::", "unspecified"),
            ("::1", "loopback"),
            ("::ffff:127.0.0.1", "mapped"),
            ("::ffff:8.8.8.8", "mapped"),
            ("::8.8.8.8", "compatible"),
            ("::ffff:0:8.8.8.8", "translated"),
            ("64:ff9b::7f00:1", "NAT64"),
            ("64:ff9b:1::1", "NAT64, local"),
            ("100::1", "discard"),
            ("1fff:ffff::", "before global unicast"),
            ("2001::1", "Teredo"),
            ("2001:2::1", "benchmarking"),
            ("2001:1ff:ffff::", "protocol assignments"),
            ("2001:db8::1", "documentation"),
            ("2002:7f00:1::", "6to4"),
            ("3fff:fff::1", "documentation"),
            ("4000::", "after global unicast"),
            ("5f00::1", "segment routing"),
            ("fc00::1", "unique local"),
            ("fd00:ec2::254", "metadata"),
            ("fe80::1", "link-local"),
            ("febf::1", "link-local"),
            ("fec0::1", "site-local"),
            ("ff02::1", "multicast"),
        ];
        for (address, what) in not_public {
            check(address.parse().unwrap(), false, what);
        }
    }
}
