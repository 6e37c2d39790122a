//! Gives words to slots: those of the action that is wanted first, then whichever they fit.

use std::{collections::BTreeSet, ops::Range};

use nlu::{Found, Tagged, Text, values, values::Kind};
use serde_json::Value as Json;

use super::Linked;
use crate::{
    catalogue::{Action, Catalogue, Entry, SlotKind},
    domain::{Slot, Value},
};

/// A bare number of fewer characters is not taken for an amount unless one was asked for: "按九".
pub(super) const IMPLIED_CHARS: usize = 2;

/// What people say before the place or name that was asked for, longest first.
const LEADING: &[&str] = &[
    "我家住在",
    "我家就在",
    "地址就是",
    "我家在",
    "我住在",
    "我家住",
    "我就在",
    "地址是",
    "家住",
    "住在",
    "就在",
    "我在",
    "我住",
    "地址",
    "在",
];

/// What people say while they think.
const FILLING: &[&str] = &["呃", "嗯", "啊", "哦", "那个", "就是"];

/// A figure of so many digits spelled one by one is part of a number and no amount: "八零零零".
const SPELLED: usize = 4;

/// Words are said for a slot when the network marks them with this probability.
const MARKED: f32 = 0.6;

/// Gives what was found to slots.
pub(super) struct Finder<'a> {
    catalogue: &'a Catalogue,
    text: &'a Text,
    /// Values that free speech shows by itself.
    strict: &'a [Found],
    today: jiff::civil::Date,
    /// Kind and place of words that were given to a slot.
    taken: BTreeSet<(String, usize)>,
    /// What was found so far.
    pub(super) slots: Vec<Slot>,
}

impl<'a> Finder<'a> {
    /// Nothing found yet; `strict` are the values that free speech shows by itself.
    pub(super) fn new(
        catalogue: &'a Catalogue,
        text: &'a Text,
        strict: &'a [Found],
        today: jiff::civil::Date,
    ) -> Self {
        Self { catalogue, text, strict, today, taken: BTreeSet::new(), slots: Vec::new() }
    }

    /// The slot that was asked for: leniently, and before all others.
    pub(super) fn asked(&mut self, name: &str, linked: &[Linked]) {
        let Some(slot) = self.catalogue.slot(name) else { return };
        match &slot.kind {
            SlotKind::Value(kind) => {
                if let Some(found) = self.lenient(*kind).into_iter().next() {
                    self.value(name, found);
                }
            }
            SlotKind::Entity(kind) => self.entity(name, kind, linked, 1),
            SlotKind::Text => {
                let whole = 0..self.text.chars().len();
                let said = bare(self.text.raw());
                if !said.is_empty() {
                    self.push(name, whole, Value::Text(said.to_owned()));
                }
            }
        }
    }

    /// What may be a value of this kind, best first. "尾号5678" and "186那个" are no amounts, since they
    /// show by themselves what they are; digits that were asked for may well look like a number.
    fn lenient(&self, kind: Kind) -> Vec<Found> {
        let mut found = values::find_kind(self.text, kind, self.today);
        found.retain(|it| {
            let is_other = |other: &Found| {
                let covers = other.span.start <= it.span.start && it.span.end <= other.span.end;
                let is_longer = other.span != it.span;
                let is_number = other.value.kind() == Kind::Phone && kind != Kind::Digits;
                other.value.kind() != kind && covers && (is_longer || is_number)
            };
            let spelled = kind == Kind::Money && self.is_spelled(&it.span);
            !spelled && !self.strict.iter().any(is_other)
        });
        found
    }

    fn is_spelled(&self, span: &Range<usize>) -> bool {
        let chars = &self.text.chars()[span.clone()];
        chars.len() >= SPELLED && chars.iter().all(|c| "零〇幺一二三四五六七八九".contains(*c))
    }

