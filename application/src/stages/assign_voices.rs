//! AssignVoices: a voice for each speaker, the user's choice first, else by pitch and all different.

use super::{
    handler::{Done, StageError, TrackJob, TrackStage, producer},
    synthesise::{Gender, Synthesiser, Voice},
};
use crate::ports::engine::EngineError;
use async_trait::async_trait;
use domain::{
    dubbing::Speaker,
    track::TrackEvent,
    value::{LanguageTag, SpeakerId},
};
use std::{collections::BTreeMap, sync::Arc};

/// Median pitch that parts low voices from high ones, in hertz: between the means of adult male
/// (about 120) and female (about 210) speech.
const HIGH_PITCH_HZ: u32 = 165;

/// The handler.
pub struct AssignVoices {
    /// Whose voices.
    pub synthesiser: Arc<dyn Synthesiser>,
}

#[async_trait]
impl TrackStage for AssignVoices {
    async fn run(&self, job: &TrackJob) -> Result<Done<TrackEvent>, StageError> {
        let header = job.track.header.as_ref().ok_or(StageError::Absent("the track"))?;
        let chosen = header.settings.voices.reveal().ok_or(StageError::Erased)?;
        let voices = self.synthesiser.voices(Some(&header.language)).await?;
        if voices.is_empty() {
            return Err(no_voice(&header.language).into());
        }
        let speaking = self.synthesiser.speaking(&header.language).await?;
        let assigned = assign(&job.dubbing.speakers, &usable(chosen, &speaking), &voices);
        let changed = assigned.into_iter().filter(|(speaker, voice)| job.track.voices.get(speaker) != Some(voice));
        let facts = changed.map(|(speaker, voice)| TrackEvent::VoiceAssigned { speaker, voice }).collect();
        Ok(Done::made(facts, vec![producer(&*self.synthesiser).await?]))
    }
}

fn no_voice(language: &LanguageTag) -> EngineError {
    let message = format!("there is no voice for {language}; `dragoman voices` lists what can be spoken");
    EngineError::Rejected { code: "no-voice", message }
}

/// The choices that are good for the language: a job has them for all its languages.
fn usable(chosen: &BTreeMap<String, String>, speaking: &[Voice]) -> BTreeMap<String, String> {
    let is_usable = |(_, name): &(&String, &String)| speaking.iter().any(|voice| voice.name == **name);
    chosen.iter().filter(is_usable).map(|(label, name)| (label.clone(), name.clone())).collect()
}

/// Voices in the order of first speech. A speaker is meant by name (whatever its case) or by id (`S1`).
fn assign(
    speakers: &BTreeMap<SpeakerId, Speaker>,
    chosen: &BTreeMap<String, String>,
    voices: &[Voice],
) -> BTreeMap<SpeakerId, String> {
    let mut assigned: BTreeMap<SpeakerId, String> = BTreeMap::new();
    for (id, speaker) in speakers {
        if let Some((_, voice)) = chosen.iter().find(|(label, _)| means(label, *id, speaker)) {
            assigned.insert(*id, voice.clone());
        }
    }
    for (id, speaker) in speakers {
        if assigned.contains_key(id) {
            continue;
        }
        let gender = if speaker.pitch_hz.is_some_and(|hz| hz > HIGH_PITCH_HZ) { Gender::Female } else { Gender::Male };
        let is_free = |voice: &&Voice| !assigned.values().any(|taken| *taken == voice.name);
        let fitting = || voices.iter().filter(|voice| voice.gender == gender);
        let voice = fitting().find(is_free).or_else(|| voices.iter().find(is_free)).or_else(|| fitting().next());
        if let Some(voice) = voice.or_else(|| voices.first()) {
            assigned.insert(*id, voice.name.clone());
        }
    }
    assigned
}

/// Whether a label on the command line means this speaker.
pub fn means(label: &str, id: SpeakerId, speaker: &Speaker) -> bool {
    let name = speaker.name.as_ref().and_then(|name| name.reveal());
    label.eq_ignore_ascii_case(&id.to_string()) || name.is_some_and(|name| name.to_lowercase() == label.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn voice(name: &str, language: &str) -> Voice {
        Voice { name: name.to_owned(), language: language.parse().expect("a tag"), gender: Gender::Male }
    }

    #[test]
    fn a_choice_counts_in_the_languages_that_it_speaks() {
        let chosen: BTreeMap<String, String> = [("S1", "es+f2"), ("Ana", "fr+m1"), ("S2", "es")]
            .into_iter()
            .map(|(label, voice)| (label.to_owned(), voice.to_owned()))
            .collect();
        let speaker = |name: Option<&str>| Speaker {
            name: name.map(|name| name.to_owned().into()),
            pitch_hz: None,
            utterances: vec![],
        };
        let speakers = BTreeMap::from([(SpeakerId(1), speaker(Some("Ana"))), (SpeakerId(2), speaker(None))]);
        let check = |voices: &[Voice], expected: [&str; 2]| {
            let assigned = assign(&speakers, &usable(&chosen, voices), voices);
            assert_eq!(assigned.values().map(String::as_str).collect::<Vec<_>>(), expected);
        };
        check(&[voice("es", "es"), voice("es+f2", "es")], ["es+f2", "es"]);
        check(&[voice("fr", "fr"), voice("fr+m1", "fr")], ["fr+m1", "fr"]);
        check(&[voice("ca", "ca"), voice("ca+m1", "ca")], ["ca", "ca+m1"]);
    }
}
