//! OpenTelemetry traces: a collector receives one span for a turn, with a child for each thing it did.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use integration::harness::{Caller, Stores, World, eventually, words};
use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    trace::v1::Span,
};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, transport::Server};

/// A collector that keeps what it receives.
#[derive(Debug, Clone, Default)]
struct Collector {
    spans: Arc<Mutex<Vec<Span>>>,
    services: Arc<Mutex<BTreeSet<String>>>,
}

impl Collector {
    async fn start() -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there are free ports");
        let address = listener.local_addr().expect("it is bound");
        let collector = Self::default();
        let service = TraceServiceServer::new(collector.clone());
        let serve = Server::builder().add_service(service);
        tokio::spawn(serve.serve_with_incoming(TcpListenerStream::new(listener)));
        (collector, format!("http://{address}"))
    }

    fn spans(&self) -> Vec<Span> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The turns so far: name of the event, names of the children.
    fn turns(&self) -> Vec<(String, BTreeSet<String>)> {
        let spans = self.spans();
        let turns = spans.iter().filter(|it| it.name == "turn");
        let named = turns.map(|turn| {
            let children = spans.iter().filter(|it| is_below(it, turn, &spans));
            (attribute(turn, "event"), children.map(|it| it.name.clone()).collect())
        });
        named.collect()
    }
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        for resource in request.into_inner().resource_spans {
            let attributes = resource.resource.map(|it| it.attributes).unwrap_or_default();
            let names = attributes.into_iter().filter(|it| it.key == "service.name");
            let names = names.map(|it| format!("{:?}", it.value));
            self.services.lock().unwrap_or_else(PoisonError::into_inner).extend(names);
            let spans = resource.scope_spans.into_iter().flat_map(|it| it.spans);
            self.spans.lock().unwrap_or_else(PoisonError::into_inner).extend(spans);
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

fn attribute(span: &Span, key: &str) -> String {
    let found = span.attributes.iter().find(|it| it.key == key);
    let value = found.and_then(|it| it.value.clone()).and_then(|it| it.value);
    match value {
        Some(opentelemetry_proto::tonic::common::v1::any_value::Value::StringValue(it)) => it,
        other => panic!("{key} of {} is {other:?}", span.name),
    }
}

/// Whether a span is a child of `turn`, or a child of a child.
fn is_below(span: &Span, turn: &Span, all: &[Span]) -> bool {
    let parent = all.iter().find(|it| it.span_id == span.parent_span_id);
    span.span_id != turn.span_id
        && span.trace_id == turn.trace_id
        && parent.is_some_and(|it| it.span_id == turn.span_id || is_below(it, turn, all))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_is_one_span_whose_children_load_read_ask_place_and_save() {
    let (collector, url) = Collector::start().await;
    let settings = [("TELEMETRY__OTLP", url.as_str())];
    let world = World::start(Arc::new(Stores::start()), "traces", &settings).await;
    let mut caller = Caller::greeted(&world.server, "traced").await;
    caller.say(words::BALANCE).await;
    caller.say(words::COMPLAINT).await;
    let set = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect::<BTreeSet<_>>();
    let expected = [
        ("open".to_owned(), set(&["load", "ask", "save"])),
        ("speech".to_owned(), set(&["load", "read", "ask", "save"])),
        ("speech".to_owned(), set(&["load", "read", "place", "save"])),
    ];
    eventually("three turns arrive", Duration::from_secs(20), async || {
        let turns = collector.turns();
        let whole = expected.iter().all(|it| turns.contains(it)) && turns.len() == 3;
        if whole { Ok(()) } else { Err(format!("{turns:#?}; {}", world.server.picture())) }
    })
    .await;
    let services = collector.services.lock().unwrap_or_else(PoisonError::into_inner).clone();
    assert!(services.iter().any(|it| it.contains("qingting")), "{services:?}");
    let spans = collector.spans();
    let calls: BTreeSet<_> =
        spans.iter().filter(|it| it.name == "turn").map(|it| attribute(it, "call")).collect();
    assert_eq!(calls, BTreeSet::from(["traced".to_owned()]));
    let picture = format!("{spans:?}");
    for secret in [words::BALANCE, words::COMPLAINT, &words::number_of("traced")] {
        assert!(!picture.contains(secret), "{secret} left the server in a span");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_that_wait_are_sent_before_the_process_ends() {
    let (collector, url) = Collector::start().await;
    let settings = [("TELEMETRY__OTLP", url.as_str())];
    let world = World::start(Arc::new(Stores::start()), "traces-end", &settings).await;
    Caller::greeted(&world.server, "traced").await;
    world.server.process.signal("TERM");
    let status = world.server.process.ended();
    assert_eq!(status.code(), Some(0), "{status}");
    assert_eq!(collector.turns().len(), 1, "{:?}; {}", collector.spans(), world.server.picture());
}
