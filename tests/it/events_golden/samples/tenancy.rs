//! Events of tenants, accounts, webhooks, the security trail and the queues.

use super::{Sample, language, personal, sha256};
use application::ports::event_log::{DomainEvent, StreamId, TenancyEvent, TenancyStream};
use domain::{
    account::{AccountEvent, NewKey, Origin, PasswordChange, SessionEnd},
    flow::Stage,
    queues::{Pause, QueuesEvent},
    security::{By, SecurityEvent, SignInFailure},
    tenant::{Quota, Quotas, TenantEvent},
    value::{AccountId, DubbingId, KeyId, Role, Scope, SecurityDayId, SessionId, TenantId, Timestamp, WebhookId},
    webhook::{WebhookContent, WebhookEvent, WhyDisabled},
};
use uuid::Uuid;

pub fn samples() -> Vec<Sample> {
    let stream = |stream| StreamId::Tenancy(stream);
    let all = |stream: StreamId, events: Vec<TenancyEvent>| {
        events.into_iter().map(move |event| (stream.clone(), DomainEvent::Tenancy(event)))
    };
    let tenant = all(stream(TenancyStream::Tenant(TenantId(id(5)))), tenants());
    let account = all(stream(TenancyStream::Account(AccountId(id(6)))), accounts());
    let webhook = all(stream(TenancyStream::Webhook(WebhookId(id(7)))), webhooks());
    let security = all(stream(TenancyStream::Security(SecurityDayId(id(8)))), security());
    let queues = all(stream(TenancyStream::Queues), queues());
    tenant.chain(account).chain(webhook).chain(security).chain(queues).collect()
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(0x0198_7f00_0000_7000_8000_0000_0000_0000 + number)
}

fn queues() -> Vec<TenancyEvent> {
    let since = Timestamp::from_unix_ms(1_800_000_000_000);
    let pause = Pause { reason: personal("Ann puts a new model in"), by: "account:1".to_owned(), since };
    let stage = Stage::Synthesise;
    let events = [QueuesEvent::QueuePaused { stage, pause }, QueuesEvent::QueueResumed { stage }];
    events.into_iter().map(TenancyEvent::Queues).collect()
}

fn tenants() -> Vec<TenancyEvent> {
    let quotas =
        Quotas { running_jobs: Some(2), minutes_a_month: Some(600), bytes_a_month: None, spend_a_month: Some(1) };
    let events = [
        TenantEvent::TenantCreated { name: personal("Studio of Ann") },
        TenantEvent::TenantRenamed { name: personal("Ann & Ben") },
        TenantEvent::QuotasSet(quotas),
    ];
    events.into_iter().map(TenancyEvent::Tenant).collect()
}

fn accounts() -> Vec<TenancyEvent> {
    let (session, address) = (SessionId(id(9)), || personal("192.0.2.7"));
    let key = KeyId(id(10));
    let expires_at = Timestamp::from_unix_ms(1_800_000_000_000);
    let made =
        NewKey { key, name: personal("Ann's CI"), scopes: vec![Scope::WorkRead, Scope::WorkWrite], expires_at: None };
    let events = [
        AccountEvent::AccountCreated {
            origin: Origin::Invitation,
            email: personal("ann@example.org"),
            name: personal("Ann"),
            role: Role::Creator,
        },
        AccountEvent::AccountInvited,
        AccountEvent::PasswordChanged { by: PasswordChange::Invitation },
        AccountEvent::PasswordResetRequested,
        AccountEvent::RoleGranted { role: Role::Admin },
        AccountEvent::AccountDeactivated,
        AccountEvent::AccountReactivated,
        AccountEvent::SecondFactorEnabled,
        AccountEvent::SecondFactorDisabled,
        AccountEvent::SessionStarted { session, expires_at, address: address(), is_new_address: true },
        AccountEvent::SessionEnded { session, why: SessionEnd::SignedOut },
        AccountEvent::RefreshTokenReused { session, address: address() },
        AccountEvent::ApiKeyCreated(made),
        AccountEvent::ApiKeyRevoked { key },
        AccountEvent::ApiKeyUsedFromNewAddress { key, address: address() },
    ];
    events.into_iter().map(TenancyEvent::Account).collect()
}

fn webhooks() -> Vec<TenancyEvent> {
    let content = || WebhookContent {
        url: personal("https://example.org/hooks/ann"),
        description: personal("Ann's hook"),
        events: vec!["dubbing.*".to_owned()],
    };
    let events = [
        WebhookEvent::WebhookCreated(content()),
        WebhookEvent::WebhookChanged(content()),
        WebhookEvent::WebhookDisabled { why: WhyDisabled::Gone },
        WebhookEvent::WebhookEnabled,
        WebhookEvent::WebhookSecretRotated,
        WebhookEvent::WebhookReplayed { from: 17 },
        WebhookEvent::WebhookRemoved,
    ];
    events.into_iter().map(TenancyEvent::Webhook).collect()
}

fn security() -> Vec<TenancyEvent> {
    let by = || By { account: Some(AccountId(id(6))), key: None, address: Some(personal("192.0.2.7")) };
    let events = [
        SecurityEvent::SignInFailed { by: by(), why: SignInFailure::WrongPassword, times: 3 },
        SecurityEvent::AccessRefused { by: by(), action: "accounts.invite".to_owned(), times: 1 },
        SecurityEvent::CredentialRefused { by: by(), why: "expired".to_owned(), times: 1 },
        SecurityEvent::RateLimitReached { by: by(), limit: "user".to_owned(), times: 12 },
        SecurityEvent::QuotaReached { by: by(), quota: Quota::RunningJobs, times: 1 },
        SecurityEvent::ConfigurationChanged { keys: vec!["http.listen".to_owned()], digest: sha256(0x42) },
        SecurityEvent::ResultDownloaded {
            by: by(),
            dubbing: DubbingId(id(1)),
            language: language("es"),
            file: "video".to_owned(),
            by_link: false,
        },
        SecurityEvent::RecordsExported { by: by(), what: "security-events".to_owned() },
    ];
    events.into_iter().map(TenancyEvent::Security).collect()
}
