//! Credentials by several nodes.

use super::{SEAL, SERVER, database, joined, name};
use crate::PostgresCredentialStore;
use application::{
    aggregates::sha256,
    ports::{
        credentials::{ADDRESSES_MAX, CredentialError, CredentialStore, NewSession, Rotation, TicketPurpose},
        key_vault::Key,
        passwords::PasswordHash,
    },
    testing::credential_store_kit,
};
use domain::value::{AccountId, SessionId, Sha256, Timestamp};
use std::sync::Arc;
use tokio::task::JoinSet;
use uuid::Uuid;

const ANN: AccountId = AccountId(Uuid::from_u128(1));
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

type Store = Arc<dyn CredentialStore>;

async fn store(url: &str) -> Store {
    Arc::new(PostgresCredentialStore::new(joined(url).await, Key::new(SEAL)))
}

/// Two nodes.
async fn both(url: &str) -> [Store; 2] {
    [store(url).await, store(url).await]
}

fn hash(text: &str) -> Sha256 {
    sha256(text.as_bytes())
}

fn at(ms: u64) -> Timestamp {
    Timestamp::from_unix_ms(1_769_846_400_000 + ms)
}

fn new_session(number: u128, now: Timestamp) -> NewSession {
    NewSession {
        id: SessionId(Uuid::from_u128(number)),
        account: ANN,
        refresh_hash: hash(&format!("{number} 0")),
        now,
        expires_at: now.plus_ms(30 * DAY_MS),
        idle_ms: 7 * DAY_MS,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_promises_of_the_port() {
    let url = database();
    let store = store(&url).await;
    // A database each would take long: what a check leaves is removed before the next.
    let make = || async {
        let all = "TRUNCATE dragoman_shared.emails, dragoman_shared.passwords, dragoman_shared.tickets, \
             dragoman_shared.sessions, dragoman_shared.refresh_tokens, dragoman_shared.api_keys, \
             dragoman_shared.addresses, dragoman_shared.secrets, dragoman_shared.used_steps";
        SERVER.sql(name(&url), all).unwrap();
        (Arc::clone(&store), ())
    };
    credential_store_kit::run(make).await;
}

/// A refresh token that two nodes exchange at once has one successor, and whoever asked with another one ends the session.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_rotated_by_two_nodes_at_once_has_one_winner() {
    let url = database();
    let nodes = both(&url).await;
    for round in 0..40_u128 {
        nodes[0].start_session(new_session(round, at(0))).await.unwrap();
        let mut tries = JoinSet::new();
        for number in 0..8 {
            let store = Arc::clone(&nodes[number % 2]);
            let (token, successor) = (hash(&format!("{round} 0")), hash(&format!("{round} by {number}")));
            tries.spawn(async move { store.rotate(&token, &successor, at(1), 10_000).await.unwrap() });
        }
        let told = tries.join_all().await;
        let rotated = told.iter().filter(|told| matches!(told, Rotation::Rotated { .. })).count();
        let first = told.iter().filter(|told| matches!(told, Rotation::Reused { first: true, .. })).count();
        assert_eq!((rotated, first), (1, 1), "{told:?}");
    }
    let current = "SELECT count(*) FROM dragoman_shared.refresh_tokens WHERE successor IS NULL";
    assert_eq!(SERVER.sql(name(&url), current).unwrap(), "40");
}

/// Two nodes that hear the same client twice give the same answer.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_exchange_on_two_nodes_is_one() {
    let nodes = both(&database()).await;
    nodes[0].start_session(new_session(1, at(0))).await.unwrap();
    for step in 0..50 {
        let (token, successor) = (hash(&format!("1 {step}")), hash(&format!("1 {}", step + 1)));
        let one = nodes[0].rotate(&token, &successor, at(step), 10_000);
        let (one, other) = tokio::join!(one, nodes[1].rotate(&token, &successor, at(step), 10_000));
        let (one, other) = (one.unwrap(), other.unwrap());
        let both = [one, other];
        assert_eq!(both.iter().filter(|told| matches!(told, Rotation::Rotated { .. })).count(), 1, "{both:?}");
        assert_eq!(both.iter().filter(|told| matches!(told, Rotation::Repeated { .. })).count(), 1, "{both:?}");
    }
}

