//! Who may what: every route, for every role, with what is one's own, another's, another tenant's, and nobody's; and without
//! a token that holds. Made from the table of routes, so that no route is forgotten.

use crate::{
    film::Film,
    kit::Server,
    people::{ISSUER, OTHER, Person},
};
use application::{
    aggregates::{Aggregate, CommandMeta},
    policy::{Action, Object, allows},
    ports::{
        access_tokens::{AccessTokens, KeyPolicy, TokenClaims},
        event_log::{StreamId, TenancyStream, Tenant},
    },
    principal::Principal,
};
use domain::{
    account::{Account, AccountCommand, Origin},
    asset::{Asset, AssetCommand},
    glossary::{Content, Glossary, GlossaryCommand},
    project::{Project, ProjectCommand},
    value::{AccountId, Personal, Role, SessionId},
    webhook::{Webhook, WebhookCommand, WebhookContent},
};
use http_api::policy::{Access, ObjectKind, Policy, ROUTES, Row};
use identity::JwtAccessTokens;
use reqwest::{Method, RequestBuilder, StatusCode};
use std::{collections::BTreeSet, error::Error, time::Duration};
use uuid::Uuid;

/// Stands in everything that the first tenant has, and nowhere else.
const PLANTED: &str = "Quokka";
/// Answers that do not end.
const STREAMS: [&str; 3] = ["/v1/events", "/v1/dubbings/{id}/events", "/v1/ws"];

/// Somebody who asks.
struct Asker {
    token: String,
    principal: Principal,
}

