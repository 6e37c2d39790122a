//! Keeps the call: given where it stands and what was understood, decides what to say and what to ask
//! of, or order from, the operator's business systems; and serves all of it.
//!
//! `ARCHITECTURE.md` has the map, and `tests/layers.rs` holds it.

pub mod backend;
pub mod catalogue;
pub mod clock;
pub mod command;
pub mod config;
pub mod corpus;
pub mod crash;
pub mod domain;
pub mod flow;
pub mod grpc;
pub mod health;
pub mod http;
pub mod journal;
pub mod ledger;
pub mod local;
pub mod postgres;
pub mod release;
pub mod session;
pub mod telemetry;
pub mod turn;
pub mod understand;
