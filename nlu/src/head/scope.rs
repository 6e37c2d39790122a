//! Whether an utterance means one of the known intents at all.
//!
//! A score of its own: a high probability among the intents says nothing of what is none of them. It is a
//! small logistic regression over how near the examples lie and how sure the classifier is, fitted to what
//! was said of unseen examples. It leaves out why an utterance is refused.

use serde::{Deserialize, Serialize};

use super::{
    lbfgs::{self, Stop},
    near::Sight,
};

/// How many signs there are.
const SIGNS: usize = 7;
/// Bounds of a logarithm of odds; beyond them a sign would drown the others.
const MOST_ODDS: f32 = 8.0;
/// The factor of half the squared weights: with signs of unit spread, next to nothing for hundreds of
/// examples and a brake for ten.
const PENALTY: f32 = 1.0;
const STOP: Stop = Stop { steps: 200, tolerance: 1e-9 };
/// Without refused examples: an utterance farther from all examples than this share of the unseen
/// examples were is as likely out of scope as in.
const FARTHEST: f32 = 0.05;
/// Without refused examples: how fast the score falls around that place, in cosine.
const SLOPE: f32 = 20.0;
/// Without refused examples and with too few to leave any out: cosines of embeddings from their mean are
/// near zero for unrelated utterances and seldom above a half for another wording.
const USUAL_FARTHEST: f32 = 0.2;

/// What speaks for and against.
pub(super) type Signs = [f32; SIGNS];

/// The signs of one utterance.
///
/// `open`: probabilities of the in-scope intents among all classes; `refused` those of the others.
pub(super) fn signs(open: &[f32], refused: &[f32], sight: &Sight) -> Signs {
    let (inside, outside) = (open.iter().sum::<f32>(), refused.iter().sum::<f32>());
    let odds = (inside.max(f32::MIN_POSITIVE) / outside.max(f32::MIN_POSITIVE)).ln();
    let share = |it: &f32| it / inside.max(f32::MIN_POSITIVE);
    let top = open.iter().map(share).fold(0.0, f32::max);
    let entropy: f32 = open.iter().map(share).map(|it| -it * it.max(f32::MIN_POSITIVE).ln()).sum();
    let odds = odds.clamp(-MOST_ODDS, MOST_ODDS);
    [odds, top.max(1e-4).ln(), entropy, sight.open, sight.few, sight.refused, sight.guessed]
}

/// A fitted score.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Scope {
    /// Weighs all signs.
    Weighed {
        /// Of each sign: mean and one over its spread.
        scales: [(f32, f32); SIGNS],
        /// Of each sign, and the constant.
        weights: Vec<f32>,
    },
    /// Nothing refused was there to learn from: only nearness counts.
    Near {
        /// The cosine of even odds.
        middle: f32,
    },
}

impl Scope {
    /// Fits the score to unseen examples: their signs, and whether they are in scope. Each refused one
    /// counts `weight` times.
    pub(super) fn fit(seen: &[(Signs, bool)], weight: f32) -> Self {
        let inside = seen.iter().filter(|(_, inside)| *inside).count();
        if inside == 0 || inside == seen.len() {
            return Self::near(seen);
        }
        let scales = std::array::from_fn(|sign| scale(seen.iter().map(|(signs, _)| signs[sign])));
        let row = |(signs, inside): &(Signs, bool)| {
            (scaled(signs, &scales), if *inside { (1.0, 1.0) } else { (0.0, weight) })
        };
        let rows: Vec<Row> = seen.iter().map(row).collect();
        let mut weights = vec![0.0; SIGNS + 1];
        lbfgs::minimise(&mut weights, STOP, |weights, gradient| loss(&rows, weights, gradient));
        Self::Weighed { scales, weights }
    }

    fn near(seen: &[(Signs, bool)]) -> Self {
        let mut nearest: Vec<f32> = seen.iter().map(|(signs, _)| signs[3]).collect();
        nearest.retain(|it| *it > -1.0);
        nearest.sort_unstable_by(f32::total_cmp);
        let place = (nearest.len() as f32 * FARTHEST) as usize;
        Self::Near { middle: *nearest.get(place).unwrap_or(&USUAL_FARTHEST) }
    }

