//! The API over real HTTP: a server on a free port, with ports in memory, and a client that nobody here wrote.
#![expect(clippy::panic, clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

mod abilities;
mod access;
mod address;
mod answers;
mod assets;
mod audit;
mod bad_requests;
mod document;
mod downloads;
mod downloads_elsewhere;
mod dubbings;
mod events;
mod film;
mod idempotency;
mod in_step;
mod kit;
mod letters;
mod library;
mod lines;
mod links;
mod listener;
mod lost_answers;
mod operators;
mod people;
mod quotas;
mod rates;
mod server;
mod sign_in;
mod tracks;
mod transcript;
mod uploads;
mod uploads_cut;
mod webhooks;
mod websocket;
mod welcome;
