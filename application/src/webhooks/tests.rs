//! The delivery of webhooks over a log and a store in memory, to receivers that do as the test says.

mod house;
mod order;
mod whole;

use crate::{
    ports::{
        delivery_store::{AttemptEnding, DeliveryQuery, DeliveryState, DeliveryStore},
        outbound::{OutboundError, Reach},
    },
    testing::story::{SECRET, Story},
    webhooks::{
        flights::Flights,
        payload::{BODY_BYTES_MAX, delivery_id},
        schedule::PAUSES_MS,
        signature::signed_headers,
    },
};
use domain::{value::Timestamp, webhook::WebhookEvent};
use house::{House, ONE, OTHER, Reply, paused, resumed, target};

#[tokio::test]
async fn events_are_told_to_whom_they_concern_signed_and_once() {
    let house = House::new();
    house.hears("local", target(ONE, &["flow.paused"], 0));
    house.hears("local", target(OTHER, &[], 2));
    house.hears("elsewhere", target(house::FOREIGN, &[], 0));
    house.log.push([paused(1, 1), resumed(1, 2), paused(2, 3), house::of_tenant("elsewhere", resumed(3, 4))]);
    house.settle().await;
    house.settle().await;

    let told = house.told();
    let to = |webhook| told.iter().filter(|one| one.webhook == webhook).map(|one| one.position).collect::<Vec<_>>();
    assert_eq!((to(ONE), to(OTHER), to(house::FOREIGN)), (vec![1, 3], vec![3], vec![4]));
    for one in &told {
        let event = uuid::Uuid::from_u128(u128::from(one.position));
        assert_eq!(one.header("webhook-id"), delivery_id(one.webhook, event).to_string());
        let at = Timestamp::from_unix_ms(one.header("webhook-timestamp").parse::<u64>().unwrap() * 1_000);
        let expected = signed_headers(&house.secrets_of(one.webhook), &one.header("webhook-id"), at, &one.body);
        assert!(expected.iter().all(|(name, value)| one.header(name) == *value));
        assert_eq!(one.header("webhook-signature").split(' ').count(), 2, "by the old secret and the new one");
        assert_eq!((one.header("content-type"), one.reach), ("application/json".to_owned(), Reach::Public));
    }
    assert!(told[0].body.contains("\"type\":\"flow.paused\""), "{}", told[0].body);
}

#[tokio::test]
async fn a_whole_story_is_told_without_anything_personal() {
    let house = House::new();
    house.hears("local", target(ONE, &[], 0));
    let story = Story::of_events(7, 4, 1_000);
    house.log.push(story.events().to_vec());
    house.settle().await;
    let told = house.told();
    let public = story.events().iter().filter(|event| crate::public_events::public(event).is_some()).count();
    assert_eq!(told.len(), public);
    for one in told {
        assert!(one.body.len() < BODY_BYTES_MAX && !one.body.contains(SECRET), "{}", one.body);
    }
}

#[tokio::test]
async fn what_fails_is_tried_again_for_three_days_and_then_given_up() {
    let house = House::new();
    house.hears("local", target(ONE, &[], 0));
    house.log.push([paused(1, 1)]);
    house.replies(|_| Reply::Status(500));
    house.settle().await;
    let began = house.now();
    for (failures, pause) in PAUSES_MS.into_iter().enumerate() {
        let failures = u32::try_from(failures).unwrap() + 1;
        let waiting = house.delivery(ONE, 1).await;
        assert_eq!((waiting.state, waiting.failures), (DeliveryState::Waiting, failures));
        let planned = waiting.not_before.since_ms(house.now());
        assert!((pause * 4 / 5..=pause * 6 / 5).contains(&planned), "{planned} ms after {failures} failures");
        house.clock_to(Timestamp::from_unix_ms(waiting.not_before.unix_ms() - 1));
        house.settle().await;
        assert_eq!(house.told().len() as u32, failures, "not before its time");
        house.clock_to(waiting.not_before);
        house.settle().await;
        assert_eq!(house.told().len() as u32, failures + 1);
    }
    let dead = house.delivery(ONE, 1).await;
    let days = house.now().since_ms(began) as f64 / 86_400_000.0;
    assert!((2.5..4.0).contains(&days), "{days} days");
    assert_eq!((dead.state, dead.failures, dead.attempts.len()), (DeliveryState::Dead, 10, 10));
    assert!(dead.attempts.iter().all(|one| one.status == Some(500) && one.ending == AttemptEnding::Refused));
    // Each time it was the same, but for when it was signed.
    let told = house.told();
    assert!(
        told.iter().all(|one| one.body == told[0].body && one.header("webhook-id") == told[0].header("webhook-id"))
    );
    assert_ne!(told[0].header("webhook-signature"), told[9].header("webhook-signature"));
}

