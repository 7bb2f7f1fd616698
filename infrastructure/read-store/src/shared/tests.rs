//! What nodes share, on a real PostgreSQL server: the promises of the ports, and two nodes at once.

mod credentials;
pub(crate) mod deliveries;
mod faults;
mod memos;
mod requests;
mod schema;

use super::{SharedDatabase, nodes::Lease};
use application::ports::clock::Ids as _;
use application::testing::CountedIds;
use scratch_postgres::ScratchPostgres;
use std::{
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use uuid::Uuid;

/// One server for all tests of this program; it ends with it.
pub(crate) static SERVER: LazyLock<ScratchPostgres> =
    LazyLock::new(|| ScratchPostgres::start(&[("fsync", "off")]).expect("a server"));

/// What seals.
const SEAL: [u8; 32] = [5; 32];

/// A short life, for nodes that die in tests.
const SHORT: Lease = Lease { held: Duration::from_millis(600), renewed: Duration::from_millis(100) };

/// The address of a fresh database.
pub(crate) fn database() -> String {
    static DATABASES: AtomicU32 = AtomicU32::new(0);
    let number = DATABASES.fetch_add(1, Ordering::Relaxed);
    SERVER.database(&format!("shared_{number}")).expect("a database")
}

/// The name of a database.
pub(crate) fn name(url: &str) -> &str {
    url.rsplit('/').next().unwrap()
}

/// An id that no other node has.
pub(crate) fn node() -> Uuid {
    static NODES: LazyLock<CountedIds> = LazyLock::new(CountedIds::default);
    NODES.next()
}

/// A node on this database.
pub(crate) async fn joined(url: &str) -> SharedDatabase {
    SharedDatabase::connect(url, node()).await.expect("a node")
}
