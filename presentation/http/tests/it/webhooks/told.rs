//! What receivers are told, and when no more.

use super::receiver::{Hooks, verifier};
use application::webhooks::secrets::OVERLAP_MS;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn events_are_told_in_order_and_signed_with_the_secret_that_was_shown_once() {
    let hooks = Hooks::start().await;
    let (path, secret) = hooks.webhook(&["project.*"], "v1").await;
    let (_, key) = hooks.webhook(&["project.renamed"], "v1a").await;
    let project = hooks.happen().await;
    hooks.patch(&project, &json!({"name": "Winter"})).await;
    assert_eq!(hooks.server.say(Method::DELETE, &project, None, &[]).await.status, 204);
    let heard = hooks.hears(4).await;

    let (shared, public): (Vec<_>, Vec<_>) = heard.into_iter().partition(|one| one.is_by(&secret));
    let kinds: Vec<String> = shared.iter().map(super::receiver::Heard::kind).collect();
    assert_eq!(kinds, ["project.created", "project.renamed", "project.removed"]);
    assert!(public.len() == 1 && public[0].kind() == "project.renamed" && public[0].is_by(&key));
    for one in shared.iter().chain(&public) {
        assert_eq!((one.signatures(), one.header("content-type")), (1, "application/json"));
        assert!(project.ends_with(one.json()["data"]["project"].as_str().expect("an id")));
        assert!(!one.body.contains("Autumn") && !one.body.contains("Winter"), "{}", one.body);
    }

    let deliveries = format!("{path}/deliveries");
    let all = hooks.until("all are written down", async || {
        let page = hooks.read(&format!("{deliveries}?state=delivered")).await;
        Some(page).filter(|page| page.body["items"].as_array().is_some_and(|items| items.len() == 3))
    });
    let all = all.await.body["items"].clone();
    assert_eq!((&all[0]["type"], &all[2]["type"]), (&json!("project.removed"), &json!("project.created")));
    assert_eq!(all[2]["id"], shared[0].header("webhook-id"));
    assert_eq!(
        (&all[2]["attempts"][0]["status"], &all[2]["attempts"][0]["ending"]),
        (&json!(200), &json!("delivered"))
    );
    let first = hooks.read(&format!("{deliveries}?limit=2")).await.body;
    let cursor = first["next_cursor"].as_str().expect("a next page");
    let last = hooks.read(&format!("{deliveries}?limit=2&cursor={cursor}")).await.body;
    assert_eq!((&first["items"][1], &last["items"], last.get("next_cursor")), (&all[1], &json!([all[2]]), None));
    assert_eq!(hooks.read(&format!("{deliveries}?state=dead")).await.body, json!({"items": []}));
    assert_eq!(hooks.read(&format!("{deliveries}?state=lost")).await.problem().1, "invalid-query");

    for path in ["/v1/webhooks", &path, &deliveries] {
        let shown = hooks.read(path).await.body.to_string();
        assert!(!shown.contains("whsec_") && !shown.contains("whsk_"), "{path}: {shown}");
    }
}

