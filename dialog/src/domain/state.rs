//! Where a call stands between two turns: all that the next step needs to know.
//!
//! It is stored as JSON and outlives deploys, so every change of its shape raises [`State::FORMAT`] and
//! leaves a sample of the old shape in the tests.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Deserializer, Serialize, de::Error};

use super::{Channel, OrderKey, Reply, Slot, Value};

/// Where a call stands.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Number of this shape.
    #[serde(deserialize_with = "known_format")]
    pub format: u16,
    /// Whose catalogue.
    pub tenant: String,
    /// The call's id.
    pub call: String,
    /// Who is on the line.
    pub caller: Caller,
    /// Where they are reached.
    pub channel: Channel,
    /// The day of the running turn.
    pub today: jiff::civil::Date,
    /// Number of the running turn, from 1.
    pub turn: u64,
    /// Whether it goes on.
    pub phase: Phase,
    /// What is being done: the last is under way, those before it are parked.
    pub tasks: Vec<Task>,
    /// Intents between which the customer was asked to choose, as ids.
    pub choosing: Vec<String>,
    /// What was named along with the words of which the intent is asked.
    pub named: Vec<Slot>,
    /// Times in a row that nothing was understood.
    pub misses: u8,
    /// Times in a row that nothing was said.
    pub silences: u8,
    /// What was said last, to repeat it.
    pub last: Vec<Reply>,
    /// What was done, oldest first, at most [`State::MAX_DONE`].
    pub done: Vec<Done>,
    /// Orders sent without an answer: ordered again, they go under the same key.
    pub unsettled: Vec<OrderKey>,
    /// The customer's last words, for a summary.
    pub last_words: String,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("call", &self.call)
            .field("turn", &self.turn)
            .field("phase", &self.phase)
            .field("tasks", &self.tasks)
            .field("choosing", &self.choosing)
            .field("misses", &self.misses)
            .field("silences", &self.silences)
            .field("last", &self.last)
            .field("done", &self.done)
            .field("unsettled", &self.unsettled)
            .finish_non_exhaustive()
    }
}

impl State {
    /// The present shape.
    pub const FORMAT: u16 = 1;
    /// How many finished actions a call remembers.
    pub const MAX_DONE: usize = 16;
    /// Tasks at once: one under way and one parked.
    pub const MAX_TASKS: usize = 2;

    /// A call that has not begun.
    pub fn new(tenant: &str, call: &str, number: &str, channel: Channel) -> Self {
        Self {
            format: Self::FORMAT,
            tenant: tenant.into(),
            call: call.into(),
            caller: Caller { number: number.into(), numbers: vec![number.into()] },
            channel,
            today: jiff::civil::Date::ZERO,
            turn: 0,
            phase: Phase::Opening,
            tasks: Vec::new(),
            choosing: Vec::new(),
            named: Vec::new(),
            misses: 0,
            silences: 0,
            last: Vec::new(),
            done: Vec::new(),
            unsettled: Vec::new(),
            last_words: String::new(),
        }
    }

    /// What the customer's next words may well be about.
    pub fn expects(&self) -> Expects<'_> {
        match self.tasks.last() {
            Some(Task { stage: Stage::Collecting { slot, .. }, .. }) => Expects::Slot(slot),
            Some(Task { stage: Stage::Confirming { .. }, action, .. }) => Expects::Yes { action },
            Some(Task { stage: Stage::Waiting { .. }, .. }) | None => Expects::Anything,
        }
    }
}

/// A state of a later server is not half understood but refused.
fn known_format<'de, D: Deserializer<'de>>(from: D) -> Result<u16, D::Error> {
    let format = u16::deserialize(from)?;
    match format {
        1..=State::FORMAT => Ok(format),
        _ => Err(D::Error::custom(format!("format {format} of a call's state is not known here"))),
    }
}

/// What the customer's next words may well be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expects<'a> {
    /// This slot was asked for.
    Slot(&'a str),
    /// A yes to this action was asked for; its slots may be corrected.
    Yes {
        /// The action.
        action: &'a str,
    },
    /// No question stands open.
    Anything,
}

/// Who is on the line.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Caller {
    /// The number the call comes from.
    pub number: String,
    /// The customer's own numbers, `number` among them.
    pub numbers: Vec<String>,
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Caller(***)")
    }
}

/// Whether a call goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Nothing was said yet.
    Opening,
    /// It goes on.
    Running,
    /// A person has it.
    HandedOff,
    /// It is over.
    Ended,
}

/// An action that the customer wants, on its way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// The action.
    pub action: String,
    /// What is known, by slot.
    pub slots: BTreeMap<String, Value>,
    /// How far it is.
    pub stage: Stage,
}

/// How far a task is. A costly order is never placed from `Collecting`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// A slot was asked for.
    Collecting {
        /// Its name.
        slot: String,
        /// How often it was asked before.
        tries: u8,
        /// Things of one name between which the customer was asked to choose; mostly none.
        between: Vec<Value>,
    },
    /// A yes is waited for.
    Confirming {
        /// How often it was asked before.
        tries: u8,
    },
    /// The operator's systems were called.
    Waiting {
        /// The order's key; `None` for a query.
        key: Option<OrderKey>,
    },
}

/// An action that was finished in this call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// The action.
    pub action: String,
    /// With what.
    pub slots: BTreeMap<String, Value>,
    /// The order's key; `None` for a query or an answer.
    pub key: Option<OrderKey>,
}
