//! Version 1 of the API: one folder or file per noun, one file per verb.

pub(crate) mod abilities;
pub(crate) mod account;
pub(crate) mod accounts;
pub(crate) mod assets;
pub(crate) mod auth;
pub(crate) mod downloads;
pub(crate) mod dubbings;
pub(crate) mod errors;
pub(crate) mod events;
pub(crate) mod fields;
pub(crate) mod glossaries;
mod kept;
pub(crate) mod keys;
pub(crate) mod lines;
pub(crate) mod nodes;
pub(crate) mod parked_stages;
pub(crate) mod projects;
pub(crate) mod queues;
pub(crate) mod security_events;
pub(crate) mod tenants;
pub(crate) mod tracks;
pub(crate) mod transcript;
pub(crate) mod uploads;
pub(crate) mod usage;
pub(crate) mod webhooks;
pub(crate) mod ws;
