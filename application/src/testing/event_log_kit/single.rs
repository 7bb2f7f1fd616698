//! What one caller after another can rely on.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a kit for tests fails by panicking")]

use super::{
    Subject, append, assert_sound, dubbing, everything, nth, place_of, plain, speech, stream, track_stream, written,
};
use crate::ports::{
    event_log::{AppendError, Appended, DomainEvent, Recorded, Tenant},
    key_vault::KeyVault,
};
use domain::{
    dubbing::DubbingEvent,
    track::TrackEvent,
    value::{Personal, Sha256, Timestamp},
};
use uuid::Uuid;

const NO_HASH: Sha256 = Sha256::new([0; 32]);

pub(super) async fn a_new_log_is_empty(Subject { log, .. }: &Subject) {
    assert_eq!(log.head().await.unwrap(), 0);
    let page = log.read_log(0, 10).await.unwrap();
    assert_eq!((page.events, page.scanned_to, page.head), (vec![], 0, 0));
    assert_eq!(log.read_stream(&stream(1), 1, 10).await.unwrap(), vec![]);
    assert_eq!(log.find_outcome(&Tenant::default(), Uuid::from_u128(1), &stream(1)).await.unwrap(), None);
    assert_sound(log.as_ref(), 0).await;
}

pub(super) async fn what_is_appended_is_read_back(Subject { log, clock, .. }: &Subject) {
    let first = [plain(1), speech("Good evening.")];
    let appended = log.append(append(1, stream(1), 0, first.to_vec())).await.unwrap();
    assert_eq!(place_of(appended), written(log.as_ref(), 2, 2).await);
    clock.set(Timestamp::from_unix_ms(1_800_000_000_000));
    let mut second = append(2, stream(1), 2, vec![plain(3)]);
    second.causation_id = Some(Uuid::from_u128(77));
    let appended = log.append(second).await.unwrap();
    assert_eq!(place_of(appended), written(log.as_ref(), 3, 3).await);

    let events = log.read_stream(&stream(1), 1, 10).await.unwrap();
    assert_eq!(events.iter().map(|event| event.event.clone()).collect::<Vec<_>>(), [&first[..], &[plain(3)]].concat());
    let [one, two, three] = events.as_slice() else { panic!("three events") };
    assert_eq!((one.event_type.as_str(), one.schema_version), ("TranscriptImported", 1));
    assert_eq!((two.position, two.revision, &two.stream), (nth(log.as_ref(), 2).await, 2, &stream(1)));
    assert_eq!((three.command_id, three.causation_id), (Uuid::from_u128(3), Some(Uuid::from_u128(77))));
    assert_eq!((three.actor.as_str(), &three.tenant), ("kit", &Tenant::default()));
    assert_eq!(three.recorded_at, Timestamp::from_unix_ms(1_800_000_000_000));
    assert_eq!((one.prev_hash, two.prev_hash, three.prev_hash), (NO_HASH, one.hash, two.hash));
    assert_eq!(everything(log.as_ref()).await, events);
    assert_sound(log.as_ref(), 3).await;
}

pub(super) async fn a_stream_is_whose_its_first_event_is(Subject { log, vault, .. }: &Subject) {
    assert_eq!(log.owner_of(&stream(1)).await.unwrap(), None);
    let mut first = append(1, stream(1), 0, vec![speech("Good evening."), plain(2)]);
    (first.tenant, first.actor) = (Tenant("theirs".to_owned()), "somebody".to_owned());
    log.append(first).await.unwrap();
    log.append(append(2, stream(1), 2, vec![plain(3)])).await.unwrap();
    // Nothing is opened for it.
    vault.destroy(dubbing(1).0).unwrap();
    let theirs = Some((Tenant("theirs".to_owned()), "somebody".to_owned()));
    assert_eq!(log.owner_of(&stream(1)).await.unwrap(), theirs);
    assert_eq!(log.owner_of(&stream(2)).await.unwrap(), None);
}

pub(super) async fn ids_follow_from_the_command(one: &Subject, other: &Subject) {
    for Subject { log, .. } in [one, other] {
        log.append(append(1, stream(1), 0, vec![plain(1), plain(1)])).await.unwrap();
    }
    let ids = async |subject: &Subject| -> Vec<Uuid> {
        everything(subject.log.as_ref()).await.iter().map(|event| event.event_id).collect()
    };
    let (first, second) = (ids(one).await, ids(other).await);
    assert_eq!(first, second);
    assert_ne!(first.first(), first.last());
}

