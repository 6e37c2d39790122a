//! `qingting serve` as a process of its own.

use std::time::Duration;

use proto::v1::qingting_client::QingtingClient;
use serde_json::Value;
use tonic::transport::{Channel, Endpoint};

use super::{Operator, Process, Stores, eventually, program, root};

/// Longest wait for an answer of which a test expects nothing about time.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// A server of one tenant.
#[derive(Debug)]
pub struct Server {
    /// The process, to be signalled.
    pub process: Process,
    address: String,
    client: reqwest::Client,
}

impl Server {
    /// Starts one with these settings, such as `("LIMITS__TURNS", "2")`, and waits until it is ready.
    pub async fn start(
        stores: &Stores,
        operator: &Operator,
        tenant: &str,
        settings: &[(&str, &str)],
    ) -> Self {
        let server = Self::start_with(stores, operator, tenant, settings);
        eventually("the server is ready", PATIENCE, async || match server.get("/readyz").await {
            (200, _) => Ok(()),
            other => Err(format!("{other:?}; {}", server.picture())),
        })
        .await;
        server
    }

    fn start_with(
        stores: &Stores,
        operator: &Operator,
        tenant: &str,
        settings: &[(&str, &str)],
    ) -> Self {
        let mut environment = settings_of(tenant);
        environment.extend(stores.environment());
        environment.push(("QINGTING_OPERATOR__URL".into(), operator.url()));
        let own = settings.iter().map(|(key, value)| (format!("QINGTING_{key}"), (*value).into()));
        environment.extend(own);
        let arguments = ["serve", "--listen", "127.0.0.1:0"];
        let process = Process::start(&program("qingting"), &arguments, &environment);
        let address = process.line("serving on ");
        Self { process, address, client: super::client() }
    }

    /// A client of `qingting.v1` with a connection of its own.
    pub async fn grpc(&self) -> QingtingClient<Channel> {
        QingtingClient::new(self.channel().await)
    }

    /// A connection of its own.
    pub async fn channel(&self) -> Channel {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.address));
        let connected = endpoint.expect("an address is one").connect().await;
        connected.unwrap_or_else(|error| panic!("no connection: {error}; {}", self.picture()))
    }

    /// Where it listens: `127.0.0.1:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Status and text of `GET path`.
    pub async fn get(&self, path: &str) -> (u16, String) {
        let asked = self.client.get(self.url(path)).timeout(PATIENCE).send().await;
        text(asked, self).await
    }

    /// Status and JSON of `POST path` with this body.
    pub async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let asked = self.client.post(self.url(path)).json(body).timeout(PATIENCE).send().await;
        let (status, text) = text(asked, self).await;
        let json = serde_json::from_str(&text);
        (status, json.unwrap_or_else(|_| panic!("no JSON but {text:?}; {}", self.picture())))
    }

    /// The address of `path` over HTTP.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What it said and logged last, for failed tests.
    pub fn picture(&self) -> String {
        self.process.picture()
    }

    /// Which parts `/readyz` calls ill, with its status.
    pub async fn ill(&self) -> (u16, Vec<String>) {
        let (status, text) = self.get("/readyz").await;
        let json: Value = serde_json::from_str(&text).unwrap_or_default();
        let parts = json["parts"].as_array().cloned().unwrap_or_default();
        let ill = parts.iter().filter(|it| !it["error"].is_null());
        (status, ill.filter_map(|it| it["name"].as_str().map(str::to_owned)).collect())
    }
}

/// Arguments that every command of ours gets: the tenant, and a cache of embeddings that all tests share.
pub fn settings_of(tenant: &str) -> Vec<(String, String)> {
    let cache = root().join(".qingting/cache").to_string_lossy().into_owned();
    vec![
        ("QINGTING_SERVE__TENANT".into(), tenant.into()),
        ("QINGTING_MODEL__CACHE".into(), cache),
        ("QINGTING_MODEL__DEVICE".into(), "cpu".into()),
    ]
}

async fn text(asked: reqwest::Result<reqwest::Response>, server: &Server) -> (u16, String) {
    let answer = asked.unwrap_or_else(|error| panic!("no answer: {error}; {}", server.picture()));
    let status = answer.status().as_u16();
    (status, answer.text().await.expect("a whole answer"))
}
