//! Whole turns over stores in memory: what is recorded, repeated, saved first, and never done twice.
//!
//! The engine is real with a fake network, its head fitted to a few intents of the real pack; the operator
//! is a script.

mod telecom;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use dialog::{
    backend::{Backend, Orders},
    catalogue::Pack,
    clock::Clock,
    domain::{Answer, Channel, Event, Hypothesis, OrderKey, Phase, Request},
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
const INTENTS: &[&str] = &["query_balance", "cancel_addon", "top_up", "store_info", "human_agent"];

fn small_pack() -> Pack {
    let mut pack = telecom::pack();
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

async fn releases() -> Arc<Releases> {
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
type Script = Box<dyn Fn(&Request, &OrderKey) -> Answer + Send + Sync>;

/// An operator that knows the caller and follows a script for orders.
struct Operator {
    orders: Mutex<Vec<OrderKey>>,
    queries: AtomicUsize,
    script: Script,
    /// Where it is watched from the inside: what is saved while an order is on its way.
    store: Arc<dyn Store>,
    saved: Mutex<Vec<Option<session::Pending>>>,
    gate: Option<Arc<Notify>>,
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

fn fields(pairs: &[(&str, serde_json::Value)]) -> Answer {
    Answer::Done(pairs.iter().map(|(name, it)| ((*name).to_owned(), it.clone())).collect())
}

fn refunds(_: &Request, _: &OrderKey) -> Answer {
    fields(&[("refund_fen", json!(0))])
}

/// A customer on the line, and what stands behind.
struct Line {
    turns: Turns,
    store: Arc<Memory>,
    operator: Arc<Operator>,
}

impl Line {
    async fn new(script: Script) -> Self {
        Self::with(script, None, |it| it).await
    }

    async fn with(
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

    async fn hear(&self, request: &str, event: Event) -> Result<Heard, Error> {
        self.turns.hear(asked(request, event)).await
    }

    /// What the customer hears.
    async fn says(&self, request: &str, event: Event) -> String {
        let heard = self.hear(request, event).await.unwrap_or_else(|it| panic!("{request}: {it}"));
        text(&heard)
    }

    async fn session(&self) -> Session {
        self.store.load(&key()).await.expect("loads").expect("a call")
    }

    fn orders(&self) -> Vec<OrderKey> {
        self.operator.orders.lock().expect("orders").clone()
    }
}

fn key() -> session::Key {
    session::Key { tenant: "demo".into(), call: "c1".into() }
}

fn asked(request: &str, event: Event) -> Asked {
    Asked {
        call: key(),
        caller: "18600001234".into(),
        channel: Channel::Voice,
        request: request.into(),
        event,
    }
}

fn text(heard: &Heard) -> String {
    heard.outcome.replies.iter().map(|it| it.text.as_str()).collect::<Vec<_>>().join(" ")
}

fn speech(said: &str) -> Event {
    Event::Speech(vec![Hypothesis { text: said.into(), confidence: 0.9 }])
}

fn keys(keys: &str) -> Event {
    Event::Digits(keys.into())
}

const CANCEL: &str = "给我退了那个视频会员";

#[tokio::test]
async fn a_repeated_request_is_answered_from_the_record() {
    let line = Line::new(Box::new(refunds)).await;
    let greeting = line.says("r1", Event::Open).await;
    let question = line.says("r2", speech(CANCEL)).await;
    assert!(question.contains("视频畅享会员") && question.contains("确认"), "{question}");
    let done = line.says("r3", keys("1")).await;
    assert!(done.contains("退好了"), "{done}");
    let sent = [("r3", keys("1"), &done), ("r2", speech(CANCEL), &question)];
    for (request, event, said) in sent.into_iter().chain([("r1", Event::Open, &greeting)]) {
        let again = line.hear(request, event).await.expect("from the record");
        assert!(again.replayed, "{request} is not taken again");
        assert_eq!(&text(&again), said, "{request}");
    }
    assert_eq!(line.orders().len(), 1, "one order for one yes");
    assert_eq!(line.store.journal().len(), 3, "one entry a turn: {:?}", line.store.journal());
    assert_eq!(line.store.journal()[2].order_key, line.orders()[0].to_string());
}

#[tokio::test]
async fn a_call_that_is_opened_again_hears_its_last_prompt() {
    let line = Line::new(Box::new(refunds)).await;
    line.says("r1", Event::Open).await;
    let question = line.says("r2", speech(CANCEL)).await;
    let again = line.hear("r3", Event::Open).await.expect("opens");
    assert_eq!((again.replayed, text(&again)), (true, question));
}

#[tokio::test]
async fn an_order_is_saved_before_it_is_placed_and_cleared_after() {
    let line = Line::new(Box::new(refunds)).await;
    line.says("r1", Event::Open).await;
    line.says("r2", speech(CANCEL)).await;
    line.says("r3", keys("1")).await;
    let saved = line.operator.saved.lock().expect("saved").clone();
    let [Some(pending)] = &saved[..] else { panic!("not saved before it was sent: {saved:?}") };
    assert_eq!((&pending.request, &pending.order.key), (&"r3".to_owned(), &line.orders()[0]));
    assert_eq!(line.session().await.pending, None);
}

#[tokio::test]
async fn a_turn_cut_after_saving_its_order_is_finished_by_the_next_event() {
    let line = Line::new(Box::new(refunds)).await;
    line.says("r1", Event::Open).await;
    line.says("r2", speech(CANCEL)).await;
    // The process dies between saving the order and hearing of it: what is stored is what `saved` holds.
    let stored = line.session().await;
    line.says("r3", keys("1")).await;
    let pending = line.operator.saved.lock().expect("saved")[0].clone().expect("saved");
    let other = Line::new(Box::new(refunds)).await;
    let mut cut = Session { version: 0, pending: Some(pending.clone()), ..stored };
    cut.state.turn = pending.order.key.turn;
    if let Some(task) = cut.state.tasks.last_mut() {
        task.stage = dialog::domain::Stage::Waiting { key: Some(pending.order.key.clone()) };
    }
    other.store.save(&cut, None).await.expect("saves");

    let heard = other.hear("r4", speech("查一下话费余额")).await.expect("goes on");
    assert!(text(&heard).contains("退好了"), "the cut turn is told first: {}", text(&heard));
    assert_eq!(other.orders(), [pending.order.key], "under the same key");
    let again = other.hear("r3", keys("1")).await.expect("from the record");
    assert!(again.replayed && text(&again).contains("退好了"), "{}", text(&again));
    assert_eq!(other.orders().len(), 1);
}

/// A store on which another turn wins a number of times.
struct Busy {
    inner: Arc<dyn Store>,
    left: Arc<AtomicUsize>,
}

#[async_trait]
impl Store for Busy {
    async fn load(&self, key: &session::Key) -> Result<Option<Session>, session::Error> {
        self.inner.load(key).await
    }

    async fn save(
        &self,
        session: &Session,
        entry: Option<&journal::Entry>,
    ) -> Result<(), session::Error> {
        let lose = |left: usize| left.checked_sub(1);
        match self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, lose) {
            Ok(_) => Err(session::Error::Conflict),
            Err(_) => self.inner.save(session, entry).await,
        }
    }

    async fn ping(&self) -> Result<(), session::Error> {
        Ok(())
    }
}

#[tokio::test]
async fn a_turn_that_loses_begins_again_and_gives_up_in_the_end() {
    let left = Arc::new(AtomicUsize::new(0));
    let busy = |inner| Arc::new(Busy { inner, left: left.clone() }) as Arc<dyn Store>;
    let line = Line::with(Box::new(refunds), None, busy).await;
    line.says("r1", Event::Open).await;
    line.says("r2", speech(CANCEL)).await;
    left.store(3, Ordering::SeqCst);
    let done = line.says("r3", keys("1")).await;
    assert!(done.contains("退好了"), "{done}");
    assert_eq!(line.orders().len(), 1, "the order is placed by the turn that won");
    left.store(100, Ordering::SeqCst);
    let lost = line.hear("r4", Event::Silence).await;
    assert!(matches!(lost, Err(Error::Conflict)), "{lost:?}");
}

#[tokio::test]
async fn an_operator_that_panics_costs_no_call_and_no_second_order() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let script: Script = Box::new(move |request, key| {
        if counted.fetch_add(1, Ordering::SeqCst) == 0 {
            panic!("the operator's driver breaks");
        }
        refunds(request, key)
    });
    let line = Line::new(script).await;
    line.says("r1", Event::Open).await;
    line.says("r2", speech(CANCEL)).await;
    let failed = line.says("r3", keys("1")).await;
    assert!(failed.contains("还不能确定退掉了没有"), "{failed}");
    line.says("r4", speech(CANCEL)).await;
    let done = line.says("r5", keys("1")).await;
    assert!(done.contains("退好了"), "{done}");
    let orders = line.orders();
    assert_eq!((orders.len(), &orders[0]), (2, &orders[1]), "again under the same key");
}

#[tokio::test]
async fn a_hint_changes_nothing() {
    let line = Line::new(Box::new(refunds)).await;
    line.says("r1", Event::Open).await;
    let before = (line.session().await, line.store.journal());
    let hypotheses = [Hypothesis { text: CANCEL.into(), confidence: 0.4 }];
    let hint = line.turns.hint(&key(), &hypotheses).await.expect("reads");
    assert_eq!(hint.intent, "cancel_addon");
    assert_eq!((line.session().await, line.store.journal()), before);
    let unknown = session::Key { tenant: "demo".into(), call: "c2".into() };
    assert!(matches!(line.turns.hint(&unknown, &hypotheses).await, Err(Error::NoCall)));
}

#[tokio::test]
async fn the_best_hypothesis_that_is_served_is_taken() {
    let line = Line::new(Box::new(refunds)).await;
    line.says("r1", Event::Open).await;
    let list = ["俺家那二亩玉米叫虫给啃了", CANCEL]
        .map(|it| Hypothesis { text: it.into(), confidence: 0.5 });
    let question = line.says("r2", Event::Speech(list.to_vec())).await;
    assert!(question.contains("视频畅享会员"), "{question}");
}

#[tokio::test]
async fn unknown_calls_and_too_many_turns_are_refused_at_once() {
    let line = Line::new(Box::new(refunds)).await;
    let unknown = line.hear("r1", Event::Silence).await;
    assert!(matches!(unknown, Err(Error::NoCall)), "{unknown:?}");
    let _all = line.turns.room.acquire_many(8).await.expect("room");
    let full = line.hear("r1", Event::Open).await;
    assert!(matches!(full, Err(Error::Overloaded)), "{full:?}");
}

#[tokio::test]
async fn a_turn_is_finished_when_nobody_waits_for_it_any_more() {
    let gate = Arc::new(Notify::new());
    let line = Line::with(Box::new(refunds), Some(gate.clone()), |it| it).await;
    line.says("r1", Event::Open).await;
    line.says("r2", speech(CANCEL)).await;
    let waiting = tokio::time::timeout(Duration::from_millis(50), line.hear("r3", keys("1"))).await;
    assert!(waiting.is_err(), "the operator has not answered yet");
    gate.notify_one();
    let recorded = async {
        while line.store.journal().len() < 3 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), recorded).await.expect("the turn is recorded");
    let again = line.hear("r3", keys("1")).await.expect("from the record");
    assert!(again.replayed && text(&again).contains("退好了"), "{}", text(&again));
    assert_eq!(line.orders().len(), 1);
}

#[tokio::test]
async fn a_hang_up_ends_the_call_and_is_recorded() {
    let line = Line::new(Box::new(refunds)).await;
    line.says("r1", Event::Open).await;
    let heard = line.hear("r2", Event::HangUp).await.expect("hangs up");
    assert!(heard.outcome.ended && heard.outcome.replies.is_empty());
    assert_eq!(line.session().await.state.phase, Phase::Ended);
    assert_eq!(line.store.journal().last().map(|it| it.outcome.clone()), Some("ended".into()));
    let late = line.hear("r3", speech(CANCEL)).await.expect("is answered");
    assert!(late.outcome.ended && !late.outcome.replies.is_empty());
}
