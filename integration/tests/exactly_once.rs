//! An order has effect once, whatever dies, whoever goes away, and however often it is asked for.

use std::{collections::BTreeSet, os::unix::process::ExitStatusExt, sync::Arc, time::Duration};

use futures::future::join_all;
use integration::harness::{Caller, Operator, Server, Stores, eventually, heard, thin_pack, words};
use proto::v1::TurnReply;
use serde_json::json;
use tokio::sync::OnceCell;
use tonic::{Code, Status};

/// The places in the code at which the process is made to die.
const POINTS: [&str; 6] =
    ["turn_loaded", "order_saved", "order_opened", "order_sent", "order_closed", "turn_saved"];

/// SIGABRT, with which it dies there.
const ABORTED: i32 = 6;

static STORES: OnceCell<Arc<Stores>> = OnceCell::const_new();

async fn stores() -> Arc<Stores> {
    Arc::clone(STORES.get_or_init(async || Arc::new(Stores::start())).await)
}

/// A busy machine must not make the ledger late: what is said then is another test's business.
fn settings() -> [(&'static str, &'static str); 2] {
    [thin_pack(), ("STORES__POSTGRES_TIMEOUT", "10s")]
}

/// Calls that are open and greeted, named after `name`.
async fn greeted(server: &Server, name: &str, count: usize) -> Vec<Caller> {
    let client = server.grpc().await;
    let calls = (0..count).map(|at| {
        let (client, call) = (client.clone(), format!("{name}-{at}"));
        async move { Caller::greeted_over(client, &call).await }
    });
    join_all(calls).await
}

/// All of them complain at the same time, which makes one ticket each.
async fn complain(callers: &mut [Caller]) -> Vec<Result<TurnReply, Status>> {
    join_all(callers.iter_mut().map(|it| it.turn("order", heard(words::COMPLAINT)))).await
}

/// All of them insist on their turn on another server.
async fn insist(callers: &mut [Caller], server: &Server) -> Vec<TurnReply> {
    let client = server.grpc().await;
    let turns = callers.iter_mut().map(|it| {
        it.client = client.clone();
        it.insist("order", words::COMPLAINT)
    });
    join_all(turns).await
}

