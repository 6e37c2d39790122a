//! What every [`Ledger`] must do; each implementation's tests call [`holds`].

use std::{collections::BTreeMap, time::Duration};

use super::{Entry, Ledger};
use crate::domain::{Answer, Order, OrderKey, Request};

/// An order of a fresh call.
pub fn order(turn: u64) -> Order {
    Order {
        key: OrderKey {
            tenant: "demo".into(),
            call: ulid::Ulid::generate().to_string(),
            turn,
            action: "an_action".into(),
            parameters: "00ff".into(),
        },
        request: Request {
            method: "POST".into(),
            path: "/v1/accounts/18600001234/addons/video".into(),
            body: Some(serde_json::json!({"months": 1})),
            timeout: Duration::from_secs(2),
            retries: 2,
            answer: BTreeMap::from([("order".into(), "/id".into())]),
        },
    }
}

/// Checks all that a ledger promises.
///
/// # Panics
/// With what the ledger did instead.
#[allow(clippy::expect_used, clippy::missing_panics_doc)]
pub async fn holds(ledger: &dyn Ledger) {
    ledger.ping().await.expect("answers");
    let order = order(3);
    assert_eq!(ledger.open(&order).await.expect("opens"), Entry::New);
    assert_eq!(ledger.open(&order).await.expect("opens"), Entry::Unfinished);

    ledger.close(&order.key, &Answer::Failed).await.expect("closes");
    let unfinished = ledger.open(&order).await.expect("opens");
    assert_eq!(unfinished, Entry::Unfinished, "a failure is no answer");

    let done = Answer::Done(BTreeMap::from([("order".into(), serde_json::json!("A1"))]));
    ledger.close(&order.key, &done).await.expect("closes");
    let late = Answer::Refused { reason: "晚了".into() };
    ledger.close(&order.key, &late).await.expect("closes");
    let entry = ledger.open(&order).await.expect("opens");
    assert_eq!(entry, Entry::Answered(done), "the first answer stays");

    let mut next = order.clone();
    next.key.turn += 1;
    assert_eq!(ledger.open(&next).await.expect("opens"), Entry::New, "another turn, another order");

    let racing = self::order(1);
    let tries = futures::future::join_all((0..8).map(|_| ledger.open(&racing))).await;
    let new = tries.iter().filter(|it| matches!(it, Ok(Entry::New))).count();
    assert_eq!(new, 1, "of many at once one is new: {tries:?}");
}
