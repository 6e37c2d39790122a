//! The simulated operator as a process of its own: what it was made to do, and how it is made to fail.

use std::net::TcpListener;

use serde_json::Value;

use super::{Process, program, root};

/// The operator's systems of a test.
#[derive(Debug)]
pub struct Operator {
    address: String,
    process: Option<Process>,
    client: reqwest::Client,
}

impl Operator {
    /// Starts an operator that sells what the telecom pack says.
    pub async fn start() -> Self {
        // A port of its own that it can come back to.
        let port = TcpListener::bind(("127.0.0.1", 0)).and_then(|it| it.local_addr());
        let address = port.expect("there are free ports").to_string();
        let mut operator = Self { address, process: None, client: super::client() };
        operator.restart();
        operator
    }

    /// Starts it, with nothing remembered, where it was before.
    pub fn restart(&mut self) {
        let knowledge = root().join("packs/telecom/knowledge.toml");
        let knowledge = knowledge.to_string_lossy();
        let arguments = ["--listen", &self.address, "--knowledge", &knowledge];
        let process = Process::start(&program("qingting-operator"), &arguments, &[]);
        process.line("listening on ");
        self.process = Some(process);
    }

    /// Ends it at once: nobody listens there any more.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Its base address.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sets what goes wrong from now on, such as `{"delay_ms": 500}`; `{}` mends everything.
    pub async fn fault(&self, faults: Value) {
        let url = format!("{}/admin/faults", self.url());
        let done = self.client.post(url).json(&faults).send().await;
        let done = done.expect("the operator answers");
        assert!(done.status().is_success(), "{faults}: {:?}", done.text().await);
    }

    /// Orders that had effect for calls whose key begins with `prefix`, oldest first.
    pub async fn orders(&self, prefix: &str) -> Vec<Value> {
        let asked = self.client.get(format!("{}/admin/orders", self.url())).send().await;
        let answer: Value = asked.expect("the operator answers").json().await.expect("JSON");
        let orders = answer.as_array().or_else(|| answer["orders"].as_array()).cloned();
        let mut orders = orders.unwrap_or_else(|| panic!("no orders in {answer}"));
        orders.retain(|it| key(it).starts_with(prefix));
        orders
    }

    /// Keys of the orders that had effect, sorted; a key that had effect twice is there twice.
    pub async fn keys(&self, prefix: &str) -> Vec<String> {
        let mut keys: Vec<_> =
            self.orders(prefix).await.iter().map(|it| key(it).to_owned()).collect();
        keys.sort();
        keys
    }
}

fn key(order: &Value) -> &str {
    order["key"].as_str().unwrap_or_default()
}
