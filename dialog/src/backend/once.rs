//! Places orders exactly once: the ledger before, the operator under the order's key, the ledger after.
//!
//! It runs in a task of its own, so that neither a deadline nor a disconnect of whoever waits cuts it.

use std::{sync::Arc, time::Duration};

use tracing::{Instrument, error, warn};

use super::Backend;
use crate::{
    crash,
    domain::{Answer, Order},
    ledger::{self, Entry, Ledger},
};

/// How often the answer is offered to the ledger before the operator's memory must serve.
const CLOSE_ATTEMPTS: u32 = 3;

/// Places orders.
#[derive(Clone)]
pub struct Orders {
    ledger: Arc<dyn Ledger>,
    backend: Arc<dyn Backend>,
}

impl Orders {
    /// Places at `backend` what `ledger` does not know as answered.
    pub fn new(ledger: Arc<dyn Ledger>, backend: Arc<dyn Backend>) -> Self {
        Self { ledger, backend }
    }

    /// Places an order, or gives the answer it had. The same order again is not carried out again.
    ///
    /// An order that could not be written down is not sent: [`Answer::Failed`].
    pub async fn place(&self, order: Order) -> Answer {
        let this = self.clone();
        let work = async move { this.place_here(&order).await }.in_current_span();
        tokio::spawn(work).await.unwrap_or(Answer::Failed)
    }

    /// Whether the ledger answers.
    ///
    /// # Errors
    /// [`ledger::Error`] when it does not: orders would be refused.
    pub async fn ping(&self) -> Result<(), ledger::Error> {
        self.ledger.ping().await
    }

    async fn place_here(&self, order: &Order) -> Answer {
        match self.ledger.open(order).await {
            Ok(Entry::Answered(answer)) => return answer,
            Ok(Entry::New | Entry::Unfinished) => {}
            Err(error) => {
                error!(%error, "order not placed");
                return Answer::Failed;
            }
        }
        crash::point("order_opened");
        let answer = self.backend.send(&order.request, Some(&order.key)).await;
        crash::point("order_sent");
        let is_closed = self.close(order, &answer).await;
        crash::point("order_closed");
        if !is_closed {
            return answer;
        }
        // Another server may have placed the same order meanwhile: the first answer stands, for everyone.
        match self.ledger.open(order).await {
            Ok(Entry::Answered(first)) => first,
            Ok(Entry::New | Entry::Unfinished) | Err(_) => answer,
        }
    }

    /// Whether the ledger has taken the answer.
    async fn close(&self, order: &Order, answer: &Answer) -> bool {
        for attempt in 1..=CLOSE_ATTEMPTS {
            match self.ledger.close(&order.key, answer).await {
                Ok(()) => return true,
                Err(error) => warn!(%error, attempt, "order's answer not written"),
            }
            tokio::time::sleep(Duration::from_millis(50) * attempt).await;
        }
        error!(key = %order.key, "order stays unfinished in the ledger");
        false
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::{OrderKey, Request};

    /// An operator to whom another server sends the same order a moment sooner.
    struct Late(Arc<ledger::memory::Memory>);

    fn done() -> Answer {
        Answer::Done(BTreeMap::from([("order".into(), "A1".into())]))
    }

    #[async_trait::async_trait]
    impl Backend for Late {
        async fn send(&self, _: &Request, key: Option<&OrderKey>) -> Answer {
            let key = key.expect("an order has a key");
            self.0.close(key, &done()).await.expect("closes");
            Answer::Refused { reason: "您已经办过了。".into() }
        }

        async fn ping(&self) -> Result<(), String> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn of_two_answers_to_one_order_the_first_is_told() {
        let ledger = Arc::new(ledger::memory::Memory::default());
        let orders = Orders::new(ledger.clone(), Arc::new(Late(ledger)));
        let answer = orders.place(ledger::contract::order(1)).await;
        assert!(answer == done(), "what the ledger holds: {answer:?}");
    }
}
