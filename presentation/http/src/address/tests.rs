//! What is believed of what a request says about where it comes from.

use super::*;
use axum::http::HeaderValue;

const PEER: &str = "203.0.113.9";

fn found(peer: &str, proxies: u8, lines: &[(&'static str, &str)]) -> ClientAddress {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).expect("a header"));
    }
    let mut extensions = Extensions::new();
    extensions.insert(Peer(SocketAddr::new(peer.parse().expect("an address"), 4_711)));
    ClientAddress::find(&extensions, &headers, proxies)
}

/// Behind so many proxies, with these lines, the client is there.
fn check(proxies: u8, lines: &[(&'static str, &str)], expected: &str) {
    let ip = found(PEER, proxies, lines).ip();
    assert_eq!(ip, expected.parse::<IpAddr>().expect("an address"), "{proxies}: {lines:?}");
}

#[test]
fn without_trusted_proxies_nothing_that_is_said_counts() {
    for line in [("x-forwarded-for", "192.0.2.1"), ("forwarded", "for=192.0.2.1"), ("x-real-ip", "192.0.2.1")] {
        check(0, &[line], PEER);
    }
    assert!(!found(PEER, 0, &[("x-forwarded-proto", "https")]).is_over_tls());
}

#[test]
fn the_outermost_trusted_proxy_is_believed_and_nobody_further_out() {
    let check_usual = |proxies, list: &str, expected| check(proxies, &[("x-forwarded-for", list)], expected);
    check_usual(1, "192.0.2.1", "192.0.2.1");
    // What the client wrote itself stands on the left.
    check_usual(1, "6.6.6.6, 192.0.2.1", "192.0.2.1");
    check_usual(1, "6.6.6.6,7.7.7.7 ,192.0.2.1", "192.0.2.1");
    check_usual(2, "6.6.6.6, 192.0.2.1, 10.0.0.1", "192.0.2.1");
    check_usual(1, "2001:db8::7", "2001:db8::7");
    check_usual(1, "192.0.2.1:5000", "192.0.2.1");
    check_usual(1, "[2001:db8::7]:5000", "2001:db8::7");
    check_usual(1, "::ffff:192.0.2.1", "192.0.2.1");
    // Fewer than there are proxies, or no address.
    for list in ["", "unknown", "192.0.2.1,", "192.0.2.1, _hidden", "localhost", "192.0.2.256"] {
        check_usual(1, list, PEER);
    }
    check_usual(2, "192.0.2.1", PEER);
    // Lines are one list, in their order.
    check(1, &[("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "192.0.2.1")], "192.0.2.1");
}

#[test]
fn the_standard_header_is_read_in_all_its_forms() {
    let check_standard = |proxies, list: &str, expected| check(proxies, &[("forwarded", list)], expected);
    check_standard(1, "for=192.0.2.1", "192.0.2.1");
    check_standard(1, "For=\"192.0.2.1:47011\";Proto=https;by=203.0.113.43", "192.0.2.1");
    check_standard(1, "for=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17");
    check_standard(1, "by=_proxy ; for=\"[2001:db8:cafe::17]\"", "2001:db8:cafe::17");
    check_standard(1, "for=\"[2001:db8:cafe::17]:_port\"", "2001:db8:cafe::17");
    check_standard(1, "for=6.6.6.6;by=\"a,for=7.7.7.7\", for=192.0.2.1", "192.0.2.1");
    check_standard(2, "for=6.6.6.6, for=192.0.2.1, for=10.0.0.1", "192.0.2.1");
    for hidden in ["for=unknown", "for=_SEVKISEK", "for=\"_gazonk\"", "proto=https", "for=192.0.2.1, by=_a", "for="] {
        check_standard(1, hidden, PEER);
    }
    check_standard(2, "for=192.0.2.1", PEER);
}

#[test]
fn a_client_cannot_swallow_what_the_proxy_adds() {
    for added in ["for=192.0.2.1", "for=\"[2001:db8::1]\"", "for=192.0.2.1;host=\"\"", "for=192.0.2.1;by=\"_a\""] {
        for written in ["for=6.6.6.6, for=\"", "for=6.6.6.6, for=\"\\", "for=6.6.6.6;x=\"", "\"", "for=6.6.6.6 x"] {
            let ip = found(PEER, 1, &[("forwarded", &format!("{written}, {added}"))]).ip();
            assert_ne!(ip.to_string(), "6.6.6.6", "{written}, {added}");
            let ip = found(PEER, 1, &[("forwarded", written), ("forwarded", added)]).ip();
            assert_ne!(ip.to_string(), "6.6.6.6", "{written} / {added}");
        }
    }
}

#[test]
fn a_client_cannot_choose_with_the_header_that_the_proxy_does_not_write() {
    for (by_proxy, by_client) in [
        (("x-forwarded-for", "192.0.2.1"), ("forwarded", "for=6.6.6.6")),
        (("forwarded", "for=192.0.2.1"), ("x-forwarded-for", "6.6.6.6")),
    ] {
        check(1, &[by_proxy, by_client], PEER);
    }
    let agreeing = [("x-forwarded-for", "6.6.6.6, 192.0.2.1"), ("forwarded", "for=192.0.2.1")];
    check(1, &agreeing, "192.0.2.1");
    let endless = "6.6.6.6, ".repeat(1_000) + "192.0.2.1";
    check(1, &[("x-forwarded-for", &endless)], PEER);
}

#[test]
fn who_is_local_came_directly_from_this_machine() {
    for peer in ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"] {
        assert!(found(peer, 0, &[]).is_local() && found(peer, 1, &[]).is_local(), "{peer}");
        for sign in SIGNS_OF_PROXIES {
            let mut headers = HeaderMap::new();
            headers.insert(sign, HeaderValue::from_static("127.0.0.1"));
            let extensions = {
                let mut extensions = Extensions::new();
                extensions.insert(Peer(SocketAddr::new(peer.parse().expect("an address"), 1)));
                extensions
            };
            assert!((0..2).all(|proxies| !ClientAddress::find(&extensions, &headers, proxies).is_local()));
        }
    }
    // Who claims to be local is not.
    let claims = found(PEER, 1, &[("x-forwarded-for", "127.0.0.1")]);
    assert!(!claims.is_local() && claims.ip().is_loopback());
    assert!(!found(PEER, 0, &[]).is_local());
}

#[test]
fn over_tls_is_who_a_trusted_proxy_says_so_of() {
    let is_over_tls = |proxies, lines: &[(&'static str, &str)]| found(PEER, proxies, lines).is_over_tls();
    assert!(is_over_tls(1, &[("x-forwarded-proto", "https")]));
    assert!(is_over_tls(1, &[("x-forwarded-proto", "http, HTTPS")]));
    assert!(is_over_tls(2, &[("x-forwarded-proto", "https, http")]));
    assert!(is_over_tls(2, &[("x-forwarded-proto", "https")]));
    assert!(is_over_tls(1, &[("forwarded", "for=192.0.2.1;proto=https")]));
    assert!(!is_over_tls(1, &[("x-forwarded-proto", "https, http")]));
    assert!(!is_over_tls(1, &[("forwarded", "proto=https, for=192.0.2.1")]));
    assert!(!is_over_tls(1, &[]));
}

#[test]
fn nobody_reads_an_address_in_a_log() {
    assert!(!format!("{:?}", found(PEER, 0, &[])).contains("203"));
}
