//! Who gives a command, and how a repetition of it is recognised.

use crate::ports::{cluster::Lease, event_log::Tenant};
use domain::value::Sha256;
use sha2::Digest;
use uuid::Uuid;

/// Namespace of derived command ids; drawn once at random, fixed for ever.
const NAMESPACE: Uuid = Uuid::from_u128(0x8a4c_1f6e_77b2_4d0e_b7c9_0d3f_52a8_16e4);

/// Who gives a command, and how a repetition is recognised.
#[derive(Clone, Debug)]
pub struct CommandMeta {
    /// Whose; `None` for the program's own commands, which belong to whom the stream belongs to.
    pub tenant: Option<Tenant>,
    /// Who: `cli`, `api`, `process-manager`, `worker`. Never a person's name.
    pub actor: String,
    /// The command's id.
    pub id: Uuid,
    /// Digest over the command's content.
    pub fingerprint: Sha256,
    /// Whether its giver may give it again under the same id, after an answer was lost.
    pub is_repeatable: bool,
    /// The revision that its giver has seen; another one refuses the command.
    pub expected_revision: Option<u64>,
    /// The trace that it belongs to, as W3C `traceparent`.
    pub traceparent: Option<String>,
    /// What its giver must hold still for it to be written.
    pub under: Option<Lease>,
}

impl CommandMeta {
    /// A command that is the same command whenever it has this name: UUIDv5 of it.
    pub fn derived(actor: &str, name: &str) -> Self {
        Self::new(actor, Uuid::new_v5(&NAMESPACE, name.as_bytes()), name.as_bytes())
    }

    /// A command given once, under an id that nobody else has.
    pub fn fresh(actor: &str, id: Uuid) -> Self {
        Self::new(actor, id, id.as_bytes())
    }

    /// A command that somebody gives, perhaps more than once, under an id of their choice.
    pub fn given(tenant: Tenant, actor: &str, id: Uuid) -> Self {
        Self { tenant: Some(tenant), is_repeatable: true, ..Self::fresh(actor, id) }
    }

    /// Another command of the same giver, for another stream or another step, with an id that follows from this one's.
    #[must_use]
    pub fn and_then(&self, step: &str) -> Self {
        let id = Uuid::new_v5(&self.id, step.as_bytes());
        Self { id, fingerprint: sha256(id.as_bytes()), expected_revision: None, ..self.clone() }
    }

    /// Refused unless the stream is at this revision.
    #[must_use]
    pub fn expecting(self, revision: Option<u64>) -> Self {
        Self { expected_revision: revision, ..self }
    }

    /// Part of this trace.
    #[must_use]
    pub fn traced(self, traceparent: Option<String>) -> Self {
        Self { traceparent, ..self }
    }

    /// Written only while its giver holds this.
    #[must_use]
    pub fn under(self, lease: Option<Lease>) -> Self {
        Self { under: lease, ..self }
    }

    fn new(actor: &str, id: Uuid, content: &[u8]) -> Self {
        Self {
            tenant: None,
            actor: actor.to_owned(),
            id,
            fingerprint: sha256(content),
            is_repeatable: false,
            expected_revision: None,
            traceparent: None,
            under: None,
        }
    }
}

/// Digest of some bytes.
pub fn sha256(bytes: &[u8]) -> Sha256 {
    Sha256::new(sha2::Sha256::digest(bytes).into())
}