pub(super) async fn revisions_are_checked(Subject { log, .. }: &Subject) {
    log.append(append(1, stream(1), 0, vec![plain(1), plain(2)])).await.unwrap();
    for (command, expected) in [(2, 0), (3, 1), (4, 3), (5, u64::from(u32::MAX))] {
        let refused = log.append(append(command, stream(1), expected, vec![plain(9)])).await;
        let Err(AppendError::WrongRevision { expected: told, actual: 2 }) = refused else { panic!("{refused:?}") };
        assert_eq!(told, expected);
    }
    let refused = log.append(append(6, stream(2), 1, vec![plain(9)])).await;
    assert!(matches!(refused, Err(AppendError::WrongRevision { expected: 1, actual: 0 })), "{refused:?}");
    assert_sound(log.as_ref(), 2).await;
    // A refused command was not written: it may be repeated with the right revision.
    let appended = log.append(append(2, stream(1), 2, vec![plain(9)])).await.unwrap();
    assert_eq!(place_of(appended), written(log.as_ref(), 3, 3).await);
}

pub(super) async fn a_repeated_command_returns_its_first_outcome(Subject { log, .. }: &Subject) {
    let first = append(1, stream(1), 0, vec![plain(1), plain(2)]);
    let outcome = Appended { replayed: true, ..log.append(first.clone()).await.unwrap() };
    assert_eq!(place_of(outcome), (nth(log.as_ref(), 2).await, 2, true));
    let written = log.read_stream(&stream(1), 2, 1).await.unwrap();
    assert_eq!(written.first().map(|last| last.hash), Some(outcome.hash), "the hash of its last event");
    log.append(append(2, stream(1), 2, vec![plain(3)])).await.unwrap();
    // The stream has moved on: the repetition is recognised nevertheless.
    for expected_revision in [0, 3] {
        let repeated = crate::ports::event_log::Append { expected_revision, ..first.clone() };
        assert_eq!(log.append(repeated).await.unwrap(), outcome);
    }
    assert_eq!(log.find_outcome(&first.tenant, first.command_id, &stream(1)).await.unwrap(), Some(outcome));
    let other = crate::ports::event_log::Append { fingerprint: NO_HASH, expected_revision: 3, ..first };
    assert!(matches!(log.append(other).await, Err(AppendError::CommandIdReused)));
    assert_sound(log.as_ref(), 3).await;
}

pub(super) async fn a_command_is_known_per_tenant_and_stream(Subject { log, .. }: &Subject) {
    let first = append(1, stream(1), 0, vec![plain(1)]);
    log.append(first.clone()).await.unwrap();
    let appended = log.append(append(1, stream(2), 0, vec![plain(1)])).await.unwrap();
    assert_eq!(place_of(appended), written(log.as_ref(), 2, 1).await);
    let mut theirs = append(1, stream(1), 1, vec![plain(1)]);
    theirs.tenant = Tenant("other".to_owned());
    let appended = log.append(theirs.clone()).await.unwrap();
    assert_eq!(place_of(appended), written(log.as_ref(), 3, 2).await);
    let known = log.find_outcome(&theirs.tenant, theirs.command_id, &stream(1)).await.unwrap();
    assert_eq!(known.map(place_of), Some((nth(log.as_ref(), 3).await, 2, true)));
    assert_eq!(log.find_outcome(&Tenant("third".to_owned()), first.command_id, &stream(1)).await.unwrap(), None);
    assert_sound(log.as_ref(), 3).await;
}

pub(super) async fn pages_are_whole_and_bounded(Subject { log, .. }: &Subject) {
    for round in 0..20 {
        for number in 1..=3 {
            log.append(append(round * 3 + number, stream(number), round, vec![plain(1)])).await.unwrap();
        }
    }
    let positions = |events: &[Recorded]| events.iter().map(|event| event.position).collect::<Vec<_>>();
    let all = positions(&everything(log.as_ref()).await);
    let at = |number: usize| *all.get(number - 1).unwrap();
    let page = log.read_log(at(7), 5).await.unwrap();
    assert_eq!((positions(&page.events), page.scanned_to, page.head), ((8..=12).map(at).collect(), at(12), at(60)));
    let end = log.read_log(at(58), 5).await.unwrap();
    assert_eq!((positions(&end.events), end.scanned_to, end.head), (vec![at(59), at(60)], at(60), at(60)));
    let beyond = log.read_log(at(60), 5).await.unwrap();
    assert_eq!((beyond.events, beyond.scanned_to, beyond.head), (vec![], at(60), at(60)));
    let none = log.read_log(at(7), 0).await.unwrap();
    assert_eq!((none.events, none.scanned_to, none.head), (vec![], at(7), at(60)));
    assert_eq!(log.head().await.unwrap(), at(60));
    assert_eq!(log.read_log(u64::MAX, 5).await.unwrap().events, vec![]);
    let part = log.read_stream(&stream(2), 4, 3).await.unwrap();
    assert_eq!(part.iter().map(|event| event.revision).collect::<Vec<_>>(), [4, 5, 6]);
    assert_eq!(positions(&part), [at(11), at(14), at(17)]);
    assert_eq!(log.read_stream(&stream(2), 21, 3).await.unwrap(), vec![]);
    assert_eq!(log.read_stream(&stream(2), 1, usize::MAX).await.unwrap().len(), 20);
    let found = log.verify().await.unwrap();
    assert_eq!((found.events, found.streams, found.faults), (60, 3, vec![]));
}

