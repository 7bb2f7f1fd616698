//! The conformance kit of the request store: every promise of the port, as a check.
//!
//! An adapter's test calls [`run`] with a way to make a fresh store. Deliberately absent: what only a
//! durable store can show (opening again, crashes, full disks).

#![expect(clippy::unwrap_used, clippy::panic, reason = "a conformance kit fails by panicking")]

use super::{CountedIds, ManualClock};
use crate::ports::{
    clock::{Clock, Ids},
    event_log::Tenant,
    request_store::{Answer, Begun, KEY_LIFETIME_MS, RequestIds, RequestStore},
};
use domain::value::Sha256;
use std::{collections::HashSet, future::Future, sync::Arc};

/// Checks every promise on a store with this clock and these ids. The second value that `make` gives
/// lives as long as the store: a temporary folder. Panics at the first broken promise. Needs a runtime of
/// several threads.
pub async fn run<Keep, Made: Future<Output = (Arc<dyn RequestStore>, Keep)>>(
    make: impl Fn(Arc<dyn Clock>, Arc<dyn Ids>) -> Made,
) {
    let (clock, ids) = (Arc::new(ManualClock::default()), Arc::new(CountedIds::default()));
    let (store, _keep) = make(Arc::clone(&clock) as Arc<dyn Clock>, Arc::clone(&ids) as Arc<dyn Ids>).await;
    an_answer_is_repeated_as_it_was_given(&*store).await;
    another_request_is_told_from_a_repetition(&*store).await;
    what_came_to_nothing_is_tried_again_with_its_ids(&*store, &ids).await;
    what_does_not_run_cannot_end(&*store).await;
    names_are_taken_as_they_are(&*store).await;
    one_of_many_at_once_carries_out(&store).await;
    many_keys_at_once_have_ids_of_their_own(&store).await;
    keys_live_for_a_day_from_their_first_beginning(&*store, &clock).await;
}

/// The tenant of most checks.
fn tenant() -> Tenant {
    Tenant::default()
}

fn asked(number: u8) -> Sha256 {
    Sha256::new([number; 32])
}