/// Fails unless every reply names the one ticket of its call, and the ledger holds that and nothing else.
async fn check(
    what: &str,
    tenant: &str,
    callers: &[Caller],
    replies: &[TurnReply],
    operator: &Operator,
) {
    let ledger = stores().await.look().await.ledger(tenant).await;
    for (caller, reply) in callers.iter().zip(replies) {
        let prefix = format!("{tenant}/{}/", caller.call);
        let orders = operator.orders(&prefix).await;
        let rows: Vec<_> = ledger.iter().filter(|(key, _)| key.starts_with(&prefix)).collect();
        let picture =
            format!("{what}: {} heard {reply:?}\norders {orders:?}\nledger {rows:?}", caller.call);
        assert_eq!((orders.len(), rows.len()), (1, 1), "{picture}");
        assert_eq!(orders[0]["key"], rows[0].0.as_str(), "{picture}");
        assert!(rows[0].1.is_some(), "the ledger has no answer: {picture}");
        let ticket = orders[0]["answer"]["ticket"].as_str().expect("a ticket has a number");
        assert!(
            reply.replies.concat().contains(ticket),
            "another reply than the order's: {picture}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_turns_retried_after_a_crash_at_each_point_make_ten_orders() {
    const TENANT: &str = "crash";
    let (stores, operator) = (stores().await, Operator::start().await);
    let healthy = Server::start(&stores, &operator, TENANT, &settings()).await;
    for point in POINTS {
        let mut callers = greeted(&healthy, point, 10).await;
        let settings = [settings().as_slice(), &[("CRASH_AT", point)]].concat();
        let doomed = Server::start(&stores, &operator, TENANT, &settings).await;
        let client = doomed.grpc().await;
        callers.iter_mut().for_each(|it| it.client = client.clone());
        let first = complain(&mut callers).await;
        let status = doomed.process.ended();
        assert_eq!(status.signal(), Some(ABORTED), "{point}: {status}; {}", doomed.picture());
        let cut = first.iter().filter(|it| it.is_err()).count();
        assert!(cut > 0, "{point}: the crash cut nobody off: {first:?}");
        let replies = insist(&mut callers, &healthy).await;
        check(point, TENANT, &callers, &replies, &operator).await;
        let again = insist(&mut callers, &healthy).await;
        for (one, two) in replies.iter().zip(&again) {
            assert!(two.replayed && one.replies == two.replies, "{point}: {one:?} {two:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn turns_cut_by_a_kill_at_any_moment_make_one_order_each() {
    const TENANT: &str = "kill";
    let (stores, operator) = (stores().await, Operator::start().await);
    operator.fault(json!({"delay_ms": 30, "path_prefix": "/v1/customers"})).await;
    let mut server = Server::start(&stores, &operator, TENANT, &settings()).await;
    for millis in [5, 25, 60] {
        let name = format!("after-{millis}-ms");
        let mut callers = greeted(&server, &name, 8).await;
        let (_, ()) = tokio::join!(complain(&mut callers), async {
            tokio::time::sleep(Duration::from_millis(millis)).await;
            server.process.kill();
        });
        server = Server::start(&stores, &operator, TENANT, &settings()).await;
        let replies = insist(&mut callers, &server).await;
        check(&name, TENANT, &callers, &replies, &operator).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_turn_asked_for_at_once_on_two_servers_makes_one_order() {
    const TENANT: &str = "duplicates";
    let (stores, operator) = (stores().await, Operator::start().await);
    let one = Server::start(&stores, &operator, TENANT, &settings()).await;
    let two = Server::start(&stores, &operator, TENANT, &settings()).await;
    for round in 0..5 {
        let mut callers = greeted(&one, &format!("round-{round}"), 1).await;
        let clients = [one.grpc().await, two.grpc().await];
        let turns = (0..8).map(|at| {
            let mut caller = callers[0].clone();
            caller.client = clients[at % 2].clone();
            async move { caller.turn("order", heard(words::COMPLAINT)).await }
        });
        let answers = join_all(turns).await;
        let lost = |it: &Result<TurnReply, Status>| {
            it.as_ref().is_err_and(|it| it.code() != Code::Aborted)
        };
        assert!(!answers.iter().any(lost), "{answers:?}; {}", one.picture());
        let words: BTreeSet<_> = answers.iter().flatten().map(|it| it.replies.concat()).collect();
        assert_eq!(words.len(), 1, "all hear the same: {answers:?}");
        let replies = insist(&mut callers, &two).await;
        assert!(words.contains(&replies[0].replies.concat()), "{answers:?} {replies:?}");
        check("duplicates", TENANT, &callers, &replies, &operator).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_client_goes_away_or_gives_up_is_finished_and_recorded() {
    const TENANT: &str = "gone";
    let (stores, operator) = (stores().await, Operator::start().await);
    let server = Server::start(&stores, &operator, TENANT, &settings()).await;
    let mut callers = greeted(&server, "gone", 2).await;
    operator.fault(json!({"delay_ms": 300, "path_prefix": "/v1/customers"})).await;
    let mut caller = callers[0].clone();
    caller.client = server.grpc().await;
    let gone = tokio::spawn(async move { caller.turn("order", heard(words::COMPLAINT)).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    gone.abort();
    let within = Duration::from_millis(100);
    let late = callers[1].turn_within(within, "order", heard(words::COMPLAINT)).await;
    assert!(late.is_err(), "{late:?}");
    let look = stores.look().await;
    for caller in &callers {
        eventually("the turn is in the journal", Duration::from_secs(10), async || {
            let journal = look.journal(TENANT, &caller.call).await;
            match journal.len() {
                2 => Ok(()),
                _ => Err(format!("{} has {journal:?}", caller.call)),
            }
        })
        .await;
    }
    let replies = insist(&mut callers, &server).await;
    assert!(replies.iter().all(|it| it.replayed), "nobody had to ask again: {replies:?}");
    check("gone", TENANT, &callers, &replies, &operator).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_240_turns_that_are_cut_off_no_order_is_missing_and_none_is_there_twice() {
    const TENANT: &str = "cancel";
    let (stores, operator) = (stores().await, Operator::start().await);
    let server = Server::start(&stores, &operator, TENANT, &settings()).await;
    let mut callers = Vec::new();
    for group in 0..8 {
        callers.extend(greeted(&server, &format!("group-{group}"), 30).await);
    }
    operator.fault(json!({"delay_ms": 5, "path_prefix": "/v1/customers"})).await;
    let mut acknowledged = 0;
    for group in callers.chunks_mut(30) {
        // From "before it is read" to "after it is saved", so that every await is cut in some turn.
        let turns = group.iter_mut().enumerate().map(|(at, caller)| {
            let within = Duration::from_millis(4 + 4 * at as u64);
            async move {
                tokio::time::timeout(within, caller.turn("order", heard(words::COMPLAINT))).await
            }
        });
        acknowledged += join_all(turns).await.iter().filter(|it| matches!(it, Ok(Ok(_)))).count();
    }
    assert!(acknowledged < 240, "nothing was cut");
    operator.fault(json!({})).await;
    let replies = insist(&mut callers, &server).await;
    check("cancel", TENANT, &callers, &replies, &operator).await;
    let look = stores.look().await;
    eventually("every turn is in the journal once", Duration::from_secs(20), async || {
        for caller in &callers {
            let turns = look.journal(TENANT, &caller.call).await.len();
            if turns != 2 {
                return Err(format!("{} has {turns} turns", caller.call));
            }
        }
        Ok(())
    })
    .await;
}
