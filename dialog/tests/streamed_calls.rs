//! A call as a stream, over gRPC and memory stores: what failed may be sent again, what was answered long ago
//! is not done again, and a client that is gone gives its place back.

mod line;
mod telecom;

use std::time::Duration;

use dialog::{config::Settings, grpc::Service};
use proto::v1::{
    CallAction, CallEvent, Digits, Heard, Hypothesis, Silence, Start, call_action::Action,
    call_event::Event, qingting_client::QingtingClient,
};
use tokio::{net::TcpListener, sync::mpsc};
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tokio_util::sync::CancellationToken;
use tonic::{
    Code, Status, Streaming,
    transport::{Channel, Server},
};

use line::{CANCEL, FailsOnce, Line, refunds};

async fn served(line: &Line, settings: &Settings) -> QingtingClient<Channel> {
    let service = Service::new(line.turns.clone(), settings, CancellationToken::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let incoming = TcpListenerStream::new(listener);
    tokio::spawn(
        Server::builder().add_service(service.into_server()).serve_with_incoming(incoming),
    );
    QingtingClient::connect(format!("http://{address}")).await.expect("connects")
}

struct Stream {
    events: mpsc::Sender<CallEvent>,
    actions: Streaming<CallAction>,
}

impl Stream {
    async fn open(client: &QingtingClient<Channel>) -> Self {
        let (events, receiver) = mpsc::channel(8);
        let actions = client.clone().converse(ReceiverStream::new(receiver)).await;
        Self { events, actions: actions.expect("opens").into_inner() }
    }

    async fn ask(&mut self, sequence: u64, event: Event) -> Action {
        self.events.send(CallEvent { sequence, event: Some(event) }).await.expect("sends");
        let action = self.next().await.expect("is answered").expect("an action");
        assert_eq!(action.sequence, sequence);
        action.action.expect("one")
    }

    async fn next(&mut self) -> Result<Option<CallAction>, Status> {
        let next = tokio::time::timeout(Duration::from_secs(10), self.actions.message());
        next.await.expect("in time")
    }
}

fn start() -> Event {
    Event::Start(Start { call: "c1".into(), caller: "18600001234".into(), channel: 0 })
}

fn speech(text: &str) -> Event {
    let hypotheses = vec![Hypothesis { text: text.into(), confidence: 0.9 }];
    Event::Heard(Heard { hypotheses, interim: false })
}

fn keys(keys: &str) -> Event {
    Event::Digits(Digits { keys: keys.into() })
}

fn failed(action: &Action) -> Option<Code> {
    match action {
        Action::Failed(it) => Some(Code::from(it.code)),
        _ => None,
    }
}

#[tokio::test]
async fn a_start_that_failed_may_be_sent_again_on_the_same_stream() {
    let line = Line::with(Box::new(refunds), None, |it| FailsOnce::after(0, it)).await;
    let mut stream = Stream::open(&served(&line, &Settings::default()).await).await;
    let action = stream.ask(1, start()).await;
    assert_eq!(failed(&action), Some(Code::Unavailable), "{action:?}");
    let action = stream.ask(1, start()).await;
    assert!(matches!(action, Action::Say(_)), "{action:?}");
    let action = stream.ask(2, start()).await;
    assert_eq!(failed(&action), Some(Code::FailedPrecondition), "one is enough: {action:?}");
}

#[tokio::test]
async fn an_event_that_was_answered_long_ago_is_not_done_again() {
    let line = Line::new(Box::new(refunds)).await;
    let mut stream = Stream::open(&served(&line, &Settings::default()).await).await;
    stream.ask(1, start()).await;
    stream.ask(2, speech(CANCEL)).await;
    let done = stream.ask(3, keys("1")).await;
    assert_eq!(stream.ask(3, keys("1")).await, done, "from the record");
    for sequence in 4..7 {
        stream.ask(sequence, speech("查一下话费余额")).await;
    }
    // The same question stands open once more, and a late copy of the old yes arrives.
    let question = stream.ask(7, speech(CANCEL)).await;
    assert!(format!("{question:?}").contains("确认"), "{question:?}");
    let late = stream.ask(3, keys("1")).await;
    assert_eq!(failed(&late), Some(Code::FailedPrecondition), "{late:?}");
    assert_eq!(line.orders().len(), 1);
}

#[tokio::test]
async fn a_client_that_says_nothing_for_as_long_as_a_call_is_kept_loses_its_place() {
    let line = Line::new(Box::new(refunds)).await;
    let mut settings = Settings::default();
    settings.limits.streams = 1;
    settings.stores.session_ttl = Duration::from_millis(200);
    let client = served(&line, &settings).await;
    let mut silent = Stream::open(&client).await;
    let refused = client.clone().converse(tokio_stream::pending()).await;
    assert_eq!(refused.expect_err("full").code(), Code::ResourceExhausted);
    let ended = silent.next().await.expect_err("ended");
    assert_eq!(ended.code(), Code::Aborted);
    let mut next = Stream::open(&client).await;
    assert!(matches!(next.ask(1, start()).await, Action::Say(_)));
    let silence = next.ask(2, Event::Silence(Silence {})).await;
    assert!(matches!(silence, Action::Say(_)), "{silence:?}");
}

#[tokio::test]
async fn what_no_database_keeps_as_text_is_taken_and_not_kept() {
    let line = Line::new(Box::new(refunds)).await;
    let mut stream = Stream::open(&served(&line, &Settings::default()).await).await;
    stream.ask(1, start()).await;
    let said = stream.ask(2, speech("查\0话费")).await;
    assert!(matches!(said, Action::Say(_)), "{said:?}");
    let session = serde_json::to_string(&line.session().await).expect("JSON");
    let journal = serde_json::to_string(&line.store.journal()).expect("JSON");
    assert!(!session.contains("\\u0000") && !journal.contains("\\u0000"), "{session} {journal}");
}
