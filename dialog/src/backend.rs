//! The operator's systems, as queries and orders see them.

pub mod http;
pub mod once;

use async_trait::async_trait;

use crate::domain::{Answer, OrderKey, Request};

pub use once::Orders;

/// The operator's systems.
#[async_trait]
pub trait Backend: Send + Sync {
    /// Sends a request, again as often as it allows; an order carries its key on every attempt.
    async fn send(&self, request: &Request, key: Option<&OrderKey>) -> Answer;

    /// Whether the systems answer at all; what is wrong otherwise, in one line.
    async fn ping(&self) -> Result<(), String>;
}
