//! States as they are shown, against those that the read models fold.

use super::{dubbing_state, track_state};
use crate::{
    columns,
    v1::dubbings::view::{DubbingState, TrackState},
};
use application::{
    ports::read_store::ReadStore,
    testing::{MemoryReadStore, RecordedLog, story::Story},
};
use domain::value::TrackId;
use projections::{Runner, jobs};
use std::{collections::BTreeSet, sync::Arc};

#[tokio::test]
async fn the_state_shown_is_the_state_filtered_by() {
    let mut seen = BTreeSet::new();
    for seed in 0..40 {
        let story = Story::of_events(seed, 3, 150 + 20 * usize::try_from(seed).expect("small"));
        let store = Arc::new(MemoryReadStore::new());
        let log = Arc::new(RecordedLog::new(story.events().to_vec()));
        Runner::new(log, store.clone()).catch_up().await.expect("folded");
        for row in store.query(&jobs::TABLE, &[]).await.expect("read") {
            let id = domain::value::DubbingId(columns::id(&row, "job_id").expect("an id"));
            let dubbing = &story.dubbings()[&id];
            let has_begun_track = story.tracks().keys().any(|track| track.dubbing == id);
            let state = dubbing_state(dubbing, has_begun_track);
            assert_eq!(Some(state.name()), columns::text(&row, "phase"), "seed {seed}, {id}");
            assert_eq!(DubbingState::of_name(state.name()), Some(state));
            seen.insert(state);
        }
    }
    assert!(seen.len() >= 5, "{seen:?}");
}

#[test]
fn a_language_is_published_only_with_a_result() {
    let (mut published, mut stale) = (0, 0);
    for seed in 0..40 {
        // Each stops at another moment.
        let story = Story::of_events(seed, 2, 600 + 20 * usize::try_from(seed).expect("small"));
        for (id, dubbing) in story.dubbings() {
            for language in dubbing.tracks.keys() {
                let track = story.tracks().get(&TrackId { dubbing: *id, language: language.clone() });
                let has_result = track.is_some_and(|track| track.published.is_some());
                match track_state(dubbing, language, track) {
                    TrackState::Published | TrackState::NeedsAttention => {
                        assert!(has_result, "seed {seed}, {id}");
                        published += 1;
                    }
                    TrackState::Stale => {
                        assert!(has_result, "seed {seed}, {id}");
                        stale += 1;
                    }
                    TrackState::Withdrawn | TrackState::Cancelled => assert!(!has_result, "seed {seed}, {id}"),
                    TrackState::Queued | TrackState::Processing | TrackState::Failed => {}
                }
            }
        }
    }
    assert!(published > 0 && stale > 0, "{published} published, {stale} stale");
}
