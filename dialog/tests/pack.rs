//! The pack of the repository holds what is promised, and what its writers marked is found in it.

mod telecom;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use dialog::{
    catalogue::{ActionKind, Example, SlotKind},
    corpus,
    domain::Expects,
    understand::understand,
};
use nlu::{Ranked, Reading, Text, values};
use telecom::{Telecom, pack, telecom};

/// Intents of the pack.
const INTENTS: usize = 60;

/// Utterances that every intent has at least: in all, to fit, and only to measure.
const OF_AN_INTENT: (usize, usize, usize) = (200, 150, 20);

/// Utterances that must be refused, at least.
const REFUSED: usize = 4_000;

/// Utterances that mean something we serve, at least, and voices that say them.
const SERVED: (usize, usize) = (20_000, 40);

/// Part of the utterances that is only measured, at least.
const HELD_OUT: f64 = 0.15;

/// Queries and orders, at least.
const BUSINESS_ACTIONS: usize = 40;

/// Part of the annotated words that the linker and the values must find by themselves. Writers also mark
/// other companies' goods, nicknames and holidays, which only the network's tags see.
const FOUND_AT_LEAST: f64 = 0.78;

#[test]
fn the_pack_holds_what_is_promised() {
    let catalogue = &telecom().catalogue;
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for example in catalogue.examples.iter().filter(|it| it.also.is_none()) {
        let (fitted, held_out) = counts.entry(&example.label).or_default();
        *if example.is_held_out() { held_out } else { fitted } += 1;
    }
    assert_eq!(catalogue.intents().count(), INTENTS);
    let (least, least_fitted, least_held_out) = OF_AN_INTENT;
    for intent in catalogue.intents() {
        let (fitted, held_out) = counts.get(intent.id.as_str()).copied().unwrap_or_default();
        let has = format!("{}: {fitted} + {held_out} utterances", intent.id);
        assert!(fitted + held_out >= least, "{has}");
        assert!(fitted >= least_fitted && held_out >= least_held_out, "{has}");
    }
    let refused = catalogue.examples.iter().filter(|it| it.refusal().is_some()).count();
    assert!(refused >= REFUSED, "{refused} that must be refused");
    let served: Vec<&Example> =
        catalogue.examples.iter().filter(|it| it.refusal().is_none()).collect();
    let voices: BTreeSet<&str> = served.iter().map(|it| it.origin.0.as_str()).collect();
    assert!(served.len() >= SERVED.0 && voices.len() >= SERVED.1, "{}, {voices:?}", served.len());
    let held_out = catalogue.examples.iter().filter(|it| it.is_held_out()).count();
    let share = held_out as f64 / catalogue.examples.len() as f64;
    assert!(share >= HELD_OUT, "{held_out} of {} are held out", catalogue.examples.len());
    let calls = catalogue
        .actions()
        .filter(|it| matches!(it.kind, ActionKind::Query(_) | ActionKind::Order(_)));
    assert!(calls.count() >= BUSINESS_ACTIONS, "business actions");
    let acts: BTreeSet<&str> = catalogue.acts.iter().map(|(act, _)| act.as_str()).collect();
    assert_eq!(acts.len(), nlu::Act::ALL.len() + 1, "every act and none: {acts:?}");
}

#[test]
fn nothing_is_alike_across_splits_and_no_words_have_two_labels() {
    let report = corpus::lint(&pack(), &telecom().catalogue);
    let errors: Vec<_> = report.errors().collect();
    assert!(errors.is_empty(), "`qingting check-pack` shows them as well:\n{errors:#?}");
}

/// Whether it is found where a writer marked it: as the slot itself, given the intent, or at least as a
/// value or an entry of its kind.
fn is_found(all: &Telecom, example: &Example, slot: &str, at: &Range<usize>) -> bool {
    let Telecom { catalogue, linker } = all;
    let text = Text::new(&example.text);
    let today = jiff::civil::date(2026, 11, 24);
    let found = values::find_all(&text, today);
    let mut spans: Vec<Range<usize>> = match catalogue.slot(slot).map(|it| &it.kind) {
        Some(SlotKind::Entity(kind)) => {
            linker.find(&text).into_iter().filter(|it| it.kind == *kind).map(|it| it.span).collect()
        }
        Some(SlotKind::Value(kind)) => {
            found.iter().filter(|it| it.value.kind() == *kind).map(|it| it.span.clone()).collect()
        }
        Some(SlotKind::Text) | None => return true,
    };
    spans = spans.into_iter().map(|span| text.to_raw(span)).collect();
    let reading = Reading {
        text,
        ranking: vec![Ranked { intent: example.label.clone(), probability: 0.95 }],
        in_scope: 0.95,
        refusal: None,
        act: None,
        values: found,
        tagged: Vec::new(),
        mood: None,
    };
    let heard = understand(catalogue, linker, &reading, Expects::Anything, today);
    spans.extend(heard.slots.iter().filter(|it| it.name == slot).map(|it| it.start..it.end));
    spans.iter().any(|it| mostly_the_same(it, at))
}

/// Whether two spans share at least half of what they cover together: "尾号1234" and "1234" do.
fn mostly_the_same(a: &Range<usize>, b: &Range<usize>) -> bool {
    let shared = a.end.min(b.end).saturating_sub(a.start.max(b.start));
    shared * 2 >= a.end.max(b.end) - a.start.min(b.start)
}

#[test]
fn what_writers_marked_is_found_without_a_model() {
    let all = telecom();
    let mut slots: BTreeMap<&str, (usize, Vec<String>)> = BTreeMap::new();
    for example in &all.catalogue.examples {
        for (slot, at) in &example.slots {
            if matches!(all.catalogue.slot(slot).map(|it| &it.kind), Some(SlotKind::Text) | None) {
                continue;
            }
            let words: String = example.text.chars().skip(at.start).take(at.len()).collect();
            let (count, missed) = slots.entry(slot).or_default();
            *count += 1;
            if !is_found(all, example, slot, at) {
                let (file, line) = &example.origin;
                missed.push(format!("{file}:{line}: [{words}] in {}", example.text));
            }
        }
    }
    let count: usize = slots.values().map(|(count, _)| count).sum();
    let missed: usize = slots.values().map(|(_, missed)| missed.len()).sum();
    let mut report = String::new();
    for (slot, (count, missed)) in &slots {
        report += &format!("{slot}: {} of {count} found\n", count - missed.len());
        report += &missed.iter().take(999).map(|it| format!("    {it}\n")).collect::<String>();
    }
    let share = 1.0 - missed as f64 / count as f64;
    println!("{share:.4} of {count} marked words are found\n{report}");
    assert!(count > 300, "{count} marked words");
    assert!(share >= FOUND_AT_LEAST, "{share:.3} of {count} marked words are found\n{report}");
}
