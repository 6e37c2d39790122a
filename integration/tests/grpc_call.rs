//! A call over gRPC, as any stock client of `qingting.v1` makes it.

use std::{sync::Arc, time::Duration};

use integration::harness::{
    Caller, Line, Server, Stores, World, heard,
    line::{barge_in, hang_up, keys, replies, silence, speech, start},
    words,
};
use proto::v1::{CallAction, ParseRequest, TurnRequest, call_action::Action, turn_request::Input};
use serde_json::json;
use tokio::sync::OnceCell;
use tonic::Code;

static WORLD: OnceCell<World> = OnceCell::const_new();

const TENANT: &str = "grpc-call";

async fn world() -> &'static World {
    WORLD.get_or_init(|| World::start(Arc::new(Stores::start()), TENANT, &[])).await
}

async fn opened(call: &str) -> Line {
    let client = world().await.server.grpc().await;
    let mut line = Line::open(client, 1, start(call)).await.expect("the stream opens");
    let greeting = line.answer().await;
    assert!(replies(&greeting).contains(words::GREETING), "{greeting:?}");
    line
}

fn failed(action: &CallAction) -> Option<Code> {
    match &action.action {
        Some(Action::Failed(failed)) => Some(Code::from_i32(failed.code)),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_goes_from_greeting_over_hint_query_and_order_to_the_hang_up() {
    let mut line = opened("whole").await;

    let hint = line.ask(2, speech(words::BALANCE, true)).await;
    assert!(matches!(hint.action, Some(Action::Hint(_))), "{hint:?}");
    let read = hint.understanding.as_ref().expect("a hint says what was understood");
    assert_eq!(read.intent, "query_balance", "{hint:?}");

    let balance = line.ask(3, speech(words::BALANCE, false)).await;
    let Some(Action::Say(say)) = &balance.action else { panic!("{balance:?}") };
    assert!(say.listen_ms > 0 && say.allow_interrupt, "{balance:?}");
    assert!(replies(&balance).contains("话费还剩"), "{balance:?}");
    let read = balance.understanding.as_ref().expect("speech is understood");
    assert!(read.confidence > 0.5 && read.in_scope > 0.5 && !read.ranking.is_empty(), "{read:?}");

    line.send(4, barge_in(300)).await;
    let question = line.ask(5, speech(words::ADDON, false)).await;
    assert_eq!(question.sequence, 5, "a barge-in asks for no answer: {question:?}");
    assert!(replies(&question).contains("确认吗"), "{question:?}");
    let slots = &question.understanding.as_ref().expect("speech is understood").slots;
    let addon = slots.iter().find(|slot| slot.name == "addon").expect("the add-on is linked");
    assert_eq!((addon.value.as_str(), addon.text.as_str()), ("data_5g", "5GB流量包"), "{slots:?}");
    assert_eq!((addon.start, addon.end), (4, 10), "characters, not bytes: {slots:?}");

    let done = line.ask(6, keys("1")).await;
    assert!(replies(&done).contains("开好了"), "key 1 is a yes: {done:?}");
    let quiet = line.ask(7, silence()).await;
    assert!(!replies(&quiet).is_empty(), "silence is answered: {quiet:?}");
    let ended = line.ask(8, hang_up()).await;
    assert!(matches!(ended.action, Some(Action::Ended(_))), "{ended:?}");
    let closed = line.next().await;
    assert!(matches!(closed, Ok(None)), "the stream ends with the call: {closed:?}");

    let orders = world().await.operator.orders(&format!("{TENANT}/whole/")).await;
    assert_eq!(orders.len(), 1, "one yes, one order: {orders:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_does_not_begin_with_start_is_refused() {
    let client = world().await.server.grpc().await;
    for (first, sequence, code) in [
        (speech("喂", false), 1, Code::FailedPrecondition),
        (start("start-0"), 0, Code::InvalidArgument),
        (start("no spaces allowed"), 1, Code::InvalidArgument),
    ] {
        let refused = match Line::open(client.clone(), sequence, first.clone()).await {
            Ok(mut line) => line.next().await.expect_err("refused"),
            Err(status) => status,
        };
        assert_eq!(refused.code(), code, "{first:?} as {sequence}: {refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_in_the_numbers_is_named_and_the_call_goes_on() {
    let mut line = opened("gap").await;
    let gap = line.ask(5, speech(words::BALANCE, false)).await;
    assert_eq!(failed(&gap), Some(Code::FailedPrecondition), "{gap:?}");
    let Some(Action::Failed(it)) = &gap.action else { panic!("{gap:?}") };
    assert!(it.message.contains('2') && !it.retryable, "it names the number that is due: {gap:?}");
    let due = line.ask(2, speech(words::BALANCE, false)).await;
    assert!(replies(&due).contains("话费还剩"), "{due:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_sent_twice_is_answered_from_the_record() {
    let mut line = opened("twice").await;
    let once = line.ask(2, speech(words::COMPLAINT, false)).await;
    let twice = line.ask(2, speech(words::COMPLAINT, false)).await;
    assert_eq!(replies(&once), replies(&twice), "{once:?} {twice:?}");
    assert!(replies(&once).contains("单号"), "{once:?}");
    let orders = world().await.operator.orders(&format!("{TENANT}/twice/")).await;
    assert_eq!(orders.len(), 1, "{orders:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_stream_is_taken_up_by_another_one_and_by_another_server() {
    let world = world().await;
    let mut line = opened("lost").await;
    let question = line.ask(2, speech(words::ADDON, false)).await;
    assert!(replies(&question).contains("确认吗"), "{question:?}");
    drop(line);

    let client = world.server.grpc().await;
    let mut line = Line::open(client, 3, start("lost")).await.expect("the stream opens");
    let again = line.answer().await;
    assert!(replies(&again).contains("确认吗"), "the question is put again: {again:?}");
    drop(line);

    let other = Server::start(&world.stores, &world.operator, TENANT, &[]).await;
    let line = Line::open(other.grpc().await, 4, start("lost")).await;
    let mut line = line.expect("the stream opens");
    let again = line.answer().await;
    assert!(replies(&again).contains("确认吗"), "on another server too: {again:?}");
    let done = line.ask(5, speech(words::YES, false)).await;
    assert!(replies(&done).contains("开好了"), "{done:?}; {}", other.picture());
    let orders = world.operator.orders(&format!("{TENANT}/lost/")).await;
    assert_eq!(orders.len(), 1, "{orders:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_under_the_same_request_id_is_replayed_and_done_once() {
    let world = world().await;
    let mut caller = Caller::greeted(&world.server, "replay").await;
    let first = caller.turn("one", heard(words::COMPLAINT)).await.expect("answered");
    let second = caller.turn("one", heard(words::COMPLAINT)).await.expect("answered");
    assert!(!first.replayed && second.replayed, "{first:?} {second:?}");
    assert_eq!(first.replies, second.replies);
    assert_eq!(first.understanding.map(|it| it.intent), second.understanding.map(|it| it.intent));
    let orders = world.operator.orders(&format!("{TENANT}/replay/")).await;
    assert_eq!(orders.len(), 1, "{orders:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_of_a_call_that_was_never_opened_is_not_found() {
    let mut client = world().await.server.grpc().await;
    let request = TurnRequest {
        request_id: "1".into(),
        call: "never-opened".into(),
        input: Some(heard(words::BALANCE)),
        ..TurnRequest::default()
    };
    let refused = client.turn(request).await.expect_err("no such call");
    assert_eq!(refused.code(), Code::NotFound, "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_is_kept_and_the_turn_is_there_under_its_request_id() {
    let stores = Arc::clone(&world().await.stores);
    let world = World::start(stores, "grpc-deadline", &[]).await;
    let mut caller = Caller::greeted(&world.server, "late").await;
    world.operator.fault(json!({"delay_ms": 600})).await;
    let since = std::time::Instant::now();
    let within = Duration::from_millis(200);
    let late = caller.turn_within(within, "one", heard(words::COMPLAINT)).await;
    let late = late.expect_err("the operator takes longer");
    let took = since.elapsed();
    assert!(matches!(late.code(), Code::DeadlineExceeded | Code::Cancelled), "{late:?}");
    assert!(took < Duration::from_millis(500), "{took:?}: {}", world.server.picture());
    let reply = caller.insist("one", words::COMPLAINT).await;
    assert!(reply.replies.concat().contains("单号"), "{reply:?}");
    let keys = world.operator.keys("grpc-deadline/late/").await;
    assert_eq!(keys.len(), 1, "{keys:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn parse_reads_texts_in_their_order_without_a_call() {
    let mut client = world().await.server.grpc().await;
    let texts = vec![words::BALANCE.into(), words::COMPLAINT.into(), "我的脚有几只眼睛".into()];
    let reply = client.parse(ParseRequest { texts: texts.clone() }).await.expect("read");
    let read = reply.into_inner().understandings;
    let echoed: Vec<_> = read.iter().map(|it| it.text.clone()).collect();
    assert_eq!(echoed, texts);
    let intents: Vec<_> = read.iter().map(|it| it.intent.as_str()).collect();
    assert_eq!(intents, ["query_balance", "complain_service", "out_of_scope"], "{read:?}");
    assert!(!read[2].reason.is_empty(), "a refusal has a reason: {:?}", read[2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_screen_and_ten_hypotheses_are_taken() {
    let mut caller = Caller::greeted(&world().await.server, "nbest").await;
    let Input::Heard(mut ten) = heard("嘶啦嘶啦") else { unreachable!("it is speech") };
    let best = ten.hypotheses[0].clone();
    ten.hypotheses.resize(9, best);
    ten.hypotheses.push(proto::v1::Hypothesis { text: words::BALANCE.into(), confidence: 0.1 });
    let reply = caller.turn("one", Input::Heard(ten)).await.expect("ten are allowed");
    let read = reply.understanding.as_ref().map(|it| it.intent.as_str());
    assert_eq!(read, Some("query_balance"), "the one that makes sense wins: {reply:?}");
}
