//! What users ask for, one file per use case.

pub mod control_dubbing;
pub mod correct_line;
pub mod deliver;
pub mod fork_dubbing;
pub mod glossaries;
pub mod order_dubbing;
pub mod projects;
pub mod regenerate_track;
pub mod request_dub;
pub mod withdraw_track;
