//! The simulated operator over HTTP: it serves every action of the pack, once per key, also when it is ill.

#[path = "operator/actions.rs"]
mod actions;

use std::{path::PathBuf, time::Duration};

use futures::future::join_all;
use integration::operator::{Operator, Running};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value as Json, json};

use actions::Pack;

const CALLER: &str = "18600001234";

fn pack() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../packs/telecom")
}

/// An operator of one test's own, and a client.
struct Desk {
    operator: Running,
    client: Client,
}

impl Desk {
    async fn open() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let free = "127.0.0.1:0".parse().expect("an address");
        let operator = Operator::start(&pack().join("knowledge.toml"), free).await;
        let client = Client::builder().timeout(Duration::from_secs(10)).build();
        Self { operator: operator.expect("starts"), client: client.expect("a client") }
    }

    fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        self.client.request(method, format!("{}{path}", self.operator.url()))
    }

    fn order(&self, key: &str, path: &str, body: &Json) -> RequestBuilder {
        let path = format!("/v1/customers/{path}");
        self.request("POST", &path).header("idempotency-key", key).json(body)
    }

    async fn ordered(&self, key: &str, path: &str, body: &Json) -> (StatusCode, Json) {
        read(self.order(key, path, body)).await
    }

    async fn count(&self) -> u64 {
        let (_, orders) = read(self.request("GET", "/admin/orders")).await;
        orders["count"].as_u64().expect("a count")
    }

    async fn fault(&self, faults: Json) {
        let set = self.request("POST", "/admin/faults").json(&faults).send().await;
        assert_eq!(set.expect("sent").status(), StatusCode::OK, "{faults}");
    }

    async fn balance(&self, number: &str) -> i64 {
        let path = format!("/v1/customers/{number}/balance");
        read(self.request("GET", &path)).await.1["balance_fen"].as_i64().expect("fen")
    }
}

async fn read(request: RequestBuilder) -> (StatusCode, Json) {
    let response = request.send().await.expect("an answer");
    let status = response.status();
    let text = response.text().await.expect("a body");
    (status, serde_json::from_str(&text).unwrap_or_else(|_| panic!("{status} no JSON: {text}")))
}

#[tokio::test]
async fn what_is_said_agrees_with_the_knowledge() {
    let (desk, pack) = (Desk::open().await, Pack::read());
    let (_, plan) = read(desk.request("GET", &format!("/v1/customers/{CALLER}/plan"))).await;
    assert_eq!(plan["price_fen"], pack.entry("spring_59")["price_fen"], "{plan}");
    let (_, data) = read(desk.request("GET", &format!("/v1/customers/{CALLER}/usage/data"))).await;
    assert_eq!(data["left_mb"], 12_698, "12.4 GB: {data}");
    let before = desk.balance(CALLER).await;
    let addon = json!({"number": CALLER, "addon": "music_member"});
    desk.ordered("a", &format!("{CALLER}/addons"), &addon).await;
    let price = pack.entry("music_member")["price_fen"].as_i64().expect("fen");
    assert_eq!(desk.balance(CALLER).await, before - price);
}

