//! The names and versions of all events: one table per aggregate.
//!
//! Each table pairs a variant with its type and the version of its newest shape, by a `match` without
//! a wildcard: a new variant does not compile until it stands here. The sentence beside it goes into
//! `docs/events.md`.

use application::ports::event_log::{DomainEvent, TenancyEvent};
use domain::{
    account::AccountEvent, asset::AssetEvent, dubbing::DubbingEvent, flow::FlowEvent, glossary::GlossaryEvent,
    project::ProjectEvent, queues::QueuesEvent, security::SecurityEvent, tenant::TenantEvent, track::TrackEvent,
    webhook::WebhookEvent,
};

/// What is known of one type of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventDoc {
    /// The aggregate that brings it about.
    pub aggregate: &'static str,
    /// The streams it stands in, by their prefix.
    pub streams: &'static [&'static str],
    /// Its name in the log.
    pub event_type: &'static str,
    /// The version of its newest shape, from 1.
    pub version: u16,
    /// What it says.
    pub says: &'static str,
}

/// All types of events, in the order of their tables.
pub fn catalogue() -> Vec<EventDoc> {
    ALL.concat()
}

const ALL: [&[EventDoc]; 11] =
    [DUBBING, TRACK, FLOW, ASSET, PROJECT, GLOSSARY, TENANT, ACCOUNT, WEBHOOK, SECURITY, QUEUES];

/// An event's name and version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    pub event_type: &'static str,
    pub version: u16,
}

/// The name and version under which an event is stored.
pub(crate) fn name_of(event: &DomainEvent) -> Name {
    match event {
        DomainEvent::Dubbing(event) => dubbing(event),
        DomainEvent::Track(event) => track(event),
        DomainEvent::Asset(event) => asset(event),
        DomainEvent::Project(event) => project(event),
        DomainEvent::Glossary(event) => glossary(event),
        DomainEvent::Tenancy(TenancyEvent::Tenant(event)) => tenant(event),
        DomainEvent::Tenancy(TenancyEvent::Account(event)) => account(event),
        DomainEvent::Tenancy(TenancyEvent::Webhook(event)) => webhook(event),
        DomainEvent::Tenancy(TenancyEvent::Security(event)) => security(event),
        DomainEvent::Tenancy(TenancyEvent::Queues(event)) => queues(event),
    }
}

/// Whether it is the name of a flow's event.
pub(crate) fn is_flow(event_type: &str) -> bool {
    FLOW.iter().any(|doc| doc.event_type == event_type)
}

/// The newest version of a type that may stand in streams of this prefix.
pub(crate) fn newest(event_type: &str, prefix: &str) -> Option<u16> {
    ALL.into_iter()
        .flatten()
        .filter(|doc| doc.event_type == event_type && doc.streams.contains(&prefix))
        .map(|doc| doc.version)
        .next()
}

macro_rules! table {
    ($list:ident $name_of:ident $event:ident $aggregate:literal $streams:tt
     { $($variant:ident $version:literal $says:literal)* } $(nested $nested:ident $inner:ident)?) => {
        const $list: &[EventDoc] = &[$(EventDoc {
            aggregate: $aggregate,
            streams: &$streams,
            event_type: stringify!($variant),
            version: $version,
            says: $says,
        }),*];

        fn $name_of(event: &$event) -> Name {
            match event {
                $($event::$variant { .. } => Name { event_type: stringify!($variant), version: $version },)*
                $($event::$nested(inner) => $inner(inner),)?
            }
        }
    };
}

