//! The operator's systems over HTTP with JSON.
//!
//! 2xx is done, 404, 409 and 422 with a `message` are refusals to be said, 429, 5xx and transport
//! failures are tried again under the same key; everything else is a failure that is ours to mend.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use reqwest::{Client, Method, StatusCode, Url};
use serde_json::Value as Json;
use tracing::{error, warn};

use super::Backend;
use crate::domain::{Answer, OrderKey, Request};

/// Carries an order's key; the operator carries one key out once.
pub const KEY_HEADER: &str = "idempotency-key";

/// Bytes of one answer that are read at most.
const MAX_ANSWER: usize = 256 * 1024;

/// Before the second attempt; doubled before each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// The operator's systems over HTTP.
#[derive(Debug, Clone)]
pub struct Http {
    client: Client,
    base: Url,
}

/// Why one attempt gave no answer.
enum Attempt {
    Answer(Answer),
    Again(String),
}

impl Http {
    /// Speaks to the systems at `base`, such as `http://127.0.0.1:7420`.
    ///
    /// # Errors
    /// What is wrong with `base`, in one line.
    pub fn new(base: &str) -> Result<Self, String> {
        let base = Url::parse(base)
            .map_err(|error| format!("operator.url `{base}` is no address: {error}"))?;
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut client = Client::builder()
            .connect_timeout(Duration::from_secs(1))
            .redirect(reqwest::redirect::Policy::none());
        if base.host_str().is_some_and(|it| ["127.0.0.1", "localhost", "[::1]"].contains(&it)) {
            // A proxy that the environment names does not lead to this machine.
            client = client.no_proxy();
        }
        let client = client.build().map_err(|error| format!("no HTTP client: {error}"))?;
        Ok(Self { client, base })
    }

    async fn attempt(&self, url: &Url, request: &Request, key: Option<&OrderKey>) -> Attempt {
        let Ok(method) = Method::from_bytes(request.method.as_bytes()) else {
            return Attempt::Answer(Answer::Failed);
        };
        let mut call = self.client.request(method, url.clone()).timeout(request.timeout);
        if let Some(key) = key {
            call = call.header(KEY_HEADER, key.to_string());
        }
        if let Some(body) = &request.body {
            call = call.json(body);
        }
        match call.send().await {
            Ok(response) => read(request, response).await,
            Err(error) => Attempt::Again(cause(error)),
        }
    }

    /// The base joined with the request's path, which cannot leave it.
    fn url(&self, request: &Request) -> Option<Url> {
        let base = self.base.as_str().trim_end_matches('/');
        let url = Url::parse(&format!("{base}{}", request.path)).ok()?;
        (url.origin() == self.base.origin()).then_some(url)
    }
}

#[async_trait]
impl Backend for Http {
    async fn send(&self, request: &Request, key: Option<&OrderKey>) -> Answer {
        let Some(url) = self.url(request) else { return Answer::Failed };
        let mut pause = FIRST_PAUSE;
        for attempt in 0..=request.retries {
            match self.attempt(&url, request, key).await {
                Attempt::Answer(answer) => return answer,
                Attempt::Again(cause) => warn!(attempt, cause, "operator gave no answer"),
            }
            if attempt < request.retries {
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
        }
        Answer::Failed
    }

    async fn ping(&self) -> Result<(), String> {
        let asked = self.client.get(self.base.clone()).send().await;
        let status = asked.map_err(cause)?.status();
        if status.is_server_error() { Err(format!("it answers {status}")) } else { Ok(()) }
    }
}

/// What failed, down to the connection; the address may quote what a customer said, so it is left out.
fn cause(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut words = error.to_string();
    let mut deeper = std::error::Error::source(&error);
    while let Some(source) = deeper {
        words = format!("{words}: {source}");
        deeper = source.source();
    }
    words
}

async fn read(request: &Request, mut response: reqwest::Response) -> Attempt {
    let status = response.status();
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= MAX_ANSWER => body.extend(chunk),
            Ok(Some(_)) => {
                error!(%status, "operator's answer is too long");
                return Attempt::Answer(Answer::Failed);
            }
            Ok(None) => break,
            Err(error) => return Attempt::Again(cause(error)),
        }
    }
    if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
        return Attempt::Again(status.to_string());
    }
    let json: Json = serde_json::from_slice(&body).unwrap_or(Json::Null);
    if status.is_success() {
        return Attempt::Answer(mapped(request, &json));
    }
    match json.get("message").and_then(Json::as_str) {
        Some(reason) if matches!(status.as_u16(), 404 | 409 | 422) => {
            Attempt::Answer(Answer::Refused { reason: reason.into() })
        }
        _ => {
            error!(%status, "operator did not take the request");
            Attempt::Answer(Answer::Failed)
        }
    }
}

/// The fields that the catalogue names; an answer that lacks one is no answer.
fn mapped(request: &Request, json: &Json) -> Answer {
    let mut fields = BTreeMap::new();
    for (name, pointer) in &request.answer {
        match json.pointer(pointer) {
            Some(value) => fields.insert(name.clone(), value.clone()),
            None => {
                error!(name, pointer, "operator's answer lacks a field");
                return Answer::Failed;
            }
        };
    }
    Answer::Done(fields)
}
