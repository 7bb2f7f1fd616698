//! Somebody who may do everything changes what is written: the check finds it.

use super::*;
use application::testing::event_log_kit::speech;

#[tokio::test(flavor = "multi_thread")]
async fn every_change_is_found() {
    let place = Place::new();
    let check = async |change: &str, expected: &str| {
        let (log, database) = place.log().await;
        for number in 1..=3 {
            log.append(append(number, stream(number % 2), number / 3 * 2, vec![speech("Good evening."), plain(2)]))
                .await
                .expect("appended");
        }
        event_log_kit::assert_sound(&log, 6).await;
        let harm = format!("SET session_replication_role = replica; SET search_path = dragoman_log; {change}");
        place.server.sql(&database, &harm).expect("harmed");
        let found = log.verify().await.expect("a verification");
        assert!(found.faults.iter().any(|fault| fault.contains(expected)), "{change}: {:?}", found.faults);
    };
    check("UPDATE live SET data = replace(data, '2', '3') WHERE position = 2", "event 2 was altered").await;
    check("UPDATE live SET actor = 'nobody' WHERE position = 3", "event 3 was altered").await;
    check("UPDATE live SET recorded_at = recorded_at + interval '1 ms' WHERE position = 4", "event 4 was altered")
        .await;
    check("UPDATE live SET hash = prev_hash WHERE position = 1", "event 2 does not follow").await;
    check("DELETE FROM live WHERE position = 3", "event 4 stands where event 3 is due").await;
    check("UPDATE live SET position = 60 WHERE position = 6", "event 60 stands where event 6 is due").await;
    check("DELETE FROM live WHERE position = 6", "the end or the owner kept for stream").await;
    check("UPDATE streams SET actor = 'nobody'", "the end or the owner kept for stream").await;
    check("UPDATE streams SET revision = 9 WHERE revision = 2", "the end or the owner kept for stream").await;
    check("DELETE FROM commands WHERE position = 2", "what is kept for the command").await;
    check("UPDATE commands SET position = 1 WHERE position = 2", "what is kept for the command").await;
}
