//! A customer on the line over stores in memory.
//!
//! The engine is real with a fake network, its head fitted to a few intents of the real pack; the operator
//! is a script.

// Each test program takes its part of this.
#![allow(dead_code)]

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use dialog::{
    backend::{Backend, Orders},
    catalogue::Pack,
    clock::Clock,
    domain::{Answer, Channel, Event, Hypothesis, OrderKey, Request},
    journal, ledger,
    release::{Cache, Release, Releases},
    session::{self, Session, Store, memory::Memory},
    turn::{Asked, Error, Heard, Turns},
};
use nlu::{
    Engine,
    encoder::{Encoder, Fake},
    engine,
    tokens::Tokens,
};
use serde_json::json;
use tokio::sync::{Notify, OnceCell, Semaphore};

/// Few enough for a fit within a second, and far enough apart for a network that only counts.
pub(crate) const INTENTS: &[&str] =
    &["query_balance", "cancel_addon", "top_up", "store_info", "human_agent"];

pub(crate) fn small_pack() -> Pack {
    let mut pack = crate::telecom::pack();
    for (name, text) in &mut pack.files {
        if name.starts_with("examples/") {
            let keep = |line: &&str| {
                let label = line.split('\t').next().unwrap_or_default();
                INTENTS.contains(&label) || label.starts_with("out_of_scope/")
            };
            *text = text.lines().filter(keep).map(|line| format!("{line}\n")).collect();
        }
    }
    pack
}

pub(crate) async fn releases() -> Arc<Releases> {
    static MADE: OnceCell<Arc<Releases>> = OnceCell::const_new();
    let make = || async {
        let network: Box<dyn Encoder> = Box::new(Fake::new(256));
        let options = engine::Options::default();
        let engine = Engine::with(vec![network], Tokens::characters(300), &options);
        let engine = engine.unwrap_or_else(|it| panic!("{it}"));
        let folder = tempfile::tempdir().expect("a folder");
        let cache = Cache::new(folder.path(), "fake");
        let release = Release::make(&small_pack(), &engine, &cache, &|_, _| {}).await;
        let release = release.unwrap_or_else(|it| panic!("{it}"));
        Arc::new(Releases::new(engine, release, None))
    };
    Arc::clone(MADE.get_or_init(make).await)
}

/// What the operator does with an order.
pub(crate) type Script = Box<dyn Fn(&Request, &OrderKey) -> Answer + Send + Sync>;

/// An operator that knows the caller and follows a script for orders.
pub(crate) struct Operator {
    pub(crate) orders: Mutex<Vec<OrderKey>>,
    pub(crate) queries: AtomicUsize,
    pub(crate) script: Script,
    /// Where it is watched from the inside: what is saved while an order is on its way.
    pub(crate) store: Arc<dyn Store>,
    pub(crate) saved: Mutex<Vec<Option<session::Pending>>>,
    pub(crate) gate: Option<Arc<Notify>>,
}

#[async_trait]
impl Backend for Operator {
    async fn send(&self, request: &Request, key: Option<&OrderKey>) -> Answer {
        let Some(key) = key else {
            self.queries.fetch_add(1, Ordering::SeqCst);
            return fields(&[
                ("numbers", json!(["18600001234"])),
                ("level", json!("三星")),
                ("balance_fen", json!(850)),
                ("owed_fen", json!(0)),
                ("spent_fen", json!(100)),
            ]);
        };
        self.orders.lock().expect("orders").push(key.clone());
        let call = session::Key { tenant: key.tenant.clone(), call: key.call.clone() };
        let saved = self.store.load(&call).await.expect("loads").and_then(|it| it.pending);
        self.saved.lock().expect("saved").push(saved);
        if let Some(gate) = &self.gate {
            gate.notified().await;
        }
        (self.script)(request, key)
    }

    async fn ping(&self) -> Result<(), String> {
        Ok(())
    }
}

