//! Signing in and out over HTTP: tokens and their exchange, what ends them, and what those hear who guess.

use crate::{
    bad_requests::problem,
    kit::{Options, Server},
    people::{OTHER, PASSWORD, People, Person},
};
use application::{
    identity::IdentitySettings,
    ports::{
        event_log::{DomainEvent, TenancyEvent},
        second_factor::SecondFactor,
    },
};
use domain::{account::AccountEvent, value::Role};
use futures::future::join_all;
use host::RandomIds;
use identity::TotpSecondFactor;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

fn post(server: &Server, path: &str, body: &Value) -> RequestBuilder {
    server.open(Method::POST, path).header("content-type", "application/json").body(body.to_string())
}

fn with(server: &Server, method: Method, path: &str, token: &str, body: &Value) -> RequestBuilder {
    let request = server.open(method, path).bearer_auth(token);
    request.header("content-type", "application/json").body(body.to_string())
}

async fn send(request: RequestBuilder, status: u16) -> Response {
    let answer = request.send().await.expect("an answer");
    if answer.status().as_u16() != status {
        panic!("{} instead of {status}: {}", answer.status(), answer.text().await.expect("a body"));
    }
    answer
}

async fn json_of(answer: Response) -> Value {
    serde_json::from_slice(&answer.bytes().await.expect("a body")).expect("JSON")
}

async fn check(request: RequestBuilder, status: u16, code: &str) -> Value {
    let body = problem(request.send().await.expect("an answer")).await;
    assert_eq!((body["status"].as_u64(), body["code"].as_str()), (Some(status.into()), Some(code)), "{body}");
    body
}

fn by_password(person: &Person) -> Value {
    json!({"grant_type": "password", "username": person.email, "password": PASSWORD})
}

fn by_refresh(token: &Value) -> Value {
    json!({"grant_type": "refresh_token", "refresh_token": token})
}

/// A pair of tokens.
async fn tokens(server: &Server, body: &Value) -> Value {
    json_of(send(post(server, "/v1/auth/token", body), 200).await).await
}

async fn is_in(server: &Server, token: &Value) -> bool {
    server.catch_up().await;
    let token = token.as_str().expect("a token");
    let status = server.open(Method::GET, "/v1/account").bearer_auth(token).send().await.expect("an answer").status();
    assert!(status == 200 || status == 401, "{status}");
    status == 200
}

/// The events of an account, by their types.
async fn told(server: &Server, person: &Person) -> Vec<String> {
    let page = server.api.log.read_log(0, 10_000).await.expect("events");
    let own = page.events.iter().filter(|event| event.stream.subject() == person.id.0);
    own.map(|event| event.event_type.clone()).collect()
}

#[tokio::test]
async fn somebody_is_invited_signs_in_and_out() {
    let server = Server::start().await;
    let admin = server.token("local", Role::Admin).await;
    let new = json!({"email": "Ana@Example.org", "name": "Ana", "role": "creator"});
    let invited = json_of(send(with(&server, Method::POST, "/v1/accounts", &admin, &new), 201).await).await;
    let ticket = invited["link"].as_str().expect("a link").split_once('#').expect("a ticket").1.to_owned();
    let redeem =
        |password: &str| post(&server, "/v1/auth/tickets/redeem", &json!({"ticket": ticket, "password": password}));
    check(redeem("ana@example.org"), 422, "weak-password").await;
    send(redeem(PASSWORD), 204).await;
    check(redeem(PASSWORD), 400, "ticket-invalid").await;
    let form = [("grant_type", "password"), ("username", "ana@example.org"), ("password", PASSWORD)];
    let body = form.map(|(name, value)| format!("{name}={}", value.replace(' ', "+"))).join("&");
    let asked = server.open(Method::POST, "/v1/auth/token").header("content-type", "application/x-www-form-urlencoded");
    let answer = send(asked.body(body), 200).await;
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let pair = json_of(answer).await;
    assert_eq!(
        (&pair["token_type"], &pair["expires_in"], &pair["role"]),
        (&json!("Bearer"), &json!(600), &json!("creator"))
    );
    assert!(is_in(&server, &pair["access_token"]).await);
    server.catch_up().await;
    let own = server.open(Method::GET, "/v1/account").bearer_auth(pair["access_token"].as_str().expect("a token"));
    let own = json_of(send(own, 200).await).await;
    assert_eq!(
        (&own["email"], &own["state"], &own["role"]),
        (&json!("ana@example.org"), &json!("active"), &json!("creator"))
    );
    send(post(&server, "/v1/auth/revoke", &json!({"token": pair["refresh_token"]})), 204).await;
    assert!(!is_in(&server, &pair["access_token"]).await, "the access token ends with its session");
    check(post(&server, "/v1/auth/token", &by_refresh(&pair["refresh_token"])), 400, "refresh-refused").await;
    // Nobody learns whether a token was one.
    send(post(&server, "/v1/auth/revoke", &json!({"token": "dgr_none"})), 204).await;
    check(with(&server, Method::POST, "/v1/accounts", &admin, &new), 409, "email-taken").await;
}

