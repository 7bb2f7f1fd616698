//! A state that another program kept is not mistaken for one of this program.
//!
//! The digests below are of what states are after each event of some histories. When one differs, either the histories
//! do, and both digests are pinned anew; or states are written or folded otherwise: then snapshots of earlier programs
//! must not be used, and `STATE_VERSION` is raised with the digest.

use super::{every_aggregate, histories};
use crate::{aggregates::Aggregate, testing::story::Story};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use std::{fmt::Write, iter::repeat};

/// Kind, version, digest of the histories, digest of the states.
const PINNED: &str = "\
Dubbing 1 e7e1020dd85bf5a1 3a4e8d488a7c8785
Track 1 71e80e53bb9569d6 44eea01c04fa06b8
Asset 1 9df1258d59a89be2 5b922c90b12d62eb
Project 1 40af0547b079bd7c bac15908eba79588
Glossary 1 46396e24f8bb099f a838be572661d904
TenantState 1 6bdb71150aed3945 0a803a584df19adb
Account 1 eb3e07c1ed97f27c 8bc4c141e148d51c
Webhook 1 f37b1cf6d6374f11 2aa8b9f2ea069a98
SecurityDay 1 20f17dcf37fdfd65 6ba453cad828403f
";

/// What stories seldom or never tell, as events are written; it happens to every state at the end of its history.
const SELDOM: [(&str, &[&str]); 5] = [
    (
        "Dubbing",
        &[
            r#"{"DeliveryChosen":{"delivery":{"folder":{"$personal":"a"},"stem":{"$personal":"b"},"sidecars":true,"overwrite":true}}}"#,
            r#"{"TranscriptImported":{"cues":7,"left_out":1}}"#,
            r#"{"TrackRestored":{"language":"es","settings":{"glossary":null,"keep_phrases":{"$personal":[]},"voices":{"$personal":{}},"background":"off","keep_original":true,"embed_subtitles":false},"outcome":"needs-attention"}}"#,
            r#"{"Flow":{"StageSkipped":{"stage":"separate","run":1,"attempt":1,"engine":"none","reason":"why"}}}"#,
            r#"{"Flow":{"StageInherited":{"stage":"ingest","wall_ms":1,"producers":[],"made":2,"reused":3}}}"#,
            r#"{"SourceRejected":{"code":"no-speech","message":"there is no speech"}}"#,
            r#"{"VideoGenerationFailed":{"code":"no-speech"}}"#,
            r#"{"Flow":{"StageUndone":{"stage":"separate"}}}"#,
            r#"{"Flow":"FlowCompensated"}"#,
            r#""VideoGenerationCancelled""#,
        ],
    ),
    (
        "Track",
        &[
            r#"{"Flow":{"StageInherited":{"stage":"translate","wall_ms":1,"producers":[],"made":2,"reused":3}}}"#,
            r#"{"TrackDelivered":{"files":[{"role":"video","path":{"$personal":"a"},"sha256":"0101010101010101010101010101010101010101010101010101010101010101"}]}}"#,
            r#"{"RunCalledOff":{"settings":{"glossary":null,"keep_phrases":{"$personal":[]},"voices":{"$personal":{}},"background":"off","keep_original":true,"embed_subtitles":false}}}"#,
            r#""TrackWithdrawn""#,
            r#"{"Flow":{"StageUndone":{"stage":"publish"}}}"#,
            r#"{"Flow":"FlowCompensated"}"#,
        ],
    ),
    ("Asset", &[r#"{"AssetNotScanned":{"reason":"no-answer"}}"#]),
    (
        "Account",
        &[
            r#"{"PasswordChanged":{"by":"reset"}}"#,
            r#""SecondFactorEnabled""#,
            r#"{"PasswordChanged":{"by":"operator"}}"#,
            r#""SecondFactorEnabled""#,
            r#""SecondFactorDisabled""#,
            r#""AccountDeactivated""#,
            r#""AccountReactivated""#,
            r#"{"ApiKeyRevoked":{"key":"00000000-0000-0000-0000-000000000000"}}"#,
            r#"{"ApiKeyRevoked":{"key":"00000000-0000-0000-0000-000000000001"}}"#,
            r#"{"ApiKeyRevoked":{"key":"00000000-0000-0000-0000-000000000002"}}"#,
        ],
    ),
    (
        "Webhook",
        &[
            r#"{"WebhookChanged":{"url":{"$personal":"a"},"description":{"$personal":"b"},"events":[]}}"#,
            r#"{"WebhookDisabled":{"why":"gone"}}"#,
            r#""WebhookEnabled""#,
            r#""WebhookRemoved""#,
        ],
    ),
];

fn digest<A: Aggregate<Event: Serialize + DeserializeOwned>>(stories: &[Story], lines: &mut String) {
    let kind = std::any::type_name::<A>().rsplit("::").next().unwrap_or_default();
    let seldom = SELDOM.iter().filter(|(of, _)| *of == kind).flat_map(|(_, events)| events.iter());
    let seldom: Vec<A::Event> = seldom.map(|event| serde_json::from_str(event).unwrap()).collect();
    let [mut of_events, mut of_states] = [Sha256::new(), Sha256::new()];
    for events in histories::<A>(stories).into_values() {
        let mut state = A::default();
        for event in events.iter().chain(&seldom) {
            A::evolve(&mut state, event);
            of_events.update(serde_json::to_vec(event).unwrap());
            of_states.update(serde_json::to_vec(&state).unwrap());
        }
    }
    let [of_events, of_states] = [of_events, of_states].map(|digest| hex::encode(digest.finalize()).split_off(48));
    writeln!(lines, "{kind} {} {of_events} {of_states}", A::STATE_VERSION).unwrap();
}

#[test]
fn a_state_that_is_folded_or_written_otherwise_has_another_version() {
    let stories: Vec<Story> = (10..22).map(|seed| Story::of_events(seed, 4, 1_500)).collect();
    let mut found = String::new();
    every_aggregate!(digest(&stories, &mut found));
    for (line, pinned) in found.lines().zip(PINNED.lines().chain(repeat(""))) {
        let [history, known] = [line, pinned].map(|line| line.split(' ').nth(2));
        let advice = if history == known {
            "states differ: raise STATE_VERSION where the aggregate decides, and pin the line that is found then"
        } else {
            "the histories differ: pin the line that is found, with a higher STATE_VERSION if states differ, too"
        };
        assert_eq!(line, pinned, "{advice}; all lines are\n{found}");
    }
    assert_eq!(found, PINNED);
}
