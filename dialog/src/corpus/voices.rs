//! Who speaks in a corpus, and how: one file is one voice.

use std::collections::BTreeMap;

use nlu::Mood;
use serde::Serialize;

use super::{Finding, Severity};
use crate::catalogue::Example;

/// How long an utterance should be, in characters.
const CHARS: std::ops::RangeInclusive<usize> = 2..=120;

/// Who speaks, and how.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Voices {
    /// Every file.
    pub files: Vec<Voice>,
    /// All of them as one.
    pub all: Share,
    /// Utterances shorter or longer than they should be.
    pub findings: Vec<Finding>,
}

/// One voice.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Voice {
    /// Its file within the pack.
    pub file: String,
    /// `train`, `dev` or `test`.
    pub split: &'static str,
    /// What it says.
    #[serde(flatten)]
    pub share: Share,
}

/// What is said, counted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Share {
    /// Utterances.
    pub lines: usize,
    /// Of them, those that want two things.
    pub doubles: usize,
    /// Of them, those that must be refused, by reason.
    pub refused: BTreeMap<&'static str, usize>,
    /// Of them, by mood; calm ones too.
    pub moods: BTreeMap<&'static str, usize>,
    /// How long they are.
    pub lengths: Lengths,
}

/// Lengths in characters without marks: the least, the quartiles by nearest rank, and the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Lengths {
    /// The shortest.
    pub least: usize,
    /// A quarter is not longer.
    pub lower: usize,
    /// Half is not longer.
    pub median: usize,
    /// Three quarters are not longer.
    pub upper: usize,
    /// The longest.
    pub most: usize,
}

pub(super) fn count(examples: &[Example]) -> Voices {
    let mut files: BTreeMap<&str, Vec<&Example>> = BTreeMap::new();
    for example in examples {
        files.entry(&example.origin.0).or_default().push(example);
    }
    let files = files.into_iter().filter_map(|(file, examples)| {
        let split = examples.first()?.split.id();
        Some(Voice { file: file.into(), split, share: Share::of(examples) })
    });
    let odd = examples.iter().filter_map(|it| {
        let chars = it.text.chars().count();
        let message = format!("{chars} characters, not {} to {}", CHARS.start(), CHARS.end());
        (!CHARS.contains(&chars)).then(|| Finding::new(Severity::Warning, message, [it]))
    });
    Voices { files: files.collect(), all: Share::of(examples), findings: odd.collect() }
}

impl Share {
    fn of<'a>(examples: impl IntoIterator<Item = &'a Example>) -> Self {
        let mut share = Self::default();
        let mut lengths = Vec::new();
        for example in examples {
            share.lines += 1;
            share.doubles += usize::from(example.also.is_some());
            if let Some(reason) = example.refusal() {
                *share.refused.entry(reason.id()).or_default() += 1;
            }
            *share.moods.entry(example.mood.id()).or_default() += 1;
            lengths.push(example.text.chars().count());
        }
        share.lengths = Lengths::of(lengths);
        share
    }

    /// Utterances of a mood.
    pub fn of_mood(&self, mood: Mood) -> usize {
        self.moods.get(mood.id()).copied().unwrap_or_default()
    }

    /// Utterances that must be refused for a reason.
    pub fn of_reason(&self, reason: nlu::Refusal) -> usize {
        self.refused.get(reason.id()).copied().unwrap_or_default()
    }
}

impl Lengths {
    fn of(mut lengths: Vec<usize>) -> Self {
        lengths.sort_unstable();
        let rank = |quarters: usize| {
            let place = (lengths.len() * quarters).div_ceil(4).saturating_sub(1);
            lengths.get(place).copied().unwrap_or_default()
        };
        Self { least: rank(0), lower: rank(1), median: rank(2), upper: rank(3), most: rank(4) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Split;

    #[test]
    fn quartiles_are_lengths_that_are_there() {
        for (lengths, expected) in [
            (vec![], [0; 5]),
            (vec![7], [7; 5]),
            (vec![4, 1, 3, 2], [1, 1, 2, 3, 4]),
            (vec![5, 4, 3, 2, 1], [1, 2, 3, 4, 5]),
        ] {
            let it = Lengths::of(lengths.clone());
            let found = [it.least, it.lower, it.median, it.upper, it.most];
            assert_eq!(found, expected, "{lengths:?}");
        }
    }

    #[test]
    fn voices_are_counted_file_by_file_and_together() {
        let example = |file: &str, label: &str, text: &str, mood| Example {
            label: label.into(),
            also: label.contains("two").then(|| "other".into()),
            text: text.into(),
            slots: Vec::new(),
            mood,
            split: if file == "b" { Split::Dev } else { Split::Train },
            origin: (file.into(), 1),
        };
        let long = "长".repeat(121);
        let found = count(&[
            example("a", "one", "查话费", Mood::Calm),
            example("a", "two", "查话费再查流量", Mood::Angry),
            example("b", "out_of_scope/noise", "呃", Mood::Calm),
            example("b", "out_of_scope/unclear", &long, Mood::Anxious),
        ]);
        let short: Vec<_> = found
            .files
            .iter()
            .map(|it| (it.file.as_str(), it.split, it.share.lines, it.share.doubles))
            .collect();
        assert_eq!(short, [("a", "train", 2, 1), ("b", "dev", 2, 0)]);
        assert_eq!(found.all.lines, 4);
        assert_eq!(found.all.refused, BTreeMap::from([("noise", 1), ("unclear", 1)]));
        assert_eq!(found.all.of_mood(Mood::Calm), 2);
        assert_eq!(found.all.of_mood(Mood::Annoyed), 0);
        let told: Vec<&str> = found.findings.iter().map(|it| it.message.as_str()).collect();
        assert_eq!(told, ["1 characters, not 2 to 120", "121 characters, not 2 to 120"]);
    }
}
