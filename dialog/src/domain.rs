//! The words of the business, shared by every other module.
//!
//! | here | 中文 | meaning |
//! |---|---|---|
//! | call | 通话 | one customer on the line, from greeting to hang-up |
//! | turn | 轮次 | one event of the customer and everything said in answer to it |
//! | utterance | 话语 | what the recogniser made of one stretch of speech, as hypotheses |
//! | understanding | 理解 | an utterance read against the catalogue |
//! | slot | 槽位 | one thing an action needs to know |
//! | query | 查询 | asks the operator's systems and changes nothing |
//! | order | 订单 | changes something, exactly once |
//! | answer | 应答 | what the operator's systems said to a query or an order |
//! | reply | 回复 | what the customer hears |
//!
//! It leaves out every decision: `flow` decides, the rest carries out.

mod state;

use std::{collections::BTreeMap, fmt, time::Duration};

use nlu::{Act, Mood, Ranked, Refusal};
use serde::{Deserialize, Serialize};

pub use state::{Caller, Done, Expects, Phase, Stage, State, Task};

/// The id of an utterance that is refused, in rankings and on the wire.
pub const OUT_OF_SCOPE: &str = "out_of_scope";

/// One result of the recogniser.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Hypothesis {
    /// The recognised text, at most [`crate::config::Limits::text_chars`] characters.
    pub text: String,
    /// The recogniser's confidence, 0 to 1; 0 when it gives none.
    pub confidence: f32,
}

impl fmt::Debug for Hypothesis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hypothesis(***, {})", self.confidence)
    }
}

/// What happened on the line, already checked against the limits.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The call begins.
    Open,
    /// The customer spoke; hypotheses best first, at least one.
    Speech(Vec<Hypothesis>),
    /// The customer pressed keys of `0-9*#`.
    Digits(String),
    /// The customer said nothing while we listened.
    Silence,
    /// The customer put down the phone.
    HangUp,
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => f.write_str("Open"),
            Self::Speech(hypotheses) => f.debug_tuple("Speech").field(hypotheses).finish(),
            Self::Digits(_) => f.write_str("Digits(***)"),
            Self::Silence => f.write_str("Silence"),
            Self::HangUp => f.write_str("HangUp"),
        }
    }
}

/// Where the customer is reached, which decides how things are worded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// On the phone.
    #[default]
    Voice,
    /// In writing.
    Screen,
}

/// An utterance read against the catalogue.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Understanding {
    /// The customer's own characters.
    pub text: String,
    /// The intent's id, or [`OUT_OF_SCOPE`] when `reason` is set.
    pub intent: String,
    /// Calibrated probability of `intent`, 0 to 1.
    pub confidence: f32,
    /// In-scope intents, most probable first.
    pub ranking: Vec<Ranked>,
    /// Calibrated probability that the utterance is one the catalogue serves.
    pub in_scope: f32,
    /// Why it was refused; `None` when it was not.
    pub reason: Option<Refusal>,
    /// What it does in the dialogue, with its probability.
    pub act: Option<(Act, f32)>,
    /// How the customer feels, with its probability; `None` where the model does not tell.
    pub mood: Option<(Mood, f32)>,
    /// What it names, in order of appearance.
    pub slots: Vec<Slot>,
    /// What it presupposes that does not exist.
    pub premise: Option<Premise>,
}

impl fmt::Debug for Understanding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Understanding")
            .field("intent", &self.intent)
            .field("confidence", &self.confidence)
            .field("reason", &self.reason)
            .field("act", &self.act)
            .finish_non_exhaustive()
    }
}

/// A slot that an utterance names.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Slot {
    /// The slot's name in the catalogue.
    pub name: String,
    /// The customer's own characters.
    pub text: String,
    /// Where they begin in the utterance, in characters.
    pub start: usize,
    /// Where they end, exclusive.
    pub end: usize,
    /// What they mean.
    pub value: Value,
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Slot({}, {}..{}, {:?})", self.name, self.start, self.end, self.value)
    }
}

/// What a slot holds.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// A number, an amount, a day, and the like.
    Plain(nlu::Value),
    /// Something the operator sells or knows.
    Entity {
        /// Kind of knowledge entry.
        kind: String,
        /// Its id within the kind.
        id: String,
    },
    /// Free words.
    Text(String),
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain(_) => "Plain(***)",
            Self::Entity { .. } => "Entity(***)",
            Self::Text(_) => "Text(***)",
        })
    }
}

impl Value {
    /// The value in the one form in which it is compared, stored and sent.
    pub fn canonical(&self) -> String {
        match self {
            Self::Plain(value) => value.canonical(),
            Self::Entity { id, .. } => id.clone(),
            Self::Text(text) => text.clone(),
        }
    }
}