#[tokio::test]
async fn who_guesses_learns_nothing_and_is_slowed_but_the_owner_is_not_locked_out() {
    let server = Server::start().await;
    let person = server.person("local", Role::Creator).await;
    let guess = |email: &str| {
        let body = json!({"grant_type": "password", "username": email, "password": "a wrong guess"});
        post(&server, "/v1/auth/token", &body)
    };
    let (known, unknown) = (guess(&person.email), guess("nobody@example.org"));
    let known = check(known, 400, "sign-in-failed").await;
    assert_eq!(known, check(unknown, 400, "sign-in-failed").await, "the same answer");
    assert_eq!(known["error"], "invalid_grant");
    for _ in 0..3 {
        check(guess(&person.email), 400, "sign-in-failed").await;
    }
    check(guess(&person.email), 400, "sign-in-failed").await;
    let slowed = guess(&person.email).send().await.expect("an answer");
    assert_eq!(slowed.status(), 429);
    let after: u64 = slowed.headers()["retry-after"].to_str().expect("a text").parse().expect("seconds");
    assert!((1..=900).contains(&after), "{after}");
    // The right password is not looked at either, until the time has come.
    check(post(&server, "/v1/auth/token", &by_password(&person)), 429, "slow-down").await;
    server.clock.set(server.api.clock.now().plus_ms(after * 1_000));
    tokens(&server, &by_password(&person)).await;
    server.api.trail.flush().await.expect("written");
    server.catch_up().await;
    let admin = server.token("local", Role::Admin).await;
    let events = server.open(Method::GET, "/v1/security-events?type=sign-in-failed").bearer_auth(&admin);
    let events = json_of(send(events, 200).await).await;
    let whys: Vec<&str> =
        events["items"].as_array().expect("items").iter().filter_map(|item| item["data"]["why"].as_str()).collect();
    for why in ["wrong-password", "unknown-account", "slowed-down"] {
        assert!(whys.contains(&why), "{events}");
    }
}

#[tokio::test]
async fn fifty_exchanges_of_one_token_at_once_leave_one_family() {
    let server = Server::start().await;
    let person = server.person("local", Role::Creator).await;
    let first = tokens(&server, &by_password(&person)).await;
    let exchange = || async { post(&server, "/v1/auth/token", &by_refresh(&first["refresh_token"])).send().await };
    let answers = join_all((0..50).map(|_| exchange())).await;
    let mut next = Vec::new();
    for answer in answers {
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), 200);
        next.push(json_of(answer).await["refresh_token"].clone());
    }
    next.dedup();
    assert_eq!(next.len(), 1, "all get the same successor");
    // Who did not hear the answer asks again, within a moment.
    let again = tokens(&server, &by_refresh(&first["refresh_token"])).await;
    assert_eq!(again["refresh_token"], next[0]);
    assert_eq!(server.api.identity.sessions(person.id).await.expect("sessions").len(), 1);
    tokens(&server, &by_refresh(&next[0])).await;
    assert!(!told(&server, &person).await.contains(&"RefreshTokenReused".to_owned()));
}

