//! The tables that are taken along, as both places have them.

use super::KeptFiles;
use crate::{credentials, deliveries, file::Schema};
use std::path::Path;

/// What belongs together.
pub(super) struct Set {
    /// What it is, for messages.
    pub what: &'static str,
    /// Its file in a data folder.
    pub file: fn(&KeptFiles) -> &Path,
    /// The schema of that.
    pub schema: &'static Schema,
    /// In the order in which they can be filled.
    pub tables: &'static [KeptTable],
    /// Those of which none has a row while nobody has used the set.
    pub telling: &'static [&'static str],
}

/// A table.
pub(super) struct KeptTable {
    /// Its name in a file.
    pub in_file: &'static str,
    /// Its name in a database.
    pub in_database: &'static str,
    /// How many columns, from the first on, tell its rows apart; with none, there is one row.
    pub key: usize,
    /// Its columns.
    pub columns: &'static [(&'static str, Kind)],
}

/// What stands in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An id.
    Id,
    /// An id, which is a text in files.
    IdText,
    /// A number, or none.
    Number,
    /// A truth.
    Flag,
    /// A text.
    Text,
    /// Bytes, or none.
    Bytes,
}

const fn table(name: &'static str, key: usize, columns: &'static [(&'static str, Kind)]) -> KeptTable {
    KeptTable { in_file: name, in_database: name, key, columns }
}

/// What lets people in.
pub(super) const CREDENTIALS: Set = Set {
    what: "accounts",
    file: |files| &files.credentials,
    schema: &credentials::SCHEMA,
    tables: &[
        table("emails", 1, &[("digest", Kind::Bytes), ("account", Kind::Id)]),
        table("passwords", 1, &[("account", Kind::Id), ("phc", Kind::Text)]),
        table(
            "tickets",
            1,
            &[("hash", Kind::Bytes), ("account", Kind::Id), ("purpose", Kind::Text), ("expires_ms", Kind::Number)],
        ),
        table(
            "sessions",
            1,
            &[
                ("id", Kind::Id),
                ("account", Kind::Id),
                ("started_ms", Kind::Number),
                ("last_used_ms", Kind::Number),
                ("expires_ms", Kind::Number),
                ("idle_ms", Kind::Number),
                ("ended", Kind::Number),
            ],
        ),
        table(
            "refresh_tokens",
            1,
            &[("hash", Kind::Bytes), ("session", Kind::Id), ("successor", Kind::Bytes), ("rotated_ms", Kind::Number)],
        ),
        table(
            "api_keys",
            1,
            &[
                ("id", Kind::Id),
                ("account", Kind::Id),
                ("tenant", Kind::Text),
                ("secret_hash", Kind::Bytes),
                ("scopes", Kind::Text),
                ("made_ms", Kind::Number),
                ("expires_ms", Kind::Number),
                ("last_used_ms", Kind::Number),
                ("revoked", Kind::Number),
            ],
        ),
        table("addresses", 2, &[("owner", Kind::Id), ("digest", Kind::Bytes), ("seen_ms", Kind::Number)]),
        table("secrets", 2, &[("owner", Kind::Id), ("name", Kind::Text), ("sealed", Kind::Bytes)]),
        table("used_steps", 1, &[("account", Kind::Id), ("step", Kind::Number)]),
    ],
    // Not the secrets: each start makes keys for tokens where there are none.
    telling: &["emails", "passwords", "sessions", "api_keys"],
};

/// What webhooks are told. Who has a delivery in hand does not go along: nobody is at work.
pub(super) const DELIVERIES: Set = Set {
    what: "deliveries to webhooks",
    file: |files| &files.deliveries,
    schema: &deliveries::SCHEMA,
    tables: &[
        KeptTable {
            in_file: "checkpoint",
            in_database: "delivery_checkpoint",
            key: 0,
            columns: &[("position", Kind::Number)],
        },
        table(
            "deliveries",
            1,
            &[
                ("id", Kind::IdText),
                ("webhook", Kind::IdText),
                ("tenant", Kind::Text),
                ("event", Kind::IdText),
                ("kind", Kind::Text),
                ("position", Kind::Number),
                ("subject", Kind::IdText),
                ("body", Kind::Text),
                ("state", Kind::Text),
                ("is_head", Kind::Flag),
                ("failures", Kind::Number),
                ("since_ms", Kind::Number),
                ("next_ms", Kind::Number),
                ("ended_ms", Kind::Number),
                ("attempts", Kind::Text),
            ],
        ),
        table(
            "replays",
            1,
            &[("webhook", Kind::IdText), ("tenant", Kind::Text), ("scanned_to", Kind::Number), ("until", Kind::Number)],
        ),
    ],
    telling: &["deliveries"],
};
