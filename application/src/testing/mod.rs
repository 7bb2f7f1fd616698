//! What tests of every crate need of the ports: conformance kits, measures, and ports without a disk.

mod abilities;
pub mod blob_store_kit;
pub mod cluster_kit;
mod counted_ids;
pub mod credential_store_kit;
pub mod delivery_store_kit;
pub mod event_bus_kit;
pub mod event_log_kit;
mod manual_clock;
pub mod memo_store_kit;
mod memory_delivery_store;
mod memory_event_bus;
mod memory_key_vault;
mod memory_memo_store;
mod memory_read_store;
mod memory_request_store;
mod memory_snapshots;
pub mod read_store_kit;
mod recorded_log;
pub mod request_store_kit;
pub mod shadow_store_kit;
pub mod snapshots_kit;
pub mod story;
pub mod wer;
pub mod work_queue_kit;

pub use abilities::abilities;
pub use counted_ids::CountedIds;
pub use manual_clock::ManualClock;
pub use memory_delivery_store::MemoryDeliveryStore;
pub use memory_event_bus::MemoryEventBus;
pub use memory_key_vault::MemoryKeyVault;
pub use memory_memo_store::MemoryMemoStore;
pub use memory_read_store::MemoryReadStore;
pub use memory_request_store::MemoryRequestStore;
pub use memory_snapshots::MemorySnapshots;
pub use recorded_log::RecordedLog;
