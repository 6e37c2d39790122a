//! An encoder without a network, for tests: the same ids give the same embedding, and utterances that
//! share tokens lie near each other.

use super::{Encoded, Encoder, Error};
use crate::hash::mix;

/// Embeds n-grams of one to three tokens by hashing.
#[derive(Debug, Clone)]
pub struct Fake {
    dims: usize,
}

impl Fake {
    /// Gives embeddings of `dims` numbers, at least one.
    pub fn new(dims: usize) -> Self {
        Self { dims: dims.max(1) }
    }
}

impl Encoder for Fake {
    fn run(&mut self, batch: &[&[u32]]) -> Result<Vec<Encoded>, Error> {
        let encoded =
            |ids: &&[u32]| Encoded { embedding: embed(ids, self.dims), ..Encoded::default() };
        Ok(batch.iter().map(encoded).collect())
    }

    fn dims(&self) -> usize {
        self.dims
    }

    fn device(&self) -> &'static str {
        "cpu"
    }
}

fn embed(ids: &[u32], dims: usize) -> Vec<f32> {
    let mut sum = vec![0.0_f32; dims];
    for gram in (1..=3).flat_map(|length| ids.windows(length)) {
        let hash = gram.iter().fold(0, |hash, id| mix(hash ^ u64::from(*id)));
        sum[(hash >> 32) as usize % dims] += if hash & 1 == 0 { 1.0 } else { -1.0 };
    }
    let length = sum.iter().map(|it| it * it).sum::<f32>().sqrt();
    if length == 0.0 {
        sum[0] = 1.0;
        return sum;
    }
    sum.iter().map(|it| it / length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_shares_tokens_lies_near() {
        let near = [&[1, 2, 3, 4, 5][..], &[1, 2, 3, 4, 6], &[7, 8, 9, 10, 11], &[]];
        let found = Fake::new(64).run(&near).unwrap();
        let found: Vec<_> = found.into_iter().map(|it| it.embedding).collect();
        let cosine = |a: usize, b: usize| -> f32 {
            found[a].iter().zip(&found[b]).map(|(x, y)| x * y).sum()
        };
        assert!(cosine(0, 1) > 0.5 && cosine(0, 1) > cosine(0, 2) + 0.2, "{found:?}");
        assert!(found.iter().all(|it| (it.iter().map(|x| x * x).sum::<f32>() - 1.0).abs() < 1e-5));
    }
}
