//! How near an utterance lies to the examples, by the angle between embeddings.

use super::{
    Sample, jobs,
    matrix::{add_product, dot, padded, transposed},
    space::Space,
};

/// Examples whose cosines are averaged, so that one odd example does not decide.
const FEW: usize = 3;
/// Utterances whose cosines to all examples are computed together.
const BLOCK: usize = 128;
/// Below every cosine: nothing is there to be near to.
const NOTHING: f32 = -1.0;

/// All examples, each with its class.
#[derive(Debug, Clone)]
pub(super) struct Near {
    /// `[examples, dims]`, unit length.
    directions: Vec<f32>,
    dims: usize,
    classes: Vec<usize>,
    /// Classes from here on are refused.
    open: usize,
}

/// What lies near. Cosines, -1 to 1; -1 where there is nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sight {
    /// The nearest in-scope example.
    pub(super) open: f32,
    /// The mean of the three nearest in-scope examples.
    pub(super) few: f32,
    /// The nearest refused example.
    pub(super) refused: f32,
    /// The nearest example of the class that was guessed.
    pub(super) guessed: f32,
}

impl Near {
    /// Keeps all examples.
    pub(super) fn new(
        space: &Space,
        samples: &[&Sample<'_>],
        classes: &[usize],
        open: usize,
    ) -> Self {
        Self {
            directions: samples.iter().flat_map(|it| space.direction(it.embedding)).collect(),
            dims: samples[0].embedding.len(),
            classes: classes.to_vec(),
            open,
        }
    }

    /// What lies near a direction of unit length, when `guess` was guessed.
    pub(super) fn see(&self, direction: &[f32], guess: usize) -> Sight {
        let cosines = self.directions.chunks_exact(self.dims).map(|it| dot(it, direction));
        self.sight(cosines.zip(0..), guess)
    }

    /// What lies near each example among those of other folds.
    pub(super) fn unseen(&self, guesses: &[usize], folds: &[usize]) -> Vec<Sight> {
        let count = self.classes.len();
        let width = padded(count);
        let mut by_dimension = vec![0.0; self.dims * width];
        for (row, all) in by_dimension
            .chunks_exact_mut(width)
            .zip(transposed(&self.directions, self.dims).chunks_exact(count))
        {
            row[..count].copy_from_slice(all);
        }
        let blocks = jobs::run(count.div_ceil(BLOCK), |block| {
            let numbers = block * BLOCK..count.min((block + 1) * BLOCK);
            let some = &self.directions[numbers.start * self.dims..numbers.end * self.dims];
            let mut cosines = vec![0.0; numbers.len() * width];
            let some = transposed(some, self.dims);
            add_product(&some, &by_dimension, &mut cosines, numbers.len(), width);
            let see = |(number, row): (usize, &[f32])| {
                let others = row.iter().copied().zip(0..count);
                let others = others.filter(|(_, it)| folds[*it] != folds[number]);
                self.sight(others, guesses[number])
            };
            numbers.zip(cosines.chunks_exact(width)).map(see).collect::<Vec<_>>()
        });
        blocks.concat()
    }

    fn sight(&self, cosines: impl Iterator<Item = (f32, usize)>, guess: usize) -> Sight {
        let mut top = [NOTHING; FEW];
        let (mut refused, mut guessed) = (NOTHING, NOTHING);
        for (cosine, example) in cosines {
            let class = self.classes[example];
            if class == guess {
                guessed = guessed.max(cosine);
            }
            if class >= self.open {
                refused = refused.max(cosine);
            } else if cosine > top[FEW - 1] {
                top[FEW - 1] = cosine;
                top.sort_unstable_by(|a, b| b.total_cmp(a));
            }
        }
        Sight { open: top[0], few: top.iter().sum::<f32>() / FEW as f32, refused, guessed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Text;

    #[test]
    fn an_unseen_example_sees_what_a_new_utterance_would_see_without_its_fold() {
        let text = Text::new("话费");
        let count = 150;
        let embedding = |it: usize| -> Vec<f32> {
            (0..5).map(|place| ((it * 7 + place * 13) % 17) as f32 - 8.0).collect()
        };
        let embeddings: Vec<Vec<f32>> = (0..count).map(embedding).collect();
        let all: Vec<Sample<'_>> =
            embeddings.iter().map(|it| Sample { label: "", text: &text, embedding: it }).collect();
        let all: Vec<&Sample<'_>> = all.iter().collect();
        let space = Space::fit(&embeddings.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let classes: Vec<usize> = (0..count).map(|it| it % 4).collect();
        let folds: Vec<usize> = (0..count).map(|it| it % 3).collect();
        let guesses: Vec<usize> = (0..count).map(|it| it % 2).collect();
        let found = Near::new(&space, &all, &classes, 3).unseen(&guesses, &folds);
        for number in 0..count {
            let others: Vec<usize> = (0..count).filter(|it| folds[*it] != folds[number]).collect();
            let samples: Vec<&Sample<'_>> = others.iter().map(|it| all[*it]).collect();
            let kept: Vec<usize> = others.iter().map(|it| classes[*it]).collect();
            let near = Near::new(&space, &samples, &kept, 3);
            let expected = near.see(&space.direction(&embeddings[number]), guesses[number]);
            let pairs = [
                (found[number].open, expected.open),
                (found[number].few, expected.few),
                (found[number].refused, expected.refused),
                (found[number].guessed, expected.guessed),
            ];
            assert!(pairs.iter().all(|(a, b)| (a - b).abs() < 1e-4), "{number}: {pairs:?}");
        }
    }
}
