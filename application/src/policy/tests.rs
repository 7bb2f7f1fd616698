//! The whole table, in words; and what stands above it.

use super::{Action, Object, Refusal, allows};
use crate::{ports::event_log::Tenant, principal::Principal};
use domain::value::{AccountId, KeyId, Role, Scope};
use uuid::Uuid;

fn principal(role: Role) -> Principal {
    Principal::account(Tenant::default(), AccountId(Uuid::from_u128(1)), role)
}

/// Action, then what each role may with what it made and with what another made.
fn verdicts(action: Action) -> [[bool; 2]; 4] {
    Role::ALL.map(|role| {
        let own = principal(role).actor;
        [own.as_str(), "account:0198a000-0000-7000-8000-000000000002"]
            .map(|actor| allows(&principal(role), action, Object::MadeBy(actor)).is_ok())
    })
}

#[test]
fn roles_may_what_they_are_for() {
    const NO: [bool; 2] = [false, false];
    const OWN: [bool; 2] = [true, false];
    const YES: [bool; 2] = [true, true];
    for action in Action::ALL {
        let expected = match action {
            Action::ReadWork | Action::Download | Action::ReadUsage => [YES, YES, YES, YES],
            Action::ReadSelf | Action::ManageSelf | Action::ManageKeys => [YES, YES, YES, YES],
            Action::HandIn | Action::Order | Action::KeepLibrary => [NO, NO, YES, YES],
            Action::ChangeLibrary | Action::Control => [NO, NO, OWN, YES],
            Action::Correct => [NO, YES, OWN, YES],
            Action::ReadAccounts
            | Action::ManageAccounts
            | Action::ReadWebhooks
            | Action::ManageWebhooks
            | Action::ReadSecurity
            | Action::Operate
            | Action::ManageNodes
            | Action::ManageQueues
            | Action::ReadTenants
            | Action::ManageTenants => [NO, NO, NO, YES],
        };
        assert_eq!(verdicts(*action), expected, "{}", action.name());
    }
}

#[test]
fn a_key_may_no_more_than_its_scopes_and_no_more_than_its_owner() {
    let key = |role, scopes: &[Scope]| principal(role).with_key(KeyId(Uuid::from_u128(9)), scopes.to_vec());
    let check = |principal: Principal, action, expected| {
        assert_eq!(allows(&principal, action, Object::None), expected, "{}", action.name());
    };
    check(key(Role::Admin, &[Scope::WorkRead]), Action::ReadWork, Ok(()));
    check(key(Role::Admin, &[Scope::WorkRead]), Action::Order, Err(Refusal::Scope));
    check(key(Role::Viewer, &[Scope::WorkWrite]), Action::Order, Err(Refusal::Role));
    check(key(Role::Admin, &[]), Action::ReadSelf, Err(Refusal::Scope));
}

#[test]
fn the_installation_belongs_to_its_first_tenant() {
    let of_installation = Action::ALL.iter().filter(|action| action.is_of_installation());
    assert_eq!(of_installation.clone().count(), 5);
    for action in of_installation.copied() {
        let other = Principal { tenant: Tenant("other".to_owned()), ..principal(Role::Admin) };
        assert_eq!(allows(&other, action, Object::None), Err(Refusal::Installation));
        assert_eq!(allows(&principal(Role::Admin), action, Object::None), Ok(()));
    }
}

#[test]
fn who_must_enrol_may_do_only_that() {
    for action in Action::ALL {
        let due = Principal { must_enrol: true, ..principal(Role::Admin) };
        let expected = if action.is_of_self() { Ok(()) } else { Err(Refusal::SecondFactorDue) };
        assert_eq!(allows(&due, *action, Object::None), expected, "{}", action.name());
    }
}

#[test]
fn a_link_only_downloads() {
    let link = Principal::link(Tenant::default());
    for action in Action::ALL {
        assert_eq!(allows(&link, *action, Object::None).is_ok(), *action == Action::Download, "{}", action.name());
    }
}

#[test]
fn names_are_unique() {
    let mut names: Vec<_> = Action::ALL.iter().map(|action| action.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Action::ALL.len());
}
