//! The book of orders: the authority over what was ordered, and why nothing is ordered twice.
//!
//! A row under the order's key comes before the call to the operator, its answer after it. Both are single
//! statements, so a cancelled caller leaves either nothing or a whole row.

pub mod contract;
pub mod memory;
pub mod postgres;

use async_trait::async_trait;

use crate::domain::{Answer, Order, OrderKey};

/// Why the book was not written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The book does not answer in time: the order must not be sent.
    #[error("the order ledger cannot be reached: {0}")]
    Unreachable(String),
    /// What is written cannot be read.
    #[error("the order ledger holds an answer that cannot be read: {0}")]
    Malformed(String),
}

/// What the book says of an order.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// It was not there and is now: send it.
    New,
    /// It is there without an answer: send it again under the same key.
    Unfinished,
    /// It was answered.
    Answered(Answer),
}

/// The book of orders.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Writes the order under its key, or says what is there already.
    async fn open(&self, order: &Order) -> Result<Entry, Error>;

    /// Writes the answer to an open order; the first answer stays.
    /// [`Answer::Failed`] is not an answer: the order stays unfinished.
    async fn close(&self, key: &OrderKey, answer: &Answer) -> Result<(), Error>;

    /// Whether the book answers.
    async fn ping(&self) -> Result<(), Error>;
}