/// Whatever happens at once on two nodes, it comes to an end, and each thing that can happen once happens once.
#[tokio::test(flavor = "multi_thread")]
async fn what_happens_once_happens_once_on_all_nodes() {
    let url = database();
    let nodes = both(&url).await;
    for round in 0..20_u64 {
        let session = SessionId(Uuid::from_u128(u128::from(round)));
        nodes[0].start_session(new_session(u128::from(round), at(0))).await.unwrap();
        nodes[0].put_ticket(&hash("reset"), ANN, TicketPurpose::PasswordReset, at(DAY_MS)).await.unwrap();
        nodes[1].put_ticket(&hash("invited"), ANN, TicketPurpose::Invitation, at(DAY_MS)).await.unwrap();
        let (mut steps, mut addresses) = (JoinSet::new(), JoinSet::new());
        let (mut redeemed, mut ended) = (JoinSet::new(), JoinSet::new());
        for number in 0..8_usize {
            let node = || Arc::clone(&nodes[number % 2]);
            let (step, address, sign_in, ending) = (node(), node(), node(), node());
            steps.spawn(async move { step.use_step(ANN, round).await.unwrap() });
            addresses
                .spawn(async move { address.note_sign_in(ANN, &hash(&format!("{round}")), at(round)).await.unwrap() });
            let ticket = hash(if number % 2 == 0 { "reset" } else { "invited" });
            let password = PasswordHash::new(format!("{round} {number}"));
            redeemed.spawn(async move { sign_in.redeem_ticket(&ticket, &password, at(1)).await.unwrap().is_some() });
            ended.spawn(async move { ending.end_session(session).await.unwrap() });
        }
        let count = |told: Vec<bool>| told.into_iter().filter(|told| *told).count();
        assert_eq!(count(steps.join_all().await), 1, "a step of the second factor");
        assert_eq!(count(addresses.join_all().await), 1, "an address");
        assert_eq!(count(redeemed.join_all().await), 1, "both tickets of an account are void with the first");
        assert!(count(ended.join_all().await) <= 1, "a session, unless the ticket ended it");
        assert!(!nodes[1].session(session, at(1)).await.unwrap().unwrap().is_live);
        nodes[(round % 2) as usize].forget(ANN).await.unwrap();
    }
    for table in ["emails", "passwords", "tickets", "sessions", "refresh_tokens", "secrets", "used_steps", "addresses"]
    {
        let left = SERVER.sql(name(&url), &format!("SELECT count(*) FROM dragoman_shared.{table}")).unwrap();
        assert_eq!(left, "0", "{table}");
    }
}

/// Much that expired goes bit by bit, with what is written; no write of one node waits for another one's tidying.
#[tokio::test(flavor = "multi_thread")]
async fn what_expired_long_ago_is_tidied_away_by_and_by() {
    let url = database();
    let nodes = both(&url).await;
    SERVER
        .sql(
            name(&url),
            "INSERT INTO dragoman_shared.sessions SELECT gen_random_uuid(), gen_random_uuid(), 0, 0, 1, 1 \
             FROM generate_series(1, 2000); \
             INSERT INTO dragoman_shared.refresh_tokens SELECT sha256(uuid_send(id)), id FROM dragoman_shared.sessions",
        )
        .unwrap();
    for number in 0..40_u128 {
        let (one, other) = (new_session(2 * number, at(0)), new_session(2 * number + 1, at(0)));
        let (one, other) = tokio::join!(nodes[0].start_session(one), nodes[1].start_session(other));
        one.and(other).unwrap();
    }
    assert_eq!(SERVER.sql(name(&url), "SELECT count(*) FROM dragoman_shared.sessions").unwrap(), "80");
    // Whatever many sign in from at once, few addresses are remembered in the end.
    let mut noted = JoinSet::new();
    for number in 0..300_usize {
        let store = Arc::clone(&nodes[number % 2]);
        noted.spawn(async move { store.note_sign_in(ANN, &hash(&number.to_string()), at(5)).await.unwrap() });
    }
    assert!(noted.join_all().await.into_iter().all(|new| new));
    nodes[0].note_sign_in(ANN, &hash("one more"), at(6)).await.unwrap();
    let kept = SERVER.sql(name(&url), "SELECT count(*) FROM dragoman_shared.addresses").unwrap();
    assert_eq!(kept.parse::<usize>().unwrap(), ADDRESSES_MAX);
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_sealed_and_bound_to_their_places() {
    let url = database();
    let store = store(&url).await;
    let owner = Uuid::from_u128(7);
    store.put_secret(owner, "totp", b"Ada Lovelace").await.unwrap();
    store.put_secret(owner, "other", b"x").await.unwrap();
    let kept = SERVER.sql(name(&url), "SELECT encode(sealed, 'escape') FROM dragoman_shared.secrets").unwrap();
    assert!(!kept.contains("Ada"), "what is kept says nothing");
    SERVER.sql(name(&url), "UPDATE dragoman_shared.secrets SET name = 'moved' WHERE name = 'totp'").unwrap();
    let moved = store.secret(owner, "moved").await;
    assert!(matches!(moved, Err(CredentialError::Unavailable(_))), "{moved:?}");
    let others = PostgresCredentialStore::new(joined(&url).await, Key::new([6; 32]));
    let unread = others.secret(owner, "other").await;
    assert!(matches!(unread, Err(CredentialError::Unavailable(_))), "another key opens nothing: {unread:?}");
}
