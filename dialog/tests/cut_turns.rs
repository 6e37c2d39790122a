//! A turn that was cut between saving its order and hearing of it is told once, to whoever asks next, and
//! what was handed to a person or answered long ago stays so.

mod line;
mod telecom;

use dialog::{
    domain::{Answer, Event, Phase, Stage},
    session::{Session, Store},
    turn::Error,
};

use line::{CANCEL, FailsOnce, Line, Script, key, keys, refunds, speech, text};

/// The call as it is stored when the process dies while its order is on its way.
async fn cut() -> Session {
    let line = Line::new(Box::new(refunds)).await;
    line.says("r1", Event::Open).await;
    line.says("r2", speech(CANCEL)).await;
    let mut stored = line.session().await;
    line.says("r3", keys("1")).await;
    let pending = line.operator.saved.lock().expect("saved")[0].clone().expect("saved");
    stored.state.turn = pending.order.key.turn;
    if let Some(task) = stored.state.tasks.last_mut() {
        task.stage = Stage::Waiting { key: Some(pending.order.key.clone()) };
    }
    Session { version: 0, pending: Some(pending), ..stored }
}

/// Another server, which finds the call so.
async fn found(script: Script, cut: &Session) -> Line {
    let line = Line::new(script).await;
    line.store.save(cut, None).await.expect("saves");
    line
}

fn count(text: &str) -> usize {
    text.matches("退好了").count()
}

#[tokio::test]
async fn the_request_that_finished_a_cut_turn_is_answered_alike_again() {
    let line = found(Box::new(refunds), &cut().await).await;
    let first = line.says("r4", Event::Silence).await;
    let again = line.hear("r4", Event::Silence).await.expect("from the record");
    assert_eq!((again.replayed, text(&again)), (true, first.clone()));
    assert_eq!(count(&first), 1, "{first}");
    let next = line.says("r5", Event::Silence).await;
    assert_eq!(count(&next), 0, "told once: {next}");
    let turns: Vec<u64> = line.store.journal().iter().map(|it| it.turn).collect();
    assert_eq!(turns, [3, 4, 5], "each under its own number");
}

#[tokio::test]
async fn what_a_cut_turn_had_to_say_waits_for_an_answer_that_arrives() {
    // The first save finishes the cut turn, the second is that of the event itself.
    let line = Line::with(Box::new(refunds), None, |it| FailsOnce::after(1, it)).await;
    line.store.save(&cut().await, None).await.expect("saves");
    let failed = line.hear("r4", Event::Silence).await;
    assert!(matches!(failed, Err(Error::Unreachable(_))), "{failed:?}");
    let told = line.says("r4", Event::Silence).await;
    assert_eq!(count(&told), 1, "{told}");
    assert_eq!(line.orders().len(), 1);
}

#[tokio::test]
async fn a_cut_turn_that_ends_with_a_person_hands_over_whatever_comes_next() {
    let mut cut = cut().await;
    // The order failed before under this key: a second failure goes to a person.
    let key = cut.pending.as_ref().map(|it| it.order.key.clone());
    cut.state.unsettled.extend(key);
    for event in [Event::Silence, keys("1"), speech(CANCEL), Event::Open] {
        let line = found(Box::new(|_, _| Answer::Failed), &cut).await;
        let heard = line.hear("r4", event.clone()).await.expect("answered");
        assert!(heard.outcome.hand_off.is_some(), "{event:?}: {heard:?}");
        assert!(!heard.outcome.replies.is_empty() && !heard.outcome.ended, "{event:?}: {heard:?}");
        let again = line.hear("r4", event.clone()).await.expect("answered");
        assert_eq!(again.outcome, heard.outcome, "{event:?}");
        assert_eq!(line.orders().len(), 1, "{event:?}");
    }
    let line = found(Box::new(|_, _| Answer::Failed), &cut).await;
    let heard = line.hear("r4", Event::HangUp).await.expect("answered");
    assert!(heard.outcome.ended, "nobody is there to be handed over: {heard:?}");
}

#[tokio::test]
async fn a_call_that_goes_to_a_person_says_so_to_a_new_stream() {
    let line = Line::new(Box::new(refunds)).await;
    line.says("r1", Event::Open).await;
    let handed = line.hear("r2", keys("0")).await.expect("answered");
    assert!(handed.outcome.hand_off.is_some(), "{handed:?}");
    assert_eq!(line.session().await.state.phase, Phase::HandedOff);
    let again = line.hear("r3", Event::Open).await.expect("answered");
    assert_eq!(again.outcome.hand_off, handed.outcome.hand_off);
}

#[tokio::test]
async fn what_was_answered_long_ago_is_looked_up_and_never_done() {
    let line = Line::new(Box::new(refunds)).await;
    line.says("r0", Event::Open).await;
    for turn in 1..=Session::MAX_RECENT {
        line.says(&format!("r{turn}"), speech("查一下话费余额")).await;
    }
    let known = line.turns.recorded(&key(), "r1").await.expect("recorded");
    assert!(known.replayed && !known.outcome.replies.is_empty());
    let before = line.session().await;
    let forgotten = line.turns.recorded(&key(), "r0").await;
    assert!(matches!(forgotten, Err(Error::Forgotten)), "{forgotten:?}");
    assert!(line.session().await == before, "nothing was done");
}
