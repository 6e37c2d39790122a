//! Whether each part works, found out by using it: a real inference, a real round trip.

use std::{future::Future, sync::Arc, time::Duration};

use nlu::Text;
use serde::Serialize;

use crate::{backend::Backend, turn::Turns};

/// A part that does not answer for this long is ill.
const PATIENCE: Duration = Duration::from_secs(2);

/// The parts, as health services and metrics name them.
pub const PARTS: [&str; 4] = ["model", "sessions", "ledger", "operator"];

/// Whether a part works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// One of [`PARTS`].
    pub name: &'static str,
    /// What is wrong, in one line; `None` when nothing is.
    pub error: Option<String>,
}

/// Tries every part at once.
pub async fn probe(turns: &Turns) -> Vec<Part> {
    let text = Text::new("查话费");
    let engine = turns.releases.engine();
    let backend: &Arc<dyn Backend> = &turns.backend;
    let (model, sessions, ledger, operator) = tokio::join!(
        tried(async { engine.embed(&text).await.map(|_| ()).map_err(|it| it.to_string()) }),
        tried(async { turns.store.ping().await.map_err(|it| it.to_string()) }),
        tried(async { turns.orders.ping().await.map_err(|it| it.to_string()) }),
        tried(backend.ping()),
    );
    let errors = [model, sessions, ledger, operator];
    PARTS.into_iter().zip(errors).map(|(name, error)| Part { name, error }).collect()
}

async fn tried(work: impl Future<Output = Result<(), String>>) -> Option<String> {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(done) => done.err(),
        Err(_) => Some("no answer in time".into()),
    }
}