    /// The one entry of a kind whose price, volume or other number was said: "八十九的" of plans. Of
    /// several the last is meant: "从八十九换到五十九".
    fn by_attribute(&self, kind: &str, chars: usize) -> Option<Linked> {
        let attributes = &self.catalogue.knowledge.kinds.get(kind)?.attributes;
        let mut best: Option<Linked> = None;
        for (name, attribute) in attributes {
            let said_as = if attribute.unit == "mb" { Kind::Data } else { Kind::Money };
            for Found { value, span } in self.lenient(said_as) {
                if span.len() < chars {
                    continue;
                }
                let number = match value {
                    nlu::Value::Data { mb } => mb,
                    nlu::Value::Money { fen } if attribute.unit == "fen" => fen,
                    // Nothing but a number: 500 of a thing that is measured in no unit of ours.
                    nlu::Value::Money { fen } if fen % 100 == 0 => fen / 100,
                    _ => continue,
                };
                let has = |entry: &&Entry| {
                    entry.attributes.get(name).and_then(Json::as_i64) == Some(number)
                };
                let mut same = self.catalogue.knowledge.of(kind).filter(has);
                let is_later = best.as_ref().is_none_or(|it| it.span.start < span.start);
                if let (true, Some(entry), None) = (is_later, same.next(), same.next()) {
                    best = Some(Linked { kind: kind.into(), id: entry.id.clone(), span });
                }
            }
        }
        best
    }

    /// What an action needs and the words say without showing it: "给我充五十", "换成八十九的".
    pub(super) fn implied(&mut self, action: &Action) {
        for name in action.slots.iter().chain(&action.optional) {
            let is_needed = action.slots.contains(name);
            if self.slots.iter().any(|it| it.name == *name) {
                continue;
            }
            match self.catalogue.slot(name).map(|it| &it.kind) {
                Some(SlotKind::Value(Kind::Money)) => {
                    let clear = |it: &Found| {
                        let taken =
                            self.slots.iter().any(|slot| overlaps(self.text, slot, &it.span));
                        !taken && it.span.len() >= IMPLIED_CHARS
                    };
                    let found = self.lenient(Kind::Money).into_iter().filter(clear);
                    if let Some(last) = found.max_by_key(|it| it.span.start) {
                        self.value(name, last);
                    }
                }
                Some(SlotKind::Entity(kind)) if is_needed => {
                    if let Some(link) = self.by_attribute(kind, IMPLIED_CHARS) {
                        self.entities(name, kind, &[link]);
                    }
                }
                Some(SlotKind::Value(_) | SlotKind::Entity(_) | SlotKind::Text) | None => {}
            }
        }
    }

    /// A slot of the action that is to be corrected, leniently, where none of them was found strictly:
    /// "不是五十，是一百". What is said last is what is meant; of fewer than `chars` characters it may be a
    /// figure of speech.
    pub(super) fn corrected(&mut self, action: &Action, linked: &[Linked], chars: usize) {
        for name in action.slots.iter().chain(&action.optional) {
            let own =
                |it: &Slot| action.slots.contains(&it.name) || action.optional.contains(&it.name);
            if self.slots.iter().any(own) {
                return;
            }
            match self.catalogue.slot(name).map(|it| &it.kind) {
                Some(SlotKind::Value(kind)) => {
                    let found = self.lenient(*kind).into_iter().filter(|it| it.span.len() >= chars);
                    if let Some(last) = found.max_by_key(|it| it.span.start) {
                        self.value(name, last);
                    }
                }
                Some(SlotKind::Entity(kind)) => self.entity(name, kind, linked, chars),
                Some(SlotKind::Text) | None => {}
            }
        }
    }

    /// Everything else that was named: for the wanted action's slots first, then, from words that none of
    /// them took, for the slot that is first in the catalogue among those of its kind.
    pub(super) fn all(&mut self, action: Option<&Action>, linked: &[Linked]) {
        let own: Vec<&String> =
            action.map_or_else(Vec::new, |it| it.slots.iter().chain(&it.optional).collect());
        for name in &own {
            self.named(name, linked, self.strict);
        }
        let mut rest: Vec<_> = self.catalogue.slots().collect();
        rest.sort_by_key(|slot| slot.place);
        for slot in rest.into_iter().filter(|slot| !own.contains(&&slot.name)) {
            let clear =
                |span: &Range<usize>| !self.slots.iter().any(|it| overlaps(self.text, it, span));
            let linked: Vec<_> = linked.iter().filter(|it| clear(&it.span)).cloned().collect();
            let found: Vec<_> = self.strict.iter().filter(|it| clear(&it.span)).cloned().collect();
            self.named(&slot.name, &linked, &found);
        }
    }

