//! Every store against the real Valkey and Postgres, started for each test in a folder of its own.
//!
//! Their programs come from `make setup`; where they are missing the tests fail and say so.

use std::{
    net::SocketAddr,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use dialog::{
    domain::{Answer, Channel, State},
    journal::{self, Archive, Entry, drain},
    ledger::{self, Ledger},
    local::{self, Private},
    postgres,
    session::{self, Session, Store, redis::Redis},
};
use futures::StreamExt;
use redis::aio::ConnectionManager;
use sqlx::{PgPool, Row};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;

const TIMEOUT: Duration = Duration::from_secs(10);

fn natives() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../.qingting/natives")
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

async fn valkey(folder: &Path) -> (Private, Redis) {
    let server = local::valkey(&natives(), folder).await.unwrap_or_else(|it| panic!("{it}"));
    let store = Redis::connect(&server.url, TIMEOUT, Duration::from_secs(60)).await;
    (server, store.unwrap_or_else(|it| panic!("{it}")))
}

async fn database(folder: &Path) -> (Private, PgPool) {
    let server = local::postgres(&natives(), folder).await.unwrap_or_else(|it| panic!("{it}"));
    let pool = postgres::connect(&server.url, 8, TIMEOUT).await;
    (server, pool.unwrap_or_else(|it| panic!("{it}")))
}

async fn raw(server: &Private) -> ConnectionManager {
    let client = redis::Client::open(server.url.as_str()).expect("an address");
    ConnectionManager::new(client).await.expect("connects")
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_keeps_the_contract_and_refuses_what_it_cannot_read() {
    let folder = folder();
    let (server, store) = valkey(folder.path()).await;
    session::contract::holds(&store).await;

    let session = session::contract::session("c1");
    store.save(&session, None).await.expect("saves");
    let mut connection = raw(&server).await;
    let keys: Vec<String> =
        redis::cmd("KEYS").arg("*call:demo:c1").query_async(&mut connection).await.expect("a key");
    let mut write = async |field: serde_json::Value| {
        let mut command = redis::cmd("HSET");
        command.arg(&keys[0]).arg("session").arg(field.to_string());
        command.query_async::<i64>(&mut connection).await.expect("writes");
        store.load(&session.key()).await
    };
    let stored = serde_json::to_value(&session).expect("JSON");

    let mut future = stored.clone();
    future["state"]["format"] = (State::FORMAT + 1).into();
    let loaded = write(future).await;
    assert!(matches!(loaded, Err(session::Error::Malformed(_))), "a newer format: {loaded:?}");

    let mut foreign = stored.clone();
    foreign["state"]["call"] = "c2".into();
    let loaded = write(foreign).await;
    assert!(matches!(loaded, Err(session::Error::Unreachable(_))), "another call: {loaded:?}");

    assert!(matches!(write(stored).await, Ok(Some(_))), "and what is well formed is read again");
    server.stop().await;
    let gone = store.load(&session.key()).await;
    assert!(matches!(gone, Err(session::Error::Unreachable(_))), "a store that is gone: {gone:?}");
}

/// Answers every command of the Redis protocol with what an earlier command might have been told.
async fn stale(mut connection: TcpStream) -> std::io::Result<()> {
    let (read, mut write) = connection.split();
    let mut lines = BufReader::new(read);
    loop {
        let mut count = String::new();
        if lines.read_line(&mut count).await? == 0 {
            return Ok(());
        }
        let parts: usize = count.trim().trim_start_matches('*').parse().unwrap_or(0);
        let mut command = Vec::new();
        for _ in 0..parts {
            let mut length = String::new();
            lines.read_line(&mut length).await?;
            let length: usize = length.trim().trim_start_matches('$').parse().unwrap_or(0);
            let mut bytes = vec![0; length + 2];
            lines.read_exact(&mut bytes).await?;
            command.push(String::from_utf8_lossy(&bytes[..length]).into_owned());
        }
        let other = serde_json::to_string(&session::contract::session("other")).unwrap_or_default();
        let reply = match command.first().map(String::as_str) {
            Some("EVALSHA" | "EVAL") => "$33\r\nqingting:{0}:call:demo:the-other 1\r\n"
                .replace("$33", &format!("${}", "qingting:{0}:call:demo:the-other 1".len())),
            Some("HMGET") => format!("*2\r\n$1\r\n1\r\n${}\r\n{other}\r\n", other.len()),
            _ => "+OK\r\n".into(),
        };
        write.write_all(reply.as_bytes()).await?;
    }
}

#[tokio::test]
async fn a_reply_that_speaks_of_another_command_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address: SocketAddr = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(stale(connection));
        }
    });
    let url = format!("redis://{address}/");
    let store = Redis::connect(&url, TIMEOUT, TIMEOUT).await.expect("connects");
    let session = session::contract::session("c1");
    let saved = store.save(&session, None).await;
    assert!(matches!(saved, Err(session::Error::Unreachable(_))), "{saved:?}");
    let loaded = store.load(&session.key()).await;
    assert!(matches!(loaded, Err(session::Error::Unreachable(_))), "{loaded:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_keeps_the_contract_of_the_ledger() {
    let folder = folder();
    let (server, pool) = database(folder.path()).await;
    ledger::contract::holds(&ledger::postgres::Postgres::new(pool, TIMEOUT)).await;
    server.stop().await;
}

