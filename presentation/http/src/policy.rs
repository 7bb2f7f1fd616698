//! What each route is: who may call it, what that does, and what it is done to. One row for each method and path; what has no
//! row is not answered.

use application::{policy::Action, ports::event_log::StreamId};
use axum::http::Method;
use domain::value::{AccountId, AssetId, DubbingId, GlossaryId, ProjectId, WebhookId};
use uuid::Uuid;

/// How a route is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Who may call.
    pub access: Access,
    /// What it does, as the application's policy knows it.
    pub action: Action,
    /// What it is done to: the first id in its path.
    pub object: ObjectKind,
    /// It streams, in or out: no bound on the time until the answer begins. What a keyed POST sends is not gathered to be
    /// compared with what the first one sent: its handler says the digest (`idempotency::BodyDigest`).
    pub streams: bool,
}

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Who has a token.
    Token,
    /// Who has a token, or a signed link to read with.
    TokenOrLink,
    /// Who has a token, which browsers send as a subprotocol of their WebSocket.
    TokenOrSubprotocol,
    /// Everybody.
    Open,
}

/// What the first id in a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectKind {
    /// Nothing that has an owner.
    None,
    /// A dubbing, or something of it.
    Dubbing,
    /// An asset.
    Asset,
    /// A project.
    Project,
    /// A glossary.
    Glossary,
    /// An account.
    Account,
    /// A webhook, or something of it.
    Webhook,
}

use Action::{
    ChangeLibrary, Control, Correct, Download, HandIn, KeepLibrary, ManageAccounts, ManageKeys, ManageNodes,
    ManageQueues, ManageSelf, ManageTenants, ManageWebhooks, Operate, Order, ReadAccounts, ReadSecurity, ReadSelf,
    ReadTenants, ReadUsage, ReadWebhooks, ReadWork,
};
use ObjectKind::{Account, Asset, Dubbing, Glossary, Project, Webhook};

impl ObjectKind {
    /// The stream of the thing that has this id.
    pub fn stream(self, id: Uuid) -> Option<StreamId> {
        use application::ports::event_log::TenancyStream;
        match self {
            ObjectKind::None => None,
            Dubbing => Some(StreamId::Dubbing(DubbingId(id))),
            Asset => Some(StreamId::Asset(AssetId(id))),
            Project => Some(StreamId::Project(ProjectId(id))),
            Glossary => Some(StreamId::Glossary(GlossaryId(id))),
            Account => Some(StreamId::Tenancy(TenancyStream::Account(AccountId(id)))),
            Webhook => Some(StreamId::Tenancy(TenancyStream::Webhook(WebhookId(id)))),
        }
    }
}

