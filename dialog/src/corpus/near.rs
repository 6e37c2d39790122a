//! How alike two texts are, and all pairs that are nearly the same without comparing all with all.
//!
//! Similarity is `2 * LCS / (len a + len b)`, LCS being the length of the longest common subsequence: one
//! where the texts are the same, zero where they share no character, in order. Near is above 0.9, so of ten
//! characters one may be missing, none replaced.

use std::collections::HashMap;

/// Near is a similarity above `ABOVE.0 / ABOVE.1`.
const ABOVE: (usize, usize) = (9, 10);

/// Two texts by their places, `a < b`, and how alike they are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Near {
    /// Place of the first text.
    pub a: usize,
    /// Place of the second text.
    pub b: usize,
    /// Above 0.9, at most 1.
    pub similarity: f64,
}

/// How alike two texts are, 0 to 1; two empty ones are the same.
pub fn similarity(a: &[char], b: &[char]) -> f64 {
    match a.len() + b.len() {
        0 => 1.0,
        both => 2.0 * common(a, b) as f64 / both as f64,
    }
}

/// All pairs that are nearly the same, in order. Empty texts are like no other.
///
/// Source: the prefix filter of Chaudhuri et al. (2006) and Bayardo et al. (2007) over bags of characters,
/// which have at least as many characters in common as the longest common subsequence: two bags that share
/// `n` of their members share one of the `len - n + 1` rarest of each.
pub fn near_pairs(texts: &[Vec<char>]) -> Vec<Near> {
    let bags = bags(texts);
    let mut order: Vec<usize> = (0..texts.len()).filter(|at| !texts[*at].is_empty()).collect();
    order.sort_by_key(|at| (texts[*at].len(), *at));
    let mut index: HashMap<u32, Vec<usize>> = HashMap::new();
    let mut met: Vec<Option<usize>> = vec![None; texts.len()];
    let mut found = Vec::new();
    for at in order {
        let (text, bag) = (&texts[at], &bags[at]);
        let shortest = shortest(text.len());
        for member in &bag[..prefix(text.len(), shortest)] {
            let others = index.get(member).map_or(&[][..], Vec::as_slice);
            // Longest first: the first that is too short ends it.
            for other in others.iter().rev().copied() {
                if texts[other].len() < shortest {
                    break;
                }
                if met[other].replace(at) != Some(at) && share_enough(bag, &bags[other]) {
                    found.extend(compare(texts, at.min(other), at.max(other)));
                }
            }
        }
        for member in &bag[..prefix(text.len(), text.len())] {
            index.entry(*member).or_default().push(at);
        }
    }
    found.sort_by_key(|it| (it.a, it.b));
    found
}

fn compare(texts: &[Vec<char>], a: usize, b: usize) -> Option<Near> {
    let (left, right) = (&texts[a], &texts[b]);
    let is_near = common(left, right) >= least_common(left.len() + right.len());
    is_near.then(|| Near { a, b, similarity: similarity(left, right) })
}

/// The least common characters with which texts of `both` characters together are near.
fn least_common(both: usize) -> usize {
    both * ABOVE.0 / (2 * ABOVE.1) + 1
}

/// The shortest text that can be near one of `len` characters.
fn shortest(len: usize) -> usize {
    (1..=len).find(|other| *other >= least_common(len + other)).unwrap_or(len)
}

/// How many of its rarest characters a text of `len` shares one of with every near text that is not shorter
/// than `other`.
fn prefix(len: usize, other: usize) -> usize {
    (len + 1).saturating_sub(least_common(len + other))
}

/// Each text as its characters, rarest first, a number for each; the second 话 of a text is another
/// character than the first.
fn bags(texts: &[Vec<char>]) -> Vec<Vec<u32>> {
    let mut counts: HashMap<(char, usize), usize> = HashMap::new();
    let members: Vec<Vec<(char, usize)>> = texts.iter().map(|text| numbered(text)).collect();
    for member in members.iter().flatten() {
        *counts.entry(*member).or_default() += 1;
    }
    let mut rarest: Vec<_> = counts.into_iter().map(|(member, count)| (count, member)).collect();
    rarest.sort_unstable();
    let ranks: HashMap<(char, usize), u32> =
        rarest.into_iter().zip(0..).map(|((_, member), rank)| (member, rank)).collect();
    let ranked = |bag: &Vec<(char, usize)>| {
        let mut ranked: Vec<u32> = bag.iter().map(|member| ranks[member]).collect();
        ranked.sort_unstable();
        ranked
    };
    members.iter().map(ranked).collect()
}

