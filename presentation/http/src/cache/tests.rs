//! Answers are made once, kept while they are true, and no longer.

use super::*;
use crate::problem::Code;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::sync::Notify;

const ONE: Tag = Tag::One(Uuid::from_u128(1));
const OTHER: Tag = Tag::One(Uuid::from_u128(2));
const LIST: Tag = Tag::List("things");

struct Maker {
    cache: AnswerCache,
    made: AtomicU32,
}

impl Maker {
    fn new() -> Self {
        Self { cache: AnswerCache::new(1 << 20), made: AtomicU32::new(0) }
    }

    /// Asks; the body is how many answers were made before.
    async fn ask(&self, key: &str, tags: &[Tag]) -> u32 {
        self.ask_slowly(key, tags, async {}).await
    }

    async fn ask_slowly(&self, key: &str, tags: &[Tag], wait: impl Future<Output = ()>) -> u32 {
        let make = || async {
            let number = self.made.fetch_add(1, Ordering::SeqCst);
            wait.await;
            Ready::json(&number)
        };
        let ready = self.cache.get_or_make(key, tags, 7, make).await.expect("an answer");
        assert_eq!(ready.position(), 7);
        serde_json::from_slice(&ready.body).expect("a number")
    }
}

#[tokio::test]
async fn an_answer_is_kept_until_one_of_its_tags_changes() {
    let maker = Maker::new();
    assert_eq!(maker.ask("a", &[ONE, LIST]).await, 0);
    assert_eq!(maker.ask("b", &[OTHER]).await, 1);
    maker.cache.invalidate(&[OTHER]);
    assert_eq!((maker.ask("a", &[ONE, LIST]).await, maker.ask("b", &[OTHER]).await), (0, 2));
    maker.cache.invalidate(&[LIST]);
    assert_eq!(maker.ask("a", &[ONE, LIST]).await, 3);
    maker.cache.clear();
    assert_eq!(maker.ask("a", &[ONE, LIST]).await, 4);
}

#[tokio::test]
async fn of_many_who_ask_at_once_one_makes_it() {
    let (maker, go) = (Maker::new(), Notify::new());
    let many = (0..10).map(|_| maker.ask_slowly("a", &[ONE], async { go.notified().await }));
    let (answers, ()) = tokio::join!(futures::future::join_all(many), async { go.notify_one() });
    assert_eq!(answers, [0; 10]);
}

#[tokio::test]
async fn what_changes_while_it_is_made_is_given_but_not_kept() {
    let (maker, begun, go) = (Maker::new(), Notify::new(), Notify::new());
    let wait = async {
        begun.notify_one();
        go.notified().await;
    };
    let meanwhile = async {
        begun.notified().await;
        maker.cache.invalidate(&[ONE]);
        // Who asks after the change does not join the answer from before it.
        let after = maker.ask("a", &[ONE]).await;
        go.notify_one();
        after
    };
    let (before, after) = tokio::join!(maker.ask_slowly("a", &[ONE], wait), meanwhile);
    assert_eq!((before, after), (0, 1));
    assert_eq!(maker.ask("a", &[ONE]).await, 1, "the newer one is kept");
}

#[tokio::test]
async fn a_failure_is_not_kept_and_the_next_one_tries() {
    let maker = Maker::new();
    let fail = || async { Err(Problem::new(Code::Unavailable)) };
    let failed = maker.cache.get_or_make("a", &[ONE], 7, fail).await;
    assert_eq!(failed.expect_err("a failure").code(), Code::Unavailable);
    assert!(maker.cache.state().flights.is_empty());
    assert_eq!(maker.ask("a", &[ONE]).await, 0);
}

#[tokio::test]
async fn who_goes_away_leaves_the_making_to_the_others() {
    let (maker, never) = (Maker::new(), Notify::new());
    let gone = maker.ask_slowly("a", &[ONE], async { never.notified().await });
    let mut gone = Box::pin(gone);
    assert!(futures::poll!(gone.as_mut()).is_pending());
    let stays = maker.ask("a", &[ONE]);
    drop(gone);
    assert!(maker.cache.state().flights.is_empty());
    assert_eq!(stays.await, 1);
}

#[test]
fn a_known_answer_is_not_sent_again() {
    let ready = Ready::of_revision(17, &"a").expect("an answer");
    let tag = ready.tag.header();
    let known = ready.clone().answer(&HeaderMap::from_iter([(header::IF_NONE_MATCH, tag.clone())]));
    assert_eq!((known.status(), known.headers().get(header::ETAG)), (StatusCode::NOT_MODIFIED, Some(&tag)));
    assert_eq!(ready.answer(&HeaderMap::new()).status(), StatusCode::OK);
}
