//! Many dubbings at a time: places, refusals, pauses, crashes between any two steps, and coming to rest.

use super::{
    each_stage_once,
    faulty_log::FaultyLog,
    house::{House, JOB},
    told::Fault,
};
use application::{
    aggregates::CommandMeta,
    crew::{Crew, Drained},
    ports::event_log::StreamId,
    process_manager::Ending,
};
use domain::{
    dubbing::Phase as Life,
    flow::{Phase, Stage},
    value::DubbingId,
};
use std::{future::Future, sync::Arc, time::Duration};
use tokio::task::JoinSet;
use uuid::Uuid;

const LONG: Duration = Duration::from_secs(60);

fn ids(count: u128) -> Vec<DubbingId> {
    (100..100 + count).map(|number| DubbingId(Uuid::from_u128(number))).collect()
}

async fn all_are(house: &House, ids: &[DubbingId], life: Life) -> bool {
    for id in ids {
        if house.life_of(*id).await != life {
            return false;
        }
    }
    true
}

#[tokio::test(start_paused = true)]
async fn so_many_at_a_time_and_all_in_the_end() {
    let house = House::begin(&["es"]).await;
    house.break_stage(Stage::Ingest, [Fault::UntilSafePoint; 3]);
    let admission = house.admission(3, 100);
    let ids = ids(20);
    for id in &ids {
        house.begin_another(*id).await;
    }
    let crew = house.crew(&admission, vec![]);
    house.until("three are driven", async || house.hanging() == 3).await;
    let depth = admission.depth();
    assert_eq!((depth.active, depth.waiting), (3, 18), "the house's own and twenty others");
    // Three stand at their first stage for as long as they like; stopping lets them go on in the next life.
    assert_eq!(crew.drain(LONG).await, Drained::AtSafePoint);
    let reborn = house.reborn();
    let admission = reborn.admission(3, 100);
    let crew = reborn.crew(&admission, vec![]);
    reborn.until("all are finished", async || all_are(&reborn, &ids, Life::Completed).await).await;
    reborn.until("all places are free", async || admission.depth() == Default::default()).await;
    assert_eq!(reborn.calls(Stage::Publish), 21);
    assert_eq!(crew.drain(LONG).await, Drained::AtSafePoint);
}

#[tokio::test(start_paused = true)]
async fn sixty_four_requests_at_once_get_no_more_places_than_there_are() {
    let house = Arc::new(House::begin(&["es"]).await);
    house.drive().await;
    house.break_stage(Stage::Ingest, [Fault::Hang; 2]);
    let admission = house.admission(2, 10);
    let crew = house.crew(&admission, vec![]);
    let mut requests = JoinSet::new();
    for id in ids(64) {
        let (house, admission) = (Arc::clone(&house), Arc::clone(&admission));
        requests.spawn(async move {
            let place = admission.reserve()?;
            tokio::task::yield_now().await;
            house.begin_another(id).await;
            place.fill(id).await;
            Ok::<_, application::admission::Busy>(id)
        });
    }
    let outcomes = requests.join_all().await;
    let taken = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(taken, 12, "two that are driven and ten that wait");
    let refused = outcomes.iter().find_map(|outcome| outcome.as_ref().err());
    assert_eq!(refused.map(|busy| busy.retry_after), Some(Duration::from_secs(7)));
    house.until("two are driven", async || house.hanging() == 2).await;
    let depth = admission.depth();
    assert_eq!((depth.active, depth.waiting, depth.reserved), (2, 10, 0));
    assert!(admission.reserve().is_err());
    assert_eq!(crew.drain(Duration::ZERO).await, Drained::GivenBack);
}

#[tokio::test(start_paused = true)]
async fn a_place_that_was_not_used_is_free_again() {
    let house = House::begin(&["es"]).await;
    let admission = house.admission(1, 1);
    let (first, second) = (admission.reserve(), admission.reserve());
    assert!(first.is_ok() && second.is_ok() && admission.reserve().is_err());
    drop(first);
    let again = admission.reserve();
    assert!(again.is_ok() && admission.reserve().is_err());
}

