//! The calls of `qingting.v1` over gRPC: the only place that knows protobuf and status codes.

mod converse;
mod convert;

use std::{sync::Arc, time::Duration};

use proto::v1::{
    CallAction, CallEvent, ParseReply, ParseRequest, TurnReply, TurnRequest,
    qingting_server::{Qingting, QingtingServer},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Response, Status, Streaming};

use crate::{
    config::{Limits, Settings},
    domain::{Expects, Understanding},
    session, telemetry,
    turn::{Asked, Error, Heard, Turns},
    understand::understand,
};

pub(crate) use convert::failed;

/// Answers `qingting.v1`.
#[derive(Clone)]
pub struct Service {
    pub(crate) turns: Turns,
    pub(crate) limits: Limits,
    pub(crate) tenant: String,
    timeout: Duration,
    listen_for: Duration,
    streams: Arc<Semaphore>,
    most_streams: usize,
    idle: Duration,
    stop: CancellationToken,
}

/// Streams of actions that a call hears.
pub type Actions =
    std::pin::Pin<Box<dyn futures::Stream<Item = Result<CallAction, Status>> + Send + 'static>>;

impl Service {
    /// A service over `turns` that ends its streams when `stop` is cancelled.
    pub fn new(turns: Turns, settings: &Settings, stop: CancellationToken) -> Self {
        Self {
            turns,
            limits: settings.limits.clone(),
            tenant: settings.serve.tenant.clone(),
            timeout: settings.serve.turn_timeout,
            listen_for: settings.serve.listen_for,
            streams: Arc::new(Semaphore::new(settings.limits.streams)),
            most_streams: settings.limits.streams,
            idle: settings.stores.session_ttl,
            stop,
        }
    }

    /// The gRPC server, with its limits.
    pub fn into_server(self) -> QingtingServer<Self> {
        let bytes = self.limits.message_bytes;
        QingtingServer::new(self).max_decoding_message_size(bytes)
    }

    /// Room for one more streamed call.
    pub(crate) fn place(&self) -> Result<OwnedSemaphorePermit, Status> {
        Arc::clone(&self.streams).try_acquire_owned().map_err(|_| {
            Status::resource_exhausted("too many calls are streamed here: try another server")
        })
    }

    /// Waits until every streamed call has had its last action.
    pub async fn streams_ended(&self) {
        let all = u32::try_from(self.most_streams).unwrap_or(u32::MAX);
        let _ = self.streams.acquire_many(all).await;
    }

    /// Answers the events of one call.
    pub(crate) fn stream<S>(&self, events: S, place: Arc<OwnedSemaphorePermit>) -> Actions
    where
        S: futures::Stream<Item = Result<CallEvent, Status>> + Send + Unpin + 'static,
    {
        converse::run(self.clone(), events, place)
    }

    pub(crate) fn key(&self, call: &str) -> session::Key {
        session::Key { tenant: self.tenant.clone(), call: call.into() }
    }

    /// One turn within `timeout`; the turn itself goes on after it.
    pub(crate) async fn hear(&self, asked: Asked, timeout: Duration) -> Result<Heard, Status> {
        self.counted(self.turns.hear(asked), timeout).await
    }

    /// What an event that was answered before was answered with.
    pub(crate) async fn again(&self, call: &session::Key, request: &str) -> Result<Heard, Status> {
        self.counted(self.turns.recorded(call, request), self.timeout).await
    }

    async fn counted(
        &self,
        turn: impl Future<Output = Result<Heard, Error>>,
        timeout: Duration,
    ) -> Result<Heard, Status> {
        let heard = match tokio::time::timeout(timeout, turn).await {
            Ok(heard) => heard.map_err(|error| status(&error)),
            Err(_) => Err(Status::deadline_exceeded(
                "the turn takes longer: it goes on, ask again with the same request id",
            )),
        };
        let outcome = match &heard {
            Ok(heard) if heard.replayed => "replayed",
            Ok(heard) if heard.outcome.hand_off.is_some() => "handed_off",
            Ok(heard) if heard.outcome.ended => "ended",
            Ok(_) => "listening",
            Err(status) if status.code() == Code::ResourceExhausted => "overloaded",
            Err(_) => "failed",
        };
        metrics::counter!(telemetry::TURNS, "outcome" => outcome).increment(1);
        heard
    }

    /// Reads texts without a call.
    pub(crate) async fn parse_texts(
        &self,
        texts: &[String],
    ) -> Result<Vec<(Understanding, Duration)>, Status> {
        convert::texts(texts, &self.limits)?;
        let release = self.turns.releases.live();
        let today = self.turns.clock.today();
        let reads = texts.iter().map(|text| {
            let release = Arc::clone(&release);
            async move {
                let since = std::time::Instant::now();
                let reading = self.turns.releases.read(&release, text, today).await?;
                let (catalogue, linker) = (&release.catalogue, &release.linker);
                let read = understand(catalogue, linker, &reading, Expects::Anything, today);
                Ok::<_, Error>((read, since.elapsed()))
            }
        });
        futures::future::try_join_all(reads).await.map_err(|error| status(&error))
    }
}

#[tonic::async_trait]
impl Qingting for Service {
    type ConverseStream = Actions;

    async fn converse(
        &self,
        request: Request<Streaming<CallEvent>>,
    ) -> Result<Response<Actions>, Status> {
        let place = self.place()?;
        Ok(Response::new(self.stream(request.into_inner(), Arc::new(place))))
    }

    async fn turn(&self, request: Request<TurnRequest>) -> Result<Response<TurnReply>, Status> {
        let timeout = deadline(&request).map_or(self.timeout, |it| it.min(self.timeout));
        let since = std::time::Instant::now();
        let asked = convert::turn(request.into_inner(), self)?;
        let heard = self.hear(asked, timeout).await?;
        Ok(Response::new(convert::reply(heard, since.elapsed())))
    }

    async fn parse(&self, request: Request<ParseRequest>) -> Result<Response<ParseReply>, Status> {
        let timeout = deadline(&request).map_or(self.timeout, |it| it.min(self.timeout));
        let texts = request.into_inner().texts;
        let read = tokio::time::timeout(timeout, self.parse_texts(&texts))
            .await
            .map_err(|_| Status::deadline_exceeded("the model did not answer in time"))??;
        let understandings =
            read.iter().map(|(it, took)| convert::understanding(it, *took)).collect();
        Ok(Response::new(ParseReply { understandings }))
    }
}

/// The one table from errors to statuses.
pub fn status(error: &Error) -> Status {
    let message = error.to_string();
    match error {
        Error::NoCall => Status::not_found(message),
        Error::Forgotten => Status::failed_precondition(message),
        Error::Overloaded => Status::resource_exhausted(message),
        Error::Conflict => Status::aborted(message),
        Error::Unreachable(_) => Status::unavailable(message),
        Error::TooLong(_) => Status::invalid_argument(message),
        Error::Malformed(_) => Status::internal(message),
    }
}

/// Whether the same event may be sent again.
pub fn is_retryable(code: Code) -> bool {
    use Code::{Aborted, DeadlineExceeded, ResourceExhausted, Unavailable};
    matches!(code, Aborted | DeadlineExceeded | ResourceExhausted | Unavailable)
}

/// How long the client waits: `grpc-timeout`, as in `250m`.
fn deadline<T>(request: &Request<T>) -> Option<Duration> {
    let text = request.metadata().get("grpc-timeout")?.to_str().ok()?;
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: u64 = number.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(number.saturating_mul(3600)),
        "M" => Duration::from_secs(number.saturating_mul(60)),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}
