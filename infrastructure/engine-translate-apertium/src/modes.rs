//! What is installed: Apertium's modes, read from the names in its modes folder. Reading the folder is
//! a matter of microseconds, so nothing is remembered and a freshly installed pair is found at once.
//! Debugging modes (`hbs-mkd-pretransfer`) are not directions and are left out.

use crate::languages::Side;
use std::{io, path::Path};

/// One installed direction.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mode {
    /// As the program wants it: `eng-cat_valencia`.
    pub name: String,
    /// What it reads.
    pub from: Side,
    /// What it writes.
    pub to: Side,
}

impl Mode {
    /// A mode by its name; `None` when the name is not that of a direction.
    pub fn parse(name: &str) -> Option<Self> {
        let (from, to) = name.split_once('-')?;
        let well_formed = |side: &str| {
            let code = side.split('_').next().unwrap_or_default();
            (2..=3).contains(&code.len())
                && code.bytes().all(|byte| byte.is_ascii_lowercase())
                && side.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        (well_formed(from) && well_formed(to)).then(|| Self {
            name: name.to_owned(),
            from: Side::of_mode(from),
            to: Side::of_mode(to),
        })
    }

    /// Whether it leads from one language to another, whatever their variants.
    pub fn joins(&self, from: &str, to: &str) -> bool {
        self.from.language == from && self.to.language == to
    }
}

/// All installed directions, sorted by name; none when there is no modes folder.
pub fn installed(data_folder: &Path) -> io::Result<Vec<Mode>> {
    let folder = match std::fs::read_dir(data_folder.join("modes")) {
        Ok(folder) => folder,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut modes = Vec::new();
    for entry in folder {
        let name = entry?.file_name();
        modes.extend(name.to_str().and_then(|name| name.strip_suffix(".mode")).and_then(Mode::parse));
    }
    modes.sort();
    Ok(modes)
}

/// The mode between two languages that writes what is wanted: the asked variants where there are such,
/// otherwise the plain forms, otherwise the first by name.
pub fn pick<'a>(modes: &'a [Mode], from: &Side, to: &Side) -> Option<&'a Mode> {
    let rank = |have: &Side, want: &Side| match have.variant.as_str() {
        variant if variant == want.variant => 0,
        "" => 1,
        _ => 2,
    };
    modes
        .iter()
        .filter(|mode| mode.joins(&from.language, &to.language))
        .min_by_key(|mode| (rank(&mode.from, from) + rank(&mode.to, to), &mode.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modes(names: &[&str]) -> Vec<Mode> {
        names.iter().filter_map(|name| Mode::parse(name)).collect()
    }

    #[test]
    fn names_that_are_no_directions_are_left_out() {
        let check = |name, is_mode| assert_eq!(Mode::parse(name).is_some(), is_mode, "{name}");
        check("eng-spa", true);
        check("es-pt_BR", true);
        check("oci_gascon-fra", true);
        check("hbs-mkd-pretransfer", false);
        check("spa-ast-pn-old", false);
        check("README", false);
        check("eng-spa$(x)", false);
        check("-u", false);
    }

    #[test]
    fn variants_are_used_when_asked_for() {
        let installed = modes(&[
            "eng-cat",
            "eng-cat_valencia",
            "eng-cat_valencia_uni",
            "spa-eng",
            "spa-eng_US",
            "slv-hbs_BS",
            "slv-hbs_HR",
        ]);
        let check = |from: &str, to: &str, mode: Option<&str>| {
            let (from, to) = (from.parse().expect("a tag"), to.parse().expect("a tag"));
            let found = pick(&installed, &Side::of_tag(&from), &Side::of_tag(&to));
            assert_eq!(found.map(|found| found.name.as_str()), mode, "{from} to {to}");
        };
        check("en", "ca", Some("eng-cat"));
        check("en-GB", "ca", Some("eng-cat"));
        check("en", "ca-valencia", Some("eng-cat_valencia"));
        check("en", "ca-AD", Some("eng-cat"));
        check("es", "en-US", Some("spa-eng_US"));
        check("es-MX", "en", Some("spa-eng"));
        check("sl", "hr", Some("slv-hbs_HR"));
        check("sl", "sh", Some("slv-hbs_BS"));
        check("ca", "en", None);
    }

    #[test]
    fn a_missing_folder_means_nothing_is_installed() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(installed(folder.path()).expect("readable"), []);
        std::fs::create_dir(folder.path().join("modes")).expect("made");
        for name in ["spa-cat.mode", "eng-spa.mode", "README", "x.mode", "eng-spa.mode.bak"] {
            std::fs::write(folder.path().join("modes").join(name), "").expect("written");
        }
        assert_eq!(installed(folder.path()).expect("readable"), modes(&["eng-spa", "spa-cat"]));
    }
}
