//! The same call as JSON over HTTP and as a WebSocket.

use std::{sync::Arc, time::Duration};

use futures::{SinkExt, StreamExt};
use integration::harness::{Stores, World, client, words};
use serde_json::{Value, json};
use tokio::{net::TcpStream, sync::OnceCell};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

static WORLD: OnceCell<World> = OnceCell::const_new();

const TENANT: &str = "http-call";

async fn world() -> &'static World {
    WORLD.get_or_init(|| World::start(Arc::new(Stores::start()), TENANT, &[])).await
}

fn turn(call: &str, request_id: &str, input: Value) -> Value {
    let mut body = json!({
        "call": call,
        "request_id": request_id,
        "caller": words::number_of(call),
        "channel": "CHANNEL_VOICE",
    });
    let parts = (body.as_object_mut(), input.as_object());
    let (Some(body), Some(input)) = parts else { panic!("an input is an object: {input}") };
    body.extend(input.clone());
    Value::Object(body.clone())
}

fn said(text: &str) -> Value {
    json!({"heard": {"hypotheses": [{"text": text, "confidence": 0.9}]}})
}

async fn opened(call: &str) {
    let (status, reply) =
        world().await.server.post("/v1/turn", &turn(call, "open", json!({"open": {}}))).await;
    let greets = reply["replies"][0].as_str().is_some_and(|it| it.contains(words::GREETING));
    assert!(status == 200 && greets, "{status} {reply}");
}

