//! `/v1/keys`: keys for programs. One's own; an admin also sees and revokes those of others.

#![expect(unused_qualifications, reason = "utoipa's macros repeat paths")]

use super::{
    fields::present,
    kept::{self, Name},
};
use crate::{
    answer::Done,
    api::Api,
    extract::{Caller, CommandIds, Json, Path, Query},
    problem::{Code, Fault, Problem},
    trace::Trace,
};
use application::{identity::KeyOrder, policy::Action};
use axum::extract::State;
use domain::value::{AccountId, KeyId, Role, Scope, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{
    IntoParams, ToSchema,
    openapi::schema::{ArrayBuilder, ObjectBuilder, Type},
};
use uuid::Uuid;

/// Longest time that a key may be good for, in days.
const DAYS_MAX: u32 = 3_650;
const DAY_MS: u64 = 86_400_000;

/// A key to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewKeyRequest {
    /// What it is called.
    name: Name,
    /// What it may be used for, within what its owner may do.
    #[schema(schema_with = scopes_schema)]
    scopes: Vec<Scope>,
    /// After how many days it is not valid any more; never, when absent.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = 1, maximum = 3650)]
    expires_in_days: Option<u32>,
}

/// One scope or more.
fn scopes_schema() -> ArrayBuilder {
    let scope = ObjectBuilder::new().schema_type(Type::String);
    let scope = scope.enum_values(Some(Scope::ALL.iter().map(|scope| scope.name())));
    ArrayBuilder::new().items(scope).min_items(Some(1)).examples([json!(["work:read", "work:write"])])
}

/// A key that was made.
#[derive(Serialize, ToSchema)]
pub(crate) struct NewKeyDocument {
    /// Its id.
    id: Uuid,
    /// What is sent with every request: `Authorization: Bearer …`. It is shown this once.
    key: String,
}

/// Keys.
#[derive(Serialize, ToSchema)]
pub(crate) struct Keys {
    /// Newest first.
    items: Vec<KeyDocument>,
}

/// A key, without its secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct KeyDocument {
    /// Its id.
    id: Uuid,
    /// What it is called; absent once that was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    name: Option<String>,
    /// What it may be used for.
    #[schema(value_type = Vec<String>)]
    scopes: Vec<Scope>,
    /// `valid`, `expired` or `revoked`.
    #[schema(example = "valid")]
    state: &'static str,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// From when on it is not valid any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    expires_at: Option<String>,
    /// When it was last used, to the minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    last_used_at: Option<String>,
}

/// Whose keys.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct KeysQuery {
    /// Those of this account; for admins. One's own otherwise.
    account: Option<Uuid>,
}

/// Make a key
///
/// It acts for you, within its scopes. The key itself is in the answer and nowhere else: of its secret only a digest is
/// kept. Repeated with the same `Idempotency-Key`, the answer is the same.
#[utoipa::path(post, path = "/v1/keys", tag = "keys", operation_id = "create_key", params(KeysQuery), request_body = NewKeyRequest,
    responses((status = 201, description = "It is made", body = NewKeyDocument, headers(
        ("Location" = String, description = "Its path"),
        ("Dragoman-Position" = u64, description = "For `min_position`"),
    ))))]
pub(crate) async fn create(
    State(api): State<Api>,
    caller: Caller,
    ids: CommandIds,
    trace: Trace,
    Query(query): Query<KeysQuery>,
    Json(new): Json<NewKeyRequest>,
) -> Result<Done<NewKeyDocument>, Problem> {
    let wrong = |pointer: &str, what: &str| {
        Problem::new(Code::InvalidRequest).fault(Fault::at(pointer.to_owned(), "invalid-value", what.to_owned()))
    };
    if new.scopes.is_empty() {
        return Err(wrong("/scopes", "a key without scopes is good for nothing; name one at least"));
    }
    if new.expires_in_days.is_some_and(|days| !(1..=DAYS_MAX).contains(&days)) {
        return Err(wrong("/expires_in_days", "a whole number from 1 to 3650"));
    }
    let account = whose(&api, &caller, query.account).await?;
    let (id, meta) = (ids.0.resource, caller.command(ids.0.command, trace));
    let expires_at = new.expires_in_days.map(|days| api.clock.now().plus_ms(u64::from(days) * DAY_MS));
    let order = KeyOrder { id: KeyId(id), name: new.name.0, scopes: new.scopes, expires_at };
    let made = api.identity.make_key(account, caller.principal(), order, &meta).await?;
    let (position, _) = kept::outcome(&api, made.appended, 0).await?;
    Ok(Done::created(&format!("/v1/keys/{id}"), NewKeyDocument { id, key: made.token }).position(position))
}

