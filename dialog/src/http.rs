//! The same calls as JSON over HTTP, a call as a WebSocket, health and metrics: the only place that serves
//! HTTP.
//!
//! Bodies are the messages of `qingting.v1` in protobuf's JSON form; what is refused, and with which
//! status, is decided in `grpc`, once.

mod listen;

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State, WebSocketUpgrade, ws},
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures::{SinkExt, StreamExt};
use metrics_exporter_prometheus::PrometheusHandle;
use proto::v1::{CallAction, CallEvent, ParseRequest, TurnRequest, qingting_server::Qingting};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;
use tokio::sync::Semaphore;
use tonic::{Code, Request, Status};

use crate::{grpc::Service, health};

pub use listen::serve;

/// Header with which a client says how many milliseconds it waits.
const TIMEOUT_HEADER: &str = "x-timeout-ms";

/// Longer than any turn; a gRPC deadline of millions of years cannot be written.
const MAX_TIMEOUT_MS: u64 = 3_600_000;

/// What the handlers share.
#[derive(Clone)]
struct Shared {
    service: Service,
    metrics: PrometheusHandle,
    probing: Arc<Semaphore>,
}

/// The routes: `/v1/turn`, `/v1/parse`, `/v1/converse`, `/healthz`, `/readyz`, `/metrics`.
pub fn routes(service: Service, metrics: PrometheusHandle) -> Router {
    let bytes = service.limits.message_bytes;
    Router::new()
        .route("/v1/turn", post(turn))
        .route("/v1/parse", post(parse))
        .route("/v1/converse", get(converse))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(|State(it): State<Shared>| async move { it.metrics.render() }))
        .layer(DefaultBodyLimit::max(bytes))
        .with_state(Shared { service, metrics, probing: Arc::new(Semaphore::new(1)) })
}

/// A path that is none, said in the caller's own protocol.
pub async fn nowhere(headers: HeaderMap) -> Response {
    let kind = headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
    if kind.is_some_and(|it| it.starts_with("application/grpc")) {
        return Status::unimplemented("no such method").into_http();
    }
    refused(&Status::not_found(
        "no such path: there are /v1/turn, /v1/parse, /v1/converse, /healthz, /readyz and /metrics",
    ))
}

async fn turn(State(it): State<Shared>, headers: HeaderMap, body: Body) -> Response {
    answer(async {
        let request: TurnRequest = read(body)?;
        Ok(it.service.turn(timed(request, &headers)?).await?.into_inner())
    })
    .await
}

async fn parse(State(it): State<Shared>, headers: HeaderMap, body: Body) -> Response {
    answer(async {
        let request: ParseRequest = read(body)?;
        Ok(it.service.parse(timed(request, &headers)?).await?.into_inner())
    })
    .await
}

/// A body, or why it was not taken.
type Body = Result<Bytes, axum::extract::rejection::BytesRejection>;

fn read<T: DeserializeOwned>(body: Body) -> Result<T, Status> {
    let body = body.map_err(|error| match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Status::out_of_range("the message is too long"),
        _ => Status::invalid_argument(error.body_text()),
    })?;
    serde_json::from_slice(&body)
        .map_err(|error| Status::invalid_argument(format!("body: {error}")))
}

/// The request with the deadline that the client names, as gRPC has it.
fn timed<T>(message: T, headers: &HeaderMap) -> Result<Request<T>, Status> {
    let mut request = Request::new(message);
    if let Some(value) = headers.get(TIMEOUT_HEADER) {
        let millis = value.to_str().ok().and_then(|it| it.parse::<u64>().ok());
        let millis = millis.ok_or_else(|| {
            Status::invalid_argument(format!("{TIMEOUT_HEADER}: a number of milliseconds"))
        })?;
        request.set_timeout(Duration::from_millis(millis.min(MAX_TIMEOUT_MS)));
    }
    Ok(request)
}