#[tokio::test]
async fn every_way_to_fail_is_told() {
    type Case = (fn() -> Reply, AttemptEnding, Option<u16>);
    let cases: [Case; 9] = [
        (|| Reply::Status(404), AttemptEnding::Refused, Some(404)),
        (|| Reply::Status(307), AttemptEnding::Redirected, Some(307)),
        (|| Reply::Status(100), AttemptEnding::Refused, Some(100)),
        (|| Reply::Error(OutboundError::InvalidUrl), AttemptEnding::InvalidUrl, None),
        (|| Reply::Error(OutboundError::Forbidden), AttemptEnding::Forbidden, None),
        (|| Reply::Error(OutboundError::Unresolved), AttemptEnding::Unresolved, None),
        (|| Reply::Error(OutboundError::Unreachable("no".into())), AttemptEnding::Unreachable, None),
        (|| Reply::Error(OutboundError::TimedOut), AttemptEnding::TimedOut, None),
        (|| Reply::Error(OutboundError::TooLarge), AttemptEnding::AnswerTooLarge, None),
    ];
    for (reply, ending, status) in cases {
        let house = House::new();
        house.hears("local", target(ONE, &[], 0));
        house.log.push([paused(1, 1)]);
        house.replies(move |_| reply());
        house.settle().await;
        let kept = house.delivery(ONE, 1).await;
        let attempt = &kept.attempts[0];
        assert_eq!((attempt.ending, attempt.status, kept.state), (ending, status, DeliveryState::Waiting));
    }
}

#[tokio::test]
async fn a_receiver_may_ask_for_a_longer_pause() {
    let check = async |status, expected: u64| {
        let house = House::new();
        house.hears("local", target(ONE, &[], 0));
        house.log.push([paused(1, 1)]);
        house.replies(move |_| Reply::RetryAfter(status, "3600"));
        house.settle().await;
        let pause = house.delivery(ONE, 1).await.not_before.since_ms(house.now());
        assert_eq!(pause >= 3_600_000, expected == 3_600_000, "{status}: {pause} ms");
    };
    check(429, 3_600_000).await;
    check(503, 3_600_000).await;
    check(500, 5_000).await;
}

#[tokio::test]
async fn a_receiver_that_is_gone_hears_nothing_any_more() {
    let house = House::new();
    house.hears("local", target(ONE, &[], 0));
    house.hears("local", target(OTHER, &[], 0));
    house.log.push([paused(1, 1), resumed(1, 2), paused(2, 3)]);
    house.replies(
        |asked| if asked.webhook == ONE && asked.position == 1 { Reply::Status(410) } else { Reply::Status(204) },
    );
    house.settle().await;
    house.log.push([resumed(2, 4)]);
    house.settle().await;
    assert_eq!(house.disabled(), [ONE]);
    let first = house.delivery(ONE, 1).await;
    assert_eq!((first.state, first.attempts[0].ending), (DeliveryState::Dead, AttemptEnding::Gone));
    let second = house.delivery(ONE, 2).await;
    assert_eq!((second.state, second.attempts[0].ending), (DeliveryState::Dead, AttemptEnding::Inactive));
    let told = house.told();
    assert!(!told.iter().any(|one| one.webhook == ONE && [2, 4].contains(&one.position)), "{told:?}");
    assert_eq!(told.iter().filter(|one| one.webhook == OTHER).count(), 4, "the other one hears everything");
}

#[tokio::test]
async fn what_waits_for_an_inactive_webhook_is_given_up_and_can_be_replayed() {
    let house = House::new();
    house.hears("local", target(ONE, &[], 0));
    house.log.push([paused(1, 1), resumed(1, 2)]);
    house.replies(|_| Reply::Status(500));
    house.settle().await;
    house.silence(ONE);
    house.clock_to(house.now().plus_ms(PAUSES_MS[0] * 2));
    house.settle().await;
    for position in [1, 2] {
        assert_eq!(house.delivery(ONE, position).await.state, DeliveryState::Dead);
    }
    house.hears("local", target(ONE, &[], 0));
    house.replies(|_| Reply::Status(200));
    house.store.replay(&house::tenant("local"), ONE, 1, u64::MAX).await.unwrap();
    house.settle().await;
    for position in [1, 2] {
        assert_eq!(house.delivery(ONE, position).await.state, DeliveryState::Delivered);
    }
}

