//! Utterances that are there twice, or nearly: the same, across splits, or under other labels.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Finding, Said, Severity, names, near};
use crate::catalogue::{Example, Split};

/// What is the same or nearly so.
pub(super) struct Alike {
    pub(super) duplicates: Vec<Finding>,
    pub(super) near_duplicates: Vec<Finding>,
    pub(super) conflicts: Vec<Finding>,
}

pub(super) fn find(said: &[Said<'_>]) -> Alike {
    let (texts, groups) = by_letters(said);
    let mut found =
        Alike { duplicates: Vec::new(), near_duplicates: Vec::new(), conflicts: Vec::new() };
    for group in groups.iter().filter(|it| it.len() > 1) {
        found.same(group);
    }
    for near in near::near_pairs(&texts) {
        let both: Vec<&Example> = groups[near.a].iter().chain(&groups[near.b]).copied().collect();
        found.near(&both, near.similarity);
    }
    found
}

/// Every text that is there, in order of appearance, with the utterances that have it.
fn by_letters<'a>(said: &[Said<'a>]) -> (Vec<Vec<char>>, Vec<Vec<&'a Example>>) {
    let mut places: HashMap<&[char], usize> = HashMap::new();
    let (mut texts, mut groups) = (Vec::new(), Vec::new());
    for it in said {
        let place = *places.entry(&it.letters).or_insert_with(|| {
            texts.push(it.letters.clone());
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[place].push(it.example);
    }
    (texts, groups)
}

impl Alike {
    fn same(&mut self, group: &[&Example]) {
        let mut by_label: BTreeMap<String, Vec<&Example>> = BTreeMap::new();
        for example in group {
            by_label.entry(example.written_label()).or_default().push(example);
        }
        if by_label.len() > 1 {
            let message = format!("the same under {} labels", by_label.len());
            self.conflicts.push(Finding::new(Severity::Error, message, group.iter().copied()));
        }
        for same in by_label.into_values().filter(|it| it.len() > 1) {
            let (severity, place) = spread(&same);
            let message = format!("the same {} times {place}", same.len());
            self.duplicates.push(Finding::new(severity, message, same));
        }
    }

    fn near(&mut self, both: &[&Example], similarity: f64) {
        let labels: BTreeSet<String> = both.iter().map(|it| it.written_label()).collect();
        if labels.len() > 1 {
            let message = format!("{similarity:.3} alike under {} labels", labels.len());
            self.conflicts.push(Finding::new(Severity::Warning, message, both.iter().copied()));
        }
        let (severity, place) = spread(both);
        let message = format!("{similarity:.3} alike {place}");
        self.near_duplicates.push(Finding::new(severity, message, both.iter().copied()));
    }
}

/// Utterances that are alike make a measurement false where one is fitted and the other measured.
fn spread(examples: &[&Example]) -> (Severity, String) {
    let splits: BTreeSet<Split> = examples.iter().map(|it| it.split).collect();
    match splits.len() {
        0 | 1 => (Severity::Warning, format!("within {}", names(&splits))),
        _ => (Severity::Error, format!("across {}", names(&splits))),
    }
}

#[cfg(test)]
mod tests {
    use nlu::Mood;

    use super::*;

    /// Split, label and text of an utterance.
    type Row = (Split, &'static str, &'static str);

    fn check(rows: &[Row], duplicates: &[&str], near: &[&str], conflicts: &[&str]) {
        let examples: Vec<Example> = rows
            .iter()
            .map(|(split, label, text)| {
                let (first, also) = label.split_once('+').unwrap_or((label, ""));
                Example {
                    label: first.into(),
                    also: (!also.is_empty()).then(|| also.into()),
                    text: (*text).into(),
                    slots: Vec::new(),
                    mood: Mood::Calm,
                    split: *split,
                    origin: ("f".into(), 1),
                }
            })
            .collect();
        let said: Vec<Said<'_>> = examples.iter().map(Said::new).collect();
        let found = find(&said);
        let told = |findings: &[Finding]| -> Vec<String> {
            findings.iter().map(|it| format!("{:?}: {}", it.severity, it.message)).collect()
        };
        assert_eq!(told(&found.duplicates), duplicates, "{rows:?}");
        assert_eq!(told(&found.near_duplicates), near, "{rows:?}");
        assert_eq!(told(&found.conflicts), conflicts, "{rows:?}");
        let places = found.duplicates.iter().chain(&found.near_duplicates).chain(&found.conflicts);
        assert!(places.into_iter().all(|it| it.places.len() > 1), "{rows:?}");
    }

    #[test]
    fn what_is_the_same_but_for_punctuation_width_and_script_is_a_duplicate() {
        use Split::{Dev, Test, Train};
        check(&[(Train, "a", "查话费"), (Train, "a", "查流量")], &[], &[], &[]);
        check(
            &[
                (Train, "a", "查話費！"),
                (Train, "a", "查话费"),
                (Train, "b", "？"),
                (Train, "b", "！"),
            ],
            &["Warning: the same 2 times within train"],
            &[],
            &[],
        );
        check(
            &[(Train, "a", "查话费"), (Dev, "a", "查 话费"), (Test, "a", "查话费。")],
            &["Error: the same 3 times across train and dev and test"],
            &[],
            &[],
        );
    }

    #[test]
    fn what_is_nearly_the_same_may_not_lie_in_two_splits() {
        use Split::{Dev, Test, Train};
        let (long, longer) = ("帮我查一下这个月话费", "请帮我查一下这个月话费");
        check(
            &[(Train, "a", long), (Train, "a", longer)],
            &[],
            &["Warning: 0.952 alike within train"],
            &[],
        );
        check(
            &[(Test, "a", longer), (Dev, "a", long)],
            &[],
            &["Error: 0.952 alike across dev and test"],
            &[],
        );
        check(
            &[(Train, "a", long), (Test, "a", long), (Train, "a", longer)],
            &["Error: the same 2 times across train and test"],
            &["Error: 0.952 alike across train and test"],
            &[],
        );
    }

    #[test]
    fn the_same_words_cannot_mean_two_things() {
        use Split::{Test, Train};
        check(
            &[(Train, "a", "查话费"), (Train, "b", "查话费！"), (Train, "b", "查话费")],
            &["Warning: the same 2 times within train"],
            &[],
            &["Error: the same under 2 labels"],
        );
        check(
            &[(Train, "a", "查话费"), (Test, "a+b", "查话费")],
            &[],
            &[],
            &["Error: the same under 2 labels"],
        );
        check(
            &[(Train, "a", "帮我查一下这个月话费"), (Train, "b", "帮我查一下这个月话费吧")],
            &[],
            &["Warning: 0.952 alike within train"],
            &["Warning: 0.952 alike under 2 labels"],
        );
    }
}
