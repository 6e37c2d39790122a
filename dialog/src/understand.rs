//! A reading of `nlu` and the catalogue -> what the customer means here.
//!
//! It links words to what the operator sells, gives values to slots, and notices what is presupposed but
//! does not exist. It is pure, and leaves out what follows from it: that is `flow`.

pub mod link;
mod premise;

use std::collections::BTreeSet;

use nlu::{Act, Found, Reading, Refusal, Text, values};

use crate::{
    catalogue::{Action, Catalogue, SlotKind},
    domain::{Expects, OUT_OF_SCOPE, Premise, Slot, Understanding, Value},
};

pub use link::{Linked, Linker};

/// Reads an utterance against the catalogue.
///
/// `expects` is what the next words may be about: a slot that was asked for is read leniently, so that
/// "十一" is a month when a month was asked for.
pub fn understand(
    catalogue: &Catalogue,
    linker: &Linker,
    reading: &Reading,
    expects: Expects<'_>,
    today: jiff::civil::Date,
) -> Understanding {
    let text = &reading.text;
    let top = reading.ranking.first();
    let linked = linker.find(text);
    let premise = premise::no_attribute(catalogue, text, &linked);
    let action = wanted(catalogue, expects, reading);
    let mut finder = Finder { catalogue, text, taken: BTreeSet::new(), slots: Vec::new() };
    if let Expects::Slot(name) = expects {
        finder.asked(name, &linked, today);
    }
    finder.all(action, &linked, &reading.values);
    if let (Expects::Yes { .. }, Some((Act::Correct, _)), Some(action)) =
        (expects, reading.act, action)
    {
        finder.corrected(action, &linked, today);
    }
    let wanted: &[String] = match (expects, action) {
        (Expects::Slot(name), _) => &[name.to_owned()],
        (_, Some(action)) => &action.slots,
        (_, None) => &[],
    };
    let premise = premise.or_else(|| premise::not_sold(catalogue, text, wanted, &finder.slots));
    let mut slots = finder.slots;
    slots.sort_by_key(|slot| (slot.start, slot.end));
    let refused = matches!(premise, Some(Premise::NoAttribute { .. }));
    let reason = if refused { Some(Refusal::FalsePremise) } else { reading.refusal };
    Understanding {
        text: text.raw().to_owned(),
        intent: match (reason, top) {
            (None, Some(top)) => top.intent.clone(),
            _ => OUT_OF_SCOPE.into(),
        },
        confidence: match reason {
            None | Some(Refusal::Unclear) => top.map_or(0.0, |it| it.probability),
            Some(_) => 1.0 - reading.in_scope,
        },
        ranking: reading.ranking.clone(),
        in_scope: reading.in_scope,
        reason,
        act: reading.act,
        slots,
        premise,
    }
}

/// What keys mean for the slot that was asked for.
pub fn keys(
    catalogue: &Catalogue,
    keys: &str,
    expects: Expects<'_>,
    today: jiff::civil::Date,
) -> Option<Slot> {
    let Expects::Slot(name) = expects else { return None };
    let text = Text::new(keys);
    let mut finder = Finder { catalogue, text: &text, taken: BTreeSet::new(), slots: Vec::new() };
    let SlotKind::Value(kind) = catalogue.slot(name)?.kind else { return None };
    let found = values::find_kind(&text, kind, today).into_iter().next()?;
    finder.value(name, found);
    finder.slots.pop()
}

/// The action whose slots the words most probably fill.
fn wanted<'a>(
    catalogue: &'a Catalogue,
    expects: Expects<'_>,
    reading: &Reading,
) -> Option<&'a Action> {
    if let Expects::Yes { action } = expects {
        return catalogue.action(action);
    }
    let top = reading.ranking.first()?;
    catalogue.action(&catalogue.intent(&top.intent)?.action)
}