    /// What the network marks and no rule has seen: the value is still read by rule, now leniently, and a text
    /// is taken as it stands where the action asks for it.
    pub(super) fn tagged(&mut self, action: Option<&Action>, tagged: &[Tagged]) {
        let is_wanted = |name: &String| {
            action.is_some_and(|it| it.slots.contains(name) || it.optional.contains(name))
        };
        for tag in tagged.iter().filter(|it| it.probability >= MARKED) {
            let is_seen = |it: &Slot| overlaps(self.text, it, &tag.span);
            if self.slots.iter().any(is_seen) {
                continue;
            }
            match self.catalogue.slot(&tag.slot).map(|it| &it.kind) {
                Some(SlotKind::Value(kind)) => {
                    let within = |it: &Found| mostly_within(&it.span, &tag.span);
                    if let Some(found) = self.lenient(*kind).into_iter().find(within) {
                        self.value(&tag.slot, found);
                    }
                }
                Some(SlotKind::Entity(kind)) => {
                    let link = self.by_attribute(kind, IMPLIED_CHARS);
                    if let Some(link) = link.filter(|it| mostly_within(&it.span, &tag.span)) {
                        self.entities(&tag.slot, kind, &[link]);
                    }
                }
                Some(SlotKind::Text) if is_wanted(&tag.slot) => {
                    let said = bare(self.text.raw_slice(tag.span.clone())).to_owned();
                    if !said.is_empty() {
                        self.push(&tag.slot, tag.span.clone(), Value::Text(said));
                    }
                }
                Some(SlotKind::Text) | None => {}
            }
        }
    }

    /// What was said for one slot.
    fn named(&mut self, name: &str, linked: &[Linked], found: &[Found]) {
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

    /// A thing by its name, or else by a number of it that was said in at least `chars` characters.
    fn entity(&mut self, name: &str, kind: &str, linked: &[Linked], chars: usize) {
        if linked.iter().any(|it| it.kind == kind) {
            self.entities(name, kind, linked);
        } else if let Some(link) = self.by_attribute(kind, chars) {
            self.entities(name, kind, &[link]);
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

    pub(super) fn value(&mut self, name: &str, found: Found) {
        let kind = format!("{:?}", found.value.kind());
        if self.take(&kind, found.span.start) {
            self.push(name, found.span, Value::Plain(found.value));
        }
    }

    /// Whether words of this kind at this place are still free; takes them.
    fn take(&mut self, kind: &str, at: usize) -> bool {
        self.taken.insert((kind.into(), at))
    }

    fn push(&mut self, name: &str, span: Range<usize>, value: Value) {
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

/// Whether more than half of a span lies in another.
fn mostly_within(span: &Range<usize>, other: &Range<usize>) -> bool {
    let shared = span.end.min(other.end).saturating_sub(span.start.max(other.start));
    shared * 2 > span.len()
}

/// Whether a slot's words and a span of the normalised text share a character.
fn overlaps(text: &Text, slot: &Slot, span: &Range<usize>) -> bool {
    let raw = text.to_raw(span.clone());
    slot.start < raw.end && raw.start < slot.end
}

/// A text that was asked for without what leads up to it: "呃我家在光明小区" is 光明小区.
fn bare(said: &str) -> &str {
    let mut rest = said;
    loop {
        let before = rest;
        rest = rest.trim_matches(|c: char| c.is_whitespace() || "，。,.、：:".contains(c));
        for word in FILLING.iter().chain(LEADING) {
            rest = rest.strip_prefix(word).unwrap_or(rest);
        }
        if rest == before {
            return rest;
        }
    }
}
