//! One text and its embedding -> a calibrated probability of each label.
//!
//! Logistic regression over the embedding and the text's n-grams. The temperature is fitted to what
//! models that did not see an example said of it. It leaves out what the labels mean.

use serde::{Deserialize, Serialize};

use super::{
    Sample,
    grams::{self, Grams, Sparse},
    jobs,
    lbfgs::Stop,
    linear::{Linear, Rows, Task, softmax},
    space::Space,
};
use crate::Text;

/// Models that are fitted to see what they say of examples they did not see.
const FOLDS: usize = 3;
/// Lengths of the vectors of the embedding, of the characters' n-grams and of the syllables', with few
/// examples of a label: chosen on two writers' 970 utterances each, fitted on one and measured on the
/// other. Embedding alone 0.745 and 0.721 of the intents right, n-grams alone 0.697 and 0.680, with these
/// 0.810 and 0.760; from 5 to 14 it is flat.
const FEW: [f32; 3] = [8.0, 8.0, 3.0];
/// The same with many. Then n-grams are no longer rare, and an encoder that was trained on the examples
/// itself seems surer of them than it is of others: of the held-out voices' intents 0.916 instead of 0.891.
const MANY: [f32; 3] = [4.0, 10.0, 4.0];
/// Examples of a label that are many; in between, the lengths lie in between.
const ARE_MANY: f32 = 200.0;
/// With the lengths above, what the same measurement chose.
const PENALTY: f32 = 1.0;
/// A hundred times smaller tolerance gives the same accuracy in twice the time.
const STOP: Stop = Stop { steps: 60, tolerance: 1e-3 };
/// Where no example can be left out, because each label has but one: what was fitted with three examples
/// a label was 0.43, with fifteen 0.57.
const USUAL_TEMPERATURE: f32 = 0.4;
/// How strongly few examples are pulled towards it, in examples: five that were all guessed right would
/// else make every guess certain.
const PULL: f64 = 2.0;

/// What is to be learned: a class for each sample, and how much it counts.
pub(super) struct Lesson<'a> {
    pub(super) samples: Vec<&'a Sample<'a>>,
    pub(super) labels: Vec<usize>,
    pub(super) weights: Vec<f32>,
    pub(super) classes: usize,
}

/// A fitted classifier.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Classifier {
    space: Space,
    /// Length of the embedding's vector.
    length: f32,
    grams: Grams,
    linear: Linear,
    temperature: f32,
}

/// What was said of each sample by a model that did not see it.
pub(super) struct Unseen {
    /// Scores of all classes, sharpened by the temperature.
    pub(super) scores: Vec<Vec<f32>>,
    /// Which samples were left out together.
    pub(super) folds: Vec<usize>,
}

impl Classifier {
    /// Fits the classifier, and says what it would have said of samples it did not see.
    ///
    /// `counts` says which samples the temperature is fitted to, over the classes below `open` only.
    pub(super) fn fit(lesson: &Lesson<'_>, open: usize) -> (Self, Unseen) {
        let embeddings: Vec<&[f32]> = lesson.samples.iter().map(|it| it.embedding).collect();
        let space = Space::fit(&embeddings);
        let ([embedding, look, sound], fewest) = (lengths(lesson), fewest(lesson.samples.len()));
        let recipe = grams::Recipe { look, sound, fewest };
        let grams = Grams::fit(lesson.samples.iter().map(|it| it.text), recipe);
        let rows = rows(lesson, &space, embedding, &grams);
        let folds = folds(lesson);
        let mut fitted = jobs::run(FOLDS + 1, |number| match number {
            0 => (train(&rows, lesson, |_| true), Vec::new()),
            _ => held_out(&rows, lesson, &folds, number - 1),
        });
        let mut scores = vec![Vec::new(); lesson.samples.len()];
        for (_, found) in fitted.drain(1..) {
            found.into_iter().for_each(|(sample, found)| scores[sample] = found);
        }
        let linear = fitted.remove(0).0;
        let temperature = temperature(lesson, &scores, open);
        scores.iter_mut().flatten().for_each(|it| *it /= temperature);
        (Self { space, length: embedding, grams, linear, temperature }, Unseen { scores, folds })
    }

    /// Scores of all classes: `softmax` of them, or of some of them, is the probability.
    pub(super) fn scores(&self, text: &Text, embedding: &[f32]) -> Vec<f32> {
        let dense = self.space.features(embedding, self.length);
        let mut scores = self.linear.scores(&dense, &self.grams.of(text));
        scores.iter_mut().for_each(|it| *it /= self.temperature);
        scores
    }

    /// Where the embeddings lie that it was fitted on.
    pub(super) fn space(&self) -> &Space {
        &self.space
    }
}

/// With many examples, what occurs a few times only costs time; with few it is all there is.
fn fewest(samples: usize) -> u32 {
    (samples / 300).clamp(1, 5) as u32
}

