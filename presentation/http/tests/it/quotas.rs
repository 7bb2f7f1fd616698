//! Quotas: what is taken, what is refused and with which words, and that nobody gets past them by being quick.

use crate::{
    bad_requests::problem,
    dubbings::set::{SOURCE_MS, Said},
    film::Film,
    kit::{OTHER_TOKEN, Options, Server},
    uploads::{begin, tus},
};
use application::{
    estimate::Prices,
    ports::event_log::{StreamId, TenancyStream, Tenant},
};
use domain::{
    tenant::{TenantCommand, TenantState},
    value::Personal,
};
use http_api::HttpLimits;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

/// Patience enough for a machine that does much else.
fn patient() -> Options {
    let http = HttpLimits { position_wait: Duration::from_secs(20), ..HttpLimits::default() };
    Options { http: Some(http), ..Options::default() }
}

/// A server whose read models keep up by themselves, and whose first tenant may use so much.
async fn limited(options: Options, quotas: Value) -> (Server, AbortOnDropHandle<()>) {
    let server = Server::with(options).await;
    let follows = server.keep_up();
    server.limit(&quotas).await;
    (server, follows)
}

impl Server {
    /// The first tenant may use so much.
    pub async fn limit(&self, quotas: &Value) {
        let id = Tenant::default().id();
        let create = TenantCommand::Create { name: Personal::new("Here".to_owned()) };
        self.give::<TenantState>(&StreamId::Tenancy(TenancyStream::Tenant(id)), create).await;
        let body = json!({ "quotas": quotas });
        let changed = self.say(Method::PATCH, &format!("/v1/tenants/{}", id.0), Some(&body), &[]).await;
        assert_eq!(changed.status, 204, "{changed:?}");
    }

    async fn order_of(&self, asset: Uuid) -> Said {
        self.order(&json!({"asset": asset, "target_languages": ["es"]})).await
    }

    /// Quotas and use, as far as the log goes.
    async fn usage(&self) -> Value {
        let head = self.api.log.head().await.expect("read");
        let usage = self.read(&format!("/v1/usage?min_position={head}")).await;
        assert_eq!(usage.status, 200, "{usage:?}");
        usage.body
    }
}

#[track_caller]
fn refused(said: &Said, status: u16, code: &str, figures: [u64; 3]) {
    assert_eq!((said.status, said.body["code"].as_str()), (status, Some(code)), "{said:?}");
    let found = ["limit", "used", "asked"].map(|name| said.body[name].as_u64());
    assert_eq!(found, figures.map(Some), "{said:?}");
}

#[tokio::test]
async fn no_more_dubbings_are_under_way_than_may_be() {
    let (server, _follows) = limited(patient(), json!({"running_jobs": 2})).await;
    let asset = server.asset("talk.mp4").await;
    let first = server.order_of(asset).await;
    assert_eq!((first.status, server.order_of(asset).await.status), (202, 202));
    let third = server.order_of(asset).await;
    refused(&third, 429, "quota-jobs", [2, 2, 1]);
    assert_eq!(third.header("retry-after"), "30");
    let fork = server.tell(&format!("/v1/dubbings/{}/fork?from=ingest", first.id())).await;
    refused(&fork, 429, "quota-jobs", [2, 2, 1]);
    // More languages of one that is under way are no other dubbing.
    let more = json!({"target_languages": ["ca"]});
    let extended = server.say(Method::POST, &format!("/v1/dubbings/{}/tracks", first.id()), Some(&more), &[]).await;
    assert_eq!(extended.status, 202, "{extended:?}");
    let usage = server.usage().await;
    assert_eq!((&usage["quotas"], &usage["used"]["running_jobs"]), (&json!({"running_jobs": 2}), &json!(2)));
    // One is called off: there is room again.
    assert_eq!(server.tell(&format!("/v1/dubbings/{}/cancel", first.id())).await.status, 202);
    assert_eq!(server.usage().await["used"]["running_jobs"], 1);
    assert_eq!(server.order_of(asset).await.status, 202);
}

#[tokio::test]
async fn of_twenty_orders_at_once_as_many_are_taken_as_may_be() {
    let (server, _follows) = limited(patient(), json!({"running_jobs": 3})).await;
    let asset = server.asset("talk.mp4").await;
    let said = futures::future::join_all((0..20).map(|_| server.order_of(asset))).await;
    let (taken, rest): (Vec<&Said>, Vec<&Said>) = said.iter().partition(|said| said.status == 202);
    assert_eq!(taken.len(), 3, "{said:?}");
    rest.iter().for_each(|said| refused(said, 429, "quota-jobs", [3, 3, 1]));
    assert_eq!(server.usage().await["used"]["running_jobs"], 3);
}