#[tokio::test]
async fn one_key_has_one_effect_and_one_answer_however_often_it_comes() {
    let desk = Desk::open().await;
    let (path, body) = (format!("{CALLER}/top-ups"), json!({"number": CALLER, "amount_fen": 5000}));
    let before = desk.balance(CALLER).await;
    let same = join_all((0..32).map(|_| desk.ordered("one", &path, &body))).await;
    assert!(same.iter().all(|it| *it == same[0] && it.0 == StatusCode::OK), "{same:?}");
    assert_eq!((desk.count().await, desk.balance(CALLER).await), (1, before + 5000));
    let keys: Vec<_> = (0..16).map(|at| format!("key {at}")).collect();
    join_all(keys.iter().map(|key| desk.ordered(key, &path, &body))).await;
    assert_eq!((desk.count().await, desk.balance(CALLER).await), (17, before + 17 * 5000));
    let other = json!({"number": CALLER, "amount_fen": 9000});
    assert_eq!(desk.ordered("one", &path, &other).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(desk.count().await, 17);
}

#[tokio::test]
async fn of_many_callers_at_once_one_subscribes() {
    let desk = Desk::open().await;
    let (path, body) =
        (format!("{CALLER}/addons"), json!({"number": CALLER, "addon": "cloud_member"}));
    let keys: Vec<_> = (0..24).map(|at| format!("key {at}")).collect();
    let answers = join_all(keys.iter().map(|key| desk.ordered(key, &path, &body))).await;
    let with = |status| answers.iter().filter(|(it, _)| *it == status).count();
    assert_eq!((with(StatusCode::OK), with(StatusCode::CONFLICT)), (1, 23), "{answers:?}");
    assert_eq!(desk.count().await, 1);
}

/// Orders that the operator's rules forbid: order, body, status, what the reason says.
const REFUSED: &[(&str, &str, u16, &str)] = &[
    ("18600001234/addons", r#"{"number":"18600001234","addon":"video_member"}"#, 409, "已经订过"),
    ("18600001234/addons", r#"{"number":"13700002468","addon":"video_member"}"#, 422, "1.2 元"),
    ("18600001234/addons", r#"{"number":"18600001234","addon":"no_such"}"#, 404, "没有这项业务"),
    ("18600001234/addons", r#"{"number":"18600002233","addon":"paper"}"#, 422, "不在您名下"),
    ("18600001234/addons/cancel", r#"{"number":"18600001234","addon":"paper"}"#, 409, "您没有订"),
    ("18600002233/addons", r#"{"number":"18600002233","addon":"paper"}"#, 422, "欠费 23.5 元"),
    ("18600002233/resumption", r#"{"number":"18600002233"}"#, 422, "欠费 23.5 元"),
    ("18600003344/plan", r#"{"number":"18600003344","plan":"keep_8"}"#, 422, "期满"),
    ("18600003344/closure", r#"{"number":"18600003344"}"#, 422, "违约金 540 元"),
    ("18600003344/loss", r#"{"number":"18600003355"}"#, 409, "已经挂失"),
    ("18600001234/plan", r#"{"number":"18600001234","plan":"spring_59"}"#, 409, "就是清泉套餐"),
    ("18600001234/top-ups", r#"{"number":"13900000000","amount_fen":5000}"#, 404, "没有查到"),
    ("18600001234/top-ups", r#"{"number":"18600001234","amount_fen":99999999}"#, 422, "500 元"),
    ("18600004455/points/redemptions", r#"{"gift":"power_bank"}"#, 422, "120 积分"),
    (
        "18600001234/broadband",
        r#"{"product":"bb_500","place":"清河区1号","date":"2030-01-01"}"#,
        409,
        "已经有宽带",
    ),
    (
        "18600004455/broadband",
        r#"{"product":"bb_500","place":"云岭乡大坪村","date":"2030-01-01"}"#,
        422,
        "没有铺到",
    ),
    (
        "18600004455/broadband",
        r#"{"product":"bb_500","place":"清河区1号","date":"2020-01-01"}"#,
        422,
        "换一天",
    ),
    ("18600001234/broadband/speed", r#"{"product":"bb_200"}"#, 422, "300兆宽带"),
    ("18600001234/broadband/cancel", "{}", 409, "没有可以撤回"),
    ("18600004455/tickets", r#"{"kind":"broadband_fault"}"#, 422, "没有宽带"),
    ("18600001234/ringback", r#"{"number":"18600001234"}"#, 422, "还没有开通彩铃"),
    ("18600001234/port-in", r#"{"number":"18600002233"}"#, 409, "已经是清听"),
    ("18600004455/family", r#"{"member":"18600002233","fee_fen":1000}"#, 422, "最多带 0 张"),
    ("13800000000/loss", r#"{"number":"13800000000"}"#, 404, "没有查到"),
];

#[tokio::test]
async fn refusals_have_a_reason_that_can_be_said_and_no_effect() {
    let desk = Desk::open().await;
    for (at, (path, body, status, reason)) in REFUSED.iter().enumerate() {
        let body: Json = serde_json::from_str(body).expect("a body");
        let (got, answer) = desk.ordered(&format!("key {at}"), path, &body).await;
        let message = answer["message"].as_str().unwrap_or_default();
        assert_eq!(got.as_u16(), *status, "{path} {body}: {answer}");
        assert!(message.contains(reason), "{path} {body}: {message}");
    }
    assert_eq!(desk.count().await, 0);
}

#[tokio::test]
async fn faults_befall_what_they_name_until_they_are_cleared() {
    let desk = Desk::open().await;
    let (path, body) = (format!("{CALLER}/top-ups"), json!({"number": CALLER, "amount_fen": 1000}));
    desk.fault(json!({"fail_next": 2, "status": 503, "path_prefix": "/v1/customers"})).await;
    assert_eq!(read(desk.request("GET", "/v1/plans")).await.0, StatusCode::OK);
    for expected in
        [StatusCode::SERVICE_UNAVAILABLE, StatusCode::SERVICE_UNAVAILABLE, StatusCode::OK]
    {
        assert_eq!(desk.ordered("a", &path, &body).await.0, expected);
    }
    desk.fault(json!({"drop_connection": true})).await;
    let cut = desk.order("b", &path, &body).send().await;
    assert!(cut.is_err_and(|error| !error.is_timeout()));
    assert_eq!(desk.count().await, 1, "a cut order has no effect");
    desk.fault(json!({"hang_after_effect": true, "fail_next": 1})).await;
    let hung = desk.order("c", &path, &body).timeout(Duration::from_millis(300)).send().await;
    assert!(hung.is_err_and(|error| error.is_timeout()));
    assert_eq!(desk.count().await, 2, "a hung order has effect");
    assert_eq!(desk.ordered("c", &path, &body).await.0, StatusCode::OK);
    assert_eq!(desk.count().await, 2, "and no second one under its key");
    desk.fault(json!({"delay_ms": 5000})).await;
    let slow = desk.request("GET", "/v1/plans").timeout(Duration::from_millis(200)).send().await;
    assert!(slow.is_err_and(|error| error.is_timeout()));
    let cleared = desk.request("DELETE", "/admin/faults").send().await.expect("cleared");
    assert_eq!(cleared.status(), StatusCode::NO_CONTENT);
    assert_eq!(read(desk.request("GET", "/v1/plans")).await.0, StatusCode::OK);
}

#[tokio::test]
async fn an_answer_that_never_comes_does_not_keep_the_operator_from_stopping() {
    let desk = Desk::open().await;
    desk.fault(json!({"hang_after_effect": true})).await;
    let (path, body) = (format!("{CALLER}/top-ups"), json!({"number": CALLER, "amount_fen": 1000}));
    let hung = tokio::spawn(desk.order("a", &path, &body).send());
    while desk.count().await == 0 {
        tokio::task::yield_now().await;
    }
    let stopped = tokio::time::timeout(Duration::from_secs(5), desk.operator.stop()).await;
    stopped.expect("stops");
    assert!(hung.await.expect("joined").is_err(), "the hung call is cut");
}

/// Requests that make no sense: method, path, body, status.
const HOSTILE: &[(&str, &str, &str, u16)] = &[
    ("POST", "/v1/customers/18600001234/top-ups", "no json", 400),
    ("POST", "/v1/customers/18600001234/top-ups", "[1,2]", 400),
    ("POST", "/v1/customers/18600001234/top-ups", r#"{"number":"18600001234"}"#, 400),
    ("POST", "/v1/customers/18600001234/top-ups", r#"{"number":"1","amount_fen":1e300}"#, 400),
    (
        "POST",
        "/v1/customers/18600001234/top-ups",
        r#"{"number":"18600001234","amount_fen":-100}"#,
        422,
    ),
    (
        "POST",
        "/v1/customers/18600001234/top-ups",
        r#"{"number":"18600001234","amount_fen":9223372036854775807}"#,
        422,
    ),
    (
        "POST",
        "/v1/customers/18600001234/addons",
        r#"{"number":"18600001234","addon":"paper","free":true}"#,
        400,
    ),
    ("POST", "/v1/customers/18600001234/sim", r#"{"number":"18600001234","fee_fen":0}"#, 400),
    (
        "POST",
        "/v1/customers/18600001234/transfer",
        r#"{"number":"18600001234","date":"soon"}"#,
        400,
    ),
    ("POST", "/v1/customers/18600001234/tickets", r#"{"kind":"'; drop table"}"#, 400),
    ("POST", "/v1/customers/18600001234/nothing", "{}", 400),
    ("POST", "/v1/customers/..%2F..%2Fadmin/loss", r#"{"number":"x"}"#, 404),
    ("GET", "/v1/customers//balance", "", 404),
    ("GET", "/v1/customers/18600001234/bill?month=2026-13", "", 400),
    ("GET", "/v1/customers/18600001234/bill?month=9999-01", "", 422),
    ("GET", "/v1/customers/18600001234/balance?number=%00", "", 422),
    ("GET", "/v1/customers/%FF/balance", "", 400),
    ("GET", "/v1/plans?budget_fen=-9223372036854775808", "", 400),
    ("GET", "/v1/coverage?place=", "", 400),
    ("GET", "/v2/anything", "", 404),
    ("PUT", "/v1/customers/18600001234/plan", "{}", 405),
    ("POST", "/admin/faults", r#"{"explode":true}"#, 400),
    ("POST", "/admin/faults", r#"{"status":99}"#, 400),
];

#[tokio::test]
async fn what_makes_no_sense_is_refused_in_json_and_harms_nothing() {
    let desk = Desk::open().await;
    for (at, (method, path, body, status)) in HOSTILE.iter().enumerate() {
        let request = desk.request(method, path).header("idempotency-key", at).body(*body);
        let (got, answer) = read(request).await;
        assert_eq!(got.as_u16(), *status, "{method} {path} {body}: {answer}");
    }
    let path = format!("/v1/customers/{CALLER}/top-ups");
    let body = json!({"number": CALLER, "amount_fen": 1000});
    let keyless = read(desk.request("POST", &path).json(&body)).await;
    assert_eq!(keyless.0, StatusCode::BAD_REQUEST, "{}", keyless.1);
    let long_key = desk.ordered(&"k".repeat(600), &format!("{CALLER}/top-ups"), &body).await;
    assert_eq!(long_key.0, StatusCode::BAD_REQUEST, "{}", long_key.1);
    let long = "长".repeat(20_000);
    let too_long = desk.ordered("l", &format!("{CALLER}/lines"), &json!({"plan": long})).await;
    assert_eq!(too_long.0, StatusCode::PAYLOAD_TOO_LARGE, "{}", too_long.1);
    assert_eq!(desk.count().await, 0);
    assert_eq!(read(desk.request("GET", "/healthz")).await.0, StatusCode::OK);
}

#[tokio::test]
async fn an_operator_without_knowledge_or_address_says_why_it_does_not_start() {
    let free = "127.0.0.1:0".parse().expect("an address");
    let missing = Operator::start(&pack().join("nowhere.toml"), free).await.expect_err("no file");
    assert!(missing.to_string().contains("nowhere.toml"), "{missing}");
    let wrong = Operator::start(&pack().join("slots.toml"), free).await.expect_err("no knowledge");
    assert!(wrong.to_string().contains("slots.toml: missing field `entry`"), "{wrong}");
    let desk = Desk::open().await;
    let taken = desk.operator.url().replace("http://", "").parse().expect("an address");
    let error = Operator::start(&pack().join("knowledge.toml"), taken).await.expect_err("taken");
    assert!(error.to_string().starts_with("cannot listen on 127.0.0.1:"), "{error}");
}
