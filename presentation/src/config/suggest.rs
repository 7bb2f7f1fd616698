//! What somebody may have meant. Pure.

/// The nearest of some names, if one is near: up to two letters off, or the same word in another place.
pub fn nearest<'a>(asked: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let last = |name: &str| name.rsplit(['.', '_']).next().map(str::to_owned);
    let tail = |name: &str| name.rsplit('.').next().map(str::to_owned);
    let ranked = names.filter_map(|name| {
        let distance = distance(asked, name);
        let is_moved = tail(asked) == tail(name);
        let is_alike = last(asked) == last(name) && asked.split('.').next() == name.split('.').next();
        let rank = match (distance, is_moved, is_alike) {
            (0..=2, _, _) => distance,
            (_, true, _) => 3,
            (_, _, true) => 3 + distance,
            _ => return None,
        };
        Some((rank, name))
    });
    ranked.min().map(|(_, name)| name)
}

/// Levenshtein's distance in characters, without regard to case.
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.to_lowercase(), b.to_lowercase());
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (y, above) in b.chars().zip(row.iter().skip(1)) {
            left = (diagonal + usize::from(x != y)).min(above + 1).min(left + 1);
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_edits() {
        let check =
            |a: &str, b: &str, expected: usize| assert_eq!((distance(a, b), distance(b, a)), (expected, expected));
        check("", "", 0);
        check("listen", "LISTEN", 0);
        check("", "abc", 3);
        check("kitten", "sitting", 3);
        check("lisetn", "listen", 2);
    }

    #[test]
    fn the_nearest_is_named_when_it_is_near() {
        let names = ["data_dir", "http.listen", "http.tls_cert", "http.tls_key", "jobs.active_max"];
        let check = |asked: &str, expected| assert_eq!(nearest(asked, names.into_iter()), expected, "{asked}");
        check("http.lisen", Some("http.listen"));
        check("listen", Some("http.listen"));
        check("datadir", Some("data_dir"));
        check("http.cert", Some("http.tls_cert"));
        check("queue.tls_key", Some("http.tls_key"));
        check("telemetry.colour", None);
    }
}
