//! What is said, and how it ends.

use super::*;
use crate::cli::{Cli, Command};
use application::{
    ports::read_store::{Batch, ReadStore},
    testing::{MemoryReadStore, RecordedLog, story::Story},
};
use clap::Parser;
use projections::Runner;

struct House {
    store: Arc<MemoryReadStore>,
    rebuild: Rebuild,
}

async fn house() -> House {
    let log = Arc::new(RecordedLog::new(Story::of_events(41, 3, 600).events().to_vec()));
    let store = Arc::new(MemoryReadStore::new());
    Runner::new(log.clone(), store.clone()).catch_up().await.expect("folded");
    House { rebuild: Rebuild::new(log, store.clone(), store.clone()), store }
}

impl House {
    async fn run(&self, words: &str) -> Result<Exit, Failure> {
        let typed = ["dragoman", "projection"].into_iter().chain(words.split(' '));
        let Command::Projection(args) = Cli::try_parse_from(typed).expect("it can be typed").command else {
            unreachable!("it was typed");
        };
        obey(args, &self.rebuild).await
    }

    async fn refused(&self, words: &str) -> (Exit, String) {
        self.run(words).await.map_err(|failure| (failure.exit, failure.message)).expect_err(words)
    }
}

#[tokio::test]
async fn a_shadow_is_made_compared_swapped_and_taken_back() {
    let house = house().await;
    for words in ["list", "list --json", "rebuild jobs --shadow", "diff jobs", "swap jobs", "rollback jobs --json"] {
        assert_eq!(house.run(words).await, Ok(Exit::Done), "{words}");
    }
    for words in ["rebuild jobs tracks jobs", "rebuild --all --shadow", "rebuild --all", "discard tracks"] {
        assert_eq!(house.run(words).await, Ok(Exit::Done), "{words}");
    }
}

#[tokio::test]
async fn rows_that_differ_ask_for_attention_and_are_named() {
    let house = house().await;
    house.run("rebuild jobs --shadow").await.expect("a shadow");
    let jobs = one("jobs").expect("a read model");
    let at = house.store.checkpoint("jobs").await.expect("a checkpoint");
    let mut row = house.store.query(jobs.table(), &[]).await.expect("rows").remove(0);
    row.insert("state".to_owned(), json!("nonsense"));
    let (table, upserts) = (jobs.table(), vec![row]);
    let batch = Batch { projection: "jobs", from: at, to: at, table, upserts, deletes: vec![] };
    house.store.apply(batch).await.expect("written");
    assert_eq!(house.run("diff jobs --rows 3").await, Ok(Exit::Attention));
    let found = house.rebuild.diff(&jobs, 3, &|_| {}).await.expect("a difference");
    let text = show::diff("jobs", &found);
    assert!(text.contains("1 differ, 0 only live, 0 only in the shadow"), "{text}");
    assert!(text.contains("state") && text.contains("\"nonsense\""), "{text}");
    let document = show::diff_document("jobs", &found);
    assert_eq!(document["samples"][0]["columns"]["state"]["live"], "nonsense");
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    let house = house().await;
    let check = async |words: &str, says: &str| {
        let (exit, message) = house.refused(words).await;
        assert_eq!(exit, Exit::Usage, "{words}: {message}");
        assert!(message.contains(says), "{words}: {message}");
    };
    check("rebuild jbos", "did you mean jobs?").await;
    check("rebuild something-else", "`dragoman projection list`").await;
    check("diff jobs", "`dragoman projection rebuild jobs --shadow`").await;
    check("swap jobs", "`dragoman projection rebuild jobs --shadow`").await;
    check("discard jobs", "`dragoman projection rebuild jobs --shadow`").await;
    check("rollback jobs", "nothing to undo").await;
}

#[test]
fn what_is_to_be_rebuilt_must_be_said() {
    let check = |words: &[&str]| {
        let typed = ["dragoman", "projection", "rebuild"].iter().chain(words);
        assert!(Cli::try_parse_from(typed).is_err(), "{words:?}");
    };
    check(&[]);
    check(&["--shadow"]);
    check(&["jobs", "--all"]);
}
