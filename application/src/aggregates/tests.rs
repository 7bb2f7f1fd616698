//! Snapshots: what they spare, that they change nothing, and that states which are kept are understood again.

mod kept;
mod log;
mod snapshots;
mod versions;

use crate::{aggregates::Aggregate, ports::event_log::StreamId, testing::story::Story};
use std::collections::BTreeMap;

/// The histories of one kind of aggregate in some stories, by stream.
fn histories<A: Aggregate>(stories: &[Story]) -> BTreeMap<(usize, StreamId), Vec<A::Event>> {
    let mut histories: BTreeMap<_, Vec<A::Event>> = BTreeMap::new();
    for (number, story) in stories.iter().enumerate() {
        for recorded in story.events() {
            if let Some(event) = A::of(&recorded.event) {
                histories.entry((number, recorded.stream.clone())).or_default().push(event.clone());
            }
        }
    }
    histories
}

/// The same for everything of every kind that there is.
macro_rules! every_aggregate {
    ($check:ident($($argument:expr),*)) => {
        $check::<domain::dubbing::Dubbing>($($argument),*);
        $check::<domain::track::Track>($($argument),*);
        $check::<domain::asset::Asset>($($argument),*);
        $check::<domain::project::Project>($($argument),*);
        $check::<domain::glossary::Glossary>($($argument),*);
        $check::<domain::tenant::TenantState>($($argument),*);
        $check::<domain::account::Account>($($argument),*);
        $check::<domain::webhook::Webhook>($($argument),*);
        $check::<domain::security::SecurityDay>($($argument),*);
    };
}
use every_aggregate;
