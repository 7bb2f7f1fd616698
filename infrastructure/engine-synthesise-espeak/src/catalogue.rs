//! The voices espeak-ng lists: languages and variants, parsed and looked up. No child processes here.

use application::stages::synthesise::{Gender, Voice};
use domain::value::LanguageTag;

/// The variants offered by themselves, best first within a gender: by how well a recogniser made for people
/// understands them (`docs.md`) and, where that says little, those without echo before those with.
/// Every other installed variant can still be asked for by name.
const VARIANTS: [(&str, Gender); 15] = [
    ("f2", Gender::Female),
    ("edward2", Gender::Male),
    ("f5", Gender::Female),
    ("benjamin", Gender::Male),
    ("f3", Gender::Female),
    ("m1", Gender::Male),
    ("f1", Gender::Female),
    ("m6", Gender::Male),
    ("f4", Gender::Female),
    ("m7", Gender::Male),
    ("m5", Gender::Male),
    ("m3", Gender::Male),
    ("m4", Gender::Male),
    ("m8", Gender::Male),
    ("m2", Gender::Male),
];

/// What is installed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Catalogue {
    languages: Vec<Language>,
    variants: Vec<String>,
}

/// A line of `espeak-ng --voices`.
#[derive(Clone, Debug)]
struct Language {
    /// As espeak-ng writes it: `pt-br`.
    name: String,
    tag: LanguageTag,
    gender: Gender,
    /// The language itself and the others it is good for, with espeak-ng's priority (low is better).
    good_for: Vec<(LanguageTag, u8)>,
}

impl Catalogue {
    /// From the output of `espeak-ng --voices` and `espeak-ng --voices=variant`.
    pub(crate) fn parse(voices: &str, variants: &str) -> Self {
        let mut languages: Vec<Language> = Vec::new();
        for language in voices.lines().skip(1).filter_map(parse_language) {
            // Two voices of one language name (`yue`): `-v` takes the first.
            if languages.iter().all(|known| known.name != language.name) {
                languages.push(language);
            }
        }
        let variants = variants
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once("!v/"))
            .map(|(_, file)| file.split("  ").next().unwrap_or(file).trim())
            .filter(|file| !file.is_empty() && file.chars().all(|c| c.is_ascii_alphanumeric()))
            .map(str::to_owned)
            .collect();
        Self { languages, variants }
    }

    /// The languages, each once, in espeak-ng's order.
    pub(crate) fn languages(&self) -> Vec<LanguageTag> {
        self.languages.iter().map(|language| language.tag.clone()).collect()
    }

    /// Voices for a language, best first, or all of them.
    pub(crate) fn voices(&self, language: Option<&LanguageTag>) -> Vec<Voice> {
        let languages = match language {
            Some(tag) => self.for_language(tag),
            None => self.languages.iter().collect(),
        };
        languages.into_iter().flat_map(|language| self.voices_of(language)).collect()
    }

    /// The voice as `-v` takes it, when it is installed. The language may be one that espeak-ng's
    /// list has only as another name (`en`), in any case (`pt-BR`).
    pub(crate) fn find(&self, voice: &str) -> Option<String> {
        let (language, variant) = match voice.split_once('+') {
            Some((language, variant)) => (language, Some(variant)),
            None => (voice, None),
        };
        let language = match self.languages.iter().find(|known| known.name.eq_ignore_ascii_case(language)) {
            Some(known) => known,
            None => *self.for_language(&language.parse().ok()?).first()?,
        };
        match variant {
            None => Some(language.name.clone()),
            Some(variant) => {
                let known = self.variants.iter().find(|known| *known == variant)?;
                Some(format!("{}+{known}", language.name))
            }
        }
    }

    /// Languages that can stand for `tag`, best first: those espeak-ng says are good for it; else
    /// those good for the tag shortened subtag by subtag (RFC 4647 §3.4); else its regional forms.
    fn for_language(&self, tag: &LanguageTag) -> Vec<&Language> {
        let mut range = tag.as_str();
        loop {
            let found = self.good_for(|good| good.as_str() == range);
            if !found.is_empty() {
                return found;
            }
            match range.rsplit_once('-') {
                Some((shorter, _)) => range = shorter,
                None => return self.good_for(|good| good.primary() == tag.primary()),
            }
        }
    }

    fn good_for(&self, wanted: impl Fn(&LanguageTag) -> bool) -> Vec<&Language> {
        let mut found: Vec<(u8, &Language)> = self
            .languages
            .iter()
            .filter_map(|language| {
                let best = language.good_for.iter().filter(|(tag, _)| wanted(tag)).map(|(_, priority)| *priority).min();
                best.map(|priority| (priority, language))
            })
            .collect();
        found.sort_by_key(|(priority, _)| *priority);
        found.into_iter().map(|(_, language)| language).collect()
    }

    /// The language's own voice first (nothing is laid over the formants its author tuned), then variants.
    fn voices_of<'a>(&'a self, language: &'a Language) -> impl Iterator<Item = Voice> + 'a {
        let voice = |name: String, gender| Voice { name, language: language.tag.clone(), gender };
        let own = voice(language.name.clone(), language.gender);
        let variants = VARIANTS
            .iter()
            .filter(|(variant, _)| self.variants.iter().any(|known| known == variant))
            .map(move |(variant, gender)| voice(format!("{}+{variant}", language.name), *gender));
        std::iter::once(own).chain(variants)
    }
}

/// Columns: priority, language, age/gender, name, file, other languages as `(tag priority)…`.
fn parse_language(line: &str) -> Option<Language> {
    let mut columns = line.split_whitespace();
    // The first column ranks voices that share a language; the list in the last one is finer.
    let _priority: u8 = columns.next()?.parse().ok()?;
    let name = columns.next()?.to_owned();
    let gender = if columns.next()?.ends_with("/F") { Gender::Female } else { Gender::Male };
    let tag: LanguageTag = name.parse().ok()?;
    // The language itself comes before every other that is good for it.
    let mut good_for = vec![(tag.clone(), 0)];
    let others = line.split('(').skip(1).filter_map(|part| part.split_once(')')).filter_map(|(inside, _)| {
        let (tag, priority) = inside.split_once(' ')?;
        Some((tag.parse().ok()?, priority.parse().ok()?))
    });
    good_for.extend(others);
    Some(Language { name, tag, gender, good_for })
}

#[cfg(test)]
mod tests;
