//! What could be installed: Debian 12's Apertium pairs and the directions they translate.
//!
//! Names are those of `apt-cache search '^apertium-'`, transitional dummy packages left out. Directions
//! are those of the `modes/*.mode` files in the packages, where they were opened (es-pt, es-ro,
//! hbs-mkd, hbs-slv, cat-srd, srd-ita, pol-szl, spa-ast, fra-frp, oci-fra, eng-spa, eng-cat, spa-cat),
//! and otherwise those of the pairs' releases. A wrong row costs a misleading hint, never a wrong route.

/// A Debian package and the directions it brings.
#[derive(Clone, Copy, Debug)]
pub struct Package {
    /// Its name.
    pub name: &'static str,
    /// One language, as BCP 47 writes it.
    pub one: &'static str,
    /// The other.
    pub other: &'static str,
    /// Whether it also translates from `other` to `one`.
    pub both_ways: bool,
}

const fn both(name: &'static str, one: &'static str, other: &'static str) -> Package {
    Package { name, one, other, both_ways: true }
}

const fn only(name: &'static str, from: &'static str, to: &'static str) -> Package {
    Package { name, one: from, other: to, both_ways: false }
}

/// Every pair of Debian 12.
pub const DEBIAN_12: &[Package] = &[
    both("apertium-afr-nld", "af", "nl"),
    both("apertium-arg-cat", "an", "ca"),
    both("apertium-bel-rus", "be", "ru"),
    only("apertium-br-fr", "br", "fr"),
    both("apertium-cat-ita", "ca", "it"),
    only("apertium-cat-srd", "ca", "sc"),
    both("apertium-dan-nor", "da", "nb"),
    both("apertium-dan-nor", "da", "nn"),
    both("apertium-en-gl", "en", "gl"),
    both("apertium-eng-cat", "en", "ca"),
    both("apertium-eng-spa", "en", "es"),
    only("apertium-eo-ca", "ca", "eo"),
    both("apertium-eo-en", "eo", "en"),
    only("apertium-eo-es", "es", "eo"),
    only("apertium-eo-fr", "fr", "eo"),
    both("apertium-es-gl", "es", "gl"),
    both("apertium-es-pt", "es", "pt"),
    only("apertium-es-ro", "ro", "es"),
    only("apertium-eu-en", "eu", "en"),
    only("apertium-eu-es", "eu", "es"),
    both("apertium-fr-es", "fr", "es"),
    both("apertium-fra-cat", "fr", "ca"),
    both("apertium-fra-frp", "fr", "frp"),
    only("apertium-hbs-eng", "sh", "en"),
    both("apertium-hbs-mkd", "sh", "mk"),
    both("apertium-hbs-slv", "sh", "sl"),
    both("apertium-ind-zlm", "id", "ms"),
    only("apertium-isl-eng", "is", "en"),
    only("apertium-isl-swe", "is", "sv"),
    both("apertium-mkd-bul", "mk", "bg"),
    only("apertium-mkd-eng", "mk", "en"),
    both("apertium-nno-nob", "nn", "nb"),
    both("apertium-oc-ca", "oc", "ca"),
    both("apertium-oc-es", "oc", "es"),
    both("apertium-oci-fra", "oc", "fr"),
    both("apertium-pol-szl", "pl", "szl"),
    both("apertium-por-cat", "pt", "ca"),
    both("apertium-pt-gl", "pt", "gl"),
    both("apertium-rus-ukr", "ru", "uk"),
    both("apertium-spa-arg", "es", "an"),
    only("apertium-spa-ast", "es", "ast"),
    both("apertium-spa-cat", "es", "ca"),
    both("apertium-spa-ita", "es", "it"),
    only("apertium-srd-ita", "it", "sc"),
    both("apertium-swe-dan", "sv", "da"),
    both("apertium-swe-nor", "sv", "nb"),
    both("apertium-swe-nor", "sv", "nn"),
    both("apertium-urd-hin", "ur", "hi"),
];

/// Every direction of [`DEBIAN_12`]: from, to, package.
pub fn directions<'a>() -> impl Iterator<Item = (&'a str, &'a str, &'a str)> {
    DEBIAN_12.iter().flat_map(|package| {
        let forth: (&'a str, &'a str, &'a str) = (package.one, package.other, package.name);
        let back = package.both_ways.then_some((package.other, package.one, package.name));
        std::iter::once(forth).chain(back)
    })
}
