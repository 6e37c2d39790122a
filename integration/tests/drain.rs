//! SIGTERM: turns in flight are answered, nothing is lost, and the process ends well.

use std::{sync::Arc, time::Duration};

use futures::future::join_all;
use integration::harness::{
    Caller, Line, Server, Stores, World, eventually, heard,
    line::{replies, speech, start},
    thin_pack, words,
};
use serde_json::json;
use tonic::Code;

const TENANT: &str = "drain";

#[tokio::test(flavor = "multi_thread")]
async fn turns_in_flight_at_sigterm_are_answered_once_and_all_is_in_the_journal_at_exit() {
    let world = World::start(Arc::new(Stores::start()), TENANT, &[thin_pack()]).await;
    let client = world.server.grpc().await;
    let mut callers = Vec::new();
    for at in 0..12 {
        callers.push(Caller::greeted_over(client.clone(), &format!("call-{at}")).await);
    }
    let mut line = Line::open(client, 1, start("streamed")).await.expect("the stream opens");
    line.answer().await;
    world.operator.fault(json!({"delay_ms": 1_200, "path_prefix": "/v1/customers"})).await;
    let turns = callers.iter_mut().map(|it| it.turn("order", heard(words::COMPLAINT)));
    line.send(2, speech(words::COMPLAINT, false)).await;
    let (answers, ()) = tokio::join!(join_all(turns), async {
        under_way(&world, TENANT, 13).await;
        world.server.process.signal("TERM");
    });
    for answer in &answers {
        let reply =
            answer.as_ref().unwrap_or_else(|it| panic!("{it:?}; {}", world.server.picture()));
        assert!(reply.replies.concat().contains("单号"), "{reply:?}");
    }
    let streamed = line.answer().await;
    assert!(replies(&streamed).contains("单号"), "{streamed:?}");
    let after = line.next().await.expect_err("the server says that it stops");
    assert_eq!(after.code(), Code::Unavailable, "{after:?}");
    let status = world.server.process.ended();
    assert_eq!(status.code(), Some(0), "{status}; {}", world.server.picture());

    let look = world.stores.look().await;
    let calls = callers.iter().map(|it| it.call.clone()).chain(["streamed".into()]);
    for call in calls {
        let keys = world.operator.keys(&format!("{TENANT}/{call}/")).await;
        let journal = look.journal(TENANT, &call).await;
        assert_eq!((keys.len(), journal.len()), (1, 2), "{call}: {keys:?} {journal:?}");
    }
}

/// Waits until so many orders are written down and not answered yet.
async fn under_way(world: &World, tenant: &str, orders: usize) {
    let look = world.stores.look().await;
    eventually("orders are under way", Duration::from_secs(5), async || {
        let ledger = look.ledger(tenant).await;
        let open = ledger.values().filter(|answer| answer.is_none()).count();
        if open == orders { Ok(()) } else { Err(format!("{open} of {orders}: {ledger:?}")) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_that_outlasts_the_drain_goes_on_with_the_next_server() {
    let stores = Arc::new(Stores::start());
    let short = [thin_pack(), ("SERVE__DRAIN_TIMEOUT", "300ms")];
    let world = World::start(Arc::clone(&stores), "drain-cut", &short).await;
    let mut caller = Caller::greeted(&world.server, "call").await;
    world.operator.fault(json!({"delay_ms": 1_500, "path_prefix": "/v1/customers"})).await;
    let mut cut = caller.clone();
    let (answer, ()) = tokio::join!(cut.turn("order", heard(words::COMPLAINT)), async {
        under_way(&world, "drain-cut", 1).await;
        world.server.process.signal("TERM");
    });
    let status = world.server.process.ended();
    assert_eq!(status.code(), Some(0), "{status}; {}", world.server.picture());
    if let Ok(reply) = answer {
        panic!("the drain was shorter than the turn: {reply:?}");
    }
    world.operator.fault(json!({})).await;
    let next = Server::start(&stores, &world.operator, "drain-cut", &[thin_pack()]).await;
    caller.client = next.grpc().await;
    let reply = caller.insist("order", words::COMPLAINT).await;
    assert!(reply.replies.concat().contains("单号"), "{reply:?}");
    let keys = world.operator.keys("drain-cut/").await;
    assert_eq!(keys.len(), 1, "{keys:?}");
}