/// Gives what was found to slots.
struct Finder<'a> {
    catalogue: &'a Catalogue,
    text: &'a Text,
    taken: BTreeSet<(String, usize)>,
    slots: Vec<Slot>,
}

impl Finder<'_> {
    /// The slot that was asked for: leniently, and before all others.
    fn asked(&mut self, name: &str, linked: &[Linked], today: jiff::civil::Date) {
        let Some(slot) = self.catalogue.slot(name) else { return };
        match &slot.kind {
            SlotKind::Value(kind) => {
                if let Some(found) = values::find_kind(self.text, *kind, today).into_iter().next() {
                    self.value(name, found);
                }
            }
            SlotKind::Entity(kind) => self.entities(name, kind, linked),
            SlotKind::Text => {
                let whole = 0..self.text.chars().len();
                if !whole.is_empty() {
                    let said = self.text.raw().trim().to_owned();
                    self.push(name, whole, Value::Text(said));
                }
            }
        }
    }

    /// A slot of the action that is to be corrected, leniently, where none of them was found strictly:
    /// "不对，是一百".
    fn corrected(&mut self, action: &Action, linked: &[Linked], today: jiff::civil::Date) {
        for name in action.slots.iter().chain(&action.optional) {
            let own =
                |it: &Slot| action.slots.contains(&it.name) || action.optional.contains(&it.name);
            let is_text = self.catalogue.slot(name).is_some_and(|it| it.kind == SlotKind::Text);
            if self.slots.iter().any(own) || is_text {
                return;
            }
            self.asked(name, linked, today);
        }
    }

    /// Everything else that was named: for the wanted action's slots first, then for the slot that is
    /// first in the catalogue among those of its kind.
    fn all(&mut self, action: Option<&Action>, linked: &[Linked], found: &[Found]) {
        let mut names: Vec<&str> = Vec::new();
        if let Some(action) = action {
            names.extend(action.slots.iter().chain(&action.optional).map(String::as_str));
        }
        let mut rest: Vec<_> = self.catalogue.slots().collect();
        rest.sort_by_key(|slot| slot.place);
        names.extend(rest.iter().map(|slot| slot.name.as_str()));
        for name in names {
            match self.catalogue.slot(name).map(|slot| &slot.kind) {
                Some(SlotKind::Value(kind)) => {
                    for value in found.iter().filter(|it| it.value.kind() == *kind) {
                        self.value(name, value.clone());
                    }
                }
                Some(SlotKind::Entity(kind)) => self.entities(name, kind, linked),
                Some(SlotKind::Text) | None => {}
            }
        }
    }

    fn entities(&mut self, name: &str, kind: &str, linked: &[Linked]) {
        let of_kind: Vec<_> = linked.iter().filter(|it| it.kind == kind).collect();
        let starts: BTreeSet<usize> = of_kind.iter().map(|it| it.span.start).collect();
        let free: Vec<usize> = starts.into_iter().filter(|at| self.take(kind, *at)).collect();
        for link in of_kind.into_iter().filter(|it| free.contains(&it.span.start)) {
            let value = Value::Entity { kind: kind.into(), id: link.id.clone() };
            self.push(name, link.span.clone(), value);
        }
    }

    fn value(&mut self, name: &str, found: Found) {
        let kind = format!("{:?}", found.value.kind());
        if self.take(&kind, found.span.start) {
            self.push(name, found.span, Value::Plain(found.value));
        }
    }

    /// Whether words of this kind at this place are still free; takes them.
    fn take(&mut self, kind: &str, at: usize) -> bool {
        self.taken.insert((kind.into(), at))
    }

    fn push(&mut self, name: &str, span: std::ops::Range<usize>, value: Value) {
        let raw = self.text.to_raw(span.clone());
        self.slots.push(Slot {
            name: name.into(),
            text: self.text.raw_slice(span).to_owned(),
            start: raw.start,
            end: raw.end,
            value,
        });
    }
}