impl Asker {
    async fn new(server: &Server, tenant: &str, role: Role) -> Self {
        let person = server.person(tenant, role).await;
        let token = server.sign_in(&person).await;
        Self { token, principal: Principal::account(Tenant(tenant.to_owned()), person.id, role) }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_role_may_with_every_thing_what_the_policy_says_and_nothing_else() {
    let server = Server::start().await;
    let other = Asker::new(&server, OTHER, Role::Admin).await;
    for role in Role::ALL {
        let asker = Asker::new(&server, "local", role).await;
        for row in ROUTES.iter().filter(|(_, _, policy)| policy.access != Access::Open) {
            for maker in [asker.principal.actor.as_str(), "account:0198a000-0000-7000-8000-00000000000a"] {
                check_cell(&server, &asker, row, maker).await;
            }
        }
    }
    for row in ROUTES.iter().filter(|(_, _, policy)| policy.object != ObjectKind::None) {
        check_other_tenant(&server, &other, row).await;
    }
    // A tenant's lists hold nothing of another's.
    for row in ROUTES
        .iter()
        .filter(|(method, path, _)| *method == Method::GET && !path.contains('{') && !STREAMS.contains(path))
    {
        let answer = ask(&server, row, Uuid::nil()).bearer_auth(&other.token).send().await.expect("an answer");
        assert_ne!(answer.status(), 500, "{}", row.1);
        let text = String::from_utf8_lossy(&answer.bytes().await.expect("a body")).into_owned();
        assert!(!text.contains(PLANTED), "{}: {text}", row.1);
    }
}

/// Given a thing that `maker` made, when the asker does what the row says, then the answer is the policy's.
async fn check_cell(server: &Server, asker: &Asker, row: &Row, maker: &str) {
    let (method, path, policy) = row;
    let id = thing(server, policy.object, "local", maker).await;
    let object = if policy.object == ObjectKind::None { Object::None } else { Object::MadeBy(maker) };
    let expected = allows(&asker.principal, policy.action, object);
    let status = status(ask(server, row, id).bearer_auth(&asker.token)).await;
    let said = format!("{} {method} {path} of {maker}: {status}", asker.principal.role);
    assert_ne!(status, 401, "{said}");
    assert_ne!(status, 500, "{said}");
    // What one's own account may not is about the account, not about the role.
    assert_eq!(status == 403 && !is_about_oneself(policy), expected.is_err() && !is_about_oneself(policy), "{said}");
}

fn is_about_oneself(policy: &Policy) -> bool {
    matches!(policy.action, Action::ReadSelf | Action::ManageSelf | Action::ManageKeys)
}

/// Given a thing of the first tenant, when another tenant's admin asks for it, then the answer is that for nothing.
async fn check_other_tenant(server: &Server, other: &Asker, row: &Row) {
    let (method, path, policy) = row;
    let id = thing(server, policy.object, "local", "account:0198a000-0000-7000-8000-00000000000a").await;
    let answer = async |id: Uuid| {
        let answer = ask(server, row, id).bearer_auth(&other.token).send().await.expect("an answer");
        let status = answer.status();
        let headers: Vec<String> = answer
            .headers()
            .iter()
            .filter(|(name, _)| !["date", "x-request-id", "traceparent"].contains(&name.as_str()))
            .map(|(name, value)| format!("{name}: {value:?}"))
            .collect();
        (status, headers, answer.bytes().await.expect("a body"))
    };
    let (theirs, nothing) = (answer(id).await, answer(Uuid::from_u128(7)).await);
    assert_eq!(theirs, nothing, "{method} {path}");
    assert_eq!(theirs.0, 404, "{method} {path}");
}

#[tokio::test]
async fn nobody_gets_in_without_a_token_that_holds() {
    let server = Server::start().await;
    let id = thing(&server, ObjectKind::Dubbing, "local", "test").await;
    let tokens = bad_tokens(&server).await;
    for row in ROUTES.iter().filter(|(_, _, policy)| policy.access != Access::Open) {
        assert_eq!(status(ask(&server, row, id)).await, 401, "{} {}", row.0, row.1);
        for (name, token) in &tokens {
            assert_eq!(status(ask(&server, row, id).bearer_auth(token)).await, 401, "{} {}: {name}", row.0, row.1);
        }
    }
}

#[tokio::test]
async fn every_route_stands_in_the_table_and_every_row_is_a_route() {
    let document = serde_json::to_value(http_api::openapi()).expect("JSON");
    let mut documented = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for method in item.as_object().expect("operations").keys() {
            documented.insert((method.to_uppercase(), path.clone()));
        }
    }
    let rows: BTreeSet<_> = ROUTES.iter().map(|(method, path, _)| (method.to_string(), (*path).to_owned())).collect();
    let missing: Vec<_> = documented.difference(&rows).collect();
    assert!(missing.is_empty(), "routes without a row: {missing:?}");
    // Pages for people are no operations.
    let is_page = |path: &str| path.starts_with("/docs") || path.starts_with("/welcome");
    let idle: Vec<_> = rows.difference(&documented).filter(|(_, path)| !is_page(path)).collect();
    assert!(idle.is_empty(), "rows without a route: {idle:?}");
}

/// Tokens that do not hold, each for its own reason.
async fn bad_tokens(server: &Server) -> Vec<(&'static str, String)> {
    let person = server.person("local", Role::Admin).await;
    let good = server.sign_in(&person).await;
    let forged = JwtAccessTokens::new(ISSUER.to_owned(), ISSUER.to_owned(), KeyPolicy::default(), vec![]);
    let now = server.api.clock.now();
    forged.set_keys(vec![forged.make_key([9; 32], now)]);
    let claims = TokenClaims {
        account: person.id,
        tenant: Tenant::default(),
        role: Role::Admin,
        session: SessionId(Uuid::from_u128(1)),
        client_id: "x".to_owned(),
        token_id: Uuid::from_u128(2),
        issued_at: now,
        expires_at: now.plus_ms(60_000),
    };
    let (head, signature) = good.rsplit_once('.').expect("a signature");
    let mut tokens = vec![
        ("signed by somebody else", forged.issue(&claims).expect("a token")),
        ("without its signature", format!("{head}.")),
        ("with another signature", format!("{head}.{}", signature.chars().rev().collect::<String>())),
        ("of an unknown key", format!("dgk_{}_{}", Uuid::from_u128(3).simple(), "ab".repeat(32))),
        ("empty", String::new()),
        ("long", "a".repeat(5_000)),
    ];
    tokens.push(("expired", expired(server, &person).await));
    tokens
}

/// A token whose time is over: the clock of the test goes on for it.
async fn expired(server: &Server, person: &Person) -> String {
    let token = server.sign_in(person).await;
    server.clock.set(server.api.clock.now().plus_ms(11 * 60 * 1_000));
    token
}

/// A request as the row says, with a body that says nothing.
fn ask(server: &Server, (method, path, _): &Row, id: Uuid) -> RequestBuilder {
    let path = path
        .replace("{id}", &id.to_string())
        .replace("{lang}", "es")
        .replace("{utterance}", "1")
        .replace("{stage}", "mark");
    let path = path.replace("{delivery}", &Uuid::from_u128(5).to_string()).replace("{code}", "not-found");
    let request = server.open(method.clone(), &path).timeout(Duration::from_secs(20));
    if [Method::POST, Method::PUT, Method::PATCH].contains(method) {
        return request.header("content-type", "application/json").header("if-match", "*").body("{}");
    }
    request
}

/// The status of the answer; of a stream, which does not end, of its beginning.
async fn status(request: RequestBuilder) -> StatusCode {
    request.send().await.expect("an answer").status()
}

/// A thing of somebody's.
async fn thing(server: &Server, kind: ObjectKind, tenant: &str, actor: &str) -> Uuid {
    let (id, named) = (server.api.ids.next(), || Personal::new(PLANTED.to_owned()));
    let tenant = Tenant(tenant.to_owned());
    let meta = CommandMeta::given(tenant.clone(), actor, server.api.ids.next());
    let stream = kind.stream(id);
    match kind {
        ObjectKind::None => {}
        ObjectKind::Dubbing => return Film::by(server, tenant, actor).await.id.0,
        ObjectKind::Asset => {
            let media = Film::by(server, tenant, actor).await.keep(b"film", "video/mp4").await;
            give::<Asset>(server, stream, AssetCommand::Register { media, name: named() }, &meta).await;
        }
        ObjectKind::Project => give::<Project>(server, stream, ProjectCommand::Create { name: named() }, &meta).await,
        ObjectKind::Glossary => {
            let terms = Film::by(server, tenant, actor).await.keep(b"source,target\na,b\n", "text/csv").await;
            let content = Content { name: named(), language: None, terms, count: 1 };
            give::<Glossary>(server, stream, GlossaryCommand::Create(content), &meta).await;
        }
        ObjectKind::Account => {
            let (origin, role) = (Origin::Operator, Role::Viewer);
            let email = Personal::new(format!("{PLANTED}@example.org"));
            give::<Account>(server, stream, AccountCommand::Create { origin, email, name: named(), role }, &meta).await;
        }
        ObjectKind::Webhook => {
            let url = Personal::new(format!("https://example.org/{PLANTED}"));
            let content = WebhookContent { url, description: named(), events: vec![] };
            give::<Webhook>(server, stream, WebhookCommand::Create(content), &meta).await;
        }
    }
    server.catch_up().await;
    id
}

async fn give<A: Aggregate>(server: &Server, stream: Option<StreamId>, command: A::Command, meta: &CommandMeta)
where
    A::Command: Clone,
    A::Rejection: Error + Send + Sync + 'static,
{
    let stream = stream.unwrap_or(StreamId::Tenancy(TenancyStream::Account(AccountId(Uuid::nil()))));
    server.api.aggregates.execute::<A>(&stream, command, meta).await.expect("accepted");
}
