//! A schema: numbered migrations, each applied once, whole, by one program at a time.

use crate::error::SchemaError;
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgDatabaseError};

/// How long a migration waits for a lock, in milliseconds: for other programs that migrate, and for statements that use
/// the tables it changes. How long it then works is not limited.
const LOCK_MAX_MS: u32 = 60_000;

/// Tables of one adapter, in a schema of their own.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    /// Its name: lower-case letters and underscores.
    pub name: &'static str,
    /// In the order of their numbers.
    pub migrations: &'static [Migration],
}

/// One change of a schema. It is applied in one transaction, with this schema first in the search path.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Its number, as in the name of its file.
    pub number: i32,
    /// What it is about, as in the name of its file.
    pub name: &'static str,
    /// Its statements.
    pub sql: &'static str,
}

/// A migration that is to be applied, or was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The schema.
    pub schema: &'static str,
    /// The migration's number.
    pub number: i32,
    /// What it is about.
    pub name: &'static str,
}

impl Schema {
    /// Makes the schema if the database has none; otherwise refuses one that is not up to date. For starting: an
    /// installation is never changed unasked, and a new one needs no step of its own.
    pub async fn open(&self, connection: &mut PgConnection) -> Result<(), SchemaError> {
        let pending = self.pending(connection).await?.len();
        match pending {
            0 => Ok(()),
            all if all == self.migrations.len() => self.bring_up_to_date(connection).await.map(|_| ()),
            missing => Err(SchemaError::Behind { schema: self.name, missing }),
        }
    }

    /// Refuses a schema that is not up to date, or is not there.
    pub async fn check(&self, connection: &mut PgConnection) -> Result<(), SchemaError> {
        match self.pending(connection).await?.len() {
            0 => Ok(()),
            missing => Err(SchemaError::Behind { schema: self.name, missing }),
        }
    }

    /// The migrations that are to be applied, in order. Changes nothing.
    pub async fn pending(&self, connection: &mut PgConnection) -> Result<Vec<Step>, SchemaError> {
        let standing = self.standing(connection).await;
        let applied = self.explained(connection, standing).await?;
        Ok(self.migrations.iter().skip(applied).map(|migration| self.step(migration)).collect())
    }

    /// Applies the migrations that are missing, each in a transaction; gives those that it applied. Another program that
    /// does the same at the same time waits, and finds nothing left to do.
    pub async fn bring_up_to_date(&self, connection: &mut PgConnection) -> Result<Vec<Step>, SchemaError> {
        let mut steps = Vec::new();
        // Asked without a lock first, so that a server that only reads may be asked, too.
        while !self.pending(connection).await?.is_empty() {
            let applied = self.apply_next(connection).await;
            steps.extend(self.explained(connection, applied).await?);
        }
        Ok(steps)
    }

    /// Applies the next migration under the lock; `None` when another program was faster.
    async fn apply_next(&self, connection: &mut PgConnection) -> Result<Option<Step>, SchemaError> {
        let mut change = connection.begin().await.map_err(|error| self.failed(error))?;
        self.lock(&mut change).await?;
        let applied = self.standing(&mut change).await?;
        let Some(migration) = self.migrations.get(applied) else { return Ok(None) };
        if applied == 0 {
            self.make(&mut change).await?;
        }
        self.apply(&mut change, migration).await?;
        change.commit().await.map_err(|error| self.failed(error))?;
        Ok(Some(self.step(migration)))
    }

    async fn lock(&self, connection: &mut PgConnection) -> Result<(), SchemaError> {
        let limits = format!("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = {LOCK_MAX_MS}");
        self.run(connection, limits).await?;
        // The lock's number follows from the name.
        let digest: [u8; 32] = Sha256::digest(self.name).into();
        let number = digest.first_chunk().map_or(0, |head| i64::from_be_bytes(*head));
        let locked = sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(number).execute(connection).await;
        locked.map(|_| ()).map_err(|error| self.failed(error))
    }

