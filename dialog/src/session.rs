//! Keeps a call between two turns.
//!
//! A [`Session`] is saved whole, together with the journal entry of its turn, in one atomic write that
//! names the version it came from; of two writers of one version one loses with [`Error::Conflict`].
//! There are no locks. It is never the authority over an order: that is the [`crate::ledger`].

pub mod contract;
pub mod memory;
pub mod redis;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    domain::{Event, Order, Reply, State, Summary, Understanding},
    journal,
};

/// Why a session was not loaded or saved.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another turn of the same call was saved first: load again.
    #[error("another turn of this call was saved first")]
    Conflict,
    /// The store does not answer in time: try again later.
    #[error("the session store cannot be reached: {0}")]
    Unreachable(String),
    /// What is stored cannot be read: a newer format, or damage.
    #[error("the stored session cannot be read: {0}")]
    Malformed(String),
}

/// Whose call, and which.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// Whose catalogue.
    pub tenant: String,
    /// The call's id: 1-64 characters of `[A-Za-z0-9_-]`.
    pub call: String,
}

/// A call between two turns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// Counts saves; 0 was never saved.
    pub version: u64,
    /// The release the call began with and keeps.
    pub release: String,
    /// Where the conversation stands.
    pub state: State,
    /// A turn that was cut between saving its order and hearing of it.
    pub pending: Option<Pending>,
    /// The last turns, newest last, to answer a repeated request; at most [`Session::MAX_RECENT`].
    pub recent: Vec<Recorded>,
    /// What a turn that was cut had to say, and no event has been answered with yet.
    #[serde(default)]
    pub untold: Vec<Reply>,
}

impl Session {
    /// How many turns can be answered again.
    pub const MAX_RECENT: usize = 4;

    /// Remembers what came of a request, and forgets the oldest.
    pub fn record(&mut self, request: String, outcome: Outcome) {
        self.recent.push(Recorded { request, outcome });
        let over = self.recent.len().saturating_sub(Self::MAX_RECENT);
        self.recent.drain(..over);
    }

    /// What came of a request, if it is remembered.
    pub fn recorded(&self, request: &str) -> Option<&Outcome> {
        self.recent.iter().find(|it| it.request == request).map(|it| &it.outcome)
    }

    /// Where it is stored.
    pub fn key(&self) -> Key {
        Key { tenant: self.state.tenant.clone(), call: self.state.call.clone() }
    }
}

/// A turn under way: what it has said so far and the order it must place before anything else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pending {
    /// The request that began the turn.
    pub request: String,
    /// What happened on the line.
    pub event: Event,
    /// What was understood of it.
    pub understanding: Option<Understanding>,
    /// What was said before the order.
    pub replies: Vec<Reply>,
    /// The order.
    pub order: Order,
}

/// The recorded outcome of one request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// The request's id, unique within the call.
    pub request: String,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of one turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// What the customer hears, in order.
    pub replies: Vec<Reply>,
    /// What was understood, if anything was said.
    pub understanding: Option<Understanding>,
    /// Set when a person takes over.
    pub hand_off: Option<Summary>,
    /// Whether the call is over.
    pub ended: bool,
}

/// Stores sessions.
#[async_trait]
pub trait Store: Send + Sync {
    /// The session under `key`; `None` when there is none, or it is long over.
    async fn load(&self, key: &Key) -> Result<Option<Session>, Error>;

    /// Stores `session` as version `session.version + 1` when the stored version is still
    /// `session.version` (0: nothing stored), and appends `entry` to the journal in the same write.
    async fn save(&self, session: &Session, entry: Option<&journal::Entry>) -> Result<(), Error>;

    /// Whether the store answers.
    async fn ping(&self) -> Result<(), Error>;
}
