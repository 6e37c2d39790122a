//! When Redis, Postgres or the operator is down or slow: a clear status or honest words in time, never
//! silence, never an empty success, and all is well again once the part is, without a restart.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use integration::harness::{
    Caller, Server, Store, Stores, World, eventually, heard, thin_pack, words,
};
use proto::v1::TurnReply;
use serde_json::json;
use tonic::{Code, Status};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

/// How long a turn may take at most, whatever is ill: `serve.turn_timeout`.
const TURN: Duration = Duration::from_secs(8);

/// Until health has noticed, or all is well again.
const NOTICED: Duration = Duration::from_secs(20);

/// What a customer hears when a system does not answer.
const SORRY: &str = "系统一时没有回应";

async fn timed(caller: &mut Caller, id: &str, text: &str) -> (Result<TurnReply, Status>, Duration) {
    let since = Instant::now();
    let answer = caller.turn(id, heard(text)).await;
    (answer, since.elapsed())
}

/// Fails unless `/readyz` and gRPC health call this part ill, and no other, in the end.
async fn noticed(server: &Server, part: &str) {
    eventually("readiness names the part", NOTICED, async || match server.ill().await {
        (503, ill) if ill == [part] => Ok(()),
        other => Err(format!("{other:?}; {}", server.picture())),
    })
    .await;
    eventually("health names the part", NOTICED, async || {
        let ill = serving(server, part).await;
        let all = serving(server, "qingting.v1.Qingting").await;
        match (ill, all) {
            (ServingStatus::NotServing, ServingStatus::NotServing) => Ok(()),
            other => Err(format!("{part}, all: {other:?}; {}", server.picture())),
        }
    })
    .await;
    assert_eq!(server.get("/healthz").await.0, 200, "the process itself is alive");
}

async fn mended(server: &Server) {
    eventually("all is well again", NOTICED, async || match server.ill().await {
        (200, ill) if ill.is_empty() => Ok(()),
        other => Err(format!("{other:?}; {}", server.picture())),
    })
    .await;
    eventually("health says so", NOTICED, async || {
        match serving(server, "qingting.v1.Qingting").await {
            ServingStatus::Serving => Ok(()),
            other => Err(format!("{other:?}; {}", server.picture())),
        }
    })
    .await;
}

async fn serving(server: &Server, service: &str) -> ServingStatus {
    let mut client = HealthClient::new(server.channel().await);
    let asked = client.check(HealthCheckRequest { service: service.into() }).await;
    asked.expect("health is always served").into_inner().status()
}

async fn journaled(world: &World, tenant: &str, call: &str, turns: usize) {
    let look = world.stores.look().await;
    eventually("the journal is drained", NOTICED, async || {
        let journal = look.journal(tenant, call).await;
        let numbers: Vec<_> = journal.iter().filter_map(|it| it["turn"].as_u64()).collect();
        let expected: Vec<_> = (1..=turns as u64).collect();
        if numbers == expected { Ok(()) } else { Err(format!("{call}: turns {numbers:?}")) }
    })
    .await;
}

