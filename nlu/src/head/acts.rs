//! What an utterance does in the dialogue, whatever it is about.
//!
//! Most acts are two or three characters long, where an embedding says little: what was said word for
//! word in an example is known, digits are digits by definition, and only the rest is guessed.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::{
    Sample,
    classifier::{Classifier, Lesson},
    linear::softmax,
};
use crate::{Act, Ranked, Text};

/// Probability of an act that an example has word for word. Chosen, not measured: what is left is a
/// recogniser's slip, or words that mean something else after another question.
const WORD_FOR_WORD: f32 = 0.98;
/// Probability that nothing but digits are digits; the rest is a lone 一 that counts something.
const ONLY_DIGITS: f32 = 0.99;
/// An act less probable than its absence is no act.
const LEAST: f32 = 0.5;
/// How many examples of each intent stand for what is no act.
const OF_EACH_INTENT: usize = 16;
/// How much each of them counts. Of 222 acts that were left out, half as many examples with full weight
/// let 187 be found, these 192.
const INTENT_WEIGHT: f32 = 0.4;
/// An intent is an act by another name when this share of its examples is taken for one act.
const SAME: f32 = 0.5;

/// Recognises acts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Acts {
    /// The last class is no act.
    classes: Vec<Act>,
    classifier: Option<Classifier>,
    said: HashMap<String, Option<Act>>,
    /// Intents that are an act by another name, as wanting a person is.
    twins: BTreeSet<String>,
}

impl Acts {
    /// Fits to examples of acts; `others` are of intents and of what is refused, and mostly no acts.
    pub(super) fn fit(samples: &[(&Sample<'_>, Option<Act>)], others: &[&Sample<'_>]) -> Self {
        let found = |act: &Act| samples.iter().any(|(_, it)| *it == Some(*act));
        let classes: Vec<Act> = Act::ALL.into_iter().filter(found).collect();
        let said = said(samples);
        if classes.is_empty() {
            return Self { classes, classifier: None, said, twins: BTreeSet::new() };
        }
        let none = classes.len();
        let mut labels: Vec<usize> = samples
            .iter()
            .map(|(_, act)| classes.iter().position(|it| Some(*it) == *act).unwrap_or(none))
            .collect();
        let mut all: Vec<&Sample<'_>> = samples.iter().map(|(sample, _)| *sample).collect();
        let mut weights = vec![1.0; all.len()];
        let first = fit(&all, &labels, &weights, none + 1);
        let (quiet, twins) = silent(&first, others, none);
        weights.extend(quiet.iter().map(|_| INTENT_WEIGHT));
        labels.extend(quiet.iter().map(|_| none));
        all.extend(quiet);
        let classifier = Some(fit(&all, &labels, &weights, none + 1));
        Self { classes, classifier, said, twins }
    }

    /// The act of an utterance with its probability, at least [`LEAST`].
    ///
    /// A guess that is less probable than `intent`, the first intent, is none: 取消呼转 asks for something
    /// and breaks nothing off.
    pub(super) fn of(&self, text: &Text, embedding: &[f32], intent: &Ranked) -> Option<(Act, f32)> {
        if is_digits(text) {
            return Some((Act::Digits, ONLY_DIGITS));
        }
        if let Some(act) = self.said.get(&bare(text)) {
            return act.map(|act| (act, WORD_FOR_WORD));
        }
        let mut scores = self.classifier.as_ref()?.scores(text, embedding);
        softmax(&mut scores);
        let acts = self.classes.iter().zip(scores);
        let (act, probability) = acts.max_by(|a, b| a.1.total_cmp(&b.1))?;
        let rival = if self.twins.contains(&intent.intent) { 0.0 } else { intent.probability };
        (probability >= rival.max(LEAST)).then_some((*act, probability))
    }
}

fn fit(samples: &[&Sample<'_>], labels: &[usize], weights: &[f32], classes: usize) -> Classifier {
    let lesson = Lesson {
        samples: samples.to_vec(),
        labels: labels.to_vec(),
        weights: weights.to_vec(),
        classes,
    };
    Classifier::fit(&lesson, classes).0
}

/// Some examples of each intent, but for those that are an act by another name, and the names of those.
fn silent<'a>(
    first: &Classifier,
    others: &[&'a Sample<'a>],
    none: usize,
) -> (Vec<&'a Sample<'a>>, BTreeSet<String>) {
    let mut by_label: BTreeMap<&str, Vec<&'a Sample<'a>>> = BTreeMap::new();
    others.iter().for_each(|it| by_label.entry(it.label).or_default().push(it));
    let (mut quiet, mut twins) = (Vec::new(), BTreeSet::new());
    for (label, samples) in by_label {
        let stride = samples.len().div_ceil(OF_EACH_INTENT);
        let some: Vec<&Sample<'_>> = samples.into_iter().step_by(stride).collect();
        let mut taken = vec![0.0; none + 1];
        for sample in &some {
            let scores = first.scores(sample.text, sample.embedding);
            let top = (0..=none).max_by(|a, b| scores[*a].total_cmp(&scores[*b]));
            taken[top.unwrap_or(none)] += 1.0 / some.len() as f32;
        }
        if taken[..none].iter().any(|share| *share > SAME) {
            twins.insert(label.to_owned());
        } else {
            quiet.extend(some);
        }
    }
    (quiet, twins)
}

/// What is said word for word, where all examples agree on it.
fn said(samples: &[(&Sample<'_>, Option<Act>)]) -> HashMap<String, Option<Act>> {
    let mut found: HashMap<String, Vec<Option<Act>>> = HashMap::new();
    for (sample, act) in samples {
        found.entry(bare(sample.text)).or_default().push(*act);
    }
    found.retain(|words, acts| !words.is_empty() && acts.iter().all(|it| *it == acts[0]));
    found.into_iter().map(|(words, acts)| (words, acts[0])).collect()
}

/// The words without punctuation, and without hesitation unless there is nothing else.
fn bare(text: &Text) -> String {
    let is_filler = |place: &usize| text.fillers().iter().any(|it| it.contains(place));
    let letters = || text.chars().iter().enumerate().filter(|(_, it)| it.is_alphanumeric());
    let words: String =
        letters().filter(|(place, _)| !is_filler(place)).map(|(_, it)| it).collect();
    if words.is_empty() { letters().map(|(_, it)| it).collect() } else { words }
}

/// Whether nothing but digits is said, as on a keypad or over the phone.
fn is_digits(text: &Text) -> bool {
    let words = bare(text);
    !words.is_empty()
        && words.chars().all(|it| it.is_ascii_digit() || "零〇一二三四五六七八九幺".contains(it))
}