    /// The probability of being in scope.
    pub(super) fn probability(&self, signs: &Signs) -> f32 {
        match self {
            Self::Weighed { scales, weights } => logistic(weigh(&scaled(signs, scales), weights)),
            Self::Near { middle } => logistic(SLOPE * (signs[3] - middle)),
        }
    }
}

/// Scaled signs, then whether in scope (one or zero) and how much it counts.
type Row = (Signs, (f32, f32));

/// Mean, and one over the spread.
fn scale(values: impl Iterator<Item = f32> + Clone) -> (f32, f32) {
    let count = values.clone().count() as f64;
    let mean = values.clone().map(f64::from).sum::<f64>() / count;
    let spread = (values.map(|it| (f64::from(it) - mean).powi(2)).sum::<f64>() / count).sqrt();
    (mean as f32, if spread > 1e-6 { 1.0 / spread as f32 } else { 0.0 })
}

fn scaled(signs: &Signs, scales: &[(f32, f32); SIGNS]) -> Signs {
    std::array::from_fn(|sign| (signs[sign] - scales[sign].0) * scales[sign].1)
}

fn weigh(signs: &Signs, weights: &[f32]) -> f32 {
    signs.iter().zip(weights).map(|(sign, weight)| sign * weight).sum::<f32>() + weights[SIGNS]
}

fn logistic(score: f32) -> f32 {
    1.0 / (1.0 + (-score).exp())
}

fn loss(rows: &[Row], weights: &[f32], gradient: &mut [f32]) -> f64 {
    let mut sum = 0.0;
    for (slot, weight) in gradient.iter_mut().zip(weights) {
        *slot = PENALTY * weight;
        sum += f64::from(PENALTY * weight * weight) / 2.0;
    }
    for (signs, (inside, weight)) in rows {
        let probability = logistic(weigh(signs, weights));
        let right = if *inside > 0.5 { probability } else { 1.0 - probability };
        sum -= f64::from(*weight) * f64::from(right.max(f32::MIN_POSITIVE)).ln();
        let blame = weight * (probability - inside);
        for (slot, sign) in gradient.iter_mut().zip(signs.iter().chain(&[1.0])) {
            *slot += blame * sign;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sight(open: f32, refused: f32) -> Sight {
        Sight { open, few: open - 0.1, refused, guessed: open }
    }

    #[test]
    fn the_score_learns_what_lies_inside_and_how_often() {
        let case = |it: usize| {
            let off = (it % 10) as f32 / 20.0;
            let inside = it < 100;
            let (open, refused) =
                if inside { (0.9 - off, 0.2 + off) } else { (0.2 + off, 0.9 - off) };
            (signs(&[open * 0.8], &[refused * 0.2], &sight(open, refused)), inside)
        };
        let seen: Vec<(Signs, bool)> = (0..200).map(case).collect();
        let scope = Scope::fit(&seen, 1.0);
        let inside = scope.probability(&signs(&[0.8], &[0.1], &sight(0.9, 0.2)));
        let outside = scope.probability(&signs(&[0.1], &[0.8], &sight(0.2, 0.9)));
        assert!(inside > 0.9 && outside < 0.1, "{inside} {outside}");
        let middle = signs(&[0.4], &[0.1], &sight(0.55, 0.55));
        let (even, rare) =
            (scope.probability(&middle), Scope::fit(&seen, 0.1).probability(&middle));
        assert!(rare > even, "what is refused more seldom is less probable: {rare} {even}");
    }

    #[test]
    fn without_refused_examples_only_nearness_counts() {
        let seen: Vec<(Signs, bool)> = (0..100)
            .map(|it| (signs(&[1.0], &[], &sight(0.5 + it as f32 / 200.0, -1.0)), true))
            .collect();
        let scope = Scope::fit(&seen, 1.0);
        let at = |cosine| scope.probability(&signs(&[1.0], &[], &sight(cosine, -1.0)));
        assert!(at(0.9) > 0.99 && at(0.3) < 0.05 && (at(0.525) - 0.5).abs() < 0.01);
        assert!(Scope::fit(&[], 1.0).probability(&seen[50].0) > 0.5);
    }
}