/// Each character with how often it came before.
fn numbered(text: &[char]) -> Vec<(char, usize)> {
    let mut before: HashMap<char, usize> = HashMap::new();
    let number = |c: &char| {
        let count = before.entry(*c).or_default();
        *count += 1;
        (*c, *count - 1)
    };
    text.iter().map(number).collect()
}

/// Whether two bags have as many members in common as near texts need.
fn share_enough(a: &[u32], b: &[u32]) -> bool {
    let least = least_common(a.len() + b.len());
    let (mut i, mut j, mut shared) = (0, 0, 0);
    while shared < least && shared + (a.len() - i).min(b.len() - j) >= least {
        match a[i].cmp(&b[j]) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => (i, j, shared) = (i + 1, j + 1, shared + 1),
        }
    }
    shared >= least
}

/// Length of the longest common subsequence.
fn common(a: &[char], b: &[char]) -> usize {
    let mut lengths = vec![0; b.len() + 1];
    for left in a {
        let mut diagonal = 0;
        for (at, right) in b.iter().enumerate() {
            let above = lengths[at + 1];
            lengths[at + 1] = if left == right { diagonal + 1 } else { above.max(lengths[at]) };
            diagonal = above;
        }
    }
    lengths[b.len()]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chars(text: &str) -> Vec<char> {
        text.chars().collect()
    }

    #[test]
    fn texts_are_alike_by_what_they_have_in_common_in_order() {
        for (a, b, expected) in [
            ("", "", 1.0),
            ("", "查", 0.0),
            ("查话费", "查话费", 1.0),
            ("查话费", "查流量", 2.0 / 6.0),
            ("话费查", "查话费", 4.0 / 6.0),
            ("查一下话费", "查话费", 6.0 / 8.0),
            ("帮我查查话费", "帮我查话费", 10.0 / 11.0),
            ("话话话", "话费话", 4.0 / 6.0),
        ] {
            let found = similarity(&chars(a), &chars(b));
            assert!((found - expected).abs() < 1e-12, "{a} {b}: {found}");
            assert_eq!(found, similarity(&chars(b), &chars(a)), "{a} {b}");
        }
    }

    #[test]
    fn near_is_above_nine_tenths_and_not_nine_tenths() {
        let check = |texts: &[&str], expected: &[(usize, usize)]| {
            let texts: Vec<Vec<char>> = texts.iter().map(|it| chars(it)).collect();
            let found: Vec<_> = near_pairs(&texts).iter().map(|it| (it.a, it.b)).collect();
            assert_eq!(found, expected, "{texts:?}");
        };
        check(&[], &[]);
        check(&["", "", "查"], &[]);
        check(&["查", "查"], &[(0, 1)]);
        // Ten characters, one replaced: exactly 0.9.
        check(&["一二三四五六七八九十", "一二三四五六七八九百"], &[]);
        check(&["一二三四五六七八九十百", "一二三四五六七八九十千"], &[(0, 1)]);
        // One missing of ten, and of five: 18/19 and 8/9.
        check(&["一二三四五六七八九十", "一二三四五六七八九"], &[(0, 1)]);
        check(&["一二三四五", "一二三四"], &[]);
        check(
            &["一二三四五六", "一二三五六", "六五四三二一", "一二三四五六"],
            &[(0, 1), (0, 3), (1, 3)],
        );
    }

    proptest! {
        #[test]
        fn no_near_pair_is_missed_and_none_invented(
            texts in prop::collection::vec(prop::collection::vec(prop::sample::select(chars("话费查我")), 0..24), 0..40)
        ) {
            check_against_all(&texts)?;
        }

        #[test]
        fn edited_copies_are_found_as_by_comparing_all(
            text in prop::collection::vec(prop::sample::select(chars("话费查我流量套餐多少钱")), 5..60),
            edits in prop::collection::vec((0_usize..60, 0_usize..60, prop::sample::select(chars("话吧"))), 0..20)
        ) {
            let edited = edits.iter().map(|(remove, insert, c)| {
                let mut copy = text.clone();
                copy.remove(remove % copy.len());
                copy.insert(insert % (copy.len() + 1), *c);
                copy
            });
            let texts: Vec<Vec<char>> = edited.chain([text.clone()]).collect();
            check_against_all(&texts)?;
        }
    }

    fn check_against_all(texts: &[Vec<char>]) -> Result<(), TestCaseError> {
        let mut all = Vec::new();
        for b in 0..texts.len() {
            for a in 0..b {
                let alike = similarity(&texts[a], &texts[b]);
                if alike > 0.9 + 1e-9 && !texts[a].is_empty() {
                    all.push(Near { a, b, similarity: alike });
                }
            }
        }
        all.sort_by_key(|it| (it.a, it.b));
        prop_assert_eq!(near_pairs(texts), all);
        Ok(())
    }
}
