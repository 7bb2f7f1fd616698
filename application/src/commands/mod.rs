//! What users ask for, one file per use case.

pub mod asset_desk;
pub mod check_asset;
pub mod collect_blobs;
pub mod control_dubbing;
pub mod control_queues;
pub mod correct_line;
pub mod deliver;
pub mod erase_asset;
pub mod expire_uploads;
pub mod fork_dubbing;
pub mod glossaries;
pub mod import_asset;
pub mod order_dubbing;
pub mod projects;
pub mod regenerate_track;
pub mod release_file;
pub mod request_dub;
pub mod withdraw_track;
