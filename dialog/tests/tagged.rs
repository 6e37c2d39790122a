//! What the network marks becomes a slot where the catalogue has a use for it, and never twice.

mod telecom;

use std::ops::Range;

use dialog::{domain::Expects, understand::understand};
use nlu::{Mood, Ranked, Reading, Tagged, Text, values};
use telecom::{Telecom, telecom};

/// Slots of `said`, wanting `intent`, when the network marks `tags`; what a slot is said in, in characters.
fn slots(said: &str, intent: &str, tags: &[(&str, Range<usize>, f32)]) -> Vec<(String, String)> {
    let Telecom { catalogue, linker } = telecom();
    let today = jiff::civil::date(2026, 11, 24);
    let text = Text::new(said);
    let tagged = tags.iter().map(|(slot, span, probability)| Tagged {
        slot: (*slot).into(),
        span: span.clone(),
        probability: *probability,
    });
    let reading = Reading {
        values: values::find_all(&text, today),
        text,
        ranking: vec![Ranked { intent: intent.into(), probability: 0.95 }],
        in_scope: 0.95,
        refusal: None,
        act: None,
        tagged: tagged.collect(),
        mood: Some((Mood::Annoyed, 0.8)),
    };
    let heard = understand(catalogue, linker, &reading, Expects::Anything, today);
    assert_eq!(heard.mood, Some((Mood::Annoyed, 0.8)), "the mood comes through");
    heard.slots.into_iter().map(|it| (it.name, it.text)).collect()
}

#[test]
fn marked_words_become_slots_where_they_are_of_use() {
    let of = |name: &str, text: &str| vec![(name.to_owned(), text.to_owned())];
    let place: &[(&str, Range<usize>, f32)] = &[("place", 0..6, 0.9)];
    let doubtful: &[(&str, Range<usize>, f32)] = &[("place", 0..6, 0.4)];
    let said = "滨江区幸福里能不能装宽带";
    for (intent, tags, expected) in [
        ("broadband_coverage", place, of("place", "滨江区幸福里")),
        // Not sure enough, marked by nobody, and not asked for by what is wanted.
        ("broadband_coverage", doubtful, vec![]),
        ("broadband_coverage", &[], vec![]),
        ("query_points", place, vec![]),
    ] {
        assert_eq!(slots(said, intent, tags), expected, "{intent} {tags:?}");
    }
}

#[test]
fn what_the_rules_found_is_not_found_again() {
    let said = "给我充五十块";
    let alone = slots(said, "top_up", &[]);
    assert_eq!(alone, [("amount".to_owned(), "五十块".to_owned())]);
    assert_eq!(slots(said, "top_up", &[("amount", 3..5, 0.99)]), alone);
    // A mark that no value stands under, or of a slot that the catalogue lacks, is passed over.
    assert_eq!(slots(said, "top_up", &[("month", 0..2, 0.99), ("colour", 0..2, 0.99)]), alone);
}
