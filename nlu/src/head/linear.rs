//! Multinomial logistic regression over dense and sparse features, regularised by the squared length of
//! its weights.

use serde::{Deserialize, Serialize};

use super::{
    grams::Sparse,
    lbfgs::{self, Stop},
    matrix::{add_product, add_scaled, padded, transposed},
};

/// Features of many examples.
#[derive(Debug, Clone, Default)]
pub(super) struct Rows {
    /// `[examples, dense_width]`, row-major.
    pub(super) dense: Vec<f32>,
    /// Numbers of one dense row.
    pub(super) dense_width: usize,
    /// One an example.
    pub(super) sparse: Vec<Sparse>,
    /// Places that sparse rows may name.
    pub(super) sparse_width: usize,
}

impl Rows {
    /// The rows with these numbers.
    pub(super) fn select(&self, numbers: &[usize]) -> Self {
        Self {
            dense: numbers.iter().flat_map(|it| self.row(*it).iter().copied()).collect(),
            dense_width: self.dense_width,
            sparse: numbers.iter().map(|it| self.sparse[*it].clone()).collect(),
            sparse_width: self.sparse_width,
        }
    }

    /// The dense features of one example.
    pub(super) fn row(&self, number: usize) -> &[f32] {
        &self.dense[number * self.dense_width..][..self.dense_width]
    }
}

/// What is to be learned.
pub(super) struct Task<'a> {
    /// Class of each example.
    pub(super) labels: &'a [usize],
    /// How much each example counts.
    pub(super) weights: &'a [f32],
    /// How many classes there are.
    pub(super) classes: usize,
    /// The factor of half the squared length of the weights.
    pub(super) penalty: f32,
    /// When it is learned well enough.
    pub(super) stop: Stop,
}

/// A fitted regression.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Linear {
    classes: usize,
    /// `[dense_width + sparse_width, padded(classes)]`, row-major.
    weights: Vec<f32>,
    dense_width: usize,
}

impl Linear {
    /// Finds the weights.
    pub(super) fn fit(rows: &Rows, task: &Task<'_>) -> Self {
        let width = padded(task.classes);
        let mut weights = vec![0.0; (rows.dense_width + rows.sparse_width) * width];
        if task.labels.is_empty() {
            return Self { classes: task.classes, weights, dense_width: rows.dense_width };
        }
        let by_feature = transposed(&rows.dense, rows.dense_width);
        let mut scores = vec![0.0; task.labels.len() * width];
        lbfgs::minimise(&mut weights, task.stop, |weights, gradient| {
            predict(rows, &by_feature, weights, &mut scores);
            let loss = blame(task, &mut scores);
            gradient.copy_from_slice(weights);
            gradient.iter_mut().for_each(|it| *it *= task.penalty);
            learn(rows, &scores, gradient);
            let length: f64 = weights.iter().map(|it| f64::from(it * it)).sum();
            loss + f64::from(task.penalty) * length / 2.0
        });
        Self { classes: task.classes, weights, dense_width: rows.dense_width }
    }

    /// The score of every class: the logarithm of its probability, but for what all share.
    pub(super) fn scores(&self, dense: &[f32], sparse: &[(u32, f32)]) -> Vec<f32> {
        let width = padded(self.classes);
        let (head, tail) = self.weights.split_at(self.dense_width * width);
        let mut found = vec![0.0; width];
        for (value, weights) in dense.iter().zip(head.chunks_exact(width)) {
            add_scaled(&mut found, *value, weights);
        }
        for (place, value) in sparse {
            add_scaled(&mut found, *value, &tail[*place as usize * width..][..width]);
        }
        found.truncate(self.classes);
        found
    }
}

/// Writes the scores of all examples, `[examples, padded(classes)]`.
fn predict(rows: &Rows, by_feature: &[f32], weights: &[f32], scores: &mut [f32]) {
    let examples = rows.sparse.len();
    let width = scores.len() / examples;
    let (head, tail) = weights.split_at(rows.dense_width * width);
    scores.fill(0.0);
    add_product(by_feature, head, scores, examples, width);
    for (sparse, scores) in rows.sparse.iter().zip(scores.chunks_exact_mut(width)) {
        for (place, value) in sparse {
            add_scaled(scores, *value, &tail[*place as usize * width..][..width]);
        }
    }
}

/// Turns scores into what the loss changes by with each of them; returns the loss.
fn blame(task: &Task<'_>, scores: &mut [f32]) -> f64 {
    let width = padded(task.classes);
    let mut loss = 0.0;
    for (number, row) in scores.chunks_exact_mut(width).enumerate() {
        let (label, weight) = (task.labels[number], task.weights[number]);
        softmax(&mut row[..task.classes]);
        row[task.classes..].fill(0.0);
        loss -= f64::from(weight) * f64::from(row[label].max(f32::MIN_POSITIVE)).ln();
        row[label] -= 1.0;
        row.iter_mut().for_each(|it| *it *= weight);
    }
    loss
}

/// Adds what the loss changes by with each weight.
fn learn(rows: &Rows, blame: &[f32], gradient: &mut [f32]) {
    let width = blame.len() / rows.sparse.len();
    let (head, tail) = gradient.split_at_mut(rows.dense_width * width);
    add_product(&rows.dense, blame, head, rows.dense_width, width);
    for (sparse, blame) in rows.sparse.iter().zip(blame.chunks_exact(width)) {
        for (place, value) in sparse {
            add_scaled(&mut tail[*place as usize * width..][..width], *value, blame);
        }
    }
}

/// Scores -> probabilities, in place.
pub(crate) fn softmax(scores: &mut [f32]) {
    let highest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for it in scores.iter_mut() {
        *it = (*it - highest).exp();
        sum += *it;
    }
    scores.iter_mut().for_each(|it| *it /= sum);
}
