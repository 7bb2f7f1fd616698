//! Who a token belongs to: somebody who signed in, a key, an outside issuer's, or who runs the installation.

use super::{Identity, IdentityError, digest, keys::KeyToken, stream};
use crate::{
    aggregates::{CommandMeta, Loaded},
    ports::{
        access_tokens::TokenClaims,
        credentials::Used,
        event_log::Tenant,
        outside_issuer::{OutsideClaims, OutsideIssuer, OutsideRefusal},
    },
    principal::Principal,
};
use domain::{
    account::{Account, AccountCommand, Origin},
    security::{By, SecurityEvent},
    value::{AccountId, Personal, Role, Sha256, Timestamp},
};
use std::sync::Arc;
use tokio::sync::watch;
use uuid::Uuid;

/// How long a key, or an outside token, is taken without being looked at again, in milliseconds.
const LOOK_AGAIN_MS: u64 = 60_000;
/// Namespace of accounts that an outside issuer signs in; drawn once at random, fixed for ever.
const OUTSIDE: Uuid = Uuid::from_u128(0x6e5b_90c4_1d3f_4e7a_9a82_57f4_c08e_3d16);

/// Where a request comes from.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Whence {
    /// The network address, where there is one. Personal.
    pub address: Option<String>,
    /// It comes from this very machine.
    pub is_local: bool,
}

impl std::fmt::Debug for Whence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Whence").field("is_local", &self.is_local).finish_non_exhaustive()
    }
}

impl Whence {
    /// The address, as events keep it.
    pub fn personal(&self) -> Personal<String> {
        Personal::new(self.address.clone().unwrap_or_default())
    }

    /// Somebody unknown from there.
    pub fn by_nobody(&self) -> By {
        By { account: None, key: None, address: self.address.clone().map(Personal::new) }
    }

    /// Somebody known from there.
    pub fn by(&self, principal: &Principal) -> By {
        By { account: principal.account, key: principal.key, ..self.by_nobody() }
    }
}

/// Somebody who showed something valid.
#[derive(Clone, Debug)]
pub struct Authenticated {
    /// Who.
    pub principal: Arc<Principal>,
    /// Until when it is valid.
    pub until: Option<Timestamp>,
    /// Turns true when it is taken back before.
    pub taken_back: Option<watch::Receiver<bool>>,
}

/// What a token is, and until when.
type Found = Result<(Principal, Timestamp), &'static str>;

impl Identity {
    /// Who a token belongs to; `None` when it is not valid, which is noted.
    pub async fn by_token(&self, token: &str, whence: &Whence) -> Result<Option<Authenticated>, IdentityError> {
        let now = self.parts.clock.now();
        if self.is_operator(token, whence) {
            let principal = Arc::new(Principal::operator());
            return Ok(Some(Authenticated { principal, until: None, taken_back: None }));
        }
        // A key that is used from elsewhere is looked at again, so that this is noted.
        let is_key = token.starts_with(digest::KEY);
        let place = if is_key { whence.address.as_deref().unwrap_or_default() } else { "" };
        let digest = digest::kept(&format!("{token}\n{place}"));
        if let Some(known) = self.verified.get(&digest, now) {
            return Ok(Some(known));
        }
        let begun = self.verified.begin();
        let found = if is_key { self.by_key(token, whence, now).await? } else { self.by_jwt(token, now).await? };
        match found {
            Ok((principal, until)) => Ok(Some(self.verified.put(begun, digest, principal, until))),
            Err(why) => {
                let refused =
                    SecurityEvent::CredentialRefused { by: whence.by_nobody(), why: why.to_owned(), times: 1 };
                self.parts.trail.note(&Tenant::default(), refused);
                Ok(None)
            }
        }
    }

    /// Whether it is the token that lies in the data folder, shown by somebody on this machine: who can read the folder.
    fn is_operator(&self, token: &str, whence: &Whence) -> bool {
        let Some(operator) = self.parts.operator.filter(|_| whence.is_local) else { return false };
        // How far two digests agree tells nothing about the token.
        *digest::kept(token).as_bytes() == operator
    }