/// Method, template of the path, and how it is treated.
pub type Row = (Method, &'static str, Policy);

const fn on(action: Action, object: ObjectKind) -> Policy {
    Policy { access: Access::Token, action, object, streams: false }
}

const fn to(action: Action) -> Policy {
    on(action, ObjectKind::None)
}

const fn streaming(policy: Policy) -> Policy {
    Policy { streams: true, ..policy }
}

const FILE: Policy = Policy { access: Access::TokenOrLink, ..streaming(on(Download, Dubbing)) };
const OPEN: Policy = Policy { access: Access::Open, ..to(ReadWork) };
const WEBSOCKET: Policy = Policy { access: Access::TokenOrSubprotocol, ..streaming(to(ReadWork)) };

/// Every route of the server.
pub const ROUTES: &[Row] = &[
    (Method::GET, "/livez", OPEN),
    (Method::GET, "/readyz", OPEN),
    (Method::GET, "/docs", OPEN),
    (Method::GET, "/docs/{*file}", OPEN),
    (Method::GET, "/v1/openapi.json", OPEN),
    (Method::GET, "/.well-known/jwks.json", OPEN),
    (Method::GET, "/welcome", OPEN),
    (Method::GET, "/welcome/welcome.css", OPEN),
    (Method::GET, "/welcome/welcome.js", OPEN),
    (Method::GET, "/health", to(Operate)),
    (Method::GET, "/metrics", to(Operate)),
    (Method::GET, "/v1/nodes", to(Operate)),
    (Method::POST, "/v1/nodes/{id}/drain", to(ManageNodes)),
    (Method::POST, "/v1/nodes/{id}/undrain", to(ManageNodes)),
    (Method::GET, "/v1/queues", to(Operate)),
    (Method::POST, "/v1/queues/{stage}/pause", to(ManageQueues)),
    (Method::POST, "/v1/queues/{stage}/resume", to(ManageQueues)),
    (Method::POST, "/v1/auth/token", OPEN),
    (Method::POST, "/v1/auth/revoke", OPEN),
    (Method::POST, "/v1/auth/password-resets", OPEN),
    (Method::POST, "/v1/auth/tickets/redeem", OPEN),
    (Method::GET, "/v1/auth/sessions", to(ReadSelf)),
    (Method::DELETE, "/v1/auth/sessions/{id}", to(ManageSelf)),
    (Method::GET, "/v1/account", to(ReadSelf)),
    (Method::PUT, "/v1/account/password", to(ManageSelf)),
    (Method::POST, "/v1/account/second-factor", to(ManageSelf)),
    (Method::PUT, "/v1/account/second-factor", to(ManageSelf)),
    (Method::DELETE, "/v1/account/second-factor", to(ManageSelf)),
    (Method::GET, "/v1/accounts", to(ReadAccounts)),
    (Method::POST, "/v1/accounts", to(ManageAccounts)),
    (Method::GET, "/v1/accounts/{id}", on(ReadAccounts, Account)),
    (Method::PATCH, "/v1/accounts/{id}", on(ManageAccounts, Account)),
    (Method::POST, "/v1/accounts/{id}/invite", on(ManageAccounts, Account)),
    (Method::POST, "/v1/accounts/{id}/reset-password", on(ManageAccounts, Account)),
    (Method::POST, "/v1/accounts/{id}/deactivate", on(ManageAccounts, Account)),
    (Method::POST, "/v1/accounts/{id}/reactivate", on(ManageAccounts, Account)),
    (Method::POST, "/v1/accounts/{id}/sign-out", on(ManageAccounts, Account)),
    (Method::GET, "/v1/keys", to(ReadSelf)),
    (Method::POST, "/v1/keys", to(ManageKeys)),
    (Method::DELETE, "/v1/keys/{id}", to(ManageKeys)),
    (Method::GET, "/v1/tenants", to(ReadTenants)),
    (Method::POST, "/v1/tenants", to(ManageTenants)),
    (Method::GET, "/v1/tenants/{id}", to(ReadTenants)),
    (Method::PATCH, "/v1/tenants/{id}", to(ManageTenants)),
    (Method::GET, "/v1/security-events", to(ReadSecurity)),
    (Method::GET, "/v1/webhooks", to(ReadWebhooks)),
    (Method::POST, "/v1/webhooks", to(ManageWebhooks)),
    (Method::GET, "/v1/webhooks/{id}", on(ReadWebhooks, Webhook)),
    (Method::PATCH, "/v1/webhooks/{id}", on(ManageWebhooks, Webhook)),
    (Method::DELETE, "/v1/webhooks/{id}", on(ManageWebhooks, Webhook)),
    (Method::POST, "/v1/webhooks/{id}/test", on(ManageWebhooks, Webhook)),
    (Method::POST, "/v1/webhooks/{id}/rotate-secret", on(ManageWebhooks, Webhook)),
    (Method::POST, "/v1/webhooks/{id}/replay", on(ManageWebhooks, Webhook)),
    (Method::GET, "/v1/webhooks/{id}/deliveries", on(ReadWebhooks, Webhook)),
    (Method::POST, "/v1/webhooks/{id}/deliveries/{delivery}/redeliver", on(ManageWebhooks, Webhook)),
    (Method::GET, "/v1/webhooks/event-types", to(ReadWebhooks)),
    (Method::GET, "/v1/parked-stages", to(ReadWork)),
    (Method::GET, "/v1/dubbings", to(ReadWork)),
    (Method::POST, "/v1/dubbings", to(Order)),
    (Method::POST, "/v1/dubbings/estimate", to(ReadWork)),
    (Method::GET, "/v1/dubbings/{id}", on(ReadWork, Dubbing)),
    (Method::POST, "/v1/dubbings/{id}/cancel", on(Control, Dubbing)),
    (Method::POST, "/v1/dubbings/{id}/pause", on(Control, Dubbing)),
    (Method::POST, "/v1/dubbings/{id}/resume", on(Control, Dubbing)),
    (Method::POST, "/v1/dubbings/{id}/retry", on(Control, Dubbing)),
    (Method::POST, "/v1/dubbings/{id}/stages/{stage}/skip", on(Control, Dubbing)),
    (Method::POST, "/v1/dubbings/{id}/fork", on(Control, Dubbing)),
    (Method::GET, "/v1/dubbings/{id}/events", streaming(on(ReadWork, Dubbing))),
    (Method::GET, "/v1/dubbings/{id}/transcript", on(ReadWork, Dubbing)),
    (Method::PATCH, "/v1/dubbings/{id}/transcript/utterances/{utterance}", on(Correct, Dubbing)),
    (Method::GET, "/v1/dubbings/{id}/tracks", on(ReadWork, Dubbing)),
    (Method::POST, "/v1/dubbings/{id}/tracks", on(Control, Dubbing)),
    (Method::GET, "/v1/dubbings/{id}/tracks/{lang}", on(ReadWork, Dubbing)),
    (Method::DELETE, "/v1/dubbings/{id}/tracks/{lang}", on(Control, Dubbing)),
    (Method::POST, "/v1/dubbings/{id}/tracks/{lang}/regenerate", on(Correct, Dubbing)),
    (Method::POST, "/v1/dubbings/{id}/tracks/{lang}/stages/{stage}/skip", on(Control, Dubbing)),
    (Method::POST, "/v1/dubbings/{id}/tracks/{lang}/links", on(Download, Dubbing)),
    (Method::GET, "/v1/dubbings/{id}/tracks/{lang}/utterances", on(ReadWork, Dubbing)),
    (Method::PATCH, "/v1/dubbings/{id}/tracks/{lang}/utterances/{utterance}", on(Correct, Dubbing)),
    (Method::GET, "/v1/dubbings/{id}/tracks/{lang}/video", FILE),
    (Method::GET, "/v1/dubbings/{id}/tracks/{lang}/audio", FILE),
    (Method::GET, "/v1/dubbings/{id}/tracks/{lang}/subtitles.srt", FILE),
    (Method::GET, "/v1/dubbings/{id}/tracks/{lang}/subtitles.vtt", FILE),
    (Method::GET, "/v1/dubbings/{id}/tracks/{lang}/subtitles.ass", FILE),
    (Method::GET, "/v1/dubbings/{id}/tracks/{lang}/report", FILE),
    (Method::GET, "/v1/dubbings/{id}/tracks/{lang}/provenance", FILE),
    (Method::GET, "/v1/events", streaming(to(ReadWork))),
    (Method::GET, "/v1/ws", WEBSOCKET),
    (Method::GET, "/v1/projects", to(ReadWork)),
    (Method::POST, "/v1/projects", to(KeepLibrary)),
    (Method::GET, "/v1/projects/{id}", on(ReadWork, Project)),
    (Method::PATCH, "/v1/projects/{id}", on(ChangeLibrary, Project)),
    (Method::DELETE, "/v1/projects/{id}", on(ChangeLibrary, Project)),
    (Method::GET, "/v1/glossaries", to(ReadWork)),
    (Method::POST, "/v1/glossaries", to(KeepLibrary)),
    (Method::GET, "/v1/glossaries/{id}", on(ReadWork, Glossary)),
    (Method::PUT, "/v1/glossaries/{id}", on(ChangeLibrary, Glossary)),
    (Method::DELETE, "/v1/glossaries/{id}", on(ChangeLibrary, Glossary)),
    (Method::GET, "/v1/assets", to(ReadWork)),
    (Method::POST, "/v1/assets", streaming(to(HandIn))),
    (Method::GET, "/v1/assets/{id}", on(ReadWork, Asset)),
    (Method::DELETE, "/v1/assets/{id}", on(Control, Asset)),
    (Method::OPTIONS, "/v1/uploads", to(ReadWork)),
    (Method::POST, "/v1/uploads", streaming(to(HandIn))),
    (Method::PATCH, "/v1/uploads/{id}", streaming(to(HandIn))),
    // Whoever asks for an upload that is complete and no asset yet waits until it is.
    (Method::HEAD, "/v1/uploads/{id}", streaming(to(HandIn))),
    (Method::DELETE, "/v1/uploads/{id}", to(HandIn)),
    (Method::GET, "/v1/voices", to(ReadWork)),
    (Method::GET, "/v1/languages", to(ReadWork)),
    (Method::GET, "/v1/engines", to(ReadWork)),
    (Method::GET, "/v1/errors", to(ReadWork)),
    (Method::GET, "/v1/errors/{code}", to(ReadWork)),
    (Method::GET, "/v1/usage", to(ReadUsage)),
];

/// The rows that a server goes by: its routes, and those of tests.
#[derive(Clone, Copy)]
pub(crate) struct Table(pub &'static [Row]);

/// What the table says of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// How it is treated.
    Policy(Policy),
    /// The path has rows, the method has none.
    OtherMethods,
    /// The path leads nowhere.
    Nowhere,
}

impl Table {
    /// How a request is treated; `template` is `None` for paths that lead nowhere. HEAD goes as GET does.
    pub fn of(self, method: &Method, template: Option<&str>) -> Found {
        let Some(template) = template else { return Found::Nowhere };
        let rows = || ROUTES.iter().chain(self.0).filter(|(_, path, _)| *path == template);
        let find = |wanted: &Method| rows().find(|(method, _, _)| method == wanted).map(|(_, _, policy)| *policy);
        let found = find(method).or_else(|| find(&Method::GET).filter(|_| method == Method::HEAD));
        match found {
            Some(policy) => Found::Policy(policy),
            None if rows().next().is_some() => Found::OtherMethods,
            None => Found::Nowhere,
        }
    }

    /// The methods that a path takes, as the header `Allow` tells them.
    pub fn allowed(self, template: &str) -> String {
        let rows = ROUTES.iter().chain(self.0).filter(|(_, path, _)| *path == template);
        let named = |method: &'static Method| if *method == Method::GET { "GET,HEAD" } else { method.as_str() };
        rows.map(|(method, _, _)| named(method)).collect::<Vec<_>>().join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_listed_is_not_answered() {
        let table = Table(&[]);
        assert_eq!(table.of(&Method::GET, Some("/livez")), Found::Policy(OPEN));
        assert_eq!(table.of(&Method::HEAD, Some("/livez")), Found::Policy(OPEN));
        assert_eq!(table.of(&Method::POST, Some("/livez")), Found::OtherMethods);
        for template in [Some("/v1/secrets"), Some("/docs/"), None] {
            assert_eq!(table.of(&Method::GET, template), Found::Nowhere, "{template:?}");
        }
        assert_eq!(table.allowed("/v1/projects"), "GET,HEAD,POST");
    }

    #[test]
    fn each_row_stands_once_and_an_object_has_an_id() {
        let mut seen = std::collections::BTreeSet::new();
        for (method, template, policy) in ROUTES {
            assert!(seen.insert((method.as_str(), *template)), "{method} {template}");
            let has_id = template.contains("{id}");
            assert!(has_id || policy.object == ObjectKind::None, "{method} {template}");
        }
    }
}
