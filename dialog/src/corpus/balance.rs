//! How many utterances each intent has, and which have too few or too many beside the others.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Finding, Severity};
use crate::catalogue::{Catalogue, Split};

/// Every intent should have as many utterances of its own, in all splits together.
const LEAST: usize = 200;

/// How many utterances each intent has.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Balance {
    /// Every intent, by id.
    pub intents: Vec<Count>,
    /// The middle of their totals.
    pub median: usize,
    /// Intents below half or above twice the median, and then those below 200.
    pub findings: Vec<Finding>,
}

/// How many utterances an intent has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Its id.
    pub intent: String,
    /// Utterances of this intent alone, by split: train, dev, test.
    pub alone: [usize; 3],
    /// Utterances in which it is one of two.
    pub of_two: usize,
}

impl Count {
    /// Utterances of this intent alone, in all splits.
    pub fn total(&self) -> usize {
        self.alone.iter().sum()
    }
}

pub(super) fn count(catalogue: &Catalogue) -> Balance {
    let mut counts: BTreeMap<&str, Count> = catalogue
        .intents()
        .map(|it| (it.id.as_str(), Count { intent: it.id.clone(), alone: [0; 3], of_two: 0 }))
        .collect();
    for example in &catalogue.examples {
        let place = Split::ALL.iter().position(|it| *it == example.split);
        match (&example.also, place) {
            (Some(also), _) => {
                for intent in [&example.label, also] {
                    counts.entry(intent).and_modify(|it| it.of_two += 1);
                }
            }
            (None, Some(place)) => {
                counts.entry(&example.label).and_modify(|it| it.alone[place] += 1);
            }
            (None, None) => {}
        }
    }
    judge(counts.into_values().collect())
}

fn judge(intents: Vec<Count>) -> Balance {
    let mut totals: Vec<usize> = intents.iter().map(Count::total).collect();
    totals.sort_unstable();
    let median = totals.get(totals.len() / 2).copied().unwrap_or_default();
    let told = |it: &Count, what: String| format!("{}: {}, {what}", it.intent, it.total());
    let uneven = intents.iter().filter_map(|it| match it.total() {
        total if total * 2 < median => Some(told(it, format!("below half of the median {median}"))),
        total if total > median * 2 => Some(told(it, format!("above twice the median {median}"))),
        _ => None,
    });
    let few = intents.iter().filter(|it| it.total() < LEAST);
    let few = few.map(|it| told(it, format!("below {LEAST}")));
    let warning = |message| Finding::new(Severity::Warning, message, []);
    let findings = uneven.chain(few).map(warning).collect();
    Balance { intents, median, findings }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intents_are_held_against_the_median_and_the_least() {
        let counts: Vec<Count> = [("a", [90, 9, 1]), ("b", [99, 1, 0]), ("c", [250, 0, 1])]
            .into_iter()
            .chain([("d", [500, 0, 2]), ("e", [300, 0, 0])])
            .map(|(intent, alone)| Count { intent: intent.into(), alone, of_two: 7 })
            .collect();
        let found = judge(counts);
        assert_eq!(found.median, 251);
        let told: Vec<&str> = found.findings.iter().map(|it| it.message.as_str()).collect();
        assert_eq!(
            told,
            [
                "a: 100, below half of the median 251",
                "b: 100, below half of the median 251",
                "a: 100, below 200",
                "b: 100, below 200",
            ]
        );
        let many: Vec<Count> = [("a", 200), ("b", 200), ("c", 401)]
            .map(|(intent, of)| Count { intent: intent.into(), alone: [of, 0, 0], of_two: 0 })
            .into();
        let told: Vec<String> = judge(many).findings.into_iter().map(|it| it.message).collect();
        assert_eq!(told, ["c: 401, above twice the median 200"]);
        assert_eq!(judge(Vec::new()).findings, []);
    }
}
