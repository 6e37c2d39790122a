//! Embeddings, moved to where their differences show.
//!
//! Embeddings of one language lie close together, far from zero; what tells them apart is what is left
//! when their mean is taken away. Whitening by the covariance within labels was tried and did worse.

use serde::{Deserialize, Serialize};

use super::matrix::{add_scaled, dot};

/// Where embeddings lie and how far they spread.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Space {
    mean: Vec<f32>,
    /// The root of the mean squared distance from the mean.
    spread: f32,
}

impl Space {
    /// Measures embeddings, at least one.
    pub(super) fn fit(embeddings: &[&[f32]]) -> Self {
        let mut mean = vec![0.0; embeddings[0].len()];
        let share = 1.0 / embeddings.len() as f32;
        embeddings.iter().for_each(|it| add_scaled(&mut mean, share, it));
        let off = |it: &&[f32]| it.iter().zip(&mean).map(|(x, m)| (x - m) * (x - m)).sum::<f32>();
        let spread = (embeddings.iter().map(off).sum::<f32>() * share).sqrt();
        // Where all embeddings are one, nothing is told apart, whatever the scale.
        Self { mean, spread: if spread > 1e-6 { spread } else { 1.0 } }
    }

    /// The embedding from the mean, scaled so that the usual length is `length`, and a constant one.
    pub(super) fn features(&self, embedding: &[f32], length: f32) -> Vec<f32> {
        let factor = length / self.spread;
        let moved = embedding.iter().zip(&self.mean).map(|(x, m)| (x - m) * factor);
        moved.chain([1.0]).collect()
    }

    /// Which way the embedding lies from the mean: unit length, so that a product is a cosine.
    pub(super) fn direction(&self, embedding: &[f32]) -> Vec<f32> {
        let mut moved: Vec<f32> = embedding.iter().zip(&self.mean).map(|(x, m)| x - m).collect();
        let length = dot(&moved, &moved).sqrt().max(f32::MIN_POSITIVE);
        moved.iter_mut().for_each(|it| *it /= length);
        moved
    }
}