    async fn by_key(&self, token: &str, whence: &Whence, now: Timestamp) -> Result<Found, IdentityError> {
        let Some(shown) = KeyToken::read(token) else { return Ok(Err("key-malformed")) };
        let Some(kept) = self.parts.credentials.key(shown.id).await? else { return Ok(Err("key-unknown")) };
        if kept.secret_hash != shown.secret_hash {
            return Ok(Err("key-unknown"));
        }
        let loaded = self.parts.aggregates.account(kept.account).await?;
        // What the log does not tell of is not there yet, or not any more.
        let Some(key) = loaded.state.keys.get(&kept.id).filter(|key| !key.is_revoked && !kept.is_revoked) else {
            return Ok(Err("key-revoked"));
        };
        if kept.expires_at.is_some_and(|end| end <= now) {
            return Ok(Err("key-expired"));
        }
        let (Some(role), Some(tenant)) = (loaded.state.active_role(), loaded.tenant.clone()) else {
            return Ok(Err("account-deactivated"));
        };
        let scopes = key.made.scopes.clone();
        let principal = Principal::account(tenant, kept.account, role).with_key(kept.id, scopes);
        let used = Used { key: kept.id, address_digest: self.parts.keys.address(whence), now };
        if self.parts.credentials.note_use(used).await? {
            let command = AccountCommand::NoteKeyAddress { key: kept.id, address: whence.personal() };
            let meta = CommandMeta::fresh(&principal.actor, self.parts.ids.next());
            self.parts.aggregates.execute::<Account>(&stream(kept.account), command, &meta).await?;
        }
        let end = now.plus_ms(LOOK_AGAIN_MS);
        Ok(Ok((principal, kept.expires_at.map_or(end, |expires_at| expires_at.min(end)))))
    }

    async fn by_jwt(&self, token: &str, now: Timestamp) -> Result<Found, IdentityError> {
        match (&self.parts.outside, self.parts.tokens.looks_like_ours(token)) {
            (Some((issuer, tenant)), false) => self.by_outside(&**issuer, tenant, token, now).await,
            (_, true) | (None, false) => match self.parts.tokens.verify(token, now) {
                Ok(claims) => self.by_claims(claims, now).await,
                Err(_) => Ok(Err("token-invalid")),
            },
        }
    }

    async fn by_claims(&self, claims: TokenClaims, now: Timestamp) -> Result<Found, IdentityError> {
        let session = self.parts.credentials.session(claims.session, now).await?;
        if !session.is_some_and(|session| session.is_live && session.account == claims.account) {
            return Ok(Err("session-ended"));
        }
        let loaded = self.parts.aggregates.account(claims.account).await?;
        let found = self.principal(&loaded, claims.account).map(|principal| principal.in_session(claims.session));
        Ok(found.map(|principal| (principal, claims.expires_at)).ok_or("account-deactivated"))
    }

    /// Who an account is now: its role may be another one than when its token was made.
    pub(super) fn principal(&self, loaded: &Loaded<Account>, account: AccountId) -> Option<Principal> {
        let standing = loaded.state.standing.as_ref().filter(|standing| standing.is_active)?;
        let is_due = self.parts.settings.admins_need_second_factor
            && standing.role == Role::Admin
            && standing.origin != Origin::Issuer
            && !standing.has_second_factor;
        let principal = Principal::account(loaded.tenant.clone()?, account, standing.role);
        Some(Principal { must_enrol: is_due, ..principal })
    }

    async fn by_outside(
        &self,
        issuer: &dyn OutsideIssuer,
        tenant: &Tenant,
        token: &str,
        now: Timestamp,
    ) -> Result<Found, IdentityError> {
        let claims = match issuer.verify(token, now).await {
            Ok(claims) => claims,
            Err(OutsideRefusal::Unavailable { reason }) => {
                tracing::warn!(reason, "the outside issuer cannot be asked for its keys");
                return Ok(Err("issuer-unavailable"));
            }
            Err(OutsideRefusal::NoRole) => return Ok(Err("issuer-grants-no-role")),
            Err(_) => return Ok(Err("token-invalid")),
        };
        let account = AccountId(Uuid::new_v5(&OUTSIDE, format!("{}\n{}", claims.issuer, claims.subject).as_bytes()));
        let loaded = self.welcome(account, tenant, &claims).await?;
        let found = self.principal(&loaded, account).map(|principal| (principal, now.plus_ms(LOOK_AGAIN_MS)));
        Ok(found.ok_or("account-deactivated"))
    }

    /// The account of somebody whom the issuer signed in: made when they first come, and given the role that the issuer
    /// says.
    async fn welcome(
        &self,
        account: AccountId,
        tenant: &Tenant,
        claims: &OutsideClaims,
    ) -> Result<Loaded<Account>, IdentityError> {
        let loaded = self.parts.aggregates.account(account).await?;
        let command = match loaded.state.standing.as_ref() {
            None => AccountCommand::Create {
                origin: Origin::Issuer,
                email: Personal::new(claims.email.clone().unwrap_or_default()),
                name: Personal::new(claims.name.clone().unwrap_or_default()),
                role: claims.role,
            },
            Some(standing) if standing.role != claims.role && standing.is_active => AccountCommand::Grant(claims.role),
            Some(_) => return Ok(loaded),
        };
        let meta = CommandMeta { tenant: Some(tenant.clone()), ..CommandMeta::fresh("issuer", self.parts.ids.next()) };
        self.parts.aggregates.execute::<Account>(&stream(account), command, &meta).await?;
        self.verified.take_back(account);
        Ok(self.parts.aggregates.account(account).await?)
    }

    /// A digest of a token, for what is kept of it elsewhere.
    pub fn digest_of(token: &str) -> Sha256 {
        digest::kept(token)
    }
}