    /// Makes the schema, unless somebody with more rights has made it, and the table of migrations.
    async fn make(&self, connection: &mut PgConnection) -> Result<(), SchemaError> {
        // Asked, and not left to IF NOT EXISTS: that needs the right to make one even where there is one.
        let made = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)");
        let made = made.bind(self.name).fetch_one(&mut *connection).await;
        if !made.map_err(|error| self.failed(error))? {
            self.run(connection, format!("CREATE SCHEMA \"{}\"", self.name)).await?;
        }
        self.run(connection, MIGRATIONS.replace("{schema}", self.name)).await
    }

    async fn apply(&self, connection: &mut PgConnection, migration: &Migration) -> Result<(), SchemaError> {
        self.run(connection, format!("SET LOCAL search_path = \"{}\"", self.name)).await?;
        let done = sqlx::raw_sql(migration.sql).execute(&mut *connection).await;
        let (number, name) = (migration.number, migration.name);
        done.map_err(|source| match self.failed(source) {
            SchemaError::Storage { schema, source } => SchemaError::Failed { schema, number, name, source },
            other => other,
        })?;
        let note = format!("INSERT INTO \"{}\".migrations (number, name, sha256) VALUES ($1, $2, $3)", self.name);
        let note = sqlx::query(AssertSqlSafe(note)).bind(number).bind(name).bind(migration.digest());
        note.execute(connection).await.map(|_| ()).map_err(|error| self.failed(error))
    }

    /// How many of the migrations are applied. Refuses what this program does not know.
    async fn standing(&self, connection: &mut PgConnection) -> Result<usize, SchemaError> {
        let found = sqlx::query_as(
            "SELECT count(*) FILTER (WHERE relname = 'migrations') > 0, count(*) > 0 \
             FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE nspname = $1",
        );
        let found = found.bind(self.name).fetch_one(&mut *connection).await;
        match found.map_err(|error| self.failed(error))? {
            (false, false) => return Ok(0),
            (false, true) => return Err(SchemaError::Foreign { schema: self.name }),
            (true, _) => {}
        }
        let applied = format!("SELECT number, name, sha256 FROM \"{}\".migrations ORDER BY number", self.name);
        let applied = sqlx::query_as(AssertSqlSafe(applied)).fetch_all(&mut *connection).await;
        self.judge(&applied.map_err(|error| self.failed(error))?)
    }

    /// Compares what was applied, in order of the numbers, with what is known.
    pub(crate) fn judge(&self, applied: &[(i32, String, String)]) -> Result<usize, SchemaError> {
        let known = self.migrations.last().map_or(0, |migration| migration.number);
        if let Some((found, ..)) = applied.last().filter(|(found, ..)| *found > known) {
            return Err(SchemaError::Newer { schema: self.name, found: *found, known });
        }
        for (place, (number, name, digest)) in applied.iter().enumerate() {
            let same = |known: &&Migration| known.number == *number && known.digest() == *digest;
            if self.migrations.get(place).filter(same).is_none() {
                return Err(SchemaError::Drifted { schema: self.name, number: *number, name: name.clone() });
            }
        }
        Ok(applied.len())
    }

    async fn run(&self, connection: &mut PgConnection, statements: String) -> Result<(), SchemaError> {
        let done = sqlx::raw_sql(AssertSqlSafe(statements)).execute(connection).await;
        done.map(|_| ()).map_err(|error| self.failed(error))
    }

    /// Names who lacks rights, where that is what went wrong. Nothing is under way on the connection.
    async fn explained<T>(
        &self,
        connection: &mut PgConnection,
        outcome: Result<T, SchemaError>,
    ) -> Result<T, SchemaError> {
        let source = match outcome {
            Err(SchemaError::Storage { source, .. } | SchemaError::Failed { source, .. })
                if code(&source) == Some("42501") =>
            {
                source
            }
            other => return other,
        };
        let asked = sqlx::query_as("SELECT current_user::text, current_database()::text").fetch_one(connection).await;
        let (user, database) = asked.map_err(|error| self.failed(error))?;
        Err(SchemaError::NoRight { schema: self.name, user, database, source })
    }

    fn failed(&self, source: sqlx::Error) -> SchemaError {
        // read_only_sql_transaction.
        if code(&source) == Some("25006") {
            return SchemaError::ReadOnly { schema: self.name };
        }
        SchemaError::Storage { schema: self.name, source }
    }

    fn step(&self, migration: &Migration) -> Step {
        Step { schema: self.name, number: migration.number, name: migration.name }
    }
}

impl Migration {
    /// The SHA-256 of its statements, in hexadecimal.
    pub fn digest(&self) -> String {
        hex::encode(Sha256::digest(self.sql))
    }
}

/// Where applied migrations are written down.
const MIGRATIONS: &str = r#"
CREATE TABLE "{schema}".migrations (
    number     integer     NOT NULL PRIMARY KEY,
    name       text        NOT NULL,
    sha256     text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE "{schema}".migrations IS 'What made this schema, step by step.';
"#;

/// The SQLSTATE of an error.
fn code(error: &sqlx::Error) -> Option<&str> {
    let said = error.as_database_error()?.try_downcast_ref::<PgDatabaseError>()?;
    Some(said.code())
}