#[tokio::test]
async fn a_dubbing_that_goes_on_after_its_end_is_under_way_again() {
    let (server, _follows) = limited(patient(), json!({"running_jobs": 1})).await;
    let film = Film::published(&server).await;
    film.complete().await;
    assert_eq!(server.usage().await["used"]["running_jobs"], 0);
    let asset = server.asset("talk.mp4").await;
    assert_eq!(server.order_of(asset).await.status, 202);
    let more = json!({"target_languages": ["ca"]});
    let said = server.say(Method::POST, &film.path("/tracks"), Some(&more), &[]).await;
    refused(&said, 429, "quota-jobs", [1, 1, 1]);
}

#[tokio::test]
async fn minutes_end_with_the_quota_and_begin_with_the_month() {
    let (server, _follows) = limited(patient(), json!({"minutes_a_month": 2})).await;
    let asset = server.asset("talk.mp4").await;
    assert_eq!(SOURCE_MS, 60_000);
    let said = futures::future::join_all((0..4).map(|_| server.order_of(asset))).await;
    assert_eq!(said.iter().filter(|said| said.status == 202).count(), 2, "before any source was taken in: {said:?}");
    refused(&server.order_of(asset).await, 402, "quota-minutes", [2, 2, 1]);
    let used = server.usage().await["used"].clone();
    assert_eq!((&used["month"], &used["minutes_a_month"]), (&json!("2026-01"), &json!(2)));
    server.later(Duration::from_secs(86_400));
    assert_eq!(server.usage().await["used"]["minutes_a_month"], 0);
    assert_eq!(server.order_of(asset).await.status, 202);
    let usage = server.usage().await;
    assert_eq!((&usage["used"]["month"], &usage["used"]["minutes_a_month"]), (&json!("2026-02"), &json!(1)));
}

#[tokio::test]
async fn money_is_spent_when_it_is_ordered() {
    let prices = Prices { currency: "EUR".to_owned(), transcribe: 10, translate: 1, synthesise: 2, finish: 4 };
    let (server, _follows) = limited(Options { prices, ..patient() }, json!({"spend_micros_a_month": 24})).await;
    let asset = server.asset("talk.mp4").await;
    let first = server.order_of(asset).await;
    assert_eq!(first.status, 202, "{first:?}");
    assert_eq!(server.usage().await["used"]["spend_micros_a_month"], 17);
    refused(&server.order_of(asset).await, 402, "quota-spend", [24, 17, 17]);
    let fork = format!("/v1/dubbings/{}/fork?from=ingest", first.id());
    refused(&server.tell(&fork).await, 402, "quota-spend", [24, 17, 17]);
    let more = json!({"target_languages": ["ca"]});
    let tracks = format!("/v1/dubbings/{}/tracks", first.id());
    assert_eq!(server.say(Method::POST, &tracks, Some(&more), &[]).await.status, 202, "7 are left");
    assert_eq!(server.usage().await["used"]["spend_micros_a_month"], 24);
    // What is called off before its source was taken in costs nothing.
    assert_eq!(server.tell(&format!("/v1/dubbings/{}/cancel", first.id())).await.status, 202);
    assert_eq!(server.usage().await["used"]["spend_micros_a_month"], 0);
    assert_eq!(server.order_of(asset).await.status, 202);
}

