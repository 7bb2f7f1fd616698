//! What engines say they can do, kept for a minute: asking one often means to start a program.
//!
//! One question is asked at a time; whoever has the same one waits for its answer.

use crate::problem::{Problem, unasked};
use application::{
    abilities::Abilities,
    ports::engine::{Engine, EngineError, EngineInfo},
    stages::synthesise::Voice,
};
use domain::value::LanguageTag;
use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// How long an answer is kept.
const KEPT_FOR: Duration = Duration::from_secs(60);
/// Answers kept of one kind.
const KEPT_MAX: usize = 64;

/// Asks engines.
pub(crate) struct Probes {
    abilities: Abilities,
    engines: Vec<(&'static str, Arc<dyn Engine>)>,
    turn: tokio::sync::Mutex<()>,
    listing: Kept<(), Arc<[Listed]>>,
    understood: Kept<(), Arc<[LanguageTag]>>,
    voices: Kept<Option<LanguageTag>, Arc<[Voice]>>,
    targets: Kept<LanguageTag, Arc<[Target]>>,
}

/// An engine, or what is missing.
pub(crate) struct Listed {
    pub stage: &'static str,
    pub engine: Result<EngineInfo, Problematic>,
}

/// Why an engine cannot work.
pub(crate) struct Problematic {
    pub message: String,
    pub package: Option<String>,
}

/// A language that can be translated into.
pub(crate) struct Target {
    pub language: LanguageTag,
    pub route: Vec<LanguageTag>,
}

impl Probes {
    pub(crate) fn new(abilities: Abilities, engines: Vec<(&'static str, Arc<dyn Engine>)>) -> Self {
        let (turn, listing, understood) = (tokio::sync::Mutex::new(()), Kept::new(), Kept::new());
        Self { abilities, engines, turn, listing, understood, voices: Kept::new(), targets: Kept::new() }
    }

    /// Every engine, or what is missing.
    pub(crate) async fn engines(&self) -> Result<Arc<[Listed]>, Problem> {
        let ask = async || {
            let mut listing = Vec::with_capacity(self.engines.len());
            for (stage, engine) in &self.engines {
                let engine = engine.describe().await.map_err(|error| Problematic::of(&error));
                listing.push(Listed { stage, engine });
            }
            Ok(listing.into())
        };
        self.ask(&self.listing, (), ask).await
    }

    /// The languages that are understood.
    pub(crate) async fn understood(&self) -> Result<Arc<[LanguageTag]>, Problem> {
        let ask = async || match self.abilities.recogniser.describe().await {
            Ok(info) => Ok(info.languages.into()),
            Err(error) => nothing_or(error),
        };
        self.ask(&self.understood, (), ask).await
    }

    /// The voices for a language, or all.
    pub(crate) async fn voices(&self, language: Option<&LanguageTag>) -> Result<Arc<[Voice]>, Problem> {
        let ask = async || match self.abilities.synthesiser.voices(language).await {
            Ok(voices) => Ok(voices.into()),
            Err(error) => nothing_or(error),
        };
        self.ask(&self.voices, language.cloned(), ask).await
    }

    /// The languages that are spoken, each once, in the order of their tags.
    pub(crate) async fn spoken(&self) -> Result<Vec<LanguageTag>, Problem> {
        let mut spoken: Vec<_> = self.voices(None).await?.iter().map(|voice| voice.language.clone()).collect();
        spoken.sort_unstable();
        spoken.dedup();
        Ok(spoken)
    }

    /// The languages that speech in this one can be dubbed into.
    pub(crate) async fn targets(&self, from: &LanguageTag) -> Result<Arc<[Target]>, Problem> {
        let spoken = self.spoken().await?;
        let ask = async || {
            let mut targets = Vec::new();
            for to in spoken.iter().filter(|to| to.primary() != from.primary()) {
                match self.abilities.translator.route(from, to).await {
                    Ok(route) => targets.push(Target { language: to.clone(), route: route.languages }),
                    Err(EngineError::Missing { .. }) => {}
                    Err(error) => return Err(unasked(error)),
                }
            }
            Ok(targets.into())
        };
        self.ask(&self.targets, from.clone(), ask).await
    }

    async fn ask<K: Eq + Hash, T: Clone>(
        &self,
        kept: &Kept<K, T>,
        key: K,
        ask: impl AsyncFnOnce() -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        if let Some(answer) = kept.get(&key) {
            return Ok(answer);
        }
        let _turn = self.turn.lock().await;
        // Somebody else may have asked meanwhile.
        if let Some(answer) = kept.get(&key) {
            return Ok(answer);
        }
        let answer = ask().await?;
        kept.put(key, answer.clone());
        Ok(answer)
    }
}

impl Problematic {
    fn of(error: &EngineError) -> Self {
        let package = match error {
            EngineError::Missing { package, .. } => Some(package.clone()).filter(|package| !package.is_empty()),
            EngineError::Rejected { .. } | EngineError::Exhausted { .. } | EngineError::Transient { .. } => None,
        };
        Self { message: error.to_string(), package }
    }
}

/// An engine that is not installed can do nothing; one that cannot be asked now may be asked again.
fn nothing_or<T>(error: EngineError) -> Result<Arc<[T]>, Problem> {
    match error {
        EngineError::Missing { .. } => Ok(Arc::from([])),
        EngineError::Rejected { .. } | EngineError::Exhausted { .. } | EngineError::Transient { .. } => {
            Err(unasked(error))
        }
    }
}

/// Answers, each for a minute.
struct Kept<K, T>(Mutex<HashMap<K, (Instant, T)>>);

impl<K: Eq + Hash, T: Clone> Kept<K, T> {
    fn new() -> Self {
        Self(Mutex::new(HashMap::new()))
    }