#[tokio::test(start_paused = true)]
async fn what_is_parked_or_paused_frees_its_place_and_comes_back() {
    let house = House::begin(&["es"]).await;
    house.break_stage(Stage::Ingest, [Fault::Missing]);
    let admission = house.admission(1, 100);
    let crew = house.crew(&admission, vec![]);
    house.until("the first is parked", async || house.phase(Stage::Ingest).await == Phase::Parked).await;
    house.until("its place is free", async || admission.depth() == Default::default()).await;
    let other = ids(1);
    house.begin_another(other[0]).await;
    house.until("the other is finished", async || all_are(&house, &other, Life::Completed).await).await;
    house.break_stage(Stage::Mix, [Fault::Hang]);
    house.control().retry(JOB, &house.by_user()).await.unwrap_or_else(|error| panic!("{error}"));
    house.until("the first goes on", async || house.hanging() == 1).await;
    house.pause().await;
    house.until("its worker is free", async || house.hanging() == 0).await;
    house.until("and its place", async || admission.depth() == Default::default()).await;
    house.go_on().await;
    house.until("it is finished", async || house.life_of(JOB).await == Life::Completed).await;
    house.cancel_track("es").await;
    house.until("its track is undone", async || house.track("es").await.flow.ended).await;
    house.ask_for(&["es"]).await;
    house
        .until("it is made anew", async || {
            house.calls(Stage::Publish) == 3 && house.life_of(JOB).await == Life::Completed
        })
        .await;
    assert_eq!(crew.drain(LONG).await, Drained::AtSafePoint);
}

#[tokio::test(start_paused = true)]
async fn one_that_cannot_be_read_does_not_hold_up_the_others() {
    let house = House::begin(&["es"]).await;
    let ids = ids(3);
    for id in &ids {
        house.begin_another(*id).await;
    }
    let log = FaultyLog::new(house.log()).with_unreadable(StreamId::Dubbing(ids[0]), 9);
    let behind = house.behind(Arc::new(log));
    let admission = behind.admission(1, 100);
    let crew = behind.crew(&admission, ids.clone());
    house.until("the others are finished", async || all_are(&house, &ids[1..], Life::Completed).await).await;
    assert_eq!(house.life_of(ids[0]).await, Life::Processing, "it could not be read so far");
    house.until("it is tried again", async || all_are(&house, &ids, Life::Completed).await).await;
    assert_eq!(crew.drain(LONG).await, Drained::AtSafePoint);
}

#[tokio::test(start_paused = true)]
async fn finished_and_parked_dubbings_cost_nothing() {
    let house = House::begin(&["es"]).await;
    let ids = ids(30);
    for id in &ids {
        house.begin_another(*id).await;
    }
    house.break_stage(Stage::Mix, [Fault::Missing; 5]);
    let log = Arc::new(FaultyLog::new(house.log()));
    let behind = house.behind(log.clone());
    let admission = behind.admission(4, 100);
    let crew = behind.crew(&admission, vec![]);
    house
        .until("all that can be is finished", async || {
            behind.calls(Stage::Mix) == 31 && admission.depth() == Default::default()
        })
        .await;
    // What listens has heard the last news.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = log.reads();
    tokio::time::sleep(LONG).await;
    assert_eq!(log.reads(), before, "nobody reads what does not move");
    assert_eq!(crew.drain(LONG).await, Drained::AtSafePoint);
}

#[tokio::test(start_paused = true)]
async fn a_crew_gives_back_what_does_not_come_to_a_safe_point() {
    let house = House::begin(&["es"]).await;
    house.break_stage(Stage::Translate, [Fault::Hang]);
    let crew = house.crew(&house.admission(4, 100), vec![]);
    house.until("a stage hangs", async || house.hanging() == 1).await;
    assert_eq!(crew.drain(LONG).await, Drained::GivenBack);
    let cell = house.cell(Stage::Translate).await;
    assert_eq!((cell.phase, cell.losses, cell.failures), (Phase::Waiting, 0, 0));
    assert_eq!(house.reborn().drive().await, Ending::Settled);
}

/// Lets a process die after each single append that there is, many such lives side by side; returns how many there are.
async fn at_every_append<F: Future<Output = bool> + 'static>(dies_after: impl Fn(u64) -> F) -> u64 {
    const SIDE_BY_SIDE: u64 = 32;
    for first in (1..).step_by(SIDE_BY_SIDE as usize) {
        let lives = futures::future::join_all((first..first + SIDE_BY_SIDE).map(&dies_after)).await;
        if lives.contains(&false) {
            return first + lives.iter().filter(|died| **died).count() as u64 - 1;
        }
    }
    unreachable!("every life comes to its end")
}

/// The process dies after so many appends; what was written last nobody heard of. Whether it came to that.
async fn finishes_after_a_crash(appends: u64) -> bool {
    let house = House::begin(&["es"]).await;
    let finish = async |house: &House| {
        house.until("it is finished", async || house.life_of(JOB).await == Life::Completed).await;
    };
    let (reborn, crew, died) = dying_after(&house, appends, finish).await;
    each_stage_once(&reborn, &reborn.completions().await);
    assert_eq!(reborn.faults_of_log().await, Vec::<String>::new(), "after {appends} appends");
    assert_eq!(crew.drain(LONG).await, Drained::AtSafePoint);
    died
}

