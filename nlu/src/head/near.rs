//! How near an utterance lies to the examples, by the angle between embeddings.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

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

/// Most examples of a class that are kept. They are taken evenly from all of them, which stand writer by
/// writer; with more, a reading costs more and knows nothing new.
const OF_A_CLASS: usize = 32;

/// Examples, each with its class.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Near {
    /// `[kept, dims]`, unit length.
    directions: Vec<f32>,
    dims: usize,
    classes: Vec<usize>,
    /// Which of the examples each one is.
    numbers: Vec<usize>,
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
    /// Keeps some examples of each class.
    pub(super) fn new(
        space: &Space,
        samples: &[&Sample<'_>],
        classes: &[usize],
        open: usize,
    ) -> Self {
        let numbers = kept(classes);
        let direction = |it: &usize| space.direction(samples[*it].embedding);
        Self {
            directions: numbers.iter().flat_map(direction).collect(),
            dims: samples[0].embedding.len(),
            classes: numbers.iter().map(|it| classes[*it]).collect(),
            numbers,
            open,
        }
    }

    /// What lies near a direction of unit length, when `guess` was guessed.
    pub(super) fn see(&self, direction: &[f32], guess: usize) -> Sight {
        let cosines = self.directions.chunks_exact(self.dims).map(|it| dot(it, direction));
        self.sight(cosines.zip(0..), guess)
    }

    /// What lies near each of all examples among the kept ones of other folds.
    pub(super) fn unseen(
        &self,
        space: &Space,
        samples: &[&Sample<'_>],
        guesses: &[usize],
        folds: &[usize],
    ) -> Vec<Sight> {
        let count = self.classes.len();
        let width = padded(count);
        let mut by_dimension = vec![0.0; self.dims * width];
        for (row, all) in by_dimension
            .chunks_exact_mut(width)
            .zip(transposed(&self.directions, self.dims).chunks_exact(count))
        {
            row[..count].copy_from_slice(all);
        }
        let blocks = jobs::run(samples.len().div_ceil(BLOCK), |block| {
            let numbers = block * BLOCK..samples.len().min((block + 1) * BLOCK);
            let own = samples[numbers.clone()].iter();
            let some: Vec<f32> = own.flat_map(|it| space.direction(it.embedding)).collect();
            let mut cosines = vec![0.0; numbers.len() * width];
            let some = transposed(&some, self.dims);
            add_product(&some, &by_dimension, &mut cosines, numbers.len(), width);
            let see = |(number, row): (usize, &[f32])| {
                let others = row.iter().copied().zip(0..count);
                let others = others.filter(|(_, it)| folds[self.numbers[*it]] != folds[number]);
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

/// Which examples are kept, in order.
fn kept(classes: &[usize]) -> Vec<usize> {
    let mut by_class: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (number, class) in classes.iter().enumerate() {
        by_class.entry(*class).or_default().push(number);
    }
    let some = |numbers: &Vec<usize>| -> Vec<usize> {
        let count = numbers.len().min(OF_A_CLASS);
        (0..count).map(|it| numbers[it * numbers.len() / count]).collect()
    };
    let mut numbers: Vec<usize> = by_class.values().flat_map(some).collect();
    numbers.sort_unstable();
    numbers
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
        let near = Near::new(&space, &all, &classes, 3);
        let found = near.unseen(&space, &all, &guesses, &folds);
        assert_eq!(near.numbers.len(), 4 * OF_A_CLASS, "some of 37 or 38 are kept");
        for number in 0..count {
            let is_other = |it: &usize| folds[*it] != folds[number];
            let others: Vec<usize> = near.numbers.iter().copied().filter(is_other).collect();
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
