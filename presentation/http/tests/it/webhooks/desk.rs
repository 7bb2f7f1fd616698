//! Webhooks are made, changed and refused.

use super::receiver::{Hooks, verifier};
use crate::{
    dubbings::set::Said,
    kit::{OTHER_TOKEN, Server},
};
use application::public_events::PublicEventType;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

/// Leads to the public Internet, and nobody asks it anything here.
const PUBLIC: &str = "https://93.184.216.34/hooks";

async fn post(server: &Server, body: &Value) -> Said {
    server.say(Method::POST, "/v1/webhooks", Some(body), &[]).await
}

#[tokio::test]
async fn addresses_that_lead_inside_are_refused() {
    let server = Server::start().await;
    let long = format!("https://93.184.216.34/{}", "a".repeat(2_000));
    let wrong = [
        "http://93.184.216.34/",
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://localhost/",
        "https://ann:secret@93.184.216.34/",
        "https://93.184.216.34/a b",
        "https://",
        "ftp://93.184.216.34/",
        "file:///etc/passwd",
        "hooks",
        "",
        &long,
    ];
    for url in wrong {
        let refused = post(&server, &json!({"url": url})).await;
        assert_eq!(refused.problem(), (422, "webhook-target", "/url"), "{url}");
    }
    assert_eq!(post(&server, &json!({"url": PUBLIC})).await.status, 201);
    let hooks = Hooks::start().await;
    for url in ["ftp://127.0.0.1/", "http://ann:secret@127.0.0.1/", "hooks"] {
        assert_eq!(post(&hooks.server, &json!({"url": url})).await.problem().1, "webhook-target", "{url}");
    }
}

#[tokio::test]
async fn what_it_is_to_hear_of_must_be_something() {
    let server = Server::start().await;
    let check = async |more: Value, pointer: &str| {
        let mut body = json!({"url": PUBLIC});
        body.as_object_mut().expect("fields").extend(more.as_object().expect("fields").clone());
        assert_eq!(post(&server, &body).await.problem(), (422, "invalid-request", pointer), "{more}");
    };
    for wrong in ["dubbing", "dubbing.*.*", "*", "webhook.test", "dubbing.lost", "Dubbing.*", ""] {
        check(json!({"events": ["track.*", wrong]}), "/events/1").await;
    }
    check(json!({"events": vec!["track.*"; 101]}), "/events").await;
    check(json!({"description": "a\nb"}), "/description").await;
    check(json!({"description": "a".repeat(201)}), "/description").await;
    check(json!({"signature": "v2"}), "/signature").await;
    check(json!({"secret": "whsec_mine"}), "/secret").await;
    assert_eq!(post(&server, &json!({})).await.problem(), (422, "invalid-request", "/url"));
}

#[tokio::test]
async fn a_webhook_lives() {
    let server = Server::start().await;
    let new = json!({"url": PUBLIC, "description": "Shop", "events": ["dubbing.*"]});
    let key = [("idempotency-key", "once")];
    let made = server.say(Method::POST, "/v1/webhooks", Some(&new), &key).await;
    let secret = verifier(&made.body);
    assert!(made.status == 201 && secret.starts_with("whsec_") && made.body["signature"] == "v1", "{made:?}");
    let again = server.say(Method::POST, "/v1/webhooks", Some(&new), &key).await;
    assert_eq!((again.status, &again.body, again.header("etag")), (201, &made.body, made.header("etag")));

    server.catch_up().await;
    let path = made.header("location").to_owned();
    let read = server.read(&path).await;
    assert_eq!((&read.body["url"], &read.body["description"]), (&json!(PUBLIC), &json!("Shop")));
    assert_eq!((&read.body["events"], &read.body["enabled"]), (&json!(["dubbing.*"]), &json!(true)));
    assert_eq!(server.read("/v1/webhooks").await.body["items"], json!([read.body]));

    let patch = async |body: Value, tag: &str| {
        let headers: &[(&str, &str)] = &[("if-match", tag)];
        server.say(Method::PATCH, &path, Some(&body), if tag.is_empty() { &[] } else { headers }).await
    };
    let more = json!({"events": ["track.*"], "description": "", "enabled": false});
    assert_eq!(patch(more.clone(), "").await.problem().1, "revision-required");
    assert_eq!(patch(json!({"url": "https://10.0.0.1/"}), "*").await.problem().1, "webhook-target");
    let changed = patch(more.clone(), read.header("etag")).await;
    assert_eq!(changed.status, 204, "{changed:?}");
    assert_eq!(patch(more.clone(), read.header("etag")).await.problem().1, "revision-mismatch");
    let same = patch(more, changed.header("etag")).await;
    assert_eq!(same.header("etag"), changed.header("etag"), "what is so already changes nothing");
    server.catch_up().await;
    let read = server.read(&path).await.body;
    assert_eq!((&read["url"], read.get("description")), (&json!(PUBLIC), None));
    assert_eq!(
        (&read["events"], &read["enabled"], &read["why"]),
        (&json!(["track.*"]), &json!(false), &json!("owner"))
    );

    let pair = post(&server, &json!({"url": PUBLIC, "signature": "v1a"})).await;
    let key = verifier(&pair.body);
    assert!(key.starts_with("whpk_"));
    server.catch_up().await;
    let read = server.read(pair.header("location")).await.body;
    assert_eq!((&read["signature"], &read["public_key"]), (&json!("v1a"), &json!(key)));
}

