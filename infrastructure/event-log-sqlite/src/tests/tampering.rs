//! Whoever changes the file by hand is found out.

use super::*;
use application::testing::event_log_kit::{append, assert_sound, plain, speech, stream};

/// A closed log of eight events in three streams; 1, 3, 5 and 8 are of the first.
async fn written() -> Place {
    let place = Place::new();
    let log = place.open().await;
    for (command, number, revision, events) in [
        (1, 1, 0, vec![speech("One.")]),
        (2, 2, 0, vec![plain(2)]),
        (3, 1, 1, vec![plain(3)]),
        (4, 2, 1, vec![speech("Four.")]),
        (5, 1, 2, vec![plain(5)]),
        (6, 3, 0, vec![plain(6), plain(7)]),
        (7, 1, 3, vec![plain(8)]),
    ] {
        log.append(append(command, stream(number), revision, events)).await.expect("appended");
    }
    assert_sound(&log, 8).await;
    log.close().await;
    place
}

/// Harms the file and asks what `verify` says of it.
async fn check(harm: &'static str, expected: &str) {
    let place = written().await;
    let mut raw = place.raw().await;
    let guards = "DROP TRIGGER events_are_dense; DROP TRIGGER events_are_never_changed; \
                  DROP TRIGGER events_are_never_deleted";
    sqlx::raw_sql(guards).execute(&mut raw).await.expect("no guards");
    sqlx::raw_sql(harm).execute(&mut raw).await.expect(harm);
    raw.close().await.expect("closed");
    let log = SqliteEventLog::open_read_only(place.file(), codec("main")).await.expect("the log opens");
    let faults = log.verify().await.expect("a verification").faults;
    assert!(faults.iter().any(|fault| fault.contains(expected)), "{harm}: {faults:?}");
}

#[tokio::test]
async fn every_changed_column_is_found_and_named() {
    for (column, value) in [
        ("recorded_at", "'2026-01-31T08:00:00.001Z'"),
        ("event_type", "'SourceRejected'"),
        ("schema_version", "2"),
        ("tenant", "'other'"),
        ("actor", "'someone'"),
        ("command_id", "'00000000-0000-0000-0000-0000000000ff'"),
        ("fingerprint", "prev_hash"),
        ("ordinal", "1"),
        ("causation_id", "event_id"),
        ("correlation_id", "event_id"),
        ("subject_keys", "'[]'"),
        ("artefacts", "'[1]'"),
        ("prev_hash", "hash"),
        ("hash", "prev_hash"),
        ("event_id", "'00000000-0000-0000-0000-0000000000ff'"),
        ("data", "replace(data, '4', '5')"),
        ("data", "CAST(x'ff' AS TEXT)"),
        ("recorded_at", "'yesterday'"),
    ] {
        // The harm is made of this table's words.
        let harm: &'static str = format!("UPDATE events SET {column} = {value} WHERE position = 4").leak();
        check(harm, "event 4 was altered").await;
    }
}

#[tokio::test]
async fn rows_that_go_missing_or_change_places_are_found_and_named() {
    check("DELETE FROM events WHERE position = 3", "event 4 stands where event 3 is due").await;
    check("DELETE FROM events WHERE position = 3", "event 5 has revision 3 of its stream where 2 is due").await;
    check("UPDATE events SET revision = 9 WHERE position = 5", "event 5 was altered").await;
    check("UPDATE events SET stream = 'dubbing-x' WHERE position = 5", "event 5 was altered").await;
    let swap = "UPDATE events SET position = 99 WHERE position = 3; UPDATE events SET position = 3 WHERE position = 5; \
                UPDATE events SET position = 5 WHERE position = 99";
    check(swap, "event 3 stands before the event that it follows in its stream").await;
}

#[tokio::test]
async fn a_swap_of_two_streams_events_changes_no_chain_but_is_ordered_by_time() {
    let place = Place::new();
    let clock = Arc::new(ManualClock::default());
    let log = SqliteEventLog::open(place.file(), codec("main"), clock.clone()).await.expect("the log opens");
    for number in 1..=2 {
        clock.set(domain::value::Timestamp::from_unix_ms(number * 1_000));
        log.append(append(number, stream(number), 0, vec![plain(1)])).await.expect("appended");
    }
    log.close().await;
    let swap = "DROP TRIGGER events_are_never_changed; UPDATE events SET position = 99 WHERE position = 1; \
                UPDATE events SET position = 1 WHERE position = 2; UPDATE events SET position = 2 WHERE position = 99";
    sqlx::raw_sql(swap).execute(&mut place.raw().await).await.expect("swapped");
    let log = SqliteEventLog::open_read_only(place.file(), codec("main")).await.expect("the log opens");
    let faults = log.verify().await.expect("a verification").faults;
    assert_eq!(faults, ["event 2 is recorded earlier than the event before it"]);
}

#[tokio::test]
async fn the_guards_refuse_changes_by_accident() {
    let place = written().await;
    let mut raw = place.raw().await;
    for harm in [
        "UPDATE events SET actor = 'x' WHERE position = 1",
        "DELETE FROM events WHERE position = 8",
        "INSERT OR REPLACE INTO events SELECT * FROM events WHERE position = 8",
        "INSERT INTO events SELECT 10, 's', 1, 'e', event_type, 1, recorded_at, tenant, actor, 'c', fingerprint, 0, \
         NULL, correlation_id, subject_keys, artefacts, data, prev_hash, hash FROM events WHERE position = 8",
    ] {
        assert!(sqlx::raw_sql(harm).execute(&mut raw).await.is_err(), "{harm}");
    }
    drop(raw);
    assert_sound(&place.open().await, 8).await;
}

#[tokio::test]
async fn an_altered_event_is_an_error_for_readers_too() {
    let place = written().await;
    let mut raw = place.raw().await;
    let harm = "DROP TRIGGER events_are_never_changed; UPDATE events SET data = '{}' WHERE position = 3";
    sqlx::raw_sql(harm).execute(&mut raw).await.expect("harmed");
    let log = place.open().await;
    let refused = log.read_log(0, 10).await;
    assert!(matches!(refused, Err(ReadError::Undecodable { position: 3, .. })), "{refused:?}");
    assert_eq!(log.read_log(3, 10).await.expect("the rest").events.len(), 5);
}

#[tokio::test]
async fn a_file_with_a_ruined_page_is_reported_and_not_trusted() {
    let place = written().await;
    let mut bytes = std::fs::read(place.file()).expect("the file");
    for page in (4_096..bytes.len()).step_by(4_096) {
        let mut ruined = bytes.clone();
        ruined[page..page + 4_096].fill(0xa5);
        std::fs::write(place.file(), &ruined).expect("the file");
        let Ok(log) = SqliteEventLog::open_read_only(place.file(), codec("main")).await else { continue };
        let found = log.verify().await;
        assert!(!found.is_ok_and(|found| found.faults.is_empty()), "page at {page}");
    }
    // One byte inside the text of an event, where no structure of the file notices.
    // (Splitting a page leaves copies of old cells behind, hence every occurrence.)
    for start in 0..bytes.len() - 8 {
        if bytes[start..].starts_with(b"\"cues\":5") {
            bytes[start + 7] = b'6';
        }
    }
    std::fs::write(place.file(), &bytes).expect("the file");
    let log = SqliteEventLog::open_read_only(place.file(), codec("main")).await.expect("the log opens");
    let faults = log.verify().await.expect("a verification").faults;
    assert_eq!(faults, ["event 5 was altered: it does not have the hash that is stored with it"]);
}