fn answer(status: u16, body: &[u8]) -> Answer {
    let headers = [("location", "/v1/dubbings/1"), ("x-odd", "a: b; \"c\"\t'd'"), ("x-odd", "")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Answer { status, headers: headers.to_vec(), body: body.to_vec() }
}

/// Begins what must be new.
async fn begin_new(store: &dyn RequestStore, key: &str, fingerprint: Sha256) -> RequestIds {
    match store.begin(&tenant(), key, &fingerprint).await.unwrap() {
        Begun::New(ids) => ids,
        other => panic!("{key:?} is not new: {other:?}"),
    }
}

async fn begin(store: &dyn RequestStore, key: &str, fingerprint: Sha256) -> Begun {
    store.begin(&tenant(), key, &fingerprint).await.unwrap()
}

async fn an_answer_is_repeated_as_it_was_given(store: &dyn RequestStore) {
    let mut answers = vec![answer(202, b"{}"), answer(204, b""), answer(599, &[0, 0xff, b'\'', 0])];
    answers.push(Answer { status: 100, headers: vec![], body: vec![7; 1 << 20] });
    for (number, answer) in answers.into_iter().enumerate() {
        let key = format!("answered {number}");
        let ids = begin_new(store, &key, asked(1)).await;
        assert!(ids.command != ids.resource && ids.command.get_version_num() == 7);
        assert_eq!(ids.resource.get_version_num(), 7);
        assert_eq!(begin(store, &key, asked(1)).await, Begun::Running);
        store.finish(&tenant(), &key, &answer).await.unwrap();
        for _ in 0..2 {
            assert_eq!(begin(store, &key, asked(1)).await, Begun::Answered(answer.clone()));
        }
    }
}

async fn another_request_is_told_from_a_repetition(store: &dyn RequestStore) {
    begin_new(store, "other", asked(1)).await;
    assert_eq!(begin(store, "other", asked(2)).await, Begun::OtherRequest, "while it runs");
    store.abandon(&tenant(), "other").await.unwrap();
    assert_eq!(begin(store, "other", asked(2)).await, Begun::OtherRequest, "after it came to nothing");
    begin_new(store, "other", asked(1)).await;
    store.finish(&tenant(), "other", &answer(200, b"first")).await.unwrap();
    assert_eq!(begin(store, "other", asked(2)).await, Begun::OtherRequest, "after its answer");
    assert_eq!(begin(store, "other", asked(1)).await, Begun::Answered(answer(200, b"first")));
}

async fn what_came_to_nothing_is_tried_again_with_its_ids(store: &dyn RequestStore, ids: &CountedIds) {
    let first = begin_new(store, "again", asked(1)).await;
    let drawn = ids.drawn();
    for _ in 0..3 {
        store.abandon(&tenant(), "again").await.unwrap();
        assert_eq!(begin_new(store, "again", asked(1)).await, first);
        assert_eq!(begin(store, "again", asked(1)).await, Begun::Running);
    }
    assert_eq!(ids.drawn(), drawn, "no ids are drawn in vain");
    store.finish(&tenant(), "again", &answer(201, b"done")).await.unwrap();
    assert_eq!(begin(store, "again", asked(1)).await, Begun::Answered(answer(201, b"done")));
}

async fn what_does_not_run_cannot_end(store: &dyn RequestStore) {
    store.finish(&tenant(), "unknown", &answer(200, b"")).await.unwrap();
    store.abandon(&tenant(), "unknown").await.unwrap();
    begin_new(store, "unknown", asked(1)).await;
    store.abandon(&tenant(), "unknown").await.unwrap();
    store.finish(&tenant(), "unknown", &answer(200, b"late")).await.unwrap();
    begin_new(store, "unknown", asked(1)).await;
    store.finish(&tenant(), "unknown", &answer(200, b"first")).await.unwrap();
    store.finish(&tenant(), "unknown", &answer(200, b"second")).await.unwrap();
    store.abandon(&tenant(), "unknown").await.unwrap();
    assert_eq!(begin(store, "unknown", asked(1)).await, Begun::Answered(answer(200, b"first")));
}

async fn names_are_taken_as_they_are(store: &dyn RequestStore) {
    let long = "k".repeat(10_000);
    let keys = ["", " ", "key", "Key", "key ", "ключ", "'; DROP TABLE requests; --", "%", "a\0b", "a\0c", &long];
    let mut seen = HashSet::new();
    for key in keys {
        for owner in ["local", "Local", "", "l'autre"] {
            let owner = Tenant(owner.to_owned());
            let begun = store.begin(&owner, key, &asked(1)).await.unwrap();
            let Begun::New(ids) = begun else { panic!("{key:?} of {owner:?} is another one's: {begun:?}") };
            assert!(seen.insert(ids.command) && seen.insert(ids.resource));
        }
    }
    store.finish(&Tenant(String::new()), "key", &answer(200, b"")).await.unwrap();
    assert_eq!(begin(store, "key", asked(1)).await, Begun::Running, "another tenant's answer");
}

/// Fifty begin at once, over and over: after an answer, too, and after coming to nothing.
async fn one_of_many_at_once_carries_out(store: &Arc<dyn RequestStore>) {
    for round in 0..10 {
        let key = format!("at once {round}");
        let mut first = None;
        for _ in 0..3 {
            let tries: Vec<_> = (0..50)
                .map(|_| {
                    let (store, key) = (Arc::clone(store), key.clone());
                    tokio::spawn(async move { begin(&*store, &key, asked(1)).await })
                })
                .collect();
            let mut new = Vec::new();
            for one in tries {
                match one.await.unwrap() {
                    Begun::New(ids) => new.push(ids),
                    other => assert_eq!(other, Begun::Running),
                }
            }
            let [ids] = new[..] else { panic!("{} carry it out", new.len()) };
            assert_eq!(*first.get_or_insert(ids), ids);
            store.abandon(&tenant(), &key).await.unwrap();
        }
    }
}

async fn many_keys_at_once_have_ids_of_their_own(store: &Arc<dyn RequestStore>) {
    let tries: Vec<_> = (0..300)
        .map(|number| {
            let store = Arc::clone(store);
            tokio::spawn(async move {
                let (key, body) = (format!("of many {number}"), format!("{number}"));
                let ids = begin_new(&*store, &key, asked(1)).await;
                store.finish(&tenant(), &key, &answer(202, body.as_bytes())).await.unwrap();
                assert_eq!(begin(&*store, &key, asked(1)).await, Begun::Answered(answer(202, body.as_bytes())));
                ids
            })
        })
        .collect();
    let mut seen = HashSet::new();
    for one in tries {
        let ids = one.await.unwrap();
        assert!(seen.insert(ids.command) && seen.insert(ids.resource));
    }
}

async fn keys_live_for_a_day_from_their_first_beginning(store: &dyn RequestStore, clock: &ManualClock) {
    let began = clock.now();
    let answered = begin_new(store, "day: answered", asked(1)).await;
    store.finish(&tenant(), "day: answered", &answer(200, b"old")).await.unwrap();
    let running = begin_new(store, "day: running", asked(1)).await;
    let free = begin_new(store, "day: free", asked(1)).await;
    store.abandon(&tenant(), "day: free").await.unwrap();

    clock.set(began.plus_ms(KEY_LIFETIME_MS - 1));
    assert_eq!(begin(store, "day: answered", asked(1)).await, Begun::Answered(answer(200, b"old")));
    assert_eq!(begin(store, "day: running", asked(1)).await, Begun::Running);
    assert_eq!(begin_new(store, "day: free", asked(1)).await, free, "the day is not over");

    clock.set(began.plus_ms(KEY_LIFETIME_MS));
    store.finish(&tenant(), "day: running", &answer(200, b"too late")).await.unwrap();
    // Another request may have the key from now on. It lives for a day of its own.
    for (key, old) in [("day: answered", answered), ("day: running", running), ("day: free", free)] {
        let new = begin_new(store, key, asked(2)).await;
        assert!(new.command != old.command && new.resource != old.resource, "{key}");
        assert_eq!(begin(store, key, asked(1)).await, Begun::OtherRequest);
    }
    clock.set(began);
    assert_eq!(begin(store, "day: free", asked(2)).await, Begun::Running, "a clock set back ends nothing");
    clock.set(began.plus_ms(2 * KEY_LIFETIME_MS - 1));
    assert_eq!(begin(store, "day: free", asked(2)).await, Begun::Running);
}