#[tokio::test]
async fn a_tenant_has_so_many_webhooks_and_no_more() {
    let server = Server::start().await;
    let mut paths = Vec::new();
    for number in 0..20 {
        // Some are known to the read models already, and some are not.
        if number % 7 == 3 {
            server.catch_up().await;
        }
        let made = post(&server, &json!({"url": PUBLIC})).await;
        assert_eq!(made.status, 201, "{number}: {made:?}");
        paths.push(made.header("location").to_owned());
    }
    assert_eq!(post(&server, &json!({"url": PUBLIC})).await.problem(), (409, "webhook-limit", ""));
    let other = server.open(Method::POST, "/v1/webhooks").bearer_auth(OTHER_TOKEN);
    let other = other.header("content-type", "application/json").body(json!({"url": PUBLIC}).to_string());
    assert_eq!(other.send().await.expect("an answer").status(), 201, "another tenant has its own");
    assert_eq!(server.say(Method::DELETE, &paths[4], None, &[]).await.status, 204);
    server.catch_up().await;
    assert_eq!(post(&server, &json!({"url": PUBLIC})).await.status, 201);
    assert_eq!(post(&server, &json!({"url": PUBLIC})).await.problem().1, "webhook-limit");
}

#[tokio::test]
async fn webhooks_of_another_tenant_are_not_there() {
    let server = Server::start().await;
    let made = post(&server, &json!({"url": PUBLIC})).await;
    server.catch_up().await;
    let id = made.header("location").rsplit('/').next().expect("an id").to_owned();
    let routes = [
        (Method::GET, "", None),
        (Method::PATCH, "", Some(json!({"enabled": false}))),
        (Method::DELETE, "", None),
        (Method::POST, "/test", None),
        (Method::POST, "/rotate-secret", None),
        (Method::POST, "/replay", Some(json!({"from_position": 1}))),
        (Method::GET, "/deliveries", None),
        (Method::POST, "/deliveries/01980000-0000-7000-8000-000000000001/redeliver", None),
    ];
    for (method, rest, body) in routes {
        let ask = async |id: &str| {
            let request = server.open(method.clone(), &format!("/v1/webhooks/{id}{rest}")).bearer_auth(OTHER_TOKEN);
            let request = request.header("if-match", "*");
            let request = match &body {
                Some(body) => request.header("content-type", "application/json").body(body.to_string()),
                None => request,
            };
            let mut said = Said::of(request.send().await.expect("an answer")).await;
            assert_eq!(said.problem().1, "not-found", "{method} {rest}");
            let fields = said.body.as_object_mut().expect("fields");
            fields.remove("request_id");
            fields.remove("instance");
            said.body
        };
        assert_eq!(ask(&id).await, ask(&Uuid::from_u128(9).to_string()).await, "{method} {rest}");
    }
    let list = server.open(Method::GET, "/v1/webhooks").bearer_auth(OTHER_TOKEN);
    assert_eq!(Said::of(list.send().await.expect("an answer")).await.body, json!({"items": []}));
}

#[tokio::test]
async fn every_type_of_event_is_told_with_schema_and_example() {
    let server = Server::start().await;
    let told = server.read("/v1/webhooks/event-types").await.body;
    let items = told["items"].as_array().expect("items");
    assert_eq!(items.len(), PublicEventType::ALL.len());
    for (item, kind) in items.iter().zip(PublicEventType::ALL) {
        assert_eq!((&item["type"], &item["example"]["type"]), (&json!(kind.name()), &json!(kind.name())));
        assert_eq!(item["schema"]["properties"]["type"]["const"], kind.name());
        assert_eq!(item["fields"].as_array().expect("fields").len(), kind.fields().len());
    }
}
