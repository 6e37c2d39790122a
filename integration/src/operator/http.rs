//! The operator's front door: paths, limits, the idempotency key, and outcomes as statuses.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{ConnectInfo, DefaultBodyLimit, Path, Query, Request, State},
    http::{HeaderMap, StatusCode, Uri, header::CONTENT_TYPE},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{
    books::{Books, No, Outcome},
    faults::{Fate, Faults, Switch},
    line::Cut,
    orders, queries,
    queries::Params,
};

/// Carries an order's key.
const KEY_HEADER: &str = "idempotency-key";

/// Bytes of a body at most.
const MAX_BODY: usize = 16 * 1024;

/// Characters of a key at most.
const MAX_KEY: usize = 512;

/// How long an answer that never comes is kept waiting before its connection is cut.
const HANG: Duration = Duration::from_secs(120);

/// How many orders `GET /admin/orders` lists at most, the newest.
const MAX_LISTED: usize = 10_000;

/// What requests share.
#[derive(Clone)]
pub(super) struct Shared {
    books: Arc<Mutex<Books>>,
    faults: Arc<Switch>,
    stopping: watch::Receiver<bool>,
}

impl Shared {
    pub(super) fn new(books: Books, stopping: watch::Receiver<bool>) -> Self {
        Self { books: Arc::new(Mutex::new(books)), faults: Arc::default(), stopping }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits, but not beyond the operator's end.
    async fn pause(&self, time: Duration) {
        let mut stopping = self.stopping.clone();
        tokio::select! {
            () = tokio::time::sleep(time) => {}
            _ = stopping.wait_for(|stop| *stop) => {}
        }
    }
}

/// All paths.
pub(super) fn router(shared: Shared) -> Router {
    Router::new()
        .route("/healthz", get(|| async { Json(json!({"status": "ok"})) }))
        .route("/admin/orders", get(placed))
        .route("/admin/faults", get(faults).post(set_faults).delete(clear_faults))
        .route("/v1/plans", get(plans))
        .route("/v1/coverage", get(coverage))
        .route("/v1/stores", get(store))
        .route("/v1/customers/{caller}", get(profile))
        .route("/v1/customers/{caller}/{*what}", get(query).post(order))
        .fallback(nowhere)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn_with_state(shared.clone(), befall))
        .with_state(shared)
}

/// Lets the faults in force befall a request.
async fn befall(
    State(shared): State<Shared>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    request: Request,
    next: Next,
) -> Response {
    let (delay, fate) = shared.faults.take(request.uri().path());
    if !delay.is_zero() {
        shared.pause(delay).await;
    }
    match fate {
        Fate::Served => in_json(next.run(request).await),
        Fate::Refused(status) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
            (status, error("a fault that was switched on")).into_response()
        }
        Fate::Cut => {
            cut.now();
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
        Fate::Hung => {
            let answer = next.run(request).await;
            shared.pause(HANG).await;
            cut.now();
            answer
        }
    }
}

/// What axum itself refuses it words as text; clients of this operator get JSON always.
fn in_json(response: Response) -> Response {
    let status = response.status();
    let kind = response.headers().get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
    if !status.is_client_error() || kind.is_some_and(|it| it.starts_with("application/json")) {
        return response;
    }
    (status, error(status.canonical_reason().unwrap_or("refused"))).into_response()
}

async fn profile(
    State(shared): State<Shared>,
    Path(caller): Path<String>,
    Query(params): Query<Params>,
) -> Response {
    answer(queries::of_customer(&mut shared.books(), &caller, "", &params))
}

async fn query(
    State(shared): State<Shared>,
    Path((caller, what)): Path<(String, String)>,
    Query(params): Query<Params>,
) -> Response {
    answer(queries::of_customer(&mut shared.books(), &caller, &what, &params))
}

async fn plans(State(shared): State<Shared>, Query(params): Query<Params>) -> Response {
    answer(queries::plans(&shared.books(), &params))
}

async fn coverage(State(shared): State<Shared>, Query(params): Query<Params>) -> Response {
    answer(queries::coverage(&shared.books(), &params))
}

async fn store(Query(params): Query<Params>) -> Response {
    answer(queries::store(&params))
}

async fn order(
    State(shared): State<Shared>,
    Path((caller, what)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let read = key(&headers).and_then(|key| Ok((key, parsed(&body)?)));
    let (key, body) = match read {
        Ok(read) => read,
        Err(no) => return answer(Err(no)),
    };
    let mut books = shared.books();
    let asked = (caller.as_str(), what.as_str(), &body);
    answer(books.once(key, asked, |books| orders::carry_out(books, &caller, &what, &body)))
}

fn key(headers: &HeaderMap) -> Result<&str, No> {
    let key = headers.get(KEY_HEADER).and_then(|key| key.to_str().ok());
    key.filter(|key| !key.is_empty() && key.len() <= MAX_KEY).ok_or_else(|| {
        No::Bad(format!("an order needs the header {KEY_HEADER}, at most {MAX_KEY} characters"))
    })
}

/// The body of an order; an order without particulars may have none.
fn parsed(body: &[u8]) -> Result<Value, No> {
    if body.is_empty() {
        return Ok(json!({}));
    }
    match serde_json::from_slice(body) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err(No::Bad("the body is a JSON object".into())),
        Err(cause) => Err(No::Bad(format!("the body is no JSON: {cause}"))),
    }
}

async fn placed(State(shared): State<Shared>) -> Response {
    let books = shared.books();
    let all = books.placed();
    let newest = &all[all.len().saturating_sub(MAX_LISTED)..];
    Json(json!({"count": all.len(), "orders": newest})).into_response()
}

async fn faults(State(shared): State<Shared>) -> Response {
    Json(shared.faults.get()).into_response()
}

async fn set_faults(State(shared): State<Shared>, body: Bytes) -> Response {
    let faults: Faults = match serde_json::from_slice(&body) {
        Ok(faults) => faults,
        Err(cause) => return (StatusCode::BAD_REQUEST, error(cause)).into_response(),
    };
    if let Some(problem) = faults.problem() {
        return (StatusCode::BAD_REQUEST, error(problem)).into_response();
    }
    shared.faults.set(faults.clone());
    Json(faults).into_response()
}

async fn clear_faults(State(shared): State<Shared>) -> Response {
    shared.faults.set(Faults::default());
    StatusCode::NO_CONTENT.into_response()
}

/// A path that is none; one without a caller is a withheld number, which customers are told.
async fn nowhere(uri: Uri) -> Response {
    match uri.path().starts_with("/v1/customers/") {
        true => answer(Err(No::Unknown("没有看到您的来电号码，请打开号码显示再打来。".into()))),
        false => (StatusCode::NOT_FOUND, error("no such path")).into_response(),
    }
}

async fn wrong_method() -> Response {
    (StatusCode::METHOD_NOT_ALLOWED, error("no such method for this path")).into_response()
}

fn answer(outcome: Outcome) -> Response {
    let (status, message) = match outcome {
        Ok(value) => return Json(value).into_response(),
        Err(No::Unknown(message)) => (StatusCode::NOT_FOUND, message),
        Err(No::Already(message)) => (StatusCode::CONFLICT, message),
        Err(No::Rule(message)) => (StatusCode::UNPROCESSABLE_ENTITY, message),
        Err(No::Bad(message)) => return (StatusCode::BAD_REQUEST, error(message)).into_response(),
    };
    (status, Json(json!({"message": message}))).into_response()
}

fn error(cause: impl ToString) -> Json<Value> {
    Json(json!({"error": cause.to_string()}))
}