#[tokio::test]
async fn for_a_day_the_old_secret_signs_beside_the_new_one() {
    for signature in ["v1", "v1a"] {
        let hooks = Hooks::start().await;
        let (path, old) = hooks.webhook(&["project.created"], signature).await;
        let rotated = hooks.server.tell(&format!("{path}/rotate-secret")).await;
        assert_eq!((rotated.status, &rotated.body["signature"]), (200, &json!(signature)));
        let new = verifier(&rotated.body);
        assert_ne!(old, new);
        hooks.happen().await;
        let both = hooks.hears(1).await[0].clone();
        assert!(both.signatures() == 2 && both.is_by(&old) && both.is_by(&new), "{both:?}");

        // Once more within the day: the last two sign.
        let newest = verifier(&hooks.server.tell(&format!("{path}/rotate-secret")).await.body);
        hooks.happen().await;
        let both = hooks.hears(2).await[1].clone();
        assert!(both.signatures() == 2 && !both.is_by(&old) && both.is_by(&new) && both.is_by(&newest), "{both:?}");

        // A moment more: secrets that are drawn within one are told apart by it.
        hooks.server.later(Duration::from_millis(OVERLAP_MS + 1_000));
        hooks.happen().await;
        let alone = hooks.hears(3).await[2].clone();
        assert!(alone.signatures() == 1 && alone.is_by(&newest), "{alone:?}");
    }
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_left_alone_until_somebody_says_otherwise() {
    let hooks = Hooks::start().await;
    let (path, secret) = hooks.webhook(&["project.created"], "v1").await;
    let replay = async |from: u64| hooks.post(&format!("{path}/replay"), &json!({"from_position": from})).await;
    hooks.answer(410);
    hooks.happen().await;
    let first = hooks.hears(1).await[0].clone();
    let gone = hooks.until("it is disabled", async || {
        let read = hooks.read(&path).await.body;
        Some(read).filter(|read| read["enabled"] == json!(false))
    });
    assert_eq!(gone.await["why"], "gone");
    let dead = hooks.until("it is a dead letter", async || {
        let page = hooks.read(&format!("{path}/deliveries?state=dead")).await.body;
        page["items"].get(0).cloned()
    });
    let dead = dead.await;
    assert_eq!((&dead["id"], &dead["attempts"][0]["ending"]), (&json!(first.header("webhook-id")), &json!("gone")));
    let again = format!("{path}/deliveries/{}/redeliver", dead["id"].as_str().expect("an id"));
    assert_eq!(hooks.server.tell(&again).await.problem(), (409, "webhook-disabled", ""));
    assert_eq!(replay(1).await.problem(), (409, "webhook-disabled", ""));

    hooks.answer(204);
    assert_eq!(hooks.patch(&path, &json!({"enabled": true})).await.status, 204);
    let read = hooks.read(&path).await.body;
    assert_eq!((&read["enabled"], read.get("why")), (&json!(true), None));
    let replayed = replay(1).await;
    assert_eq!((replayed.status, replayed.header("location")), (202, format!("{path}/deliveries").as_str()));
    let second = hooks.hears(2).await[1].clone();
    assert_eq!((second.header("webhook-id"), &second.body), (first.header("webhook-id"), &first.body));
    assert!(second.is_by(&secret));

    assert_eq!(hooks.server.tell(&again).await.status, 202);
    assert_eq!(hooks.hears(3).await[2].header("webhook-id"), first.header("webhook-id"));
    let unknown = format!("{path}/deliveries/{}/redeliver", uuid::Uuid::from_u128(7));
    assert_eq!(hooks.server.tell(&unknown).await.problem().1, "not-found");
    assert_eq!(replay(1_000_000).await.problem().1, "position-unknown");
}

#[tokio::test]
async fn a_replay_tells_what_happened_before_the_webhook_was_made() {
    let hooks = Hooks::start().await;
    let project = hooks.happen().await;
    let (path, _) = hooks.webhook(&[], "v1").await;
    hooks.post(&format!("{path}/replay"), &json!({"from_position": 1})).await;
    assert!(project.ends_with(hooks.hears(1).await[0].json()["data"]["project"].as_str().expect("an id")));
}

#[tokio::test]
async fn a_webhook_is_tried_on_demand_even_when_it_rests() {
    let hooks = Hooks::start().await;
    let (path, secret) = hooks.webhook(&["stage.*"], "v1").await;
    let test = format!("{path}/test");
    let tried = hooks.server.tell(&test).await;
    assert_eq!((tried.status, &tried.body["ending"], &tried.body["status"]), (200, &json!("delivered"), &json!(200)));
    let heard = hooks.heard()[0].clone();
    assert!(heard.kind() == "webhook.test" && heard.is_by(&secret), "{heard:?}");

    hooks.answer(500);
    assert_eq!(hooks.patch(&path, &json!({"enabled": false})).await.status, 204);
    let tried = hooks.server.tell(&test).await.body;
    assert_eq!((&tried["ending"], &tried["status"]), (&json!("refused"), &json!(500)));
    assert_eq!(hooks.read(&format!("{path}/deliveries")).await.body, json!({"items": []}), "nothing is kept of it");
}

#[tokio::test]
async fn a_webhook_that_is_removed_leaves_nothing_behind() {
    let hooks = Hooks::start().await;
    let (path, _) = hooks.webhook(&["project.created"], "v1").await;
    let id: uuid::Uuid = path.rsplit('/').next().expect("an id").parse().expect("an id");
    let credentials = hooks.server.api.identity.credentials().clone();
    assert_eq!(credentials.secrets(id).await.expect("secrets").len(), 1);
    hooks.happen().await;
    hooks.hears(1).await;
    assert_eq!(hooks.server.say(Method::DELETE, &path, None, &[("if-match", "\"7\"")]).await.problem().0, 412);
    assert_eq!(hooks.server.say(Method::DELETE, &path, None, &[]).await.status, 204);
    let gone = hooks.until("its secrets are gone", async || {
        let left = credentials.secrets(id).await.expect("secrets");
        left.is_empty().then_some(())
    });
    gone.await;
    let nothing: Value = hooks.read("/v1/webhooks").await.body;
    assert_eq!(nothing, json!({"items": []}));
    for rest in ["", "/deliveries"] {
        assert_eq!(hooks.read(&format!("{path}{rest}")).await.problem().1, "not-found");
    }
}
