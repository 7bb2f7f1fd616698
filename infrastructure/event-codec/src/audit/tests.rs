//! What the check says of a log with holes, and of one without.

use super::*;
use application::testing::{
    MemoryKeyVault,
    event_log_kit::{append, plain, stream},
};
use std::sync::Arc;

/// Two events of one append, at these positions.
fn rows(codec: &EventCodec, positions: [u64; 2]) -> Vec<Row> {
    let prepared = codec.prepare(append(1, stream(1), 0, vec![plain(1), plain(2)])).expect("prepared");
    let (_, rows) = prepared.chain(&Tail::EMPTY, 0, Timestamp::from_unix_ms(1_000));
    rows.into_iter().zip(positions).map(|(row, position)| Row { position, ..row }).collect()
}

#[test]
fn holes_are_faults_only_where_there_may_be_none() {
    let codec = EventCodec::new("main", Arc::new(MemoryKeyVault::new(1)));
    let check = |mut audit: Audit<'_>, positions: [u64; 2], expected: &[&str]| {
        rows(&codec, positions).iter().for_each(|row| audit.row(row));
        assert_eq!(audit.finish().faults, expected, "{positions:?}");
    };
    check(Audit::new(&codec), [1, 2], &[]);
    check(Audit::new(&codec), [1, 5], &["event 5 stands where event 2 is due"]);
    check(Audit::sparse(&codec), [120, 470], &[]);
    check(Audit::sparse(&codec), [470, 120], &["event 120 stands where one after event 470 is due"]);
    check(Audit::sparse(&codec), [470, 470], &["event 470 stands where one after event 470 is due"]);
}

#[test]
fn time_may_run_backwards_between_streams_only_where_nobody_promised() {
    let codec = EventCodec::new("main", Arc::new(MemoryKeyVault::new(1)));
    let row = |command, ms| {
        let prepared = codec.prepare(append(command, stream(command), 0, vec![plain(1)])).expect("prepared");
        prepared.chain(&Tail::EMPTY, command, Timestamp::from_unix_ms(ms)).1.remove(0)
    };
    let check = |mut audit: Audit<'_>, expected: &[&str]| {
        [row(0, 9_000), row(1, 5_000)].iter().for_each(|row| audit.row(row));
        assert_eq!(audit.finish().faults, expected);
    };
    check(Audit::new(&codec), &["event 2 is recorded earlier than the event before it"]);
    check(Audit::sparse(&codec), &[]);
}
