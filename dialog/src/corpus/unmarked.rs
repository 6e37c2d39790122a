//! Values and things sold that an utterance names, its intent asks for, and no mark covers.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use jiff::civil::{Date, date};
use nlu::values;
use serde::Serialize;

use super::{Finding, Said, Severity};
use crate::{
    catalogue::{Catalogue, Example, SlotKind},
    understand::Linker,
};

/// Any day would do: only where a value lies is asked.
const TODAY: Date = date(2026, 6, 15);

/// What is marked, and what is not.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Unmarked {
    /// Every slot that was marked or should be.
    pub slots: Vec<Marked>,
    /// Words for one slot that are not marked: first those that are marked elsewhere, and among them the
    /// most frequent.
    pub findings: Vec<Finding>,
}

/// How often a slot is marked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Marked {
    /// Its name.
    pub slot: String,
    /// Marks.
    pub marked: usize,
    /// Words that no mark covers, though the intent asks for them.
    pub unmarked: usize,
}

/// Utterances in which the same words are marked, and in which they are not.
#[derive(Default)]
struct Same<'a> {
    marked: usize,
    unmarked: Vec<&'a Example>,
}

pub(super) fn find(catalogue: &Catalogue, linker: &Linker, said: &[Said<'_>]) -> Unmarked {
    let mut words: BTreeMap<(&str, String), Same<'_>> = BTreeMap::new();
    for it in said {
        for (slot, span) in &it.example.slots {
            let words_of: String =
                it.example.text.chars().skip(span.start).take(span.len()).collect();
            words.entry((slot, words_of)).or_default().marked += 1;
        }
        for (slot, span) in missed(catalogue, linker, it) {
            let key = (slot, it.text.raw_slice(span).to_owned());
            words.entry(key).or_default().unmarked.push(it.example);
        }
    }
    Unmarked { slots: slots(&words), findings: findings(words) }
}

fn slots(words: &BTreeMap<(&str, String), Same<'_>>) -> Vec<Marked> {
    let mut slots: BTreeMap<&str, Marked> = BTreeMap::new();
    for ((slot, _), same) in words {
        let none = || Marked { slot: (*slot).to_owned(), marked: 0, unmarked: 0 };
        let entry = slots.entry(slot).or_insert_with(none);
        entry.marked += same.marked;
        entry.unmarked += same.unmarked.len();
    }
    slots.into_values().collect()
}

fn findings(words: BTreeMap<(&str, String), Same<'_>>) -> Vec<Finding> {
    let mut words: Vec<_> = words.into_iter().filter(|(_, it)| !it.unmarked.is_empty()).collect();
    words.sort_by_key(|(_, it)| std::cmp::Reverse((it.marked > 0, it.unmarked.len())));
    let finding = |((slot, words), same): ((&str, String), Same<'_>)| {
        let (marked, not) = (same.marked, same.unmarked.len());
        let message = format!("[{words}]({slot}): {not} unmarked, {marked} marked");
        Finding::new(Severity::Warning, message, same.unmarked)
    };
    words.into_iter().map(finding).collect()
}

/// Slot and place, in the normalised text, of what should be marked.
fn missed<'a>(
    catalogue: &'a Catalogue,
    linker: &Linker,
    said: &Said<'_>,
) -> Vec<(&'a str, Range<usize>)> {
    let asked = asked(catalogue, said.example);
    let needs = |wanted: fn(&SlotKind) -> bool| asked.iter().any(|(_, kind)| wanted(kind));
    let mut found = Vec::new();
    if needs(|it| matches!(it, SlotKind::Value(_))) {
        for value in
            values::find_all(&said.text, TODAY).into_iter().filter(|it| !is_article(&it.value))
        {
            let of_kind = |kind: &SlotKind| *kind == SlotKind::Value(value.value.kind());
            if let Some((slot, _)) = asked.iter().find(|(_, kind)| of_kind(kind)) {
                found.push((*slot, value.span));
            }
        }
    }
    if needs(|it| matches!(it, SlotKind::Entity(_))) {
        for link in linker.find(&said.text) {
            let of_kind =
                |kind: &SlotKind| matches!(kind, SlotKind::Entity(own) if *own == link.kind);
            if let Some((slot, _)) = asked.iter().find(|(_, kind)| of_kind(kind)) {
                found.push((*slot, link.span));
            }
        }
    }
    let mut seen = BTreeSet::new();
    found.retain(|(slot, span)| !is_marked(said, span) && seen.insert((*slot, span.start)));
    found
}

/// "一个" says that there is a thing, seldom how many are wanted.
fn is_article(value: &nlu::Value) -> bool {
    matches!(value, nlu::Value::Count { n: 1, unit } if unit == "个")
}

/// The slots that the intents of an utterance ask for.
fn asked<'a>(catalogue: &'a Catalogue, example: &Example) -> Vec<(&'a str, &'a SlotKind)> {
    let intents = [Some(&example.label), example.also.as_ref()].into_iter().flatten();
    let actions = intents.filter_map(|it| catalogue.action(&catalogue.intent(it)?.action));
    let names = actions.flat_map(|it| it.slots.iter().chain(&it.optional));
    names.filter_map(|it| catalogue.slot(it)).map(|it| (it.name.as_str(), &it.kind)).collect()
}

fn is_marked(said: &Said<'_>, span: &Range<usize>) -> bool {
    let raw = said.text.to_raw(span.clone());
    said.example.slots.iter().any(|(_, it)| it.start < raw.end && raw.start < it.end)
}
