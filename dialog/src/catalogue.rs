//! The catalogue: intents, slots, actions, replies and knowledge of one operator; immutable once parsed.
//!
//! Nothing in Rust names one intent: all of it is data from a [`Pack`]. It leaves out where packs are kept
//! (files or Postgres) and what is done with an action (`flow`).

mod check;
pub mod examples;
mod file;
pub mod pack;
pub mod postgres;
mod words;

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value as Json;

pub use examples::{Example, Split};
pub use pack::{Pack, Problem, Problems};
pub use words::Context;
use words::Words;

/// All that an operator's customers can want, and how it is said and done.
#[derive(Debug)]
pub struct Catalogue {
    /// Name of the pack.
    pub name: String,
    /// The operator's name.
    pub operator: String,
    /// SHA-256 over all files of the pack: two catalogues with one fingerprint are the same.
    pub fingerprint: String,
    /// Query that is asked when a call opens.
    pub opening: Option<String>,
    /// How often something is tried before a person takes over.
    pub tries: Tries,
    /// What operators sell and customers speak of.
    pub knowledge: Knowledge,
    /// Utterances with their labels, to fit and to measure.
    pub examples: Vec<Example>,
    /// Dialogue acts with their wordings; `none` for what is no act.
    pub acts: Vec<(String, String)>,
    intents: BTreeMap<String, Intent>,
    slots: BTreeMap<String, Slot>,
    actions: BTreeMap<String, Action>,
    words: Words,
}

/// How often something is tried before a person takes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tries {
    /// Utterances in a row that were not understood.
    pub no_match: u8,
    /// Silences in a row.
    pub silence: u8,
    /// Questions for one slot.
    pub slot: u8,
    /// Questions for a yes.
    pub confirm: u8,
}

/// What customers want.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// Fixed id.
    pub id: String,
    /// Chinese name, as spoken in "您是想……".
    pub name: String,
    /// What it covers, and what not.
    pub covers: String,
    /// The action that serves it.
    pub action: String,
}

/// One thing an action needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// Its name.
    pub name: String,
    /// Chinese noun.
    pub title: String,
    /// What may fill it.
    pub kind: SlotKind,
    /// Its place among the slots of the pack, from 0.
    pub place: usize,
}

/// What may fill a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SlotKind {
    /// A value that `nlu` finds.
    Value(nlu::values::Kind),
    /// A knowledge entry of this kind.
    Entity(String),
    /// The customer's words as they are.
    Text,
}

/// What the operator's systems can do for a customer.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    /// Its name.
    pub name: String,
    /// Chinese verb phrase, as in "我们接着办……".
    pub title: String,
    /// What it does.
    pub kind: ActionKind,
    /// Slots it needs, in the order in which they are asked for.
    pub slots: Vec<String>,
    /// Slots it uses when they were said.
    pub optional: Vec<String>,
    /// When a yes is needed.
    pub confirm: Confirm,
    /// Expression for its price in fen.
    pub cost: Option<String>,
    /// The order that takes it back.
    pub undo: Option<String>,
}

/// What an action does.
#[derive(Debug, Clone, PartialEq)]
pub enum ActionKind {
    /// Asks and changes nothing.
    Query(Connector),
    /// Changes something, once.
    Order(Connector),
    /// Answers from the knowledge.
    Answer,
    /// Connects a person.
    HandOff,
}

/// How an action calls the operator's systems over HTTP.
#[derive(Debug, Clone, PartialEq)]
pub struct Connector {
    /// `GET`, `POST`, `PUT` or `DELETE`.
    pub method: String,
    /// Field of the JSON body -> expression.
    pub body: BTreeMap<String, String>,
    /// For one attempt.
    pub timeout: Duration,
    /// Further attempts.
    pub retries: u32,
    /// Name -> JSON pointer into the answer.
    pub answer: BTreeMap<String, String>,
}

/// When a yes is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confirm {
    /// At no time.
    Never,
    /// Each time.
    Always,
    /// When it costs something.
    Costly,
}

