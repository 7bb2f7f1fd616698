//! The way from one language to another over pairs: the shortest over what is installed, and otherwise
//! the packages that would open one. Pure: what is installed is an argument.

use crate::{
    languages::Side,
    modes::{Mode, pick},
    packages::directions,
};
use application::{ports::engine::EngineError, stages::translate::Route};
use domain::value::LanguageTag;
use std::collections::{BTreeMap, BTreeSet};

/// Pivots in the order in which they are preferred among equally short ways: the languages with the
/// largest dictionaries and the most pairs first. Others follow in alphabetical order.
const PIVOTS: &[&str] = &["es", "en", "ca", "fr"];

/// From, to, and the package that it would need: empty when it is installed.
type Direction<'a> = (&'a str, &'a str, &'a str);

/// What stays constant in a search.
pub struct Atlas<'a> {
    /// The installed directions.
    pub modes: &'a [Mode],
    /// Most hops of a route.
    pub hops_max: usize,
}

impl Atlas<'_> {
    /// The shortest installed way.
    ///
    /// [`EngineError::Missing`] names the packages that would open one (the fewest, then the fewest
    /// hops), or says that there is none. [`EngineError::Rejected`] when both languages are the same.
    pub fn route(&self, from: &LanguageTag, to: &LanguageTag) -> Result<Route, EngineError> {
        let (source, target) = (Side::of_tag(from), Side::of_tag(to));
        if source.language == target.language {
            return Err(EngineError::Rejected {
                code: "same-language",
                message: format!("{from} and {to} are the same language; name another one with --to"),
            });
        }
        match self.way(self.installed(), &source.language, &target.language) {
            Some(way) => self.along(&way.languages, from, to).ok_or_else(|| no_way(from, to)),
            None => Err(self.missing(from, to)),
        }
    }

    /// The route over given languages, with the asked variants at its ends.
    fn along(&self, languages: &[String], from: &LanguageTag, to: &LanguageTag) -> Option<Route> {
        let mut sides: Vec<Side> =
            languages.iter().map(|language| Side { language: language.clone(), variant: String::new() }).collect();
        *sides.first_mut()? = Side::of_tag(from);
        *sides.last_mut()? = Side::of_tag(to);
        let mut tags: Vec<LanguageTag> = sides.iter().map(Side::tag).collect::<Option<_>>()?;
        *tags.first_mut()? = from.clone();
        *tags.last_mut()? = to.clone();
        let modes = sides
            .windows(2)
            .map(|hop| match hop {
                [from, to] => pick(self.modes, from, to).map(|mode| mode.name.clone()),
                _ => None,
            })
            .collect::<Option<_>>()?;
        Some(Route { languages: tags, modes })
    }

    fn installed(&self) -> BTreeSet<Direction<'_>> {
        self.modes.iter().map(|mode| (mode.from.language.as_str(), mode.to.language.as_str(), "")).collect()
    }

    /// What to install.
    fn missing(&self, from: &LanguageTag, to: &LanguageTag) -> EngineError {
        let (source, target) = (Side::of_tag(from).language, Side::of_tag(to).language);
        let mut all = self.installed();
        all.extend(directions());
        match self.way(all, &source, &target) {
            Some(way) => EngineError::Missing {
                engine: format!("the Apertium translation {}", way.languages.join(" → ")),
                package: way.packages.into_iter().collect::<Vec<_>>().join(" "),
            },
            None => no_way(from, to),
        }
    }

    /// The best way over directions, each with the package it would need (empty: none).
    ///
    /// Ways are extended hop by hop; per language only the best way of each length is kept, so the work
    /// is bounded by hops × directions.
    fn way(&self, directions: BTreeSet<Direction<'_>>, from: &str, to: &str) -> Option<Way> {
        let mut frontier =
            BTreeMap::from([(from, Way { packages: BTreeSet::new(), languages: vec![from.to_owned()] })]);
        let mut best: Option<Way> = None;
        for _ in 0..self.hops_max {
            let mut next: BTreeMap<&str, Way> = BTreeMap::new();
            for &(start, end, package) in &directions {
                let Some(way) = frontier.get(start) else { continue };
                if way.languages.iter().any(|passed| passed == end) {
                    continue;
                }
                let way = way.extended(end, package);
                if next.get(end).is_none_or(|other| way.rank() < other.rank()) {
                    next.insert(end, way);
                }
            }
            if let Some(way) = next.remove(to)
                && best.as_ref().is_none_or(|other| way.rank() < other.rank())
            {
                best = Some(way);
            }
            frontier = next;
        }
        best
    }
}

/// A way under construction.
#[derive(Clone)]
struct Way {
    packages: BTreeSet<String>,
    languages: Vec<String>,
}

impl Way {
    fn extended(&self, language: &str, package: &str) -> Self {
        let mut way = self.clone();
        way.languages.push(language.to_owned());
        if !package.is_empty() {
            way.packages.insert(package.to_owned());
        }
        way
    }

    /// Less is better: packages to install, hops, preferred pivots, names.
    fn rank(&self) -> (usize, usize, Vec<usize>, &[String]) {
        let pivots = self
            .languages
            .iter()
            .skip(1)
            .map(|language| PIVOTS.iter().position(|pivot| pivot == language).unwrap_or(PIVOTS.len()));
        (self.packages.len(), self.languages.len(), pivots.collect(), &self.languages)
    }
}

fn no_way(from: &LanguageTag, to: &LanguageTag) -> EngineError {
    EngineError::Missing {
        engine: format!(
            "translation from {from} to {to}: Apertium in Debian 12 has no pair for it, not even over other languages"
        ),
        package: "none".to_owned(),
    }
}

#[cfg(test)]
mod tests;
