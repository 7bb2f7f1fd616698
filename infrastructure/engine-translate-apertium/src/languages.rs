//! The names of languages: Apertium's codes (ISO 639-1 and 639-3, mixed, with variants after `_`) and
//! BCP 47 tags. Only languages that some Apertium pair translates are in the table; any other code is
//! taken as it is.

use domain::value::LanguageTag;

/// Three-letter codes beside the shortest code, which BCP 47 prescribes (RFC 5646 §2.2.1).
const SHORTEST: &[(&str, &str)] = &[
    ("afr", "af"),
    ("ara", "ar"),
    ("arg", "an"),
    ("bel", "be"),
    ("bos", "bs"),
    ("bre", "br"),
    ("bul", "bg"),
    ("cat", "ca"),
    ("ces", "cs"),
    ("cym", "cy"),
    ("dan", "da"),
    ("deu", "de"),
    ("ell", "el"),
    ("eng", "en"),
    ("epo", "eo"),
    ("eus", "eu"),
    ("fao", "fo"),
    ("fin", "fi"),
    ("fra", "fr"),
    ("gle", "ga"),
    ("glg", "gl"),
    ("hbs", "sh"),
    ("hin", "hi"),
    ("hrv", "hr"),
    ("ind", "id"),
    ("isl", "is"),
    ("ita", "it"),
    ("kaz", "kk"),
    ("kir", "ky"),
    ("lat", "la"),
    ("mkd", "mk"),
    ("mlt", "mt"),
    ("nld", "nl"),
    ("nno", "nn"),
    ("nob", "nb"),
    ("nor", "no"),
    ("oci", "oc"),
    ("pol", "pl"),
    ("por", "pt"),
    ("ron", "ro"),
    ("rus", "ru"),
    ("slv", "sl"),
    ("sme", "se"),
    ("spa", "es"),
    ("srd", "sc"),
    ("srp", "sr"),
    ("swe", "sv"),
    ("tat", "tt"),
    ("ukr", "uk"),
    ("urd", "ur"),
    ("uzb", "uz"),
    ("zlm", "ms"),
    ("zsm", "ms"),
];

/// One side of a translation: a language and, where it has a say, which written form of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Side {
    /// The language as BCP 47 writes it: `es`, `sh`.
    pub language: String,
    /// Lower-case region or variant: `us`, `valencia`; empty for the plain form.
    pub variant: String,
}

impl Side {
    /// From a side of a mode's name: `eng`, `cat_valencia`, `hbs_HR`.
    pub fn of_mode(name: &str) -> Self {
        let (code, variant) = name.split_once('_').unwrap_or((name, ""));
        Self { language: shortest(code), variant: variant.to_ascii_lowercase() }
    }

    /// From a tag: `en-US` is English of `us`; Croatian, Serbian and Bosnian are written forms of
    /// Apertium's Serbo-Croatian; `no` without more is Bokmål, its most written form.
    pub fn of_tag(tag: &LanguageTag) -> Self {
        let (primary, rest) = tag.as_str().split_once('-').unwrap_or((tag.as_str(), ""));
        let (language, implied) = match shortest(primary).as_str() {
            "hr" => ("sh".to_owned(), "hr"),
            "sr" => ("sh".to_owned(), "sr"),
            "bs" => ("sh".to_owned(), "bs"),
            "no" => ("nb".to_owned(), ""),
            other => (other.to_owned(), ""),
        };
        let variant = if rest.is_empty() { implied.to_owned() } else { rest.to_ascii_lowercase().replace('-', "_") };
        Self { language, variant }
    }

    /// The plain language as a tag; `None` when the code does not have a tag's form.
    pub fn tag(&self) -> Option<LanguageTag> {
        self.language.parse().ok()
    }
}

/// The shortest code of a language.
fn shortest(code: &str) -> String {
    let code = code.to_ascii_lowercase();
    SHORTEST.iter().find(|(long, _)| *long == code).map_or(code, |(_, short)| (*short).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(language: &str, variant: &str) -> Side {
        Side { language: language.to_owned(), variant: variant.to_owned() }
    }

    #[test]
    fn codes_of_modes() {
        let check = |name, language, variant| assert_eq!(Side::of_mode(name), side(language, variant), "{name}");
        check("eng", "en", "");
        check("es", "es", "");
        check("cat_valencia", "ca", "valencia");
        check("eng_US", "en", "us");
        check("pt_BR", "pt", "br");
        check("hbs_HR", "sh", "hr");
        check("cat_valencia_uni", "ca", "valencia_uni");
        check("frp", "frp", "");
    }

    #[test]
    fn codes_of_tags() {
        let check = |tag: &str, language, variant| {
            assert_eq!(Side::of_tag(&tag.parse().expect("a tag")), side(language, variant), "{tag}");
        };
        check("en", "en", "");
        check("eng", "en", "");
        check("en-US", "en", "us");
        check("ca-valencia", "ca", "valencia");
        check("hr", "sh", "hr");
        check("sr-RS", "sh", "rs");
        check("no", "nb", "");
        check("frp", "frp", "");
    }

    #[test]
    fn the_table_has_every_code_once_and_in_order() {
        assert!(SHORTEST.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}
