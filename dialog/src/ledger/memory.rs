//! The book of orders in memory, for `qingting call` and for tests.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;

use super::{Entry, Error, Ledger};
use crate::domain::{Answer, Order, OrderKey};

/// A book that is gone with the process.
#[derive(Debug, Default)]
pub struct Memory {
    rows: Mutex<HashMap<OrderKey, Option<Answer>>>,
}

#[async_trait]
impl Ledger for Memory {
    async fn open(&self, order: &Order) -> Result<Entry, Error> {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        match rows.get(&order.key) {
            Some(Some(answer)) => Ok(Entry::Answered(answer.clone())),
            Some(None) => Ok(Entry::Unfinished),
            None => {
                rows.insert(order.key.clone(), None);
                Ok(Entry::New)
            }
        }
    }

    async fn close(&self, key: &OrderKey, answer: &Answer) -> Result<(), Error> {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        if *answer != Answer::Failed {
            rows.entry(key.clone()).or_default().get_or_insert_with(|| answer.clone());
        }
        Ok(())
    }

    async fn ping(&self) -> Result<(), Error> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #[tokio::test]
    async fn memory_keeps_the_contract() {
        super::super::contract::holds(&super::Memory::default()).await;
    }
}
