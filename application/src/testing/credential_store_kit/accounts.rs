//! Addresses of mail, passwords, tickets, secrets, steps.

use super::{ANN, BOB, DAY_MS, at, hash, id, new_session, session};
use crate::ports::{
    credentials::{Claim, CredentialStore, Redeemed, Secret, TicketPurpose},
    passwords::PasswordHash,
};
use domain::value::AccountId;
use std::sync::Arc;

type Store = Arc<dyn CredentialStore>;

fn phc(text: &str) -> PasswordHash {
    PasswordHash::new(text.to_owned())
}

async fn password(store: &Store, account: AccountId) -> Option<String> {
    store.password(account).await.unwrap().map(|hash| hash.expose().to_owned())
}

pub(super) async fn an_address_has_one_account(store: &Store) {
    let (one, other) = (hash("ann@example.org"), hash("ann@example.net"));
    assert_eq!(store.account_of(&one).await.unwrap(), None);
    assert_eq!(store.claim_email(&one, ANN).await.unwrap(), Claim::Yours);
    assert_eq!(store.claim_email(&one, ANN).await.unwrap(), Claim::Yours, "claimed again");
    assert_eq!(store.claim_email(&one, BOB).await.unwrap(), Claim::TakenBy(ANN));
    assert_eq!(store.claim_email(&other, ANN).await.unwrap(), Claim::Yours, "a second address");
    assert_eq!(store.account_of(&one).await.unwrap(), Some(ANN));

    assert!(!store.take_over_email(&one, BOB, BOB).await.unwrap(), "it is not his to give");
    assert!(!store.take_over_email(&hash("nobody's"), ANN, BOB).await.unwrap());
    assert!(store.take_over_email(&one, ANN, BOB).await.unwrap());
    assert_eq!(store.account_of(&one).await.unwrap(), Some(BOB));
    assert_eq!(store.account_of(&hash("nobody's")).await.unwrap(), None);

    store.release_emails(ANN).await.unwrap();
    assert_eq!(store.account_of(&other).await.unwrap(), None);
    assert_eq!(store.account_of(&one).await.unwrap(), Some(BOB), "another one's stays");
    assert_eq!(store.claim_email(&other, BOB).await.unwrap(), Claim::Yours);
}

pub(super) async fn one_of_many_gets_an_address(store: &Store) {
    let tries: Vec<_> = (10..60)
        .map(|number| {
            let store = Arc::clone(store);
            tokio::spawn(async move { store.claim_email(&hash("wanted"), AccountId(id(number))).await.unwrap() })
        })
        .collect();
    let mut yours = 0;
    let mut takers = std::collections::HashSet::new();
    for one in tries {
        match one.await.unwrap() {
            Claim::Yours => yours += 1,
            Claim::TakenBy(account) => drop(takers.insert(account)),
        }
    }
    assert_eq!((yours, takers.len()), (1, 1));
    assert_eq!(store.account_of(&hash("wanted")).await.unwrap(), takers.into_iter().next());
}

pub(super) async fn passwords_are_set_and_removed(store: &Store) {
    assert_eq!(password(store, ANN).await, None);
    store.set_password(ANN, &phc("$argon2id$1")).await.unwrap();
    store.set_password(BOB, &phc("$argon2id$bob")).await.unwrap();
    store.set_password(ANN, &phc("$argon2id$2")).await.unwrap();
    assert_eq!(password(store, ANN).await.as_deref(), Some("$argon2id$2"));
    store.remove_password(ANN).await.unwrap();
    store.remove_password(ANN).await.unwrap();
    assert_eq!(password(store, ANN).await, None);
    assert_eq!(password(store, BOB).await.as_deref(), Some("$argon2id$bob"));
}

pub(super) async fn a_ticket_is_good_once(store: &Store) {
    let (reset, invitation) = (hash("reset"), hash("invitation"));
    store.set_password(ANN, &phc("old")).await.unwrap();
    store.start_session(new_session(1, ANN, "ann's")).await.unwrap();
    store.start_session(new_session(2, BOB, "bob's")).await.unwrap();
    store.put_ticket(&invitation, ANN, TicketPurpose::Invitation, at(DAY_MS)).await.unwrap();
    store.put_ticket(&reset, ANN, TicketPurpose::PasswordReset, at(DAY_MS)).await.unwrap();
    let kept = Some((ANN, TicketPurpose::PasswordReset));
    assert_eq!(store.ticket(&reset, at(1)).await.unwrap(), kept);
    assert_eq!(store.ticket(&reset, at(1)).await.unwrap(), kept, "looking does not use it");
    assert_eq!(store.redeem_ticket(&hash("guessed"), &phc("new"), at(1)).await.unwrap(), None);
    assert_eq!(password(store, ANN).await.as_deref(), Some("old"));

    let redeemed = store.redeem_ticket(&reset, &phc("new"), at(1)).await.unwrap();
    let expected = Redeemed { account: ANN, purpose: TicketPurpose::PasswordReset, ended: vec![session(1)] };
    assert_eq!(redeemed, Some(expected));
    assert_eq!(password(store, ANN).await.as_deref(), Some("new"));
    assert!(!store.session(session(1), at(1)).await.unwrap().unwrap().is_live);
    assert!(store.session(session(2), at(1)).await.unwrap().unwrap().is_live, "another one's");

    for used in [reset, invitation] {
        assert_eq!(store.ticket(&used, at(1)).await.unwrap(), None, "and nothing older is good any more");
        assert_eq!(store.redeem_ticket(&used, &phc("again"), at(1)).await.unwrap(), None);
    }
    assert_eq!(password(store, ANN).await.as_deref(), Some("new"));
}

