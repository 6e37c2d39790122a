//! The shapes of a pack's TOML files. Names that others refer to keep their place, for messages.

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;
use toml::Spanned;

use super::{Confirm, Kind, Tries};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PackFile {
    pub(super) format: Spanned<u32>,
    pub(super) name: String,
    pub(super) operator: String,
    pub(super) opening: Option<Spanned<String>>,
    pub(super) examples: Examples,
    pub(super) limits: Tries,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Examples {
    /// Files that are watched while something is fitted.
    pub(super) dev: Vec<Spanned<String>>,
    /// Files that are measured at the end.
    pub(super) test: Vec<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IntentsFile {
    #[serde(default)]
    pub(super) intent: Vec<Intent>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Intent {
    pub(super) id: Spanned<String>,
    pub(super) name: String,
    pub(super) covers: String,
    pub(super) action: Spanned<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SlotsFile {
    #[serde(default)]
    pub(super) slot: Vec<Slot>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Slot {
    pub(super) name: Spanned<String>,
    pub(super) kind: Spanned<String>,
    pub(super) title: String,
    pub(super) ask: Vec<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ActionsFile {
    #[serde(default)]
    pub(super) action: Vec<Action>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Action {
    pub(super) name: Spanned<String>,
    pub(super) title: String,
    pub(super) kind: Spanned<String>,
    #[serde(default)]
    pub(super) slots: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) optional: Vec<Spanned<String>>,
    pub(super) confirm: Option<Confirm>,
    pub(super) cost: Option<Spanned<String>>,
    pub(super) method: Option<Spanned<String>>,
    pub(super) path: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) body: BTreeMap<String, Spanned<String>>,
    #[serde(default = "two_seconds", with = "humantime_serde")]
    pub(super) timeout: Duration,
    #[serde(default = "two")]
    pub(super) retries: u32,
    pub(super) undo: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) answer: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    pub(super) say: BTreeMap<String, Spanned<String>>,
}

fn two_seconds() -> Duration {
    Duration::from_secs(2)
}

fn two() -> u32 {
    2
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KnowledgeFile {
    #[serde(default)]
    pub(super) kind: Vec<Kind>,
    #[serde(default)]
    pub(super) entry: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Entry {
    pub(super) kind: Spanned<String>,
    pub(super) id: Spanned<String>,
    pub(super) name: String,
    #[serde(default)]
    pub(super) aliases: Vec<String>,
    #[serde(flatten)]
    pub(super) attributes: BTreeMap<String, serde_json::Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RepliesFile {
    pub(super) reply: BTreeMap<String, Vec<Spanned<String>>>,
}