/// What operators sell and customers speak of.
#[derive(Debug, Default)]
pub struct Knowledge {
    /// Kinds by id.
    pub kinds: BTreeMap<String, Kind>,
    /// Entries in the order of the file.
    pub entries: Vec<Entry>,
}

/// A kind of knowledge entries.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kind {
    /// Its id.
    pub id: String,
    /// Its name for customers.
    pub name: String,
    /// Nouns with which customers name one of them.
    #[serde(default)]
    pub nouns: Vec<String>,
    /// Attributes that its entries may have.
    #[serde(default)]
    pub attributes: BTreeMap<String, Attribute>,
}

/// An attribute of a kind.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attribute {
    /// Its name for customers.
    pub name: String,
    /// `fen`, `mb`, or empty.
    #[serde(default)]
    pub unit: String,
    /// Words with which customers ask for it.
    #[serde(default)]
    pub words: Vec<String>,
}

/// One thing the operator sells or knows.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its kind.
    pub kind: String,
    /// Its id, unique within the kind.
    pub id: String,
    /// Its full name.
    pub name: String,
    /// What customers call it.
    pub aliases: Vec<String>,
    /// Attribute -> value.
    pub attributes: BTreeMap<String, Json>,
}

impl Entry {
    /// The entry as templates see it: its attributes with `id`, `name`, `text` and `value`.
    pub fn to_json(&self) -> Json {
        let mut map: serde_json::Map<_, _> =
            self.attributes.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
        for (key, value) in [("id", &self.id), ("name", &self.name), ("text", &self.name)] {
            map.insert(key.into(), Json::from(value.as_str()));
        }
        map.insert("value".into(), Json::from(self.id.as_str()));
        Json::Object(map)
    }
}

impl Knowledge {
    /// The entry of this kind and id.
    pub fn entry(&self, kind: &str, id: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.kind == kind && entry.id == id)
    }

    /// All entries of a kind.
    pub fn of(&self, kind: &str) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.kind == kind)
    }
}

impl Catalogue {
    /// Parses and checks a pack.
    ///
    /// # Errors
    /// Every problem of the pack at once, each with file, line and what to write instead.
    pub fn parse(pack: &Pack) -> Result<Self, Problems> {
        check::catalogue(pack)
    }

    /// The intent with this id.
    pub fn intent(&self, id: &str) -> Option<&Intent> {
        self.intents.get(id)
    }

    /// All intents, by id.
    pub fn intents(&self) -> impl Iterator<Item = &Intent> {
        self.intents.values()
    }

    /// The slot of this name.
    pub fn slot(&self, name: &str) -> Option<&Slot> {
        self.slots.get(name)
    }

    /// All slots, by name.
    pub fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.slots.values()
    }

    /// The action of this name.
    pub fn action(&self, name: &str) -> Option<&Action> {
        self.actions.get(name)
    }

    /// All actions, by name.
    pub fn actions(&self) -> impl Iterator<Item = &Action> {
        self.actions.values()
    }

    /// Words for `key`, the `variant`-th wording or the last there is.
    ///
    /// Keys are `reply/NAME`, `slot/NAME` and `action/NAME/WHEN`; a wording that cannot be rendered gives
    /// `reply/failed` instead, since the customer must hear something.
    pub fn say(&self, key: &str, variant: usize, context: &Context) -> crate::domain::Reply {
        self.words.say(key, variant, context)
    }

    /// Whether there are words for `key`.
    pub fn has_words(&self, key: &str) -> bool {
        self.words.has(key)
    }

    /// The path that an action calls.
    ///
    /// # Errors
    /// When the context lacks what the template names.
    pub fn path(&self, action: &str, context: &Context) -> Result<String, minijinja::Error> {
        self.words.path(action, context)
    }

    /// The value of an expression such as `addon.price_fen`.
    ///
    /// # Errors
    /// When the context lacks what the expression names.
    pub fn evaluate(&self, expression: &str, context: &Context) -> Result<Json, minijinja::Error> {
        self.words.evaluate(expression, context)
    }
}