pub(super) async fn a_ticket_is_good_for_a_time_and_until_the_next(store: &Store) {
    let (first, second, bobs) = (hash("first"), hash("second"), hash("bob's"));
    store.put_ticket(&first, ANN, TicketPurpose::Invitation, at(100)).await.unwrap();
    store.put_ticket(&bobs, BOB, TicketPurpose::Invitation, at(100)).await.unwrap();
    assert_eq!(store.ticket(&first, at(100)).await.unwrap(), None, "its time is over");
    assert_eq!(store.redeem_ticket(&first, &phc("late"), at(100)).await.unwrap(), None);
    assert_eq!(password(store, ANN).await, None);
    assert!(store.ticket(&first, at(99)).await.unwrap().is_some());
    store.put_ticket(&second, ANN, TicketPurpose::Invitation, at(200)).await.unwrap();
    assert_eq!(store.ticket(&first, at(50)).await.unwrap(), None, "replaced");
    assert!(store.redeem_ticket(&second, &phc("new"), at(199)).await.unwrap().is_some());
    assert!(store.ticket(&bobs, at(50)).await.unwrap().is_some(), "another one's");
}

pub(super) async fn one_of_many_redeems_a_ticket(store: &Store) {
    store.put_ticket(&hash("one"), ANN, TicketPurpose::PasswordReset, at(DAY_MS)).await.unwrap();
    let tries: Vec<_> = (0..50)
        .map(|number| {
            let store = Arc::clone(store);
            tokio::spawn(async move {
                let hash_of = phc(&number.to_string());
                store.redeem_ticket(&hash("one"), &hash_of, at(1)).await.unwrap().map(|_| number.to_string())
            })
        })
        .collect();
    let mut winners = Vec::new();
    for one in tries {
        winners.extend(one.await.unwrap());
    }
    assert_eq!(winners.len(), 1);
    assert_eq!(password(store, ANN).await, winners.pop());
}

pub(super) async fn secrets_are_read_back(store: &Store) {
    let (one, other) = (id(7), id(8));
    for (owner, name, plain) in [(one, "totp", "first"), (one, "signing", ""), (other, "totp", "other")] {
        assert_eq!(store.secret(owner, name).await.unwrap(), None);
        store.put_secret(owner, name, plain.as_bytes()).await.unwrap();
    }
    let secret = |text: &str| Secret::new(text.as_bytes().to_vec());
    store.put_secret(one, "totp", b"second").await.unwrap();
    assert_eq!(store.secret(one, "totp").await.unwrap(), Some(secret("second")));
    assert_eq!(store.secret(other, "totp").await.unwrap(), Some(secret("other")));
    let all = [("signing".to_owned(), secret("")), ("totp".to_owned(), secret("second"))];
    assert_eq!(store.secrets(one).await.unwrap(), all);
    assert!(store.remove_secret(one, "signing").await.unwrap());
    assert!(!store.remove_secret(one, "signing").await.unwrap());
    assert_eq!(store.secrets(one).await.unwrap().len(), 1);
    let long = vec![7; 100_000];
    store.put_secret(one, "'; DROP TABLE secrets; --", &long).await.unwrap();
    assert_eq!(store.secret(one, "'; DROP TABLE secrets; --").await.unwrap(), Some(Secret::new(long)));
    store.remove_secrets(one).await.unwrap();
    assert_eq!(store.secrets(one).await.unwrap(), []);
    assert_eq!(store.secret(other, "totp").await.unwrap(), Some(secret("other")));
}

pub(super) async fn a_step_is_used_once(store: &Store) {
    let steps = [(5, true), (5, false), (4, false), (6, true), (5, false), (1_000, true), (999, false)];
    for (step, fresh) in steps {
        assert_eq!(store.use_step(ANN, step).await.unwrap(), fresh, "{step}");
    }
    assert!(store.use_step(BOB, 0).await.unwrap(), "another one's, and the first of all");
    let tries: Vec<_> = (0..50)
        .map(|_| {
            let store = Arc::clone(store);
            tokio::spawn(async move { store.use_step(ANN, 2_000).await.unwrap() })
        })
        .collect();
    let mut fresh = 0;
    for one in tries {
        fresh += usize::from(one.await.unwrap());
    }
    assert_eq!(fresh, 1);
}