/// The reply to what is said next, which must be taken.
async fn hears(call: &str, request_id: &str, input: Value) -> Value {
    let (status, reply) =
        world().await.server.post("/v1/turn", &turn(call, request_id, input)).await;
    assert_eq!(status, 200, "{reply}; {}", world().await.server.picture());
    reply
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_goes_from_greeting_over_query_and_order_to_a_person_as_json() {
    opened("whole").await;
    let balance = hears("whole", "1", said(words::BALANCE)).await;
    assert!(balance["replies"].to_string().contains("话费还剩"), "{balance}");
    assert_eq!(balance["understanding"]["intent"], "query_balance", "{balance}");
    assert_eq!(balance["replayed"], false, "fields that are false are there too: {balance}");

    let question = hears("whole", "2", said(words::ADDON)).await;
    assert!(question["replies"].to_string().contains("确认吗"), "{question}");
    let slots = &question["understanding"]["slots"];
    let addon = slots.as_array().and_then(|it| it.iter().find(|it| it["name"] == "addon"));
    assert_eq!(addon.map(|it| &it["value"]), Some(&json!("data_5g")), "{question}");
    assert_eq!(
        addon.map(|it| (&it["start"], &it["end"])),
        Some((&json!(4), &json!(10))),
        "{slots}"
    );

    let done = hears("whole", "3", json!({"digits": {"keys": "1"}})).await;
    assert!(done["replies"].to_string().contains("开好了"), "{done}");
    let again = hears("whole", "3", json!({"digits": {"keys": "1"}})).await;
    assert_eq!((&again["replies"], &again["replayed"]), (&done["replies"], &json!(true)));
    let quiet = hears("whole", "4", json!({"silence": {}})).await;
    assert!(!quiet["replies"].to_string().is_empty(), "{quiet}");
    let person = hears("whole", "5", said("转人工")).await;
    let summary = &person["hand_off"];
    assert_eq!(summary["reason"], "asked", "{person}");
    assert_eq!(summary["caller"], words::number_of("whole").as_str(), "{person}");
    assert_eq!(summary["order_keys"].as_array().map(Vec::len), Some(1), "{person}");
    let orders = world().await.operator.keys(&format!("{TENANT}/whole/")).await;
    assert_eq!(json!(orders), summary["order_keys"], "{person}");
}

#[tokio::test(flavor = "multi_thread")]
async fn parse_reads_texts_in_their_order() {
    let texts = json!({"texts": [words::BALANCE, words::ADDON]});
    let (status, reply) = world().await.server.post("/v1/parse", &texts).await;
    let read: Vec<_> = (0..2).map(|at| &reply["understandings"][at]["intent"]).collect();
    assert_eq!(status, 200, "{reply}");
    assert_eq!(read, ["query_balance", "subscribe_addon"], "{reply}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_says_code_message_and_whether_to_try_again() {
    let server = &world().await.server;
    let unknown = turn("never-opened", "1", said("喂"));
    let nothing = turn("whole", "1", json!({}));
    let odd = turn("no spaces", "1", said("喂"));
    let misspelt = json!({"calls": "x"});
    for (body, status, code) in
        [(unknown, 404, 5), (nothing, 400, 3), (odd, 400, 3), (misspelt, 400, 3)]
    {
        let (got, error) = server.post("/v1/turn", &body).await;
        let retryable = &error["retryable"];
        assert_eq!((got, &error["code"]), (status, &json!(code)), "{body} -> {error}");
        assert_eq!(retryable, &json!(false), "{body} -> {error}");
        assert!(error["message"].as_str().is_some_and(|it| !it.is_empty()), "{body} -> {error}");
    }
    let (status, error) = server.get("/v1/nowhere").await;
    assert!(
        status == 404 && error.contains("/v1/turn"),
        "it names what there is: {status} {error}"
    );
    let (status, _) = server.get("/v1/turn").await;
    assert_eq!(status, 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_that_a_client_names_is_kept_and_the_turn_is_there_afterwards() {
    let world = World::start(Arc::clone(&world().await.stores), "http-deadline", &[]).await;
    let ask = async |request_id: &str, input: Value, millis: &str| {
        let post = client().post(world.server.url("/v1/turn")).header("x-timeout-ms", millis);
        let answer = post.json(&turn("late", request_id, input)).send().await.expect("an answer");
        let status = answer.status().as_u16();
        (status, answer.json::<Value>().await.expect("JSON"))
    };
    let (status, _) = ask("open", json!({"open": {}}), "5000").await;
    assert_eq!(status, 200);
    let (status, error) = ask("1", said(words::COMPLAINT), "soon").await;
    assert_eq!(status, 400, "{error}");
    world.operator.fault(json!({"delay_ms": 600})).await;
    let since = std::time::Instant::now();
    let (status, error) = ask("1", said(words::COMPLAINT), "150").await;
    assert!(since.elapsed() < Duration::from_millis(450), "{:?}", since.elapsed());
    assert_eq!((status, &error["code"], &error["retryable"]), (504, &json!(4), &json!(true)));
    world.operator.fault(json!({})).await;
    let (status, reply) = ask("1", said(words::COMPLAINT), "5000").await;
    assert!(status == 200 && reply["replies"].to_string().contains("单号"), "{status} {reply}");
    let keys = world.operator.keys("http-deadline/late/").await;
    assert_eq!(keys.len(), 1, "{keys:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grpc_method_that_is_none_is_unimplemented_as_grpc_has_it() {
    let url = world().await.server.url("/qingting.v1.Qingting/Nothing");
    let asked = client().post(url).header("content-type", "application/grpc").send().await;
    let answer = asked.expect("an answer");
    let status = answer.headers().get("grpc-status").and_then(|it| it.to_str().ok());
    assert_eq!((answer.status().as_u16(), status), (200, Some("12")), "{answer:?}");
}

/// A call as a WebSocket.
struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    async fn open() -> Self {
        let url = format!("ws://{}/v1/converse", world().await.server.address());
        Self(connect_async(url).await.expect("the socket opens").0)
    }

    async fn send(&mut self, message: Message) {
        self.0.send(message).await.expect("the socket is open");
    }

    async fn ask(&mut self, event: Value) -> Value {
        self.send(Message::text(event.to_string())).await;
        self.next().await.expect("an action for the event")
    }

    /// The next action; nothing when the socket was closed.
    async fn next(&mut self) -> Option<Value> {
        let waiting = tokio::time::timeout(Duration::from_secs(20), self.0.next());
        match waiting.await.expect("an action in time") {
            Some(Ok(Message::Text(text))) => Some(serde_json::from_str(&text).expect("JSON")),
            Some(Ok(Message::Close(_))) | None => None,
            other => panic!("no action but {other:?}"),
        }
    }
}

fn start(call: &str) -> Value {
    json!({"sequence": 1, "start": {"call": call, "caller": words::number_of(call)}})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_goes_from_start_to_hang_up_over_a_websocket() {
    let mut socket = Socket::open().await;
    let greeting = socket.ask(start("socket")).await;
    assert!(greeting["say"]["replies"].to_string().contains(words::GREETING), "{greeting}");
    let mut interim = said(words::BALANCE);
    interim["sequence"] = json!(2);
    interim["heard"]["interim"] = json!(true);
    let hint = socket.ask(interim).await;
    assert!(hint["hint"].is_object(), "{hint}");
    let mut heard = said(words::BALANCE);
    heard["sequence"] = json!(3);
    let balance = socket.ask(heard).await;
    assert!(balance["say"]["replies"].to_string().contains("话费还剩"), "{balance}");
    let gap = socket.ask(json!({"sequence": 9, "silence": {}})).await;
    assert_eq!(gap["failed"]["code"], 9, "{gap}");
    let ended = socket.ask(json!({"sequence": 4, "hang_up": {}})).await;
    assert!(ended["ended"].is_object(), "{ended}");
    assert_eq!(socket.next().await, None, "the socket is closed with the call");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_event_is_named_and_the_socket_closed() {
    for nonsense in [Message::text("{\"sequence\":"), Message::binary(vec![0xff, 0xfe])] {
        let mut socket = Socket::open().await;
        socket.ask(start("nonsense")).await;
        socket.send(nonsense.clone()).await;
        let failed = socket.next().await.expect("it is named");
        assert_eq!(failed["failed"]["code"], 3, "{nonsense:?} -> {failed}");
        assert_eq!(socket.next().await, None, "{nonsense:?}");
    }
}