table! { DUBBING dubbing DubbingEvent "dubbing" ["dubbing-"] {
    VideoGenerationStarted 2 "Someone asked for this video in other languages."
    DeliveryChosen 1 "Results are to be put somewhere else from now on."
    TrackRequested 1 "A target language was asked for, or asked for anew with other settings."
    SourceIngested 1 "The source can be dubbed and is kept."
    SourceRejected 1 "The source cannot be dubbed."
    SpeechSeparated 1 "The sound was decoded and, if an engine can, taken apart."
    SpeechSegmented 1 "Where someone speaks: the utterances to come."
    UtteranceTranscribed 1 "An utterance's words are known."
    UtteranceDropped 1 "What was heard there is no speech."
    SpeakerIdentified 1 "Who says what."
    TranscriptImported 1 "The words come from a transcript and not from recognition."
    UtteranceEdited 1 "A person corrected an utterance."
    UtteranceSplit 1 "A person cut an utterance in two."
    UtterancesMerged 1 "A person joined two utterances."
    RegenerationRequested 1 "A language is to be made anew where lines have changed since, or from a stage on."
    TrackSettled 1 "A language has come to an end, one way or another."
    TrackRestored 1 "A language was being made anew, and that was called off: it is as it was finished before."
    VideoGenerationCompleted 1 "All is done."
    VideoGenerationFailed 1 "It cannot be done."
    VideoGenerationCancelled 1 "Someone called it off."
} nested Flow flow }

table! { TRACK track TrackEvent "track" ["track-"] {
    TrackStarted 2 "The transcript is there: the track begins."
    TrackRevised 1 "It is to be made in another way."
    TranslationEdited 1 "A person worded a line's translation."
    LineDirected 1 "A person said how a line is spoken."
    RegenerationStarted 1 "Lines that changed are made anew, or everything from a stage on."
    RunCalledOff 1 "A new run was called off; what was published before is the result, as before."
    TranslationRouted 1 "How the translation goes, over a pivot language or not."
    UtteranceTranslated 1 "A line's translation."
    VoiceAssigned 1 "A speaker's voice."
    UtteranceSynthesised 1 "A line, spoken."
    SpeechRateChosen 1 "The planner asks for a line at another rate."
    UtteranceFitted 1 "A line's place."
    UtteranceFlagged 1 "A line is not as it should be."
    TrackMixed 2 "Dub over background."
    TrackMuxed 1 "The finished container, without provenance yet."
    QualityAssessed 1 "The finished file was measured."
    ProvenanceSigned 1 "The file carries its provenance."
    TrackPublished 1 "The result is visible."
    TrackDelivered 1 "Files were put where the user wants them."
    TrackWithdrawn 1 "The result is no longer visible."
} nested Flow flow }

table! { FLOW flow FlowEvent "flow" ["dubbing-", "track-"] {
    StageRequested 1 "The stage was asked for; this is the outbox of the work queue."
    StageStarted 1 "A worker began."
    StageCompleted 1 "A worker finished; what it found stands in the events just before."
    StageInherited 1 "The stage is done already: a fork takes over what another job found."
    StageFailed 1 "A worker gave up."
    StageLost 1 "A worker vanished."
    StageReleased 1 "A worker gave its attempt back: it was paused, or its process is being stopped."
    StageRetryScheduled 1 "The stage will be tried again."
    StageParked 1 "Out of attempts: the stage waits for an operator."
    StageSkipped 1 "The stage was passed over, and why."
    StageReopened 1 "The stage, and all that follow from it, are asked for anew."
    StageUndone 1 "A finished stage was undone."
    FlowPaused 1 "No new work is handed out."
    FlowResumed 1 "Work is handed out again; parked stages get a fresh budget."
    FlowCompensated 1 "All that can be undone was undone."
} }

table! { ASSET asset AssetEvent "asset" ["asset-"] {
    AssetUploaded 1 "A file was handed in and is kept."
    AssetScanned 1 "A scanner looked for malware."
    AssetNotScanned 1 "A scanner was to look for malware and gave no verdict; the file is looked at without one."
    AssetValidated 1 "It can be dubbed."
    AssetQuarantined 1 "It cannot, or must not, be dubbed."
    AssetErased 1 "Its owner does not want it any more: name and file are gone."
} }