/// How many rows of `orders` with these calls there are, and how many of them have an answer.
async fn rows(pool: &PgPool, calls: &[String]) -> (i64, i64) {
    let row = sqlx::query("SELECT count(*), count(answer) FROM orders WHERE call = ANY($1)")
        .bind(calls)
        .fetch_one(pool)
        .await
        .expect("counts");
    (row.get(0), row.get(1))
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_callers_leave_no_acknowledged_order_missing() {
    let folder = folder();
    let (server, pool) = database(folder.path()).await;
    let ledger = ledger::postgres::Postgres::new(pool, TIMEOUT);
    let cancelled = AtomicU64::new(0);
    let work = (0..500_u64).map(|turn| {
        let (ledger, cancelled) = (&ledger, &cancelled);
        async move {
            let order = ledger::contract::order(turn);
            // From "at once" to "mostly in time", so that statements are cut at every point.
            let patience = Duration::from_micros(turn % 50 * 400);
            let opened = tokio::time::timeout(patience, ledger.open(&order)).await;
            let answer = Answer::Refused { reason: "x".into() };
            let closed = tokio::time::timeout(patience, ledger.close(&order.key, &answer)).await;
            cancelled.fetch_add(u64::from(opened.is_err() || closed.is_err()), Ordering::Relaxed);
            let opened = matches!(opened, Ok(Ok(_)));
            (order.key.call, opened, opened && matches!(closed, Ok(Ok(()))))
        }
    });
    let done: Vec<_> = futures::stream::iter(work).buffer_unordered(16).collect().await;
    let opened: Vec<String> = done.iter().filter(|it| it.1).map(|it| it.0.clone()).collect();
    let closed: Vec<String> = done.iter().filter(|it| it.2).map(|it| it.0.clone()).collect();
    let cancelled = cancelled.into_inner();
    assert!(cancelled > 50 && opened.len() > 50, "{cancelled} cancelled, {} done", opened.len());

    // What follows on the same connections is kept too.
    let mut later = Vec::new();
    for turn in 0..50 {
        let order = ledger::contract::order(turn);
        ledger.open(&order).await.expect("opens");
        later.push(order.key.call);
    }
    // Another server process of the database sees only what is committed.
    let other = postgres::connect(&server.url, 1, TIMEOUT).await.expect("connects");
    assert_eq!(rows(&other, &opened).await.0, opened.len() as i64, "every opened order is there");
    assert_eq!(rows(&other, &closed).await.1, closed.len() as i64, "with its answer");
    assert_eq!(rows(&other, &later).await.0, 50, "and every later one");
    server.stop().await;
}

/// Keeps entries and then fails, as if the process had been cut before it could delete them.
struct Cut(drain::Postgres);

#[async_trait]
impl Archive for Cut {
    async fn keep(&self, entries: &[Entry]) -> Result<u64, journal::Error> {
        self.0.keep(entries).await?;
        Err(journal::Error::Unreachable("cut".into()))
    }
}

async fn save_turns(store: &Redis, calls: usize, turns: u64) {
    for call in 0..calls {
        let call = format!("j{call}");
        let new = Session {
            state: State::new("demo", &call, "18600001234", Channel::Voice),
            ..session::contract::session(&call)
        };
        for turn in 1..=turns {
            let session = Session { version: turn - 1, ..new.clone() };
            let entry = session::contract::entry(&call, turn);
            store.save(&session, Some(&entry)).await.expect("saves");
        }
    }
}

async fn kept(pool: &PgPool) -> i64 {
    sqlx::query("SELECT count(*) FROM journal").fetch_one(pool).await.expect("counts").get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_journal_reaches_postgres_whole_and_once() {
    let folder = folder();
    let (cache, store) = valkey(folder.path()).await;
    let (server, pool) = database(folder.path()).await;
    let archive = drain::Postgres { pool: pool.clone(), timeout: TIMEOUT };
    let mut connection = raw(&cache).await;
    save_turns(&store, 30, 4).await;

    let mut cuts = 0;
    while drain::once(&mut connection, &Cut(archive.clone())).await.is_err() && cuts < 3 {
        cuts += 1;
    }
    assert_eq!(cuts, 3, "a cut before the delete leaves the entries in Redis");
    while drain::once(&mut connection, &archive).await.expect("drains") > 0 {}
    assert_eq!(
        kept(&pool).await,
        120,
        "what was kept before the cut is not kept twice, and all is there"
    );

    let again = session::contract::entry("j1", 2);
    assert_eq!(
        archive.keep(&[again]).await.expect("keeps"),
        0,
        "an entry that is there is not new"
    );

    let mut damaged = redis::cmd("XADD");
    damaged.arg("qingting:{3}:journal").arg("*").arg("entry").arg("{broken");
    damaged.query_async::<String>(&mut connection).await.expect("adds");
    let moved = drain::once(&mut connection, &archive).await.expect("drains");
    assert_eq!(moved, 1, "an entry that cannot be read does not stop those behind it");
    let mut aside = redis::cmd("XLEN");
    aside.arg("qingting:{3}:journal:unreadable");
    let aside = aside.query_async::<u64>(&mut connection).await.expect("a length");
    assert_eq!(aside, 1, "and is kept for a server that can read it");

    let new = session::contract::session("last");
    store.save(&new, Some(&session::contract::entry("last", 1))).await.expect("saves");
    let stop = CancellationToken::new();
    stop.cancel();
    drain::run(store, archive, stop).await;
    assert_eq!(kept(&pool).await, 121, "a server that stops drains what there is");
    server.stop().await;
    cache.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_stops_draining_although_others_go_on_adding() {
    let folder = folder();
    let (cache, store) = valkey(folder.path()).await;
    let (server, pool) = database(folder.path()).await;
    let archive = drain::Postgres { pool: pool.clone(), timeout: TIMEOUT };
    save_turns(&store, 10, 2).await;
    let (others, adding) = (store.clone(), CancellationToken::new());
    let added = tokio::spawn({
        let adding = adding.clone();
        async move {
            let mut turn = 0;
            while !adding.is_cancelled() {
                turn += 1;
                let new = session::contract::session(&format!("other-{turn}"));
                let entry = session::contract::entry("other", turn);
                others.save(&new, Some(&entry)).await.expect("saves");
            }
        }
    });
    let stop = CancellationToken::new();
    stop.cancel();
    let draining = drain::run(store, archive, stop);
    tokio::time::timeout(Duration::from_secs(5), draining).await.expect("it stops");
    adding.cancel();
    added.await.expect("added");
    assert!(kept(&pool).await >= 20, "what was there when it stopped is kept");
    server.stop().await;
    cache.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_data_of_a_killed_server_stay_locked_until_its_store_has_really_ended() {
    let folder = folder();
    let mut server = tokio::process::Command::new(env!("CARGO_BIN_EXE_qingting"))
        .args(["stores", "--folder"])
        .arg(folder.path())
        .env("QINGTING_STORES__NATIVES", natives())
        .stdout(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("starts");
    let mut said = BufReader::new(server.stdout.take().expect("output")).lines();
    let url = said.next_line().await.expect("reads").expect("it says where its stores are");
    let url = url.strip_prefix("REDIS_URL=").expect("of Valkey first").to_owned();
    while !said.next_line().await.expect("reads").expect("and more").starts_with("PIDS=") {}

    // Valkey is busy, so that it cannot end at once.
    let client = redis::Client::open(url).expect("an address");
    let mut connection = client.get_multiplexed_async_connection().await.expect("connects");
    let busy = "local n = 0 for i = 1, 300000000 do n = n + i end return 1";
    let busy = tokio::spawn(async move {
        let mut script = redis::cmd("EVAL");
        script.arg(busy).arg(0);
        let _ = script.query_async::<u64>(&mut connection).await;
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    server.kill().await.expect("killed");
    let lock = std::fs::File::open(folder.path().join("valkey/lock")).expect("a lock");
    assert!(lock.try_lock().is_err(), "the store is still there, and so is its lock");
    let (again, _) = valkey(folder.path()).await;
    again.stop().await;
    busy.await.expect("ends");
}