#[tokio::test]
async fn a_token_that_is_used_again_later_ends_its_family() {
    let server = Server::start().await;
    let person = server.person("local", Role::Creator).await;
    let first = tokens(&server, &by_password(&person)).await;
    let elsewhere = tokens(&server, &by_password(&person)).await;
    let second = tokens(&server, &by_refresh(&first["refresh_token"])).await;
    server.clock.set(server.api.clock.now().plus_ms(11_000));
    assert!(is_in(&server, &second["access_token"]).await);
    check(post(&server, "/v1/auth/token", &by_refresh(&first["refresh_token"])), 400, "refresh-refused").await;
    // Thief or owner: neither goes on. Other sessions do.
    check(post(&server, "/v1/auth/token", &by_refresh(&second["refresh_token"])), 400, "refresh-refused").await;
    assert!(!is_in(&server, &second["access_token"]).await);
    assert!(is_in(&server, &elsewhere["access_token"]).await);
    let told = told(&server, &person).await;
    assert_eq!(told.iter().filter(|kind| *kind == "RefreshTokenReused").count(), 1, "{told:?}");
}

#[tokio::test]
async fn what_an_admin_changes_holds_at_once() {
    let server = Server::start().await;
    let admin = server.token("local", Role::Admin).await;
    let person = server.person("local", Role::Viewer).await;
    let token = server.sign_in(&person).await;
    let make = || with(&server, Method::POST, "/v1/projects", &token, &json!({"name": "x"}));
    check(make(), 403, "role-too-low").await;
    let path = format!("/v1/accounts/{}", person.id);
    send(with(&server, Method::PATCH, &path, &admin, &json!({"role": "creator"})), 204).await;
    send(make(), 201).await;
    // Who listens is cut off.
    let stream = server.open(Method::GET, "/v1/events").bearer_auth(&token).send().await.expect("a stream");
    send(with(&server, Method::POST, &format!("{path}/deactivate"), &admin, &json!({})), 204).await;
    assert_eq!(make().send().await.expect("an answer").status(), 401);
    let ended = tokio::time::timeout(Duration::from_secs(10), stream.bytes()).await;
    assert!(ended.is_ok(), "the stream ends");
    check(post(&server, "/v1/auth/token", &by_password(&person)), 400, "sign-in-failed").await;
    send(with(&server, Method::POST, &format!("{path}/reactivate"), &admin, &json!({})), 204).await;
    tokens(&server, &by_password(&person)).await;
}

#[tokio::test]
async fn the_last_admin_stays() {
    let server = Server::start().await;
    let admin = server.person("local", Role::Admin).await;
    let token = server.sign_in(&admin).await;
    let path = format!("/v1/accounts/{}", admin.id);
    check(with(&server, Method::PATCH, &path, &token, &json!({"role": "viewer"})), 409, "last-admin").await;
    check(with(&server, Method::POST, &format!("{path}/deactivate"), &token, &json!({})), 409, "last-admin").await;
    let second = server.person("local", Role::Admin).await;
    server.person(OTHER, Role::Admin).await;
    send(with(&server, Method::PATCH, &path, &token, &json!({"role": "viewer"})), 204).await;
    let token = server.sign_in(&second).await;
    let path = format!("/v1/accounts/{}", second.id);
    check(with(&server, Method::PATCH, &path, &token, &json!({"role": "viewer"})), 409, "last-admin").await;
}