#[tokio::test(start_paused = true)]
async fn a_crash_between_any_two_steps_loses_nothing() {
    let steps = at_every_append(finishes_after_a_crash).await;
    assert!(steps > 40, "it was cut at every step: {steps}");
}

/// Somebody acts or waits while a crew is at work, which dies after so many appends, and another one takes over: then
/// what nobody answered is done again. The house after that, its crew, and whether the first one died.
async fn dying_after(house: &House, appends: u64, act: impl AsyncFn(&House)) -> (House, Crew, bool) {
    let log = Arc::new(FaultyLog::new(house.log()).dying_after(appends));
    let dying = house.behind(log.clone());
    let crew = dying.crew(&dying.admission(1, 1), vec![JOB]);
    tokio::select! {
        () = act(&dying) => {}
        () = house.until("it died", async || log.is_dead()) => {}
    }
    let died = log.is_dead();
    drop(crew);
    let reborn = house.reborn();
    let crew = reborn.crew(&reborn.admission(1, 1), vec![JOB]);
    if died {
        act(&reborn).await;
    }
    (reborn, crew, died)
}

/// Pauses, lets go on and calls off, every command twice, until all is undone.
async fn steer(house: &House, [pause, resume, cancel]: &[CommandMeta; 3]) {
    house.until("both are at it", async || house.calls(Stage::Mix) >= 2).await;
    let control = house.control();
    for _ in 0..2 {
        control.pause(JOB, pause).await.unwrap_or_else(|error| panic!("{error}"));
        control.resume(JOB, resume).await.unwrap_or_else(|error| panic!("{error}"));
        control.cancel(JOB, cancel).await.unwrap_or_else(|error| panic!("{error}"));
    }
    // What was finished before is kept.
    let is_over = async || {
        let dubbing = house.dubbing().await;
        let mut is_over = dubbing.flow.ended;
        for (language, track) in &dubbing.tracks {
            is_over &= track.outcome.is_some() || house.track(language.as_str()).await.flow.ended;
        }
        is_over
    };
    house.until("it is called off and undone", is_over).await;
}

/// The same while a user steers, and repeats the commands that nobody answered.
async fn is_steered_after_a_crash(appends: u64) -> bool {
    let house = House::begin(&["ca", "es"]).await;
    house.break_stage(Stage::Mix, [Fault::Hang, Fault::Hang]);
    let commands = [house.by_user(), house.by_user(), house.by_user()];
    let (reborn, crew, died) = dying_after(&house, appends, async |house| steer(house, &commands).await).await;
    assert_eq!(reborn.dubbing().await.phase, Life::Cancelled, "after {appends} appends");
    assert_eq!(reborn.faults_of_log().await, Vec::<String>::new(), "after {appends} appends");
    assert_eq!(crew.drain(LONG).await, Drained::AtSafePoint);
    died
}

#[tokio::test(start_paused = true)]
async fn a_crash_between_any_two_steps_of_steering_is_made_good() {
    let steps = at_every_append(is_steered_after_a_crash).await;
    assert!(steps > 40, "it was cut at every step: {steps}");
}

/// Calls a regeneration off, twice, until the dubbing is as it was.
async fn call_off(house: &House, cancel: &CommandMeta) {
    house.until("it is being made anew", async || house.calls(Stage::Mix) >= 2).await;
    for _ in 0..2 {
        house.control().cancel(JOB, cancel).await.unwrap_or_else(|error| panic!("{error}"));
    }
    house.until("it is as it was", async || house.life_of(JOB).await == Life::Completed).await;
}

/// A finished dubbing is made anew, that is called off, and the process dies somewhere in between.
async fn is_as_it_was_after_a_crash(appends: u64) -> bool {
    let house = House::begin(&["es"]).await;
    house.drive().await;
    house.break_stage(Stage::Mix, [Fault::Hang, Fault::Hang]);
    house.regenerate("es", 1).await;
    let cancel = house.by_user();
    let (reborn, crew, died) = dying_after(&house, appends, async |house| call_off(house, &cancel).await).await;
    let is_at_rest = async || {
        let track = reborn.track("es").await;
        !track.cancelled && track.flow.is_at_rest()
    };
    reborn.until("its track is at rest", is_at_rest).await;
    assert_eq!(reborn.calls(Stage::Publish), 1, "after {appends} appends");
    assert_eq!(reborn.faults_of_log().await, Vec::<String>::new(), "after {appends} appends");
    assert_eq!(crew.drain(LONG).await, Drained::AtSafePoint);
    died
}

#[tokio::test(start_paused = true)]
async fn a_crash_between_any_two_steps_of_calling_a_run_off_is_made_good() {
    let steps = at_every_append(is_as_it_was_after_a_crash).await;
    assert!(steps > 15, "it was cut at every step: {steps}");
}