table! { PROJECT project ProjectEvent "project" ["project-"] {
    ProjectCreated 1 "A group of dubbings was made."
    ProjectRenamed 1 "It is called something else."
    ProjectRemoved 1 "It was removed; its dubbings stay."
} }

table! { GLOSSARY glossary GlossaryEvent "glossary" ["glossary-"] {
    GlossaryCreated 1 "Terms and their translations were kept for later."
    GlossaryReplaced 1 "Something else is in it now."
    GlossaryRemoved 1 "It was removed; dubbings that use it keep their terms."
} }

table! { TENANT tenant TenantEvent "tenant" ["tenant-"] {
    TenantCreated 1 "Somebody has an own part of the installation."
    TenantRenamed 1 "It is called something else."
    QuotasSet 1 "It may use so much."
} }

table! { ACCOUNT account AccountEvent "account" ["account-"] {
    AccountCreated 1 "Somebody may sign in."
    AccountInvited 1 "They were invited to choose a password."
    PasswordChanged 1 "They have another password."
    PasswordResetRequested 1 "Somebody asked for a new password."
    RoleGranted 1 "They are something else in their tenant."
    AccountDeactivated 1 "They may not sign in any more."
    AccountReactivated 1 "They may again."
    SecondFactorEnabled 1 "A second factor is asked for."
    SecondFactorDisabled 1 "No second factor is asked for any more."
    SessionStarted 1 "They signed in."
    SessionEnded 1 "A session came to an end before its time."
    RefreshTokenReused 1 "A refresh token was used once more, and not by who got its successor."
    ApiKeyCreated 1 "A key for programs was made."
    ApiKeyRevoked 1 "A key is not valid any more."
    ApiKeyUsedFromNewAddress 1 "A key was used from somewhere for the first time."
} }

table! { WEBHOOK webhook WebhookEvent "webhook" ["webhook-"] {
    WebhookCreated 1 "Somebody wants to hear of events."
    WebhookChanged 1 "They want to hear of others, or elsewhere."
    WebhookDisabled 1 "Nothing is delivered any more."
    WebhookEnabled 1 "Deliveries go on."
    WebhookSecretRotated 1 "A new secret signs, the one before for a while beside it."
    WebhookReplayed 1 "Everything is delivered anew from a position of the log on."
    WebhookRemoved 1 "Nobody wants to hear any more."
} }

table! { SECURITY security SecurityEvent "security" ["security-"] {
    SignInFailed 1 "Somebody could not sign in."
    AccessRefused 1 "Somebody was refused what they may not do."
    CredentialRefused 1 "Somebody showed a token or a key that is not valid."
    RateLimitReached 1 "Somebody asked too much in too short a time."
    QuotaReached 1 "The tenant has used what it may."
    ConfigurationChanged 1 "The server started with another configuration than before."
    ResultDownloaded 1 "Somebody downloaded what was made."
    RecordsExported 1 "Somebody took records away."
} }

table! { QUEUES queues QueuesEvent "queues" ["queues-"] {
    QueuePaused 1 "No more work of a stage is begun, by anybody."
    QueueResumed 1 "Work of the stage is begun again."
} }

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_name_stands_for_two_events() {
        let names: BTreeSet<_> = catalogue().iter().map(|doc| doc.event_type).collect();
        assert_eq!(names.len(), catalogue().len());
    }

    #[test]
    fn versions_start_at_one_and_every_event_says_something() {
        for doc in catalogue() {
            assert!(doc.version >= 1, "{}", doc.event_type);
            assert!(doc.says.ends_with('.'), "{}", doc.event_type);
        }
    }

    #[test]
    fn a_type_is_known_only_in_its_own_streams() {
        assert_eq!(newest("SourceIngested", "dubbing-"), Some(1));
        assert_eq!(newest("SourceIngested", "track-"), None);
        assert_eq!(newest("StageLost", "dubbing-"), Some(1));
        assert_eq!(newest("StageLost", "track-"), Some(1));
        assert_eq!(newest("Flow", "dubbing-"), None);
    }
}