#[tokio::test]
async fn a_second_factor_is_enrolled_asked_for_and_never_taken_twice() {
    let server = Server::start().await;
    let person = server.person("local", Role::Admin).await;
    let token = server.sign_in(&person).await;
    let begin = with(&server, Method::POST, "/v1/account/second-factor", &token, &json!({"password": PASSWORD}));
    let uri = json_of(send(begin, 200).await).await["uri"].as_str().expect("an address").to_owned();
    assert!(uri.starts_with("otpauth://totp/"), "{uri}");
    let code = |server: &Server| code(&uri, server.api.clock.now().unix_ms() / 1_000);
    let confirm = |code: &str| with(&server, Method::PUT, "/v1/account/second-factor", &token, &json!({"code": code}));
    check(confirm("000000"), 400, "second-factor-wrong").await;
    send(confirm(&code(&server)), 204).await;
    let sign_in = |code: Option<&str>| {
        let mut body = by_password(&person);
        if let Some(code) = code {
            body["code"] = json!(code);
        }
        post(&server, "/v1/auth/token", &body)
    };
    check(sign_in(None), 400, "second-factor-needed").await;
    check(sign_in(Some(&code(&server))), 400, "second-factor-wrong").await;
    server.clock.set(server.api.clock.now().plus_ms(30_000));
    let next = code(&server);
    send(sign_in(Some(&next)), 200).await;
    check(sign_in(Some(&next)), 400, "second-factor-wrong").await;
    check(sign_in(Some("123")), 400, "second-factor-wrong").await;
    let give_up = |password: &str| {
        with(&server, Method::DELETE, "/v1/account/second-factor", &token, &json!({"password": password}))
    };
    check(give_up("a wrong guess"), 403, "wrong-password").await;
    send(give_up(PASSWORD), 204).await;
    send(sign_in(None), 200).await;
}

/// What an authenticator app shows: RFC 6238 over the secret of the address, by the crate's own adapter.
fn code(uri: &str, unix_s: u64) -> String {
    let secret = uri.split("secret=").nth(1).expect("a secret").split('&').next().expect("a secret").to_owned();
    let bytes = base32(&secret);
    let factor = TotpSecondFactor::new(Arc::new(RandomIds));
    let secret = application::ports::second_factor::TotpSecret::new(bytes.try_into().expect("160 bits"));
    let now = domain::value::Timestamp::from_unix_ms(unix_s * 1_000);
    let codes = (0..1_000_000).map(|number| format!("{number:06}"));
    codes.into_iter().find(|code| factor.matches(&secret, code, now) == Some(unix_s / 30)).expect("a code")
}

/// RFC 4648, without padding.
fn base32(text: &str) -> Vec<u8> {
    let (mut bits, mut held, mut bytes) = (0_u32, 0_u32, Vec::new());
    for letter in text.bytes() {
        let value = if letter.is_ascii_uppercase() { letter - b'A' } else { letter - b'2' + 26 };
        (bits, held) = ((bits << 5) | u32::from(value), held + 5);
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from((bits >> held) & 0xff).expect("a byte"));
        }
    }
    bytes
}

#[tokio::test]
async fn admins_who_must_enrol_may_do_only_that() {
    let settings = IdentitySettings { admins_need_second_factor: true, ..IdentitySettings::default() };
    let people = Some(People { settings, ..People::default() });
    let server = Server::with(Options { people, ..Options::default() }).await;
    let token = server.token("local", Role::Admin).await;
    check(server.open(Method::GET, "/v1/projects").bearer_auth(&token), 403, "second-factor-due").await;
    server.catch_up().await;
    send(server.open(Method::GET, "/v1/account").bearer_auth(&token), 200).await;
    let begin = with(&server, Method::POST, "/v1/account/second-factor", &token, &json!({"password": PASSWORD}));
    let uri = json_of(send(begin, 200).await).await["uri"].as_str().expect("an address").to_owned();
    let code = code(&uri, server.api.clock.now().unix_ms() / 1_000);
    send(with(&server, Method::PUT, "/v1/account/second-factor", &token, &json!({"code": code})), 204).await;
    send(server.open(Method::GET, "/v1/projects").bearer_auth(&token), 200).await;
}

