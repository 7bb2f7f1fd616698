//! The schema, and who may use it how.

use super::{SEAL, SERVER, database, name, node};
use crate::{PostgresCredentialStore, SharedDatabase};
use application::ports::{
    credentials::{Claim, CredentialStore},
    key_vault::Key,
};
use domain::value::{AccountId, Sha256};
use uuid::Uuid;

#[tokio::test]
async fn a_database_is_brought_up_to_date() {
    let url = database();
    let pending = SharedDatabase::pending(&url).await.unwrap();
    let numbers: Vec<_> = pending.iter().map(|step| (step.schema, step.number)).collect();
    assert_eq!(numbers, [201, 202, 203, 204].map(|number| ("dragoman_shared", number)));
    assert_eq!(SharedDatabase::migrate(&url).await.unwrap(), pending);
    assert!(SharedDatabase::pending(&url).await.unwrap().is_empty());
    SharedDatabase::connect(&url, node()).await.unwrap().close().await;
    SERVER.sql(name(&url), "DELETE FROM dragoman_shared.migrations WHERE number = 204").unwrap();
    let behind = SharedDatabase::connect(&url, node()).await.err().unwrap().to_string();
    assert!(behind.contains("dragoman migrate"), "{behind}");
}

/// Texts are compared by their bytes, and every table says what it is.
#[tokio::test]
async fn no_text_is_in_the_order_of_a_language() {
    let url = database();
    SharedDatabase::migrate(&url).await.unwrap();
    let others = "SELECT count(*) FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid \
         WHERE relnamespace = 'dragoman_shared'::regnamespace AND relkind = 'r' AND relname <> 'migrations' \
         AND attcollation NOT IN (0, 'pg_catalog.\"C\"'::regcollation)";
    assert_eq!(SERVER.sql(name(&url), others).unwrap(), "0");
}

/// A role that was let in may use what is here and nothing more; another one is told what it lacks.
#[tokio::test(flavor = "multi_thread")]
async fn roles_are_let_in() {
    let url = database();
    let role = format!("node \"{}\"", name(&url));
    let quoted = role.replace('"', "\"\"");
    SERVER.sql(name(&url), &format!("CREATE ROLE \"{quoted}\" LOGIN PASSWORD 'sesame'")).unwrap();
    let as_role = SERVER.url_as(&role.replace(' ', "%20").replace('"', "%22"), "sesame", name(&url));
    let said = SharedDatabase::connect(&as_role, node()).await.err().unwrap().to_string();
    assert!(said.contains("GRANT CREATE ON DATABASE") && !said.contains("sesame"), "{said}");
    SharedDatabase::migrate(&url).await.unwrap();
    let said = SharedDatabase::connect(&as_role, node()).await.err().unwrap().to_string();
    assert!(said.contains("migrate --grant") || said.contains("GRANT"), "{said}");
    SharedDatabase::admit(&url, &role).await.unwrap();
    let joined = SharedDatabase::connect(&as_role, node()).await.unwrap();
    let store = PostgresCredentialStore::new(joined.clone(), Key::new(SEAL));
    let claimed = store.claim_email(&Sha256::new([1; 32]), AccountId(Uuid::from_u128(1))).await.unwrap();
    assert_eq!(claimed, Claim::Yours);
    for forbidden in ["DELETE FROM migrations", "DROP TABLE emails", "CREATE TABLE mine ()"] {
        let refused = sqlx::raw_sql(forbidden).execute(joined.pool()).await.unwrap_err();
        assert_eq!(refused.as_database_error().unwrap().code().unwrap(), "42501", "{forbidden}");
    }
    joined.close().await;
}
