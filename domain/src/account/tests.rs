//! Each command to an account: accepted, refused, silent.

use super::{
    Account, AccountCommand as Command, AccountEvent as Event, AccountRejection as Rejection, NewKey, Origin,
    PasswordChange, SessionEnd,
};
use crate::{
    spec::given,
    value::{KeyId, Personal, Role, Scope, SessionId, Timestamp},
};
use uuid::Uuid;

fn personal(text: &str) -> Personal<String> {
    Personal::new(text.to_owned())
}

fn created(origin: Origin) -> Event {
    let (email, name) = (personal("ana@example.org"), personal("Ana"));
    Event::AccountCreated { origin, email, name, role: Role::Creator }
}

fn create(origin: Origin, role: Role) -> Command {
    Command::Create { origin, email: personal("ana@example.org"), name: personal("Ana"), role }
}

fn key(number: u128, scopes: &[Scope]) -> NewKey {
    NewKey { key: KeyId(Uuid::from_u128(number)), name: personal("ci"), scopes: scopes.to_vec(), expires_at: None }
}

fn session() -> SessionId {
    SessionId(Uuid::from_u128(9))
}

#[test]
fn an_account_is_made_once() {
    given::<Account>([]).when(create(Origin::Operator, Role::Creator)).then([created(Origin::Operator)]);
    given::<Account>([created(Origin::Operator)]).when(create(Origin::Operator, Role::Creator)).then_silent();
    let other = create(Origin::Operator, Role::Admin);
    given::<Account>([created(Origin::Operator)]).when(other).then_refused(&Rejection::AlreadyCreated);
    let invited = [created(Origin::Invitation), Event::AccountInvited];
    given::<Account>([]).when(create(Origin::Invitation, Role::Creator)).then(invited);
}

#[test]
fn nothing_is_asked_of_nobody() {
    for command in [Command::Invite, Command::Deactivate, Command::Grant(Role::Admin), Command::EnableSecondFactor] {
        given::<Account>([]).when(command).then_refused(&Rejection::Unknown);
    }
}

#[test]
fn an_invitation_is_renewed_until_it_is_accepted() {
    let invited = [created(Origin::Invitation), Event::AccountInvited];
    given::<Account>(invited.clone()).when(Command::Invite).then([Event::AccountInvited]);
    let by = PasswordChange::Invitation;
    given::<Account>(invited.clone()).when(Command::NotePassword(by)).then([Event::PasswordChanged { by }]);
    let accepted = invited.into_iter().chain([Event::PasswordChanged { by }]);
    given::<Account>(accepted).when(Command::Invite).then_refused(&Rejection::AlreadyAccepted);
}

#[test]
fn a_role_is_granted() {
    let history = || [created(Origin::Operator)];
    let granted = Event::RoleGranted { role: Role::Admin };
    given::<Account>(history()).when(Command::Grant(Role::Admin)).then([granted]);
    given::<Account>(history()).when(Command::Grant(Role::Creator)).then_silent();
}

#[test]
fn a_deactivated_account_gains_nothing_and_can_still_lose() {
    let history = || [created(Origin::Operator), Event::ApiKeyCreated(key(1, &[])), Event::AccountDeactivated];
    given::<Account>(history()).when(Command::Deactivate).then_silent();
    given::<Account>(history()).when(Command::Reactivate).then([Event::AccountReactivated]);
    given::<Account>([created(Origin::Operator)]).when(Command::Reactivate).then_silent();
    let start = Command::StartSession {
        session: session(),
        expires_at: Timestamp::from_unix_ms(1),
        address: personal("192.0.2.1"),
        is_new_address: true,
    };
    for gain in [start, Command::CreateKey(key(2, &[])), Command::Invite, Command::NoteResetRequest] {
        given::<Account>(history()).when(gain).then_refused(&Rejection::Deactivated);
    }
    let revoked = Event::ApiKeyRevoked { key: key(1, &[]).key };
    given::<Account>(history()).when(Command::RevokeKey(key(1, &[]).key)).then([revoked]);
    let why = SessionEnd::Deactivated;
    let ended = Event::SessionEnded { session: session(), why };
    given::<Account>(history()).when(Command::EndSession { session: session(), why }).then([ended]);
}

