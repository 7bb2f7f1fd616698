//! A request is repeated with its key because its answer was lost, and what it needed has changed since.

use crate::{
    film::Film,
    kit::{Options, Server},
};
use application::{
    ports::{
        event_log::{StreamId, Tenant},
        request_store::{Answer, Begun, RequestStore, RequestStoreError},
    },
    testing::{ManualClock, MemoryRequestStore},
};
use async_trait::async_trait;
use domain::{
    asset::{Asset, AssetCommand},
    flow::Stage,
    glossary::{Content, Glossary, GlossaryCommand},
    value::{AssetId, GlossaryId, Personal, Sha256},
};
use host::RandomIds;
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::Arc;

/// Loses every answer: a request that is repeated is carried out once more, under the same ids.
struct Forgetful(MemoryRequestStore);

#[async_trait]
impl RequestStore for Forgetful {
    async fn begin(&self, tenant: &Tenant, key: &str, fingerprint: &Sha256) -> Result<Begun, RequestStoreError> {
        self.0.begin(tenant, key, fingerprint).await
    }

    async fn finish(&self, tenant: &Tenant, key: &str, _: &Answer) -> Result<(), RequestStoreError> {
        self.0.abandon(tenant, key).await
    }

    async fn abandon(&self, tenant: &Tenant, key: &str) -> Result<(), RequestStoreError> {
        self.0.abandon(tenant, key).await
    }
}

async fn forgetful() -> Server {
    let requests = MemoryRequestStore::new(Arc::new(ManualClock::default()), Arc::new(RandomIds));
    Server::with(Options { requests: Some(Arc::new(Forgetful(requests))), ..Options::default() }).await
}

/// Given once, and once more after something has happened: one outcome, and nothing else is written.
async fn check(server: &Server, path: &str, body: Option<&Value>, if_match: &str, meanwhile: impl AsyncFnOnce()) {
    let headers = [("idempotency-key", path), ("if-match", if_match)];
    let headers = if if_match.is_empty() { &headers[..1] } else { &headers[..] };
    let first = server.say(Method::POST, path, body, headers).await;
    assert_eq!(first.status, 202, "{path} {first:?}");
    meanwhile().await;
    let head = server.api.log.head().await.expect("read");
    let again = server.say(Method::POST, path, body, headers).await;
    assert_eq!((again.status, again.position()), (202, first.position()), "{path} {again:?}");
    assert_eq!(server.api.log.head().await.expect("read"), head, "{path}");
    assert!(!again.headers.contains_key("idempotent-replayed"), "its answer was not lost");
}

async fn kept_glossary(server: &Server) -> GlossaryId {
    let id = GlossaryId(server.api.ids.next());
    let name = Personal::new("Terms".to_owned());
    let content = Content { name, language: None, terms: crate::dubbings::set::file("text/csv"), count: 1 };
    server.give::<Glossary>(&StreamId::Glossary(id), GlossaryCommand::Create(content)).await;
    id
}

#[tokio::test]
async fn an_order_outlives_the_glossary_and_the_asset_that_it_names() {
    let server = forgetful().await;
    let (asset, glossary) = (server.asset("talk.mp4").await, kept_glossary(&server).await);
    let body = json!({"asset": asset, "target_languages": ["es"], "glossary": {"id": glossary.0}});
    let remove = async || {
        server.give::<Glossary>(&StreamId::Glossary(glossary), GlossaryCommand::Remove).await;
        server.give::<Asset>(&StreamId::Asset(AssetId(asset)), AssetCommand::Erase).await;
    };
    check(&server, "/v1/dubbings", Some(&body), "", remove).await;
}

#[tokio::test]
async fn more_languages_are_asked_for_once() {
    let server = forgetful().await;
    let (film, glossary) = (Film::published(&server).await, kept_glossary(&server).await);
    let revision = server.api.aggregates.dubbing(film.id).await.expect("read").revision;
    let body = json!({"target_languages": ["ca"], "glossary": {"id": glossary.0}});
    // The first one has changed the dubbing, and the glossary is gone.
    let remove = async || server.give::<Glossary>(&StreamId::Glossary(glossary), GlossaryCommand::Remove).await;
    check(&server, &film.path("/tracks"), Some(&body), &format!("\"{revision}\""), remove).await;
}

#[tokio::test]
async fn what_is_made_anew_is_asked_for_once() {
    let server = forgetful().await;
    let film = Film::published(&server).await;
    let edit = film.send(Method::PATCH, &film.of_track("/utterances/u1"), r#"{"rate":90}"#).header("if-match", "*");
    film.json(edit, 200).await;
    let tag = film.tag(&film.of_track("")).await;
    let carry = async || {
        film.carry().await;
        film.make().await;
    };
    check(&server, &film.of_track("/regenerate"), None, &tag, carry).await;
}

#[tokio::test]
async fn a_fork_is_of_the_origin_as_it_was() {
    let server = forgetful().await;
    let film = Film::transcribed(&server).await;
    let revision = server.api.aggregates.dubbing(film.id).await.expect("read").revision;
    let edit = film.path("/transcript/utterances/u1");
    let change = async || {
        film.json(film.send(Method::PATCH, &edit, r#"{"text":"good night"}"#).header("if-match", "*"), 200).await;
    };
    check(&server, &film.path("/fork?from=translate"), None, &format!("\"{revision}\""), change).await;
}

#[tokio::test]
async fn a_dubbing_is_steered_once() {
    let server = forgetful().await;
    let film = Film::transcribed(&server).await;
    film.begin().await;
    let tag = || async {
        let revision = server.api.aggregates.dubbing(film.id).await.expect("read").revision;
        format!("\"{revision}\"")
    };
    check(&server, &film.path("/pause"), None, &tag().await, async || ()).await;
    let pause_again = async || assert_eq!(server.tell(&film.path("/pause")).await.status, 202);
    check(&server, &film.path("/resume"), None, &tag().await, pause_again).await;
    assert_eq!(server.tell(&film.path("/resume")).await.status, 202);
    film.park(Stage::Translate).await;
    check(&server, &film.path("/retry"), None, &tag().await, async || ()).await;
}

#[tokio::test]
async fn an_order_that_was_taken_is_not_refused_for_a_quota_that_came_since() {
    let server = forgetful().await;
    let asset = server.asset("talk.mp4").await;
    let body = json!({"asset": asset, "target_languages": ["es"]});
    let limit = async || {
        server.limit(&json!({"running_jobs": 1})).await;
        server.catch_up().await;
        assert_eq!(server.order(&body).await.problem().1, "quota-jobs");
    };
    check(&server, "/v1/dubbings", Some(&body), "", limit).await;
}
