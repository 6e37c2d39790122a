//! What uses the shipped binary from outside: the simulated operator, and what tests of the whole need.
//!
//! It knows the wire only: nothing here depends on `dialog` or `nlu`.

pub mod harness;
pub mod operator;
