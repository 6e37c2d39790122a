//! Pure: which waiting utterances run together.
//!
//! There is no timer: whoever runs the network asks when it is free, and takes what waits. It leaves out
//! the waiting itself (`engine`).

/// How many from the head of the queue run together.
///
/// `lengths`: tokens of the waiting utterances, oldest first. All of a batch are padded to the longest
/// of them, so a batch of `n` costs `n` times the longest; it stays within `budget` padded tokens, except
/// that the oldest utterance always runs. The order is kept, so nothing starves.
pub fn take(lengths: impl IntoIterator<Item = usize>, budget: usize) -> usize {
    let mut longest = 0;
    let mut count = 0;
    for length in lengths {
        longest = longest.max(length);
        if count > 0 && longest * (count + 1) > budget {
            break;
        }
        count += 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_batch_is_what_waits_up_to_the_budget() {
        for (lengths, budget, expected) in [
            (&[][..], 512, 0),
            (&[16], 512, 1),
            (&[600], 512, 1),
            (&[16; 40], 512, 32),
            (&[16, 16, 200, 16], 512, 2),
            (&[16, 16, 100, 16], 512, 4),
            (&[5, 5], 0, 1),
        ] {
            assert_eq!(take(lengths.iter().copied(), budget), expected, "{lengths:?} in {budget}");
        }
    }

    proptest! {
        #[test]
        fn every_batch_keeps_the_budget_and_nobody_starves(
            lengths in proptest::collection::vec(1_usize..200, 0..200),
            budget in 0_usize..2_000,
        ) {
            let mut waiting = &lengths[..];
            let mut served = Vec::new();
            while !waiting.is_empty() {
                let count = take(waiting.iter().copied(), budget);
                prop_assert!(count >= 1 && count <= waiting.len());
                let (batch, rest) = waiting.split_at(count);
                let cost = |batch: &[usize]| batch.len() * batch.iter().max().unwrap_or(&0);
                prop_assert!(count == 1 || cost(batch) <= budget, "{batch:?} in {budget}");
                if let Some(next) = rest.first() {
                    let more = [batch, &[*next]].concat();
                    prop_assert!(cost(&more) > budget, "{next} would have fit {batch:?} in {budget}");
                }
                served.extend_from_slice(batch);
                waiting = rest;
            }
            prop_assert_eq!(served, lengths);
        }
    }
}
