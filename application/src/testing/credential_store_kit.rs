//! The conformance kit of the credential store: every promise of the port, as a check.
//!
//! An adapter's test calls [`run`] with a way to make a fresh store. Deliberately absent: what only a durable store
//! can show (opening again, crashes, other keys, what stands in the file).

#![expect(clippy::unwrap_used, clippy::panic, reason = "a conformance kit fails by panicking")]

mod accounts;
mod keys;
mod rotation;
mod sessions;
mod whole;

use crate::{
    aggregates::sha256,
    ports::credentials::{CredentialStore, NewSession},
};
use domain::value::{AccountId, KeyId, SessionId, Sha256, Timestamp};
use std::{future::Future, sync::Arc};
use uuid::Uuid;

/// Checks every promise, each on a fresh store. The second value that `make` gives lives as long as the store: a
/// temporary folder. Panics at the first broken promise. Needs a runtime of several threads.
pub async fn run<Keep, Made: Future<Output = (Arc<dyn CredentialStore>, Keep)>>(make: impl Fn() -> Made) {
    macro_rules! check {
        ($($module:ident::$promise:ident)+) => {
            $(
                let (store, _keep) = make().await;
                $module::$promise(&store).await;
            )+
        };
    }
    check! {
        accounts::an_address_has_one_account
        accounts::one_of_many_gets_an_address
        accounts::passwords_are_set_and_removed
        accounts::a_ticket_is_good_once
        accounts::a_ticket_is_good_for_a_time_and_until_the_next
        accounts::one_of_many_redeems_a_ticket
        accounts::secrets_are_read_back
        accounts::a_step_is_used_once
        sessions::sessions_live_until_they_end
        sessions::sessions_expire
        sessions::sessions_of_an_account_end_together
        sessions::a_token_ends_its_session
        rotation::tokens_rotate
        rotation::a_retry_gets_the_same_answer
        rotation::a_stolen_token_ends_the_session_once
        rotation::what_ended_does_not_rotate
        rotation::many_exchanges_at_once_are_one
        rotation::many_successors_at_once_leave_one_or_none
        keys::keys_are_kept_and_revoked
        keys::uses_are_noted
        keys::sign_ins_are_noted
        keys::few_addresses_are_remembered
        whole::forgetting_leaves_nothing
        whole::what_was_begun_comes_to_its_end
    }
}

/// An id that stands for this number.
const fn id(number: u128) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + number)
}

/// Whom most checks are about, and somebody else.
const ANN: AccountId = AccountId(id(1));
const BOB: AccountId = AccountId(id(2));

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
const GRACE_MS: u64 = 10_000;

/// A moment, so many milliseconds after the first.
const fn at(ms: u64) -> Timestamp {
    Timestamp::from_unix_ms(1_769_846_400_000 + ms)
}

const fn session(number: u128) -> SessionId {
    SessionId(id(1_000 + number))
}

const fn key(number: u128) -> KeyId {
    KeyId(id(2_000 + number))
}

fn hash(text: &str) -> Sha256 {
    sha256(text.as_bytes())
}

/// A session of thirty days that may go unused for seven, and whose first token is `token`.
fn new_session(number: u128, account: AccountId, token: &str) -> NewSession {
    NewSession {
        id: session(number),
        account,
        refresh_hash: hash(token),
        now: at(0),
        expires_at: at(30 * DAY_MS),
        idle_ms: 7 * DAY_MS,
    }
}