    fn get(&self, key: &K) -> Option<T> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(key).filter(|(asked, _)| asked.elapsed() < KEPT_FOR).map(|(_, answer)| answer.clone())
    }

    fn put(&self, key: K, answer: T) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX {
            kept.retain(|_, (asked, _)| asked.elapsed() < KEPT_FOR);
        }
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(key, (Instant::now(), answer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use application::testing::abilities;
    use async_trait::async_trait;
    use futures::future::join_all;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// Counts how often, and how often at once, it is asked.
    #[derive(Default)]
    struct Slow {
        asked: AtomicU32,
        at_once: AtomicU32,
    }

    #[async_trait]
    impl Engine for Slow {
        async fn describe(&self) -> Result<EngineInfo, EngineError> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            assert_eq!(self.at_once.fetch_add(1, Ordering::SeqCst), 0, "one at a time");
            tokio::time::sleep(Duration::from_secs(1)).await;
            self.at_once.fetch_sub(1, Ordering::SeqCst);
            Err(EngineError::Missing { engine: "slow".to_owned(), package: "slow-engine".to_owned() })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn many_ask_and_one_question_is_put() {
        let slow = Arc::new(Slow::default());
        let probes = Probes::new(abilities("en", &["es"]), vec![("mix", slow.clone()), ("mux", slow.clone())]);
        for round in 1..=2 {
            for listing in join_all((0..20).map(|_| probes.engines())).await {
                let listing = listing.expect("a listing");
                let missing = listing[0].engine.as_ref().expect_err("not installed");
                assert_eq!((listing[1].stage, missing.package.as_deref()), ("mux", Some("slow-engine")));
            }
            assert_eq!(slow.asked.load(Ordering::SeqCst), round * 2);
            tokio::time::advance(KEPT_FOR).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_is_kept_than_there_is_room_for() {
        let kept = Kept::new();
        for number in 0..1_000 {
            kept.put(number, number);
            assert_eq!(kept.get(&number), Some(number));
            assert!(kept.0.lock().expect("not poisoned").len() <= KEPT_MAX);
        }
        tokio::time::advance(KEPT_FOR).await;
        assert_eq!(kept.get(&999), None);
    }

    #[tokio::test]
    async fn what_can_be_asked_for_follows_from_the_engines() {
        let probes = Probes::new(abilities("en", &["es", "en", "ca"]), vec![]);
        let tags = |tags: &[LanguageTag]| tags.iter().map(|tag| tag.as_str().to_owned()).collect::<Vec<_>>();
        assert_eq!(tags(&probes.spoken().await.expect("languages")), ["ca", "en", "es"]);
        let targets = probes.targets(&"en".parse().expect("a tag")).await.expect("targets");
        assert_eq!(targets.iter().map(|target| target.language.as_str()).collect::<Vec<_>>(), ["ca", "es"]);
        assert!(probes.targets(&"fr".parse().expect("a tag")).await.expect("targets").is_empty());
        let voices = probes.voices(Some(&"es".parse().expect("a tag"))).await.expect("voices");
        assert_eq!(voices.iter().map(|voice| voice.name.as_str()).collect::<Vec<_>>(), ["es", "es+f2"]);
    }
}