#[test]
fn a_second_factor_is_enabled_and_disabled_and_lost_with_the_operators_help() {
    let history = || [created(Origin::Operator), Event::SecondFactorEnabled];
    given::<Account>([created(Origin::Operator)]).when(Command::EnableSecondFactor).then([Event::SecondFactorEnabled]);
    given::<Account>(history()).when(Command::EnableSecondFactor).then_silent();
    given::<Account>(history()).when(Command::DisableSecondFactor).then([Event::SecondFactorDisabled]);
    let helped = history().into_iter().chain([Event::PasswordChanged { by: PasswordChange::Operator }]);
    given::<Account>(helped).when(Command::DisableSecondFactor).then_silent();
    let own = history().into_iter().chain([Event::PasswordChanged { by: PasswordChange::Reset }]);
    given::<Account>(own).when(Command::DisableSecondFactor).then([Event::SecondFactorDisabled]);
}

#[test]
fn who_signs_in_elsewhere_has_no_password_here() {
    let commands = [
        Command::Invite,
        Command::NoteResetRequest,
        Command::NotePassword(PasswordChange::Reset),
        Command::EnableSecondFactor,
    ];
    for command in commands {
        given::<Account>([created(Origin::Issuer)]).when(command).then_refused(&Rejection::SignsInElsewhere);
    }
}

#[test]
fn a_reused_token_ends_its_session() {
    let address = personal("198.51.100.7");
    let report = Command::ReportReuse { session: session(), address: address.clone() };
    given::<Account>([created(Origin::Operator)]).when(report).then([
        Event::RefreshTokenReused { session: session(), address },
        Event::SessionEnded { session: session(), why: SessionEnd::RefreshTokenReused },
    ]);
}

#[test]
fn a_key_is_made_once_with_its_scopes_in_order() {
    let disordered = [Scope::WorkWrite, Scope::WorkRead, Scope::WorkWrite];
    let ordered = key(1, &[Scope::WorkRead, Scope::WorkWrite]);
    let history = || [created(Origin::Operator), Event::ApiKeyCreated(ordered.clone())];
    let make = || Command::CreateKey(key(1, &disordered));
    given::<Account>([created(Origin::Operator)]).when(make()).then([Event::ApiKeyCreated(ordered.clone())]);
    given::<Account>(history()).when(make()).then_silent();
    given::<Account>(history()).when(Command::CreateKey(key(1, &[]))).then_refused(&Rejection::KeyExists);
    given::<Account>(history()).when(Command::RevokeKey(key(2, &[]).key)).then_refused(&Rejection::UnknownKey);
}

#[test]
fn a_revoked_key_is_noted_nowhere_and_makes_room() {
    let full = (0..100).map(|number| Event::ApiKeyCreated(key(number, &[])));
    let history: Vec<_> = [created(Origin::Operator)].into_iter().chain(full).collect();
    let more = || Command::CreateKey(key(100, &[]));
    given::<Account>(history.clone()).when(more()).then_refused(&Rejection::TooManyKeys);
    let revoked = Event::ApiKeyRevoked { key: key(3, &[]).key };
    let history: Vec<_> = history.into_iter().chain([revoked]).collect();
    given::<Account>(history.clone()).when(more()).then([Event::ApiKeyCreated(key(100, &[]))]);
    given::<Account>(history.clone()).when(Command::RevokeKey(key(3, &[]).key)).then_silent();
    let address = personal("192.0.2.1");
    let note = |number| Command::NoteKeyAddress { key: key(number, &[]).key, address: address.clone() };
    given::<Account>(history.clone()).when(note(3)).then_refused(&Rejection::UnknownKey);
    let noted = Event::ApiKeyUsedFromNewAddress { key: key(4, &[]).key, address: address.clone() };
    given::<Account>(history).when(note(4)).then([noted]);
}
