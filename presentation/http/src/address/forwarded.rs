//! What proxies say: `X-Forwarded-For` with `X-Forwarded-Proto`, and `Forwarded` (RFC 7239). Pure.

use axum::http::{HeaderMap, HeaderName, header};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// Longest list that is looked at, in bytes of all its lines.
const LIST_BYTES_MAX: usize = 4_096;
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// What one proxy says about whoever spoke to it.
#[derive(Clone, Copy, Default)]
pub(super) struct Hop {
    /// The address, where it is one and not hidden.
    pub ip: Option<IpAddr>,
    /// Whether it came over TLS.
    pub is_over_tls: bool,
}

/// The address so many places from the right; `None` when the header is absent.
pub(super) fn of_x_forwarded(headers: &HeaderMap, place: usize) -> Option<Option<IpAddr>> {
    let list = list(headers, &X_FORWARDED_FOR)?;
    Some(list.and_then(|list| node_ip(from_right(list.split(','), place)?.trim())))
}

/// Whether `https` stands so many places from the right, or first where fewer wrote something; `None` when the header
/// is absent.
pub(super) fn of_x_proto(headers: &HeaderMap, place: usize) -> Option<bool> {
    let list = list(headers, &X_FORWARDED_PROTO)?.unwrap_or_default();
    let protos: Vec<&str> = list.split(',').map(str::trim).collect();
    let said = from_right(protos.iter(), place).or(protos.first());
    Some(said.is_some_and(|proto| proto.eq_ignore_ascii_case("https")))
}

/// The element of `Forwarded` so many places from the right, an empty one where it is not understood; `None` when the
/// header is absent.
pub(super) fn of_forwarded(headers: &HeaderMap, place: usize) -> Option<Hop> {
    let list = list(headers, &header::FORWARDED)?;
    // A quotation that a client leaves open would swallow what the proxy adds: then nothing is understood at all.
    let elements = list.and_then(|list| elements(&list));
    let hop = elements.and_then(|elements| from_right(elements.into_iter(), place));
    Some(hop.unwrap_or_default())
}

/// All lines of a header as one list; the inner `None` when it is no text or too long, the outer when it is absent.
fn list(headers: &HeaderMap, name: &HeaderName) -> Option<Option<String>> {
    let lines = headers.get_all(name);
    lines.iter().next()?;
    let lines: Result<Vec<&str>, _> = lines.iter().map(|line| line.to_str()).collect();
    Some(lines.ok().map(|lines| lines.join(",")).filter(|list| list.len() <= LIST_BYTES_MAX))
}

fn from_right<T>(items: impl DoubleEndedIterator<Item = T>, place: usize) -> Option<T> {
    items.rev().nth(place.checked_sub(1)?)
}

/// An address as proxies write it: with or without a port, IPv6 in brackets or not. Names that hide it (`unknown`,
/// `_hidden`) are none.
fn node_ip(node: &str) -> Option<IpAddr> {
    let bare = node.parse::<IpAddr>().ok();
    let with_port = || node.parse::<SocketAddr>().ok().map(|address| address.ip());
    let bracketed = || node.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    let hidden_port = || {
        let (node, port) = node.rsplit_once(":_")?;
        let is_port =
            !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        let ip = node.strip_prefix('[').map_or_else(|| node.parse().ok(), |_| node_ip(node).filter(IpAddr::is_ipv6));
        ip.filter(|_| is_port)
    };
    Some(bare.or_else(with_port).or_else(bracketed).or_else(hidden_port)?.to_canonical())
}

/// `for=192.0.2.1;proto=https, for="[2001:db8::1]:8080"`; `None` when any of it is malformed.
fn elements(list: &str) -> Option<Vec<Hop>> {
    let mut rest = list;
    let mut elements = vec![Hop::default()];
    loop {
        rest = rest.trim_start_matches([' ', '\t']);
        if !rest.starts_with([',', ';']) && !rest.is_empty() {
            let (name, after) = rest.split_once('=')?;
            let (value, after) = value(after)?;
            let hop = elements.last_mut()?;
            match name.trim().to_ascii_lowercase().as_str() {
                "for" => hop.ip = node_ip(&value),
                "proto" => hop.is_over_tls = value.eq_ignore_ascii_case("https"),
                name if !name.is_empty() && name.bytes().all(is_token) => {}
                _malformed => return None,
            }
            rest = after.trim_start_matches([' ', '\t']);
        }
        match rest.as_bytes().first() {
            None => return Some(elements),
            Some(b';') => {}
            Some(b',') => elements.push(Hop::default()),
            Some(_) => return None,
        }
        rest = rest.get(1..)?;
    }
}

/// A token or a quoted string (RFC 9110, section 5.6), and what follows it.
fn value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ';', ' ', '\t']).unwrap_or(text.len());
        let (token, rest) = text.split_at_checked(end)?;
        // Addresses with ports and brackets are to be quoted, but not every proxy does.
        let is_sound = !token.is_empty() && token.bytes().all(|byte| is_token(byte) || b":[]".contains(&byte));
        return is_sound.then(|| (token.to_owned(), rest));
    };
    let mut value = String::new();
    let mut letters = quoted.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, quoted.get(at + 1..)?)),
            '\\' => value.push(letters.next()?.1),
            letter => value.push(letter),
        }
    }
    None
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
