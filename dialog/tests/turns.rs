//! Whole turns over stores in memory: what is recorded, repeated, saved first, and never done twice.

mod line;
mod telecom;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use dialog::{
    domain::{Event, Hypothesis, Phase},
    journal,
    session::{self, Session, Store},
    turn::Error,
};
use tokio::sync::Notify;

use line::{CANCEL, Line, Script, key, keys, refunds, speech, text};

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