/// Redis is away between `down` and `up`: turns are refused at once, and go on afterwards.
async fn without_redis(tenant: &str, down: fn(&Store), up: fn(&Store)) {
    let world = World::start(Arc::new(Stores::start()), tenant, &[thin_pack()]).await;
    let mut caller = Caller::greeted(&world.server, "call").await;
    caller.say(words::BALANCE).await;
    // Valkey writes to its file every second; what a power cut takes of the last one is not ours.
    world.stores.redis.flush();
    down(&world.stores.redis);
    for attempt in 0..3 {
        let (refused, took) = timed(&mut caller, "cut", words::COMPLAINT).await;
        let refused = refused.expect_err("without the call's state nothing can be said");
        let picture =
            format!("attempt {attempt}: {refused:?} in {took:?}; {}", world.server.picture());
        assert_eq!(refused.code(), Code::Unavailable, "{picture}");
        assert!(refused.message().contains("session store"), "it names what is ill: {picture}");
        assert!(took < Duration::from_secs(2), "{picture}");
    }
    noticed(&world.server, "sessions").await;
    assert!(
        world.operator.keys("").await.is_empty(),
        "nothing is ordered that cannot be remembered"
    );
    up(&world.stores.redis);
    mended(&world.server).await;
    let reply = caller.insist("cut", words::COMPLAINT).await;
    assert!(reply.replies.concat().contains("单号"), "{reply:?}");
    assert_eq!(world.operator.keys("").await.len(), 1);
    journaled(&world, tenant, "call", 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_killed_is_named_and_the_call_goes_on_when_it_is_back() {
    without_redis("redis-killed", Store::kill, Store::restart).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_frozen_is_named_and_the_call_goes_on_when_it_is_back() {
    without_redis("redis-frozen", Store::freeze, Store::thaw).await;
}

/// Postgres is away between `down` and `up`: queries are answered, orders are not placed and that is said,
/// and every turn is in the journal afterwards.
async fn without_postgres(tenant: &str, down: fn(&Store), up: fn(&Store)) {
    let world = World::start(Arc::new(Stores::start()), tenant, &[thin_pack()]).await;
    let mut caller = Caller::greeted(&world.server, "call").await;
    down(&world.stores.postgres);
    let (balance, took) = timed(&mut caller, "query", words::BALANCE).await;
    let balance = balance.unwrap_or_else(|it| panic!("{it:?}; {}", world.server.picture()));
    assert!(balance.replies.concat().contains("话费还剩"), "queries need no ledger: {balance:?}");
    assert!(took < Duration::from_secs(1), "{took:?}");
    let (order, took) = timed(&mut caller, "order", words::COMPLAINT).await;
    let order = order.unwrap_or_else(|it| panic!("{it:?}; {}", world.server.picture()));
    assert!(order.replies.concat().contains(SORRY), "it is said: {order:?}");
    assert!(took < TURN, "{took:?}");
    assert!(world.operator.keys("").await.is_empty(), "what is not written down is not ordered");
    noticed(&world.server, "ledger").await;
    up(&world.stores.postgres);
    mended(&world.server).await;
    let reply = caller.insist("again", words::COMPLAINT).await;
    assert!(reply.replies.concat().contains("单号"), "{reply:?}");
    journaled(&world, tenant, "call", 4).await;
    let ledger = world.stores.look().await.ledger(tenant).await;
    let answered: Vec<_> = ledger.iter().filter(|(_, answer)| answer.is_some()).collect();
    let keys = world.operator.keys("").await;
    assert_eq!(
        answered.iter().map(|(key, _)| *key).collect::<Vec<_>>(),
        keys.iter().collect::<Vec<_>>()
    );
    assert_eq!(keys.len(), 1, "{ledger:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_killed_stops_orders_only_and_the_journal_is_drained_when_it_is_back() {
    without_postgres("postgres-killed", Store::kill, Store::restart).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_frozen_stops_orders_only_and_the_journal_is_drained_when_it_is_back() {
    without_postgres("postgres-frozen", Store::freeze, Store::thaw).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_that_is_down_is_said_and_named_and_served_again_when_it_is_back() {
    let mut world = World::start(Arc::new(Stores::start()), "operator-down", &[thin_pack()]).await;
    let mut caller = Caller::greeted(&world.server, "call").await;
    world.operator.kill();
    for text in [words::BALANCE, words::COMPLAINT] {
        let (reply, took) = timed(&mut caller, &format!("down-{}", text.len()), text).await;
        let reply = reply.unwrap_or_else(|it| panic!("{it:?}; {}", world.server.picture()));
        assert!(reply.replies.concat().contains(SORRY), "{text}: {reply:?}");
        assert!(took < Duration::from_secs(2), "{text}: {took:?}");
    }
    let late = Caller::greeted(&world.server, "late").await;
    noticed(&world.server, "operator").await;
    world.operator.restart();
    mended(&world.server).await;
    for mut caller in [caller, late] {
        let reply = caller.say(words::BALANCE).await;
        assert!(reply.replies.concat().contains("话费还剩"), "{reply:?}");
    }
}

/// A fault of the operator, what the customer then hears, and how many orders have effect.
struct Fault {
    name: &'static str,
    fault: serde_json::Value,
    text: &'static str,
    hears: &'static str,
    orders: usize,
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_the_operator_are_tried_again_or_said_and_never_order_twice() {
    let world = World::start(Arc::new(Stores::start()), "faults", &[thin_pack()]).await;
    let of = |name, fault, text, hears, orders| Fault { name, fault, text, hears, orders };
    let (balance, complaint) = (words::BALANCE, words::COMPLAINT);
    let table = [
        of("one-503", json!({"fail_next": 1}), balance, "话费还剩", 0),
        of("all-503", json!({"status": 503}), balance, SORRY, 0),
        of("one-503-order", json!({"fail_next": 1}), complaint, "单号", 1),
        of("all-429-order", json!({"status": 429}), complaint, SORRY, 0),
        of("all-500-order", json!({"status": 500}), complaint, SORRY, 0),
        of("cut-before", json!({"drop_connection": true, "fail_next": 1}), complaint, "单号", 1),
        of("cut-always", json!({"drop_connection": true}), complaint, SORRY, 0),
        of("hung-after", json!({"hang_after_effect": true, "fail_next": 1}), complaint, "单号", 1),
        of("hung-always", json!({"hang_after_effect": true}), complaint, SORRY, 1),
        of("a-little-slow", json!({"delay_ms": 300}), balance, "话费还剩", 0),
        of("too-slow", json!({"delay_ms": 20_000}), balance, SORRY, 0),
    ];
    let mut callers = Vec::new();
    for it in &table {
        callers.push(Caller::greeted(&world.server, it.name).await);
    }
    for (it, caller) in table.iter().zip(&mut callers) {
        world.operator.fault(it.fault.clone()).await;
        let (reply, took) = timed(caller, "one", it.text).await;
        world.operator.fault(json!({})).await;
        let picture = format!("{}: {reply:?} in {took:?}; {}", it.name, world.server.picture());
        let Ok(reply) = reply else { panic!("{picture}") };
        assert!(reply.replies.concat().contains(it.hears), "not `{}`: {picture}", it.hears);
        assert!(took < TURN, "{picture}");
        let keys = world.operator.keys(&format!("faults/{}/", it.name)).await;
        assert_eq!(keys.len(), it.orders, "{keys:?}: {picture}");
        let next = caller.say(words::BALANCE).await;
        assert!(
            next.replies.concat().contains("话费还剩"),
            "the call goes on: {next:?}: {picture}"
        );
    }
}