#[tokio::test]
async fn a_new_password_ends_all_other_sessions() {
    let server = Server::start().await;
    let person = server.person("local", Role::Creator).await;
    let (here, there) = (tokens(&server, &by_password(&person)).await, tokens(&server, &by_password(&person)).await);
    let token = here["access_token"].as_str().expect("a token");
    let change = |present: &str, new: &str| {
        with(&server, Method::PUT, "/v1/account/password", token, &json!({"present": present, "new": new}))
    };
    check(change("a wrong guess", "nine barrels of oranges"), 403, "wrong-password").await;
    check(change(PASSWORD, "password1234"), 422, "weak-password").await;
    send(change(PASSWORD, "nine barrels of oranges"), 204).await;
    assert!(is_in(&server, &here["access_token"]).await && !is_in(&server, &there["access_token"]).await);
    check(post(&server, "/v1/auth/token", &by_password(&person)), 400, "sign-in-failed").await;
    let listed = json_of(send(server.open(Method::GET, "/v1/auth/sessions").bearer_auth(token), 200).await).await;
    let items = listed["items"].as_array().expect("items");
    assert_eq!((items.len(), &items[0]["current"]), (1, &json!(true)));
}

#[tokio::test]
async fn keys_act_for_their_owners_within_their_scopes() {
    let server = Server::start().await;
    let person = server.person("local", Role::Creator).await;
    let token = server.sign_in(&person).await;
    let order = json!({"name": "ci", "scopes": ["work:read", "work:write"], "expires_in_days": 1});
    let made = json_of(send(with(&server, Method::POST, "/v1/keys", &token, &order), 201).await).await;
    let (id, key) = (made["id"].as_str().expect("an id"), made["key"].as_str().expect("a key"));
    let project = || with(&server, Method::POST, "/v1/projects", key, &json!({"name": "x"}));
    send(project(), 201).await;
    check(server.open(Method::GET, "/v1/keys").bearer_auth(key), 403, "scope-missing").await;
    let wider = json!({"name": "ci", "scopes": ["results:read"]});
    check(with(&server, Method::POST, "/v1/keys", key, &wider), 403, "scope-missing").await;
    let listed = json_of(send(server.open(Method::GET, "/v1/keys").bearer_auth(&token), 200).await).await;
    let item = &listed["items"][0];
    assert_eq!((&item["name"], &item["state"]), (&json!("ci"), &json!("valid")));
    assert!(item["last_used_at"].is_string() && !listed.to_string().contains(key), "{listed}");
    // Another's keys are nobody's.
    let other = server.token("local", Role::Creator).await;
    check(server.open(Method::DELETE, &format!("/v1/keys/{id}")).bearer_auth(&other), 404, "not-found").await;
    send(server.open(Method::DELETE, &format!("/v1/keys/{id}")).bearer_auth(&token), 204).await;
    assert_eq!(project().send().await.expect("an answer").status(), 401);
    let again = json_of(send(with(&server, Method::POST, "/v1/keys", &token, &order), 201).await).await;
    let key = again["key"].as_str().expect("a key").to_owned();
    let project = || with(&server, Method::POST, "/v1/projects", &key, &json!({"name": "y"}));
    send(project(), 201).await;
    server.clock.set(server.api.clock.now().plus_ms(86_400_000));
    assert_eq!(project().send().await.expect("an answer").status(), 401, "its time is over");
}