/// Lengths of the vectors for as many examples of a label as there are.
fn lengths(lesson: &Lesson<'_>) -> [f32; 3] {
    let of_a_label = lesson.samples.len() as f32 / lesson.classes.max(1) as f32;
    let share = (of_a_label / ARE_MANY).min(1.0);
    std::array::from_fn(|it| FEW[it] + share * (MANY[it] - FEW[it]))
}

fn rows(lesson: &Lesson<'_>, space: &Space, length: f32, grams: &Grams) -> Rows {
    let dense = |it: &&Sample<'_>| space.features(it.embedding, length);
    let sparse: Vec<Sparse> = lesson.samples.iter().map(|it| grams.of(it.text)).collect();
    Rows {
        dense: lesson.samples.iter().flat_map(dense).collect(),
        dense_width: lesson.samples[0].embedding.len() + 1,
        sparse,
        sparse_width: grams.width(),
    }
}

/// Cuts the samples of each label into runs: examples come writer by writer, so that a run that was left
/// out is the nearest thing to a new speaker.
fn folds(lesson: &Lesson<'_>) -> Vec<usize> {
    let mut sizes = vec![0; lesson.classes];
    lesson.labels.iter().for_each(|label| sizes[*label] += 1);
    let mut seen = vec![0; lesson.classes];
    let place = |label: &usize| {
        seen[*label] += 1;
        // Labels with few samples begin in different folds.
        ((seen[*label] - 1) * FOLDS / sizes[*label] + label) % FOLDS
    };
    lesson.labels.iter().map(place).collect()
}

fn train(rows: &Rows, lesson: &Lesson<'_>, keep: impl Fn(usize) -> bool) -> Linear {
    let kept: Vec<usize> = (0..lesson.labels.len()).filter(|it| keep(*it)).collect();
    let labels: Vec<usize> = kept.iter().map(|it| lesson.labels[*it]).collect();
    let weights: Vec<f32> = kept.iter().map(|it| lesson.weights[*it]).collect();
    let task = Task {
        labels: &labels,
        weights: &weights,
        classes: lesson.classes,
        penalty: PENALTY,
        stop: STOP,
    };
    Linear::fit(&rows.select(&kept), &task)
}

/// What a model fitted without one fold says of that fold.
fn held_out(
    rows: &Rows,
    lesson: &Lesson<'_>,
    folds: &[usize],
    fold: usize,
) -> (Linear, Vec<(usize, Vec<f32>)>) {
    let linear = train(rows, lesson, |it| folds[it] != fold);
    let out = (0..folds.len()).filter(|it| folds[*it] == fold);
    let scores = out.map(|it| (it, linear.scores(rows.row(it), &rows.sparse[it]))).collect();
    (linear, scores)
}

/// The temperature under which the unseen samples of the first `open` classes are most probable.
///
/// Source: Guo et al., On Calibration of Modern Neural Networks (2017).
fn temperature(lesson: &Lesson<'_>, scores: &[Vec<f32>], open: usize) -> f32 {
    let mut sizes = vec![0; lesson.classes];
    lesson.labels.iter().for_each(|label| sizes[*label] += 1);
    // The only sample of a label was never seen by the model that was asked about it.
    let usable: Vec<usize> = (0..scores.len())
        .filter(|it| lesson.labels[*it] < open && sizes[lesson.labels[*it]] > 1)
        .collect();
    if usable.is_empty() || open < 2 {
        return USUAL_TEMPERATURE;
    }
    let loss = |temperature: f32| -> f64 {
        let of = |sample: &usize| {
            let mut row: Vec<f32> =
                scores[*sample][..open].iter().map(|it| it / temperature).collect();
            softmax(&mut row);
            let right = row[lesson.labels[*sample]].max(f32::MIN_POSITIVE);
            -f64::from(lesson.weights[*sample]) * f64::from(right).ln()
        };
        let off = f64::from(temperature / USUAL_TEMPERATURE).ln();
        usable.iter().map(of).sum::<f64>() + PULL * off * off
    };
    lowest(loss)
}

/// Golden-section search between 0.05 and 5 on a logarithmic scale, to half a hundredth; the loss has one
/// lowest point.
fn lowest(loss: impl Fn(f32) -> f64) -> f32 {
    const GOLDEN: f32 = 0.618_034;
    let (mut low, mut high) = (0.05_f32.ln(), 5.0_f32.ln());
    let at = |low: f32, high: f32, share: f32| low + share * (high - low);
    let (mut left, mut right) = (at(low, high, 1.0 - GOLDEN), at(low, high, GOLDEN));
    let (mut loss_left, mut loss_right) = (loss(left.exp()), loss(right.exp()));
    for _ in 0..14 {
        if loss_left < loss_right {
            (high, right, loss_right) = (right, left, loss_left);
            left = at(low, high, 1.0 - GOLDEN);
            loss_left = loss(left.exp());
        } else {
            (low, left, loss_left) = (left, right, loss_right);
            right = at(low, high, GOLDEN);
            loss_right = loss(right.exp());
        }
    }
    ((low + high) / 2.0).exp()
}
