//! What tests of every crate need of the ports: conformance kits, measures, and ports without a disk.

mod manual_clock;
mod memory_key_vault;
pub mod wer;

pub use manual_clock::ManualClock;
pub use memory_key_vault::MemoryKeyVault;