/// All keys
///
/// Newest first, revoked and expired ones too.
#[utoipa::path(get, path = "/v1/keys", tag = "keys", operation_id = "list_keys", params(KeysQuery), responses(
    (status = 200, description = "Keys", body = Keys),
))]
pub(crate) async fn list(
    State(api): State<Api>,
    caller: Caller,
    Query(query): Query<KeysQuery>,
) -> Result<Done<Keys>, Problem> {
    let account = whose(&api, &caller, query.account).await?;
    let (loaded, now) = (api.aggregates.account(account).await?, api.clock.now());
    let uses = api.identity.key_uses(account).await?;
    let items = uses.into_iter().filter_map(|kept| {
        let known = loaded.state.keys.get(&kept.id)?;
        Some(KeyDocument {
            id: kept.id.0,
            name: kept::revealed(Some(&known.made.name)),
            scopes: known.made.scopes.clone(),
            state: state(known.is_revoked || kept.is_revoked, kept.expires_at, now),
            created_at: kept.made_at.to_string(),
            expires_at: kept.expires_at.map(|at| at.to_string()),
            last_used_at: kept.last_used_at.map(|at| at.to_string()),
        })
    });
    Ok(Done::ok(Keys { items: items.collect() }))
}

/// Revoke a key
///
/// It is refused at once, and what listens with it is cut off.
#[utoipa::path(delete, path = "/v1/keys/{id}", tag = "keys", operation_id = "revoke_key",
    params(("id" = Uuid, Path, description = "The key"), KeysQuery),
    responses((status = 204, description = "It is not valid any more", headers(
        ("Dragoman-Position" = u64, description = "For `min_position`"),
    ))))]
pub(crate) async fn revoke(
    State(api): State<Api>,
    caller: Caller,
    ids: CommandIds,
    trace: Trace,
    Path(id): Path<Uuid>,
    Query(query): Query<KeysQuery>,
) -> Result<Done<()>, Problem> {
    let account = whose(&api, &caller, query.account).await?;
    let loaded = api.aggregates.account(account).await?;
    if !loaded.state.keys.contains_key(&KeyId(id)) {
        return Err(Problem::new(Code::NotFound));
    }
    let meta = caller.command(ids.0.command, trace);
    let written = api.identity.revoke_key(account, KeyId(id), &meta).await?;
    Ok(Done::nothing().position(kept::outcome(&api, written, loaded.revision).await?.0))
}

/// The account that is meant: one's own, or, for admins, one of their tenant.
async fn whose(api: &Api, caller: &Caller, asked: Option<Uuid>) -> Result<AccountId, Problem> {
    let Some(asked) = asked.map(AccountId) else { return caller.account() };
    if caller.principal().account == Some(asked) {
        return Ok(asked);
    }
    if caller.principal().role != Role::Admin {
        let action = Action::ManageAccounts.name();
        return Err(Problem::new(Code::RoleTooLow).extension("action", action));
    }
    let is_ours = api.aggregates.account(asked).await?.is_of(caller.tenant());
    if is_ours { Ok(asked) } else { Err(Problem::new(Code::NotFound)) }
}

fn state(is_revoked: bool, expires_at: Option<Timestamp>, now: Timestamp) -> &'static str {
    match (is_revoked, expires_at) {
        (true, _) => "revoked",
        (false, Some(end)) if end <= now => "expired",
        (false, _) => "valid",
    }
}