pub(super) async fn time_never_runs_backwards(Subject { log, clock, .. }: &Subject) {
    // In one stream where no more is promised, and across streams where it is.
    let is_ordered = log.capabilities().ordered_times;
    for (command, ms) in (0..).zip([5_000, 3_000, 9_000, 0, 9_001]) {
        clock.set(Timestamp::from_unix_ms(ms));
        let (number, revision) = if is_ordered { (command, 0) } else { (1, command) };
        log.append(append(command, stream(number), revision, vec![plain(1)])).await.unwrap();
    }
    let times: Vec<_> = everything(log.as_ref()).await.iter().map(|event| event.recorded_at.unix_ms()).collect();
    assert_eq!(times, [5_000, 5_000, 9_000, 9_000, 9_001]);
    assert_sound(log.as_ref(), 5).await;
}

pub(super) async fn erasure_hides_and_breaks_nothing(Subject { log, vault, .. }: &Subject) {
    log.append(append(1, stream(1), 0, vec![speech("Ann"), plain(1)])).await.unwrap();
    log.append(append(2, stream(2), 0, vec![speech("Bob")])).await.unwrap();
    vault.destroy(dubbing(1).0).unwrap();
    let said = |event: &Recorded| match &event.event {
        DomainEvent::Dubbing(DubbingEvent::UtteranceTranscribed(line)) => Some(line.text.clone()),
        _ => None,
    };
    let texts: Vec<_> = everything(log.as_ref()).await.iter().map(said).collect();
    assert_eq!(texts, [Some(Personal::erased()), None, Some(Personal::new("Bob".to_owned()))]);
    assert_sound(log.as_ref(), 3).await;
    let refused = log.append(append(3, stream(1), 2, vec![speech("Ann again")])).await;
    assert!(matches!(refused, Err(AppendError::Unavailable(_))), "{refused:?}");
    // What is not about a person can still be recorded.
    let appended = log.append(append(4, stream(1), 2, vec![plain(1)])).await.unwrap();
    assert_eq!(place_of(appended), written(log.as_ref(), 4, 3).await);
    assert_sound(log.as_ref(), 4).await;
}

pub(super) async fn senseless_appends_are_refused(Subject { log, .. }: &Subject) {
    let nothing = append(1, stream(1), 0, vec![]);
    let misplaced = append(2, track_stream(1), 0, vec![plain(1)]);
    let misplaced_too = append(3, stream(1), 0, vec![DomainEvent::Track(TrackEvent::TrackWithdrawn)]);
    for senseless in [nothing, misplaced, misplaced_too] {
        assert!(matches!(log.append(senseless).await, Err(AppendError::Unavailable(_))));
    }
    assert_sound(log.as_ref(), 0).await;
    let track = append(4, track_stream(1), 0, vec![DomainEvent::Track(TrackEvent::TrackWithdrawn)]);
    let appended = log.append(track).await.unwrap();
    assert_eq!(place_of(appended), written(log.as_ref(), 1, 1).await);
}

pub(super) async fn large_appends_are_whole(Subject { log, .. }: &Subject) {
    const WORDS: &str = "So much to say. ";
    let many: Vec<_> = (0..1_000).map(plain).collect();
    // Sealing makes a text twice as long.
    let bytes_max = log.capabilities().append_bytes_max;
    let long = speech(&WORDS.repeat(bytes_max.map_or(100_000, |max| max / 3 / WORDS.len())));
    let appended = log.append(append(1, stream(1), 0, many.clone())).await.unwrap();
    assert_eq!(place_of(appended), written(log.as_ref(), 1_000, 1_000).await);
    let appended = log.append(append(2, stream(2), 0, vec![long.clone()])).await.unwrap();
    assert_eq!(place_of(appended), written(log.as_ref(), 1_001, 1).await);
    if let Some(max) = bytes_max {
        let too_long = vec![plain(1), speech(&WORDS.repeat(max / WORDS.len()))];
        let refused = log.append(append(3, stream(3), 0, too_long)).await;
        assert!(matches!(refused, Err(AppendError::Unavailable(_))), "{refused:?}");
    }
    let read: Vec<_> = everything(log.as_ref()).await.into_iter().map(|event| event.event).collect();
    assert!(read == [many, vec![long]].concat());
    assert_sound(log.as_ref(), 1_001).await;
}