/// A presupposition of the customer that is false, found in the knowledge.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Premise {
    /// `thing` has no `attribute`: the minutes of a data pack.
    NoAttribute {
        /// What the customer spoke of.
        thing: String,
        /// What it does not have.
        attribute: String,
    },
    /// There is no such thing of this kind: a plan that does not exist.
    NotSold {
        /// The customer's words for it.
        said: String,
        /// The kind's name for customers.
        kind: String,
    },
}

impl fmt::Debug for Premise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoAttribute { .. } => "NoAttribute(***)",
            Self::NotSold { .. } => "NotSold(***)",
        })
    }
}

/// One call of the operator's systems, ready to send.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// HTTP method.
    pub method: String,
    /// Path and query, percent-encoded, beginning with `/`.
    pub path: String,
    /// JSON body, if any.
    pub body: Option<serde_json::Value>,
    /// For one attempt.
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
    /// Further attempts after a transport failure or a 5xx or 429 status.
    pub retries: u32,
    /// Name of the field in [`Answer::Done`] -> JSON pointer into the operator's answer.
    pub answer: BTreeMap<String, String>,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({} ***)", self.method)
    }
}

/// Asks the operator's systems and changes nothing; may run twice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Query {
    /// The action asked for.
    pub action: String,
    /// What to send.
    pub request: Request,
}

/// Changes something at the operator's, exactly once under its key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// What makes this order this one; the same on the wire and in the ledger.
    pub key: OrderKey,
    /// What to send.
    pub request: Request,
}

/// What makes an order itself: the same key is never carried out twice.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OrderKey {
    /// Whose catalogue and ledger.
    pub tenant: String,
    /// The call in which it was ordered.
    pub call: String,
    /// The turn of the call.
    pub turn: u64,
    /// The action.
    pub action: String,
    /// Fingerprint of method, path and body: 16 hex digits of SHA-256.
    pub parameters: String,
}

impl fmt::Display for OrderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tenant, call, turn, action, parameters } = self;
        write!(f, "{tenant}/{call}/{turn}/{action}/{parameters}")
    }
}

/// What the operator's systems said.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It is done, or known: the mapped fields.
    Done(BTreeMap<String, serde_json::Value>),
    /// The operator's rules forbid it.
    Refused {
        /// Chinese, fit to be said.
        reason: String,
    },
    /// The operator's systems could not be reached or made no sense; whether an order took effect is open,
    /// and the ledger keeps it as unfinished.
    Failed,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Done(_) => "Done(***)",
            Self::Refused { .. } => "Refused(***)",
            Self::Failed => "Failed",
        })
    }
}

/// What the customer hears.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// Which wording of the catalogue, for logs and tests.
    pub key: String,
    /// The words.
    pub text: String,
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply({}, ***)", self.key)
    }
}

/// What a person needs to go on with the call.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The number the customer calls from.
    pub caller: String,
    /// Why the call is handed over: `asked`, `action` (a person does it), `no_match`, `silence`, `slot`,
    /// `confirm`, `failed`.
    pub reason: String,
    /// Title of the action that was under way; empty when there was none.
    pub wanted: String,
    /// Slot name -> what was filled, canonical.
    pub slots: BTreeMap<String, String>,
    /// Titles of what was done in this call.
    pub done: Vec<String>,
    /// Keys of the orders placed in this call.
    pub order_keys: Vec<String>,
    /// The customer's last words.
    pub last_words: String,
    /// The same in two Chinese sentences.
    pub text: String,
}

impl fmt::Debug for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Summary({}, ***)", self.reason)
    }
}

/// What goes into one step of a conversation.
#[derive(Clone, PartialEq)]
pub enum Input {
    /// The call begins.
    Opened,
    /// The customer said something.
    Heard(Understanding),
    /// The customer pressed keys.
    Digits {
        /// `0-9*#`
        keys: String,
        /// What they mean for the slot that was asked, if anything.
        slot: Option<Slot>,
    },
    /// The customer said nothing.
    Silent,
    /// The operator's systems answered the query or order of the last step.
    Answered(Answer),
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opened => f.write_str("Opened"),
            Self::Heard(heard) => f.debug_tuple("Heard").field(heard).finish(),
            Self::Digits { slot, .. } => write!(f, "Digits(***, {slot:?})"),
            Self::Silent => f.write_str("Silent"),
            Self::Answered(answer) => f.debug_tuple("Answered").field(answer).finish(),
        }
    }
}

/// What comes out of one step.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Where the call stands now.
    pub state: State,
    /// What the customer hears, in order.
    pub replies: Vec<Reply>,
    /// What happens next.
    pub next: Next,
}

/// The one effect that follows a step.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// Listen to the customer.
    Listen,
    /// Ask the operator's systems, then step with the answer.
    Ask(Query),
    /// Place an order, then step with the answer.
    Place(Order),
    /// Connect a person; the call is over for us.
    HandOff(Summary),
    /// Say good-bye; the call is over.
    End,
}