pub(crate) fn fields(pairs: &[(&str, serde_json::Value)]) -> Answer {
    Answer::Done(pairs.iter().map(|(name, it)| ((*name).to_owned(), it.clone())).collect())
}

pub(crate) fn refunds(_: &Request, _: &OrderKey) -> Answer {
    fields(&[("refund_fen", json!(0))])
}

/// A customer on the line, and what stands behind.
pub(crate) struct Line {
    pub(crate) turns: Turns,
    pub(crate) store: Arc<Memory>,
    pub(crate) operator: Arc<Operator>,
}

impl Line {
    pub(crate) async fn new(script: Script) -> Self {
        Self::with(script, None, |it| it).await
    }

    pub(crate) async fn with(
        script: Script,
        gate: Option<Arc<Notify>>,
        seen: impl Fn(Arc<dyn Store>) -> Arc<dyn Store>,
    ) -> Self {
        let store = Arc::new(Memory::default());
        let operator = Arc::new(Operator {
            orders: Mutex::default(),
            queries: AtomicUsize::new(0),
            script,
            store: store.clone(),
            saved: Mutex::default(),
            gate,
        });
        let ledger = Arc::new(ledger::memory::Memory::default());
        let turns = Turns {
            releases: releases().await,
            store: seen(store.clone()),
            backend: operator.clone(),
            orders: Orders::new(ledger, operator.clone()),
            room: Arc::new(Semaphore::new(8)),
            clock: Clock::Fixed(jiff::civil::date(2026, 11, 24)),
        };
        Self { turns, store, operator }
    }

    pub(crate) async fn hear(&self, request: &str, event: Event) -> Result<Heard, Error> {
        self.turns.hear(asked(request, event)).await
    }

    /// What the customer hears.
    pub(crate) async fn says(&self, request: &str, event: Event) -> String {
        let heard = self.hear(request, event).await.unwrap_or_else(|it| panic!("{request}: {it}"));
        text(&heard)
    }

    pub(crate) async fn session(&self) -> Session {
        self.store.load(&key()).await.expect("loads").expect("a call")
    }

    pub(crate) fn orders(&self) -> Vec<OrderKey> {
        self.operator.orders.lock().expect("orders").clone()
    }
}

pub(crate) fn key() -> session::Key {
    session::Key { tenant: "demo".into(), call: "c1".into() }
}

pub(crate) fn asked(request: &str, event: Event) -> Asked {
    Asked {
        call: key(),
        caller: "18600001234".into(),
        channel: Channel::Voice,
        request: request.into(),
        event,
    }
}

pub(crate) fn text(heard: &Heard) -> String {
    heard.outcome.replies.iter().map(|it| it.text.as_str()).collect::<Vec<_>>().join(" ")
}

pub(crate) fn speech(said: &str) -> Event {
    Event::Speech(vec![Hypothesis { text: said.into(), confidence: 0.9 }])
}

pub(crate) fn keys(keys: &str) -> Event {
    Event::Digits(keys.into())
}

pub(crate) const CANCEL: &str = "给我退了那个视频会员";

/// A store that fails on one save.
pub(crate) struct FailsOnce {
    inner: Arc<dyn Store>,
    good: Semaphore,
}

impl FailsOnce {
    /// Fails after so many good saves.
    pub(crate) fn after(good: usize, inner: Arc<dyn Store>) -> Arc<dyn Store> {
        Arc::new(Self { inner, good: Semaphore::new(good) })
    }
}

#[async_trait]
impl Store for FailsOnce {
    async fn load(&self, key: &session::Key) -> Result<Option<Session>, session::Error> {
        self.inner.load(key).await
    }

    async fn save(
        &self,
        session: &Session,
        entry: Option<&journal::Entry>,
    ) -> Result<(), session::Error> {
        let Ok(permit) = self.good.try_acquire() else {
            self.good.add_permits(1000);
            return Err(session::Error::Unreachable("cut".into()));
        };
        permit.forget();
        self.inner.save(session, entry).await
    }

    async fn ping(&self) -> Result<(), session::Error> {
        Ok(())
    }
}
