//! A reading of `nlu` and the catalogue -> what the customer means here.
//!
//! It links words to what the operator sells, gives values to slots, and notices what is presupposed but
//! does not exist. It is pure, and leaves out what follows from it: that is `flow`.

pub mod link;
mod premise;

use std::{collections::BTreeSet, ops::Range};

use nlu::{
    Act, Found, Reading, Refusal, Text,
    values::{self, Kind},
};

use crate::{
    catalogue::{Action, Catalogue, Entry, SlotKind},
    domain::{Expects, OUT_OF_SCOPE, Premise, Slot, Understanding, Value},
};

use serde_json::Value as Json;

pub use link::{Linked, Linker};

/// A bare number of fewer characters is not taken for an amount unless one was asked for: "按九".
const IMPLIED_CHARS: usize = 2;

/// An intent of at least this probability is what the words want, whatever text was asked for.
const WANTS_OTHER: f32 = 0.7;

/// Words that ask or turn down instead of answering; a language's words, not an operator's.
const ASKING: &[&str] = &[
    "多少钱",
    "多少",
    "什么",
    "怎么",
    "为啥",
    "干嘛",
    "哪里",
    "哪儿",
    "能不能",
    "可不可以",
    "是不是",
    "要不要",
    "有没有",
    "吗",
    "不用了",
    "算了",
    "再说吧",
];

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

/// Words are an act from this probability on.
const IS_ACT: f32 = 0.5;

/// A figure of so many digits spelled one by one is part of a number and no amount: "八零零零".
const SPELLED: usize = 4;

/// What people say while they think.
const FILLING: &[&str] = &["呃", "嗯", "啊", "哦", "那个", "就是"];

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
    let aside = is_aside(catalogue, expects, reading);
    let action = wanted(catalogue, if aside { Expects::Anything } else { expects }, reading);
    let strict = &reading.values;
    let mut finder =
        Finder { catalogue, text, strict, today, taken: BTreeSet::new(), slots: Vec::new() };
    match expects {
        Expects::Slot(name) if is_text(catalogue, name) && (aside || asks_back(text)) => {}
        Expects::Slot(name) => finder.asked(name, &linked),
        Expects::Yes { .. } | Expects::Anything => {}
    }
    finder.all(action, &linked);
    let chars = match reading.act {
        Some((Act::Correct | Act::Digits, _)) => Some(1),
        Some((Act::Deny, _)) => Some(IMPLIED_CHARS),
        _ => None,
    };
    if let (Expects::Yes { .. }, Some(chars), Some(action)) = (expects, chars, action) {
        finder.corrected(action, &linked, chars);
    }
    if let (true, None, Some(action)) =
        (aside || expects == Expects::Anything, reading.refusal, action)
    {
        finder.implied(action);
    }
    let wanted: &[String] = match (expects, action) {
        (Expects::Slot(name), _) => &[name.to_owned()],
        (_, Some(action)) => &action.slots,
        (_, None) => &[],
    };
    let premise = premise.or_else(|| premise::not_sold(catalogue, text, wanted, &finder.slots));
    let mut slots = finder.slots;
    if let (Expects::Anything, None, Some(action)) = (expects, reading.refusal, action) {
        slots.retain(|slot| is_of_use(slot, action));
    }
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
    let mut finder = Finder {
        catalogue,
        text: &text,
        strict: &[],
        today,
        taken: BTreeSet::new(),
        slots: Vec::new(),
    };
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

/// Whether the words clearly want another matter than the one in which a question stands open.
fn is_aside(catalogue: &Catalogue, expects: Expects<'_>, reading: &Reading) -> bool {
    let Some(top) = reading.ranking.first().filter(|it| it.probability >= WANTS_OTHER) else {
        return false;
    };
    let action = catalogue.intent(&top.intent).and_then(|it| catalogue.action(&it.action));
    let uses = |it: &Action, name: &str| it.slots.iter().chain(&it.optional).any(|own| own == name);
    let is_other = match (expects, action) {
        (Expects::Slot(name), Some(action)) => !uses(action, name),
        (Expects::Yes { action: asked }, Some(action)) => action.name != asked,
        (Expects::Anything, _) | (_, None) => false,
    };
    let is_act = reading.act.is_some_and(|(_, probability)| probability >= IS_ACT);
    is_other && reading.refusal.is_none() && !is_act
}

fn is_text(catalogue: &Catalogue, slot: &str) -> bool {
    matches!(catalogue.slot(slot).map(|it| &it.kind), Some(SlotKind::Text))
}

/// Whether the words ask or turn down something instead of answering.
fn asks_back(text: &Text) -> bool {
    ASKING.iter().any(|word| text.normal().contains(word))
}

/// Names of things say little outside an action that asks for them: "流量" is a gift when points are redeemed.
fn is_of_use(slot: &Slot, action: &Action) -> bool {
    let wants = |name: &String| *name == slot.name;
    !matches!(slot.value, Value::Entity { .. })
        || action.slots.iter().chain(&action.optional).any(wants)
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

/// Gives what was found to slots.
struct Finder<'a> {
    catalogue: &'a Catalogue,
    text: &'a Text,
    /// Values that free speech shows by itself.
    strict: &'a [Found],
    today: jiff::civil::Date,
    taken: BTreeSet<(String, usize)>,
    slots: Vec<Slot>,
}

impl Finder<'_> {
    /// The slot that was asked for: leniently, and before all others.
    fn asked(&mut self, name: &str, linked: &[Linked]) {
        let Some(slot) = self.catalogue.slot(name) else { return };
        match &slot.kind {
            SlotKind::Value(kind) => {
                if let Some(found) = self.lenient(*kind).into_iter().next() {
                    self.value(name, found);
                }
            }
            SlotKind::Entity(kind) => {
                if linked.iter().any(|it| it.kind == *kind) {
                    self.entities(name, kind, linked);
                } else if let Some(link) = self.by_attribute(kind, 1) {
                    self.entities(name, kind, &[link]);
                }
            }
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
    fn implied(&mut self, action: &Action) {
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
    fn corrected(&mut self, action: &Action, linked: &[Linked], chars: usize) {
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
                Some(SlotKind::Entity(_)) => self.asked(name, linked),
                Some(SlotKind::Text) | None => {}
            }
        }
    }

    /// Everything else that was named: for the wanted action's slots first, then, from words that none of
    /// them took, for the slot that is first in the catalogue among those of its kind.
    fn all(&mut self, action: Option<&Action>, linked: &[Linked]) {
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
