//! An installation whose log is in a database already, and whose accounts and deliveries are still in its data folder: they
//! are brought to the database, once.

use super::{
    KeptCopyError, KeptFiles,
    rows::{Fault, copy_rows, is_unused},
    tables::{CREDENTIALS, DELIVERIES, Set},
};
use crate::{
    SharedDatabase, SharedStoreError,
    file::File,
    sql::{Cells as _, Sql as _, Value, ask, ask_made},
};
use sqlx::PgConnection;

/// What was taken over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TakenOver {
    /// Rows about accounts.
    pub accounts: u64,
    /// Rows about deliveries.
    pub deliveries: u64,
}

impl SharedDatabase {
    /// Takes over accounts and deliveries from these files, which the caller owns: if they are there, nobody has any in the
    /// database, and it was not done before. All in one transaction. The files stay, and are not looked at again.
    pub async fn take_over(&self, files: &KeptFiles) -> Result<Option<TakenOver>, KeptCopyError> {
        if !files.credentials.exists() && !files.deliveries.exists() {
            return Ok(None);
        }
        let mut change = self.pool().begin().await.map_err(SharedStoreError::from)?;
        let begun = begin(&mut change).await.map_err(SharedStoreError::from)?;
        if !begun {
            return Ok(None);
        }
        let taken = TakenOver {
            accounts: take(&mut change, files, &CREDENTIALS).await?,
            deliveries: take(&mut change, files, &DELIVERIES).await?,
        };
        change.commit().await.map_err(SharedStoreError::from)?;
        Ok(Some(taken).filter(|taken| *taken != TakenOver::default()))
    }
}

/// Whether it is to be done, by this process. Another one that does the same waits, and finds it done.
async fn begin(change: &mut PgConnection) -> Result<bool, sqlx::Error> {
    // However many rows there are.
    ask("SET LOCAL statement_timeout = 0").run(change).await?;
    let origin = ask_made(format!("SELECT took_over FROM origin{}", PgConnection::holding("origin")));
    let is_done = origin.first(change).await?.map_or(Ok(true), |row| row.flag("took_over"))?;
    if is_done || !is_unused(change, &CREDENTIALS).await? {
        return Ok(false);
    }
    ask("UPDATE origin SET took_over = $1").with(Value::Flag(true)).run(change).await?;
    Ok(true)
}

async fn take(change: &mut PgConnection, files: &KeptFiles, set: &Set) -> Result<u64, KeptCopyError> {
    let path = (set.file)(files);
    if !path.exists() || !is_unused(change, set).await.map_err(SharedStoreError::from)? {
        return Ok(0);
    }
    let file = File::open_durable(path, set.schema).await?;
    let mut source = file.writer()?.acquire().await.map_err(|error| file.failed(error))?;
    let taken = copy_rows(&mut *source, change, set).await.map_err(|fault| match fault {
        Fault::Source(error) => file.failed(error).into(),
        Fault::Target(error) => SharedStoreError::from(error).into(),
        Fault::InUse => KeptCopyError::InUse { what: set.what },
    });
    drop(source);
    file.close().await;
    taken
}
