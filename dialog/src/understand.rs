//! A reading of `nlu` and the catalogue -> what the customer means here.
//!
//! It links words to what the operator sells, gives values to slots, and notices what is presupposed but
//! does not exist. It is pure, and leaves out what follows from it: that is `flow`.

mod finder;
pub mod link;
mod premise;

use nlu::{Act, Reading, Refusal, Text, values};

use crate::{
    catalogue::{Action, Catalogue, SlotKind},
    domain::{Expects, OUT_OF_SCOPE, Premise, Slot, Understanding, Value},
};

use finder::{Finder, IMPLIED_CHARS};
pub use link::{Linked, Linker};

/// An intent of at least this probability is what the words want, whatever text was asked for.
const WANTS_OTHER: f32 = 0.7;

/// Words that ask instead of answering; a language's words, not an operator's.
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
];

/// Words that turn down what was asked for.
const TURNING_DOWN: &[&str] = &["不用了", "算了", "再说吧"];

/// Words are an act from this probability on.
const IS_ACT: f32 = 0.5;

/// How often wordings of an act that begin with a plain yes or no are one: 75 of the 84 in the telecom pack.
const SAID_PLAINLY: f32 = 0.89;

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
    let mut finder = Finder::new(catalogue, text, strict, today);
    match expects {
        Expects::Slot(name)
            if is_text(catalogue, name) && (aside || asks_back(text) || turns_down(text)) => {}
        Expects::Slot(name) => finder.asked(name, &linked),
        Expects::Yes { .. } | Expects::Anything => {}
    }
    finder.all(action, &linked);
    finder.tagged(action, &reading.tagged);
    let chars = match reading.act {
        Some((Act::Correct, _)) => Some(1),
        Some((Act::Deny | Act::Digits, _)) => Some(IMPLIED_CHARS),
        _ => None,
    };
    if let (Expects::Yes { .. }, Some(chars), Some(action)) = (expects, chars, action) {
        finder.corrected(action, &linked, chars);
    }
    let is_free = aside || expects == Expects::Anything;
    if let (true, None, Some(action)) = (is_free, reading.refusal, action) {
        finder.implied(action);
    }
    let wanted: &[String] = match (expects, action) {
        (Expects::Slot(name), _) => &[name.to_owned()],
        (_, Some(action)) => &action.slots,
        (_, None) => &[],
    };
    let premise = premise.or_else(|| premise::not_sold(catalogue, text, wanted, &finder.slots));
    let mut slots = finder.slots;
    if let (true, None, Some(action)) = (is_free, reading.refusal, action) {
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
        mood: reading.mood,
        act: if aside { reading.act } else { surer(reading.act, plainly(expects, reading)) },
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
    let mut finder = Finder::new(catalogue, &text, &[], today);
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

/// The act that the classifier heard, made surer where the same was said plainly.
fn surer(heard: Option<(Act, f32)>, said: Option<(Act, f32)>) -> Option<(Act, f32)> {
    match (heard, said) {
        (None, said) => said,
        (Some((act, sure)), Some((same, plain))) if act == same => Some((act, sure.max(plain))),
        (heard, _) => heard,
    }
}

/// The yes or no with which an answer to a question begins, whatever of the matter it then repeats: "对，退了
/// 吧". One that asks, or says both, is none.
fn plainly(expects: Expects<'_>, reading: &Reading) -> Option<(Act, f32)> {
    let Expects::Yes { .. } = expects else { return None };
    let said = reading.values.iter().filter_map(|it| match it.value {
        nlu::Value::YesNo(yes) => Some((yes, it.span.start)),
        _ => None,
    });
    let said: Vec<(bool, usize)> = said.collect();
    let (first, start) = *said.first()?;
    let is_plain = start == 0 && said.iter().all(|(yes, _)| *yes == first);
    let act = if first { Act::Affirm } else { Act::Deny };
    (is_plain && !asks_back(&reading.text)).then_some((act, SAID_PLAINLY))
}

/// Whether the words ask something instead of answering.
fn asks_back(text: &Text) -> bool {
    ASKING.iter().any(|word| text.normal().contains(word))
}

fn turns_down(text: &Text) -> bool {
    TURNING_DOWN.iter().any(|word| text.normal().contains(word))
}

/// Names of things say little outside an action that asks for them: "流量" is a gift when points are redeemed.
fn is_of_use(slot: &Slot, action: &Action) -> bool {
    let wants = |name: &String| *name == slot.name;
    !matches!(slot.value, Value::Entity { .. })
        || action.slots.iter().chain(&action.optional).any(wants)
}