async fn answer<T: Serialize>(work: impl Future<Output = Result<T, Status>>) -> Response {
    match work.await {
        Ok(message) => Json(message).into_response(),
        Err(status) => refused(&status),
    }
}

fn refused(status: &Status) -> Response {
    let code = match status.code() {
        Code::InvalidArgument | Code::OutOfRange => match status.code() {
            Code::OutOfRange => StatusCode::PAYLOAD_TOO_LARGE,
            _ => StatusCode::BAD_REQUEST,
        },
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::Aborted => StatusCode::CONFLICT,
        Code::FailedPrecondition => StatusCode::PRECONDITION_FAILED,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let retryable = crate::grpc::is_retryable(status.code());
    let body = json!({
        "code": i32::from(status.code()),
        "message": status.message(),
        "retryable": retryable,
    });
    (code, Json(body)).into_response()
}

/// A call as a WebSocket: one `CallEvent` or `CallAction` a text message.
async fn converse(State(it): State<Shared>, upgrade: WebSocketUpgrade) -> Response {
    let place = match it.service.place() {
        // Held until the last action is written, so that a server that stops waits for it.
        Ok(place) => Arc::new(place),
        Err(status) => return refused(&status),
    };
    let bytes = it.service.limits.message_bytes;
    let upgrade = upgrade.max_message_size(bytes).max_frame_size(bytes);
    upgrade.on_upgrade(move |socket| async move {
        let (mut out, events) = socket.split();
        let events = Box::pin(events.filter_map(|message| async { event(message) }));
        let mut actions = it.service.stream(events, Arc::clone(&place));
        while let Some(action) = actions.next().await {
            if out.send(ws::Message::text(written(action))).await.is_err() {
                return;
            }
        }
        let _ = out.close().await;
        drop(place);
    })
}

fn event(message: Result<ws::Message, axum::Error>) -> Option<Result<CallEvent, Status>> {
    match message {
        Ok(ws::Message::Text(text)) => Some(
            serde_json::from_str(&text)
                .map_err(|error| Status::invalid_argument(format!("event: {error}"))),
        ),
        Ok(ws::Message::Binary(_)) => {
            Some(Err(Status::invalid_argument("event: send JSON as text")))
        }
        Ok(ws::Message::Ping(_) | ws::Message::Pong(_) | ws::Message::Close(_)) => None,
        Err(error) => Some(Err(Status::invalid_argument(error.to_string()))),
    }
}

fn written(action: Result<CallAction, Status>) -> String {
    let written = match action {
        Ok(action) => serde_json::to_string(&action),
        Err(status) => {
            let failed = crate::grpc::failed(0, "", &status);
            serde_json::to_string(&failed)
        }
    };
    written.unwrap_or_else(|error| format!("{{\"error\":\"{error}\"}}"))
}

/// 200 when every part works, 503 otherwise, with what is wrong. One probe at a time.
async fn ready(State(it): State<Shared>) -> Response {
    let Ok(_one) = it.probing.acquire().await else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let parts = health::probe(&it.service.turns).await;
    let code = match parts.iter().all(|part| part.error.is_none()) {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    let body = json!({
        "parts": parts,
        "device": it.service.turns.releases.engine().device(),
        "release": it.service.turns.releases.live().id,
    });
    (code, Json(body)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_of_any_length_is_taken_and_one_that_is_no_number_is_refused() {
        let with = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(TIMEOUT_HEADER, value.parse().expect("a value"));
            headers
        };
        for value in ["250", "0", "18446744073709551615"] {
            let request = timed((), &with(value)).expect("taken");
            assert!(request.metadata().contains_key("grpc-timeout"), "{value}");
        }
        for value in ["soon", "-1", ""] {
            let refused = timed((), &with(value)).map(|_| ());
            assert_eq!(refused.expect_err("refused").code(), Code::InvalidArgument, "{value}");
        }
    }
}
