//! Customers' words and numbers print as `***`: nothing that holds them shows them in its `Debug`.

use std::{collections::BTreeMap, fmt::Debug, time::Duration};

use dialog::{
    domain::{
        Answer, Channel, Done, Event, Hypothesis, Input, Next, Order, Phase, Premise, Query, Reply,
        Request, Slot, Stage, State, Step, Summary, Task, Understanding, Value,
    },
    ledger, session,
    turn::{Asked, Heard},
};
use serde_json::json;

/// What a customer said, or is; none of it is in any name.
const WORDS: &[&str] = &["隐私", "18600005678"];

fn is_hidden(what: &dyn Debug) {
    let printed = format!("{what:?} {what:#?}");
    for word in WORDS {
        assert!(!printed.contains(word), "{printed}");
    }
}

fn said() -> String {
    WORDS.join("")
}

fn slots() -> BTreeMap<String, Value> {
    let entity = Value::Entity { kind: "addon".into(), id: said() };
    let digits = Value::Plain(nlu::Value::Digits(said()));
    let text = Value::Text(said());
    BTreeMap::from([("a".into(), entity), ("b".into(), digits), ("c".into(), text)])
}

fn request() -> Request {
    Request {
        method: "POST".into(),
        path: format!("/v1/customers/{}", said()),
        body: Some(json!({"address": said()})),
        timeout: Duration::from_secs(1),
        retries: 0,
        answer: BTreeMap::new(),
    }
}

fn reply() -> Reply {
    Reply { key: "reply/greet".into(), text: said() }
}

fn slot() -> Slot {
    Slot { name: "a".into(), text: said(), start: 0, end: 2, value: Value::Text(said()) }
}

fn state() -> State {
    let mut state = State::new("demo", "c1", WORDS[1], Channel::Voice);
    state.last_words = said();
    state.last = vec![reply()];
    state.named = vec![slot()];
    let between = slots().into_values().collect();
    let stage = Stage::Collecting { slot: "a".into(), tries: 0, between };
    state.tasks = vec![Task { action: "x".into(), slots: slots(), stage }];
    state.done = vec![Done { action: "x".into(), slots: slots(), key: None }];
    state
}

fn understanding() -> Understanding {
    Understanding {
        text: said(),
        intent: "top_up".into(),
        confidence: 0.9,
        ranking: Vec::new(),
        in_scope: 0.9,
        reason: None,
        act: None,
        mood: None,
        slots: vec![slot()],
        premise: Some(Premise::NotSold { said: said(), kind: said() }),
    }
}

fn summary() -> Summary {
    Summary {
        caller: WORDS[1].into(),
        reason: "asked".into(),
        wanted: "x".into(),
        slots: BTreeMap::from([("a".into(), said())]),
        done: Vec::new(),
        order_keys: Vec::new(),
        last_words: said(),
        text: said(),
    }
}

#[test]
fn what_holds_customers_words_prints_none_of_them() {
    let speech = Event::Speech(vec![Hypothesis { text: said(), confidence: 0.5 }]);
    let done = Answer::Done(BTreeMap::from([("a".into(), json!(said()))]));
    let order = Order { request: request(), ..ledger::contract::order(1) };
    let outcome = session::Outcome {
        replies: vec![reply()],
        understanding: Some(understanding()),
        hand_off: Some(summary()),
        ended: false,
    };
    let pending = session::Pending {
        request: "r1".into(),
        event: speech.clone(),
        understanding: Some(understanding()),
        replies: vec![reply()],
        order: order.clone(),
    };
    let recorded = session::Recorded { request: "r1".into(), outcome: outcome.clone() };
    let session = session::Session {
        version: 1,
        release: "r".into(),
        state: state(),
        pending: Some(pending),
        recent: vec![recorded],
        untold: vec![reply()],
    };
    let mut entry = session::contract::entry("c1", 1);
    entry.text = said();
    entry.replies = vec![said()];
    is_hidden(&session);
    is_hidden(&entry);
    is_hidden(&[&speech, &Event::Digits(said())]);
    is_hidden(&[&done, &Answer::Refused { reason: said() }]);
    is_hidden(&Premise::NoAttribute { thing: said(), attribute: said() });
    is_hidden(&[
        Input::Heard(understanding()),
        Input::Digits { keys: said(), slot: Some(slot()) },
        Input::Answered(done),
    ]);
    for next in [
        Next::Ask(Query { action: "x".into(), request: request() }),
        Next::Place(order),
        Next::HandOff(summary()),
    ] {
        is_hidden(&Step { state: state(), replies: vec![reply()], next });
    }
    is_hidden(&Heard { outcome, replayed: false });
    is_hidden(&Asked {
        call: session.key(),
        caller: WORDS[1].into(),
        channel: Channel::Voice,
        request: "r1".into(),
        event: speech,
    });
    assert_eq!(format!("{:?}", Phase::Running), "Running", "what is nobody's is shown");
}