#[tokio::test]
async fn bytes_count_from_the_moment_they_are_announced() {
    let (server, _follows) = limited(patient(), json!({"bytes_a_month": 100})).await;
    let upload = |length: usize| tus(&server, Method::POST, "/v1/uploads").header("upload-length", length);
    let form = |bytes: usize| {
        let head = "Content-Disposition: form-data; name=\"file\"; filename=\"talk.mp4\"\r\nContent-Type: video/mp4";
        let body = format!("--b\r\n{head}\r\n\r\n{}\r\n--b--\r\n", "x".repeat(bytes));
        server.ask(Method::POST, "/v1/assets").header("content-type", "multipart/form-data; boundary=b").body(body)
    };
    let announced = begin(&server, 60).await;
    for request in [upload(41), form(41)] {
        let said = problem(request.send().await.expect("an answer")).await;
        assert_eq!((&said["status"], &said["code"]), (&json!(402), &json!("quota-bytes")), "{said}");
        assert_eq!((&said["limit"], &said["used"], &said["asked"]), (&json!(100), &json!(60), &json!(41)), "{said}");
    }
    let unfinished = server.api.uploads.unfinished().await.expect("uploads");
    assert_eq!(unfinished.len(), 1, "of what was refused nothing is left");
    assert_eq!(form(40).send().await.expect("an answer").status(), 201);
    assert_eq!(server.usage().await["used"]["bytes_a_month"], 100);
    // What becomes an asset counts once, and what is given up not at all.
    let patch = crate::uploads::patch(&server, &announced, 0, "y".repeat(60));
    assert_eq!(patch.send().await.expect("an answer").status(), 204);
    assert_eq!(server.usage().await["used"]["bytes_a_month"], 100);
    assert_eq!(upload(1).send().await.expect("an answer").status(), 402);
    server.later(Duration::from_secs(86_400));
    let given_up = begin(&server, 100).await;
    assert_eq!(upload(1).send().await.expect("an answer").status(), 402);
    assert_eq!(tus(&server, Method::DELETE, &given_up).send().await.expect("an answer").status(), 204);
    assert_eq!(upload(100).send().await.expect("an answer").status(), 201);
    // Another tenant has quotas of its own, and none here.
    let theirs = server.open(Method::POST, "/v1/uploads").bearer_auth(OTHER_TOKEN).header("tus-resumable", "1.0.0");
    assert_eq!(theirs.header("upload-length", 1_000).send().await.expect("an answer").status(), 201);
}

#[tokio::test]
async fn of_uploads_at_once_as_many_begin_as_may_be() {
    let (server, _follows) = limited(patient(), json!({"bytes_a_month": 100})).await;
    let upload = || tus(&server, Method::POST, "/v1/uploads").header("upload-length", 30).send();
    let answers = futures::future::join_all((0..10).map(|_| upload())).await;
    let statuses = answers.into_iter().map(|answer| answer.expect("an answer").status().as_u16());
    assert_eq!(statuses.filter(|status| *status == 201).count(), 3);
}

#[tokio::test]
async fn a_refusal_stands_in_the_security_trail() {
    let (server, _follows) = limited(patient(), json!({"running_jobs": 0})).await;
    let asset = server.asset("talk.mp4").await;
    for _ in 0..3 {
        refused(&server.order_of(asset).await, 429, "quota-jobs", [0, 0, 1]);
    }
    server.api.trail.flush().await.expect("written");
    let head = server.api.log.head().await.expect("read");
    let events = server.read(&format!("/v1/security-events?type=quota-reached&min_position={head}")).await;
    let items = events.body["items"].as_array().expect("items");
    assert_eq!(items.len(), 1, "{events:?}");
    assert_eq!((&items[0]["data"]["quota"], &items[0]["data"]["times"]), (&json!("running-jobs"), &json!(3)));
}

#[tokio::test]
async fn a_repetition_of_what_was_taken_is_answered_as_the_first_time() {
    let (server, _follows) = limited(patient(), json!({"running_jobs": 1})).await;
    let body = json!({"asset": server.asset("talk.mp4").await, "target_languages": ["es"]});
    let order = |key: &'static str| {
        let body = body.clone();
        let server = &server;
        async move { server.say(Method::POST, "/v1/dubbings", Some(&body), &[("idempotency-key", key)]).await }
    };
    let (first, again) = (order("one").await, order("one").await);
    assert_eq!((first.status, again.status, first.id()), (202, 202, again.id()));
    // A refusal is no answer for ever: the key is free for a later try.
    refused(&order("two").await, 429, "quota-jobs", [1, 1, 1]);
    assert_eq!(server.tell(&format!("/v1/dubbings/{}/cancel", first.id())).await.status, 202);
    server.usage().await;
    assert_eq!(order("two").await.status, 202);
}

#[tokio::test]
async fn nobody_is_let_in_on_old_figures() {
    let server = Server::start().await;
    let asset = server.asset("talk.mp4").await;
    server.limit(&json!({"running_jobs": 5})).await;
    // The read models have come nowhere.
    let said = server.order_of(asset).await;
    assert_eq!((said.problem().0, said.problem().1, said.header("retry-after")), (503, "unavailable", "1"));
    server.catch_up().await;
    assert_eq!(server.order_of(asset).await.status, 202);
    // And not to this order.
    assert_eq!(server.order_of(asset).await.status, 503);
    server.catch_up().await;
    assert_eq!(server.order_of(asset).await.status, 202);
}
