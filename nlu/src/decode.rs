//! Pure: scores of a network's heads -> what they mean.
//!
//! It leaves out which words the scores belong to (`tokens`) and what follows from a span (`dialog`).

use std::ops::Range;

use crate::{Tagged, head::softmax};

/// The tag of tokens that belong to no slot.
const OUTSIDE: &str = "O";

/// Which slots the tokens of an utterance belong to.
///
/// `tags` names the scores: "O", then "B-SLOT" for the first token of a slot and "I-SLOT" for those that
/// follow. `scores` is row-major, `[tokens, tags]`; `places` are the characters each token stands for,
/// empty for one that stands for none. An inside without a beginning begins a slot all the same.
///
/// # Panics
/// When there are not as many rows as places.
pub fn spans(tags: &[String], scores: &[f32], places: &[Range<usize>]) -> Vec<Tagged> {
    assert_eq!(scores.len(), tags.len() * places.len(), "a row of scores for each token");
    let mut found: Vec<(Tagged, f32)> = Vec::new();
    let mut is_open = false;
    for (row, place) in scores.chunks_exact(tags.len().max(1)).zip(places) {
        let (tag, sure) = most_probable(row);
        let (Some((part, slot)), false) = (tags[tag].split_once('-'), place.is_empty()) else {
            // What stands for no character, as the begin mark, ends nothing.
            is_open &= place.is_empty();
            continue;
        };
        match found.last_mut() {
            Some((last, tokens)) if is_open && part == "I" && last.slot == slot => {
                last.span.end = place.end;
                last.probability += sure;
                *tokens += 1.0;
            }
            _ => {
                let tagged =
                    Tagged { slot: slot.to_owned(), span: place.clone(), probability: sure };
                found.push((tagged, 1.0));
            }
        }
        is_open = true;
    }
    let mean = |(tagged, tokens): (Tagged, f32)| Tagged {
        probability: tagged.probability / tokens,
        ..tagged
    };
    found.into_iter().map(mean).collect()
}

/// Whether names of tags are such as [`spans`] reads.
pub(crate) fn are_tags(names: &[String]) -> bool {
    let is_part =
        |it: &String| matches!(it.split_once('-'), Some(("B" | "I", slot)) if !slot.is_empty());
    names.first().is_none_or(|it| it == OUTSIDE) && names.iter().skip(1).all(is_part)
}

/// The place of the highest score, and its probability among all.
pub(crate) fn most_probable(scores: &[f32]) -> (usize, f32) {
    let mut shares = scores.to_vec();
    softmax(&mut shares);
    let best = (0..shares.len()).max_by(|a, b| shares[*a].total_cmp(&shares[*b])).unwrap_or(0);
    (best, shares.get(best).copied().unwrap_or(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scores that say `tags` clearly, one a token.
    fn decoded(said: &[(&str, Range<usize>)]) -> Vec<(String, Range<usize>)> {
        let names = ["O", "B-month", "I-month", "B-amount", "I-amount"].map(str::to_owned);
        assert!(are_tags(&names));
        let scores: Vec<f32> = said
            .iter()
            .flat_map(|(tag, _)| names.each_ref().map(|it| if it == tag { 9.0 } else { 0.0 }))
            .collect();
        let places: Vec<_> = said.iter().map(|(_, place)| place.clone()).collect();
        let found = spans(&names, &scores, &places);
        assert!(found.iter().all(|it| it.probability > 0.99), "{found:?}");
        found.into_iter().map(|it| (it.slot, it.span)).collect()
    }

    #[test]
    fn tokens_of_a_slot_make_a_span() {
        let of = |slot: &str, span| (slot.to_owned(), span);
        let (o, month, inside) = ("O", "B-month", "I-month");
        for (said, expected) in [
            (vec![], vec![]),
            (vec![(o, 0..0), (o, 0..2)], vec![]),
            (vec![(month, 0..1), (inside, 1..3), (o, 3..4)], vec![of("month", 0..3)]),
            // Another beginning is another span, and so is another slot.
            (vec![(month, 0..2), (month, 2..4)], vec![of("month", 0..2), of("month", 2..4)]),
            (vec![(month, 0..2), ("I-amount", 2..4)], vec![of("month", 0..2), of("amount", 2..4)]),
            // An inside after nothing begins; after a gap it begins anew.
            (
                vec![(inside, 0..1), (o, 1..2), (inside, 2..3)],
                vec![of("month", 0..1), of("month", 2..3)],
            ),
            // What stands for no character is neither part nor end.
            (vec![(month, 0..1), (o, 1..1), (inside, 1..2)], vec![of("month", 0..2)]),
            (vec![(month, 1..1)], vec![]),
        ] {
            assert_eq!(decoded(&said), expected, "{said:?}");
        }
    }

    #[test]
    fn names_that_are_no_tags_are_seen() {
        let are =
            |names: &[&str]| are_tags(&names.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>());
        assert!(are(&[]) && are(&["O"]) && are(&["O", "B-x", "I-x"]));
        assert!(!are(&["B-x"]) && !are(&["O", "x"]) && !are(&["O", "B-"]));
    }
}
