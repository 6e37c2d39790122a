//! What operations staff find on the port: gRPC reflection and health, `/healthz`, `/readyz`, `/metrics`.

use std::sync::Arc;

use integration::harness::{Caller, Stores, World, words};
use serde_json::Value;
use tokio::sync::OnceCell;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

static WORLD: OnceCell<World> = OnceCell::const_new();

async fn world() -> &'static World {
    WORLD.get_or_init(|| World::start(Arc::new(Stores::start()), "services", &[])).await
}

#[tokio::test(flavor = "multi_thread")]
async fn health_knows_the_service_and_every_part() {
    let mut client = HealthClient::new(world().await.server.channel().await);
    for service in ["", "qingting.v1.Qingting", "model", "sessions", "ledger", "operator"] {
        let asked = client.check(HealthCheckRequest { service: service.into() }).await;
        let status = asked.unwrap_or_else(|error| panic!("{service:?}: {error}")).into_inner();
        assert_eq!(status.status(), ServingStatus::Serving, "{service:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reflection_shows_the_services_and_describes_ours() {
    let mut client = ServerReflectionClient::new(world().await.server.channel().await);
    let asks = [
        MessageRequest::ListServices(String::new()),
        MessageRequest::FileContainingSymbol("qingting.v1.Qingting".into()),
    ];
    let asks =
        asks.map(|it| ServerReflectionRequest { host: String::new(), message_request: Some(it) });
    let stream = client.server_reflection_info(tokio_stream::iter(asks)).await;
    let mut stream = stream.expect("reflection is served").into_inner();
    let services = stream.message().await.expect("an answer").expect("one for each question");
    let Some(MessageResponse::ListServicesResponse(list)) = services.message_response else {
        panic!("{services:?}")
    };
    let names: Vec<_> = list.service.iter().map(|it| it.name.as_str()).collect();
    assert!(names.contains(&"qingting.v1.Qingting"), "{names:?}");
    assert!(names.contains(&"grpc.health.v1.Health"), "{names:?}");
    let file = stream.message().await.expect("an answer").expect("one for each question");
    let Some(MessageResponse::FileDescriptorResponse(files)) = file.message_response else {
        panic!("{file:?}")
    };
    let holds = |name: &str| {
        files.file_descriptor_proto.iter().any(|it| String::from_utf8_lossy(it).contains(name))
    };
    assert!(holds("Converse") && holds("CallEvent"), "{:?}", files.file_descriptor_proto.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_names_every_part_the_device_and_the_release() {
    let server = &world().await.server;
    assert_eq!(server.get("/healthz").await, (200, "ok\n".into()));
    let (status, text) = server.get("/readyz").await;
    let ready: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(status, 200, "{ready}");
    let parts: Vec<_> = ready["parts"].as_array().expect("parts").iter().collect();
    let names: Vec<_> = parts.iter().filter_map(|it| it["name"].as_str()).collect();
    assert_eq!(names, ["model", "sessions", "ledger", "operator"], "{ready}");
    assert!(parts.iter().all(|it| it["error"].is_null()), "{ready}");
    assert_eq!(ready["device"], "cpu", "{ready}");
    assert!(ready["release"].as_str().is_some_and(|it| it.len() >= 16), "{ready}");
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_count_turns_time_them_and_show_parts_and_release() {
    let server = &world().await.server;
    let mut caller = Caller::greeted(server, "measured").await;
    caller.say(words::BALANCE).await;
    let (status, text) = server.get("/metrics").await;
    assert_eq!(status, 200, "{text}");
    for line in [
        "qingting_turns_total{outcome=\"listening\"}",
        "qingting_turn_seconds_bucket{le=\"0.05\"}",
        "qingting_turn_seconds_count",
        "qingting_part_up{part=\"model\"} 1",
        "qingting_part_up{part=\"sessions\"} 1",
        "qingting_part_up{part=\"ledger\"} 1",
        "qingting_part_up{part=\"operator\"} 1",
        "qingting_release_info{release=",
    ] {
        assert!(text.lines().any(|it| it.starts_with(line)), "no {line} in:\n{text}");
    }
    assert!(
        !text.contains("measured") && !text.contains(&words::number_of("measured")),
        "no call in it:\n{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_holds_no_words_and_no_numbers_of_customers() {
    let server = &world().await.server;
    let mut caller = Caller::greeted(server, "secret").await;
    for text in [words::BALANCE, words::COMPLAINT, "我的号码是18611112222，密码135790"] {
        caller.say(text).await;
    }
    let log = server.process.log();
    for secret in ["18611112222", "135790", "卡上还剩", "垃圾清听", &words::number_of("secret")]
    {
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
    }
}