#[tokio::test]
async fn everything_is_told_once_more_from_any_position() {
    let house = House::new();
    house.hears("local", target(ONE, &["flow.*"], 4));
    // More than a page of the log.
    house.log.push((1..=600).map(|position| paused(u128::from(position % 7), position)));
    house.settle().await;
    let first = house.told();
    assert_eq!(first.len(), 596);
    house.store.replay(&house::tenant("local"), ONE, 3, u64::MAX).await.unwrap();
    house.settle().await;
    let again = &house.told()[596..];
    assert_eq!(again.len(), 598, "also what was before the webhook");
    assert!(house.store.replays().await.unwrap().is_empty());
    for one in &first {
        let other = again.iter().find(|other| other.position == one.position).unwrap();
        assert_eq!((&other.body, other.header("webhook-id")), (&one.body, one.header("webhook-id")));
    }
    // Who is not there is told nothing, and the replay is over.
    house.store.replay(&house::tenant("local"), OTHER, 1, u64::MAX).await.unwrap();
    house.settle().await;
    assert!(house.store.replays().await.unwrap().is_empty() && house.told().len() == 596 + 598);
}

#[tokio::test]
async fn what_the_log_asks_of_deliveries_is_done() {
    let house = House::new();
    house.hears("local", target(ONE, &[], 0));
    house.hears("local", target(OTHER, &[], 0));
    house.log.push([paused(1, 1), resumed(1, 2)]);
    house.settle().await;
    house.log.push([house::of_webhook(ONE, 3, WebhookEvent::WebhookReplayed { from: 2 })]);
    house.settle().await;
    let told = house.told();
    assert_eq!(told.iter().skip(4).map(|one| (one.webhook, one.position)).collect::<Vec<_>>(), [(ONE, 2)]);

    house.replies(|_| Reply::Status(500));
    house.log.push([paused(1, 4)]);
    house.settle().await;
    house.silence(ONE);
    house.log.push([house::of_webhook(ONE, 5, WebhookEvent::WebhookRemoved)]);
    house.settle().await;
    let left = |webhook| DeliveryQuery { webhook, state: None, before: None, limit: 9 };
    assert_eq!(house.store.list(&left(ONE)).await.unwrap(), []);
    assert_eq!(house.store.list(&left(OTHER)).await.unwrap().len(), 3);
    assert_eq!(house.forgotten(), [ONE]);
}

#[tokio::test]
async fn killed_between_sending_and_keeping_it_is_sent_again_as_it_was() {
    let house = House::new();
    house.hears("local", target(ONE, &[], 0));
    house.log.push([paused(1, 1)]);
    house.replies(|_| Reply::Never);
    house.take_in().await;
    let mut flights = Flights::default();
    house.delivery.fill(&mut flights).await.unwrap();
    house.until(|| house.told().len() == 1).await;
    // The receiver has it, and nobody here knows.
    drop(flights);
    assert_eq!(house.delivery(ONE, 1).await.attempts, []);

    house.replies(|_| Reply::Status(200));
    house.clock_to(house.now().plus_ms(60_000));
    house.anew().settle().await;
    let told = house.told();
    assert_eq!(told.len(), 2);
    assert_eq!((&told[0].body, told[0].header("webhook-id")), (&told[1].body, told[1].header("webhook-id")));
    assert_eq!(house.delivery(ONE, 1).await.state, DeliveryState::Delivered);
}

#[tokio::test]
async fn a_webhook_is_tried_at_once_and_nothing_is_kept_of_it() {
    let house = House::new();
    let asked = target(ONE, &["track.*"], 0);
    house.replies(|_| Reply::Status(202));
    let attempt = house.delivery.test(&asked).await.unwrap();
    assert_eq!((attempt.ending, attempt.status), (AttemptEnding::Delivered, Some(202)));
    let told = house.told();
    assert!(told[0].body.contains("\"type\":\"webhook.test\""), "{}", told[0].body);
    assert_eq!(told[0].header("webhook-signature").split(' ').count(), 2);
    // Without a secret, nothing is sent.
    let attempt = house.delivery.test(&target(house::MUTE, &[], 0)).await.unwrap();
    assert_eq!((attempt.ending, house.told().len()), (AttemptEnding::NoSecret, 1));
}