#[tokio::test]
async fn a_key_from_a_new_address_is_told() {
    let server = Server::with(Options { proxies: 1, ..Options::default() }).await;
    let person = server.person("local", Role::Creator).await;
    let token = server.sign_in(&person).await;
    let order = json!({"name": "ci", "scopes": ["work:read"]});
    let made = json_of(send(with(&server, Method::POST, "/v1/keys", &token, &order), 201).await).await;
    let key = made["key"].as_str().expect("a key");
    for address in ["192.0.2.1", "192.0.2.1", "192.0.2.2"] {
        let request = server.open(Method::GET, "/v1/projects").bearer_auth(key).header("x-forwarded-for", address);
        send(request, 200).await;
    }
    let page = server.api.log.read_log(0, 10_000).await.expect("events");
    let addresses: Vec<String> = page
        .events
        .iter()
        .filter_map(|event| match &event.event {
            DomainEvent::Tenancy(TenancyEvent::Account(AccountEvent::ApiKeyUsedFromNewAddress { address, .. })) => {
                address.reveal().cloned()
            }
            _ => None,
        })
        .collect();
    assert_eq!(addresses, ["192.0.2.1", "192.0.2.2"]);
}

#[tokio::test]
async fn keys_of_tokens_change_and_nobody_is_logged_out() {
    let server = Server::start().await;
    let person = server.person("local", Role::Viewer).await;
    let key_ids = async || {
        let set = json_of(send(server.open(Method::GET, "/.well-known/jwks.json"), 200).await).await;
        let keys = set["keys"].as_array().expect("keys").clone();
        assert!(
            keys.iter().all(|key| key["kty"] == "OKP" && key["crv"] == "Ed25519" && key.get("d").is_none()),
            "{set}"
        );
        keys.iter().map(|key| key["kid"].as_str().expect("an id").to_owned()).collect::<Vec<_>>()
    };
    let first = key_ids().await;
    assert_eq!(first.len(), 1);
    let mut token = tokens(&server, &by_password(&person)).await;
    for day in 1..=40 {
        server.clock.set(server.api.clock.now().plus_ms(86_400_000 - 60_000));
        token = tokens(&server, &by_refresh(&token["refresh_token"])).await;
        server.api.identity.look_after_keys().await.expect("keys");
        assert!(is_in(&server, &token["access_token"]).await, "day {day}");
        server.clock.set(server.api.clock.now().plus_ms(60_000));
        assert!(is_in(&server, &token["access_token"]).await, "day {day}");
    }
    let last = key_ids().await;
    assert!(!last.contains(&first[0]), "{last:?}");
}

#[tokio::test]
async fn tenants_have_their_own_accounts_and_things() {
    let server = Server::start().await;
    let admin = server.token("local", Role::Admin).await;
    let new = json!({"name": "Studio", "admin_email": "eve@example.org", "admin_name": "Eve"});
    let made = json_of(send(with(&server, Method::POST, "/v1/tenants", &admin, &new), 201).await).await;
    let link = made["admin"]["link"].as_str().expect("a link");
    let ticket = link.split_once('#').expect("a ticket").1;
    send(post(&server, "/v1/auth/tickets/redeem", &json!({"ticket": ticket, "password": PASSWORD})), 204).await;
    let body = json!({"grant_type": "password", "username": "eve@example.org", "password": PASSWORD});
    let token = tokens(&server, &body).await["access_token"].as_str().expect("a token").to_owned();
    server.catch_up().await;
    let accounts = json_of(send(server.open(Method::GET, "/v1/accounts").bearer_auth(&token), 200).await).await;
    assert_eq!(accounts["items"].as_array().expect("items").len(), 1, "{accounts}");
    check(server.open(Method::GET, "/v1/tenants").bearer_auth(&token), 403, "installation-only").await;
    check(server.open(Method::GET, "/metrics").bearer_auth(&token), 403, "installation-only").await;
    let path = format!("/v1/tenants/{}", made["id"].as_str().expect("an id"));
    send(with(&server, Method::PATCH, &path, &admin, &json!({"quotas": {"running_jobs": 2}})), 204).await;
    server.catch_up().await;
    let shown = json_of(send(server.open(Method::GET, &path).bearer_auth(&admin), 200).await).await;
    assert_eq!((&shown["name"], &shown["quotas"]), (&json!("Studio"), &json!({"running_jobs": 2})));
}
