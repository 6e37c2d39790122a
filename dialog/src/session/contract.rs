//! What every [`Store`] must do; each implementation's tests call [`holds`].

use super::{Error, Session, Store};
use crate::{
    domain::{Channel, State},
    journal::Entry,
};

/// A session that was never saved.
pub fn session(call: &str) -> Session {
    Session {
        version: 0,
        release: "r1".into(),
        state: State::new("demo", call, "18600001234", Channel::Voice),
        pending: None,
        recent: Vec::new(),
        untold: Vec::new(),
    }
}

/// A journal entry of a turn.
pub fn entry(call: &str, turn: u64) -> Entry {
    Entry {
        tenant: "demo".into(),
        call: call.into(),
        turn,
        at: jiff::Timestamp::UNIX_EPOCH,
        release: "r1".into(),
        event: "speech".into(),
        text: "查话费".into(),
        intent: "an_intent".into(),
        confidence: 0.9,
        act: String::new(),
        reason: String::new(),
        replies: vec!["您的余额是 10 元。".into()],
        order_key: String::new(),
        outcome: "listening".into(),
    }
}

/// Checks all that a store promises.
///
/// # Panics
/// With what the store did instead.
#[allow(clippy::expect_used, clippy::missing_panics_doc)]
pub async fn holds(store: &dyn Store) {
    let call = ulid::Ulid::generate().to_string();
    let new = session(&call);
    store.ping().await.expect("answers");
    assert_eq!(store.load(&new.key()).await.expect("loads"), None, "an unknown call is none");

    store.save(&new, Some(&entry(&call, 1))).await.expect("a first save");
    let first = store.load(&new.key()).await.expect("loads").expect("is there");
    assert_eq!(first, Session { version: 1, ..new.clone() }, "what was saved comes back whole");

    let twice = store.save(&new, Some(&entry(&call, 1))).await;
    assert!(matches!(twice, Err(Error::Conflict)), "an old version is refused: {twice:?}");

    let (a, b) = tokio::join!(store.save(&first, None), store.save(&first, None));
    let won = [&a, &b].iter().filter(|it| it.is_ok()).count();
    assert_eq!(won, 1, "of two writers of one version one wins: {a:?} {b:?}");
    let loaded = store.load(&new.key()).await.expect("loads").expect("is there");
    assert_eq!(loaded.version, 2);

    let mut other = session(&call);
    other.state.tenant = "other".into();
    let foreign = store.load(&other.key()).await.expect("loads");
    assert_eq!(foreign, None, "a call of another tenant is none of ours");
}
