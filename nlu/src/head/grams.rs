//! What a text looks and sounds like: n-grams of its characters and of their toneless syllables.
//!
//! They see what the embedding blurs (one character turns 开通 into 关停), and the syllables survive a
//! recogniser that writes the wrong character with the right sound. It leaves out meaning: that is the
//! embedding.

use pinyin::ToPinyin as _;
use serde::{Deserialize, Serialize};

use crate::{Text, hash::mix};

/// Hashes are cut to this many bits. 20,000 utterances have some 400,000 n-grams, of which those that occur
/// often enough are kept; with 16 bits they shared places, which cost half a point of accuracy.
const BITS: u32 = 19;
/// No place: an n-gram that was not seen in fitting.
const UNSEEN: u32 = u32::MAX;

/// Features of one text: places in ascending order, and values.
pub(super) type Sparse = Vec<(u32, f32)>;

/// How the n-grams are read and weighed.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Recipe {
    /// Length of the vector of characters' n-grams.
    pub(super) look: f32,
    /// Length of the vector of syllables' n-grams.
    pub(super) sound: f32,
    /// Examples an n-gram must occur in.
    pub(super) fewest: u32,
}

/// The n-grams seen in fitting, and how much each one says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Grams {
    recipe: Recipe,
    places: Vec<u32>,
    rarity: Vec<f32>,
}

impl Grams {
    /// Learns which n-grams there are.
    pub(super) fn fit<'a>(texts: impl Iterator<Item = &'a Text>, recipe: Recipe) -> Self {
        let mut seen = vec![0_u32; 1 << BITS];
        let mut count = 0_u32;
        for text in texts {
            count += 1;
            let mut hashes = [look(text), sound(text)].concat();
            hashes.sort_unstable();
            hashes.dedup();
            hashes.iter().for_each(|hash| seen[*hash as usize] += 1);
        }
        let mut rarity = Vec::new();
        let places = seen.iter().map(|times| {
            if *times < recipe.fewest.max(1) {
                return UNSEEN;
            }
            // Smoothed inverse document frequency, as in scikit-learn's TfidfVectorizer.
            rarity.push((f64::from(1 + count) / f64::from(1 + times)).ln() as f32 + 1.0);
            rarity.len() as u32 - 1
        });
        Self { recipe, places: places.collect(), rarity }
    }

    /// How many places there are.
    pub(super) fn width(&self) -> usize {
        self.rarity.len()
    }

    /// The features of one text.
    pub(super) fn of(&self, text: &Text) -> Sparse {
        let mut found = self.weighed(look(text), self.recipe.look);
        found.extend(self.weighed(sound(text), self.recipe.sound));
        found.sort_unstable_by_key(|(place, _)| *place);
        found.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            if same {
                kept.1 += later.1;
            }
            same
        });
        found
    }

    /// TF-IDF with logarithmic counts, scaled to `length`.
    fn weighed(&self, mut hashes: Vec<u32>, length: f32) -> Sparse {
        if length == 0.0 {
            return Vec::new();
        }
        hashes.sort_unstable();
        let mut found: Sparse = hashes
            .chunk_by(|a, b| a == b)
            .filter_map(|same| {
                let place = self.places[same[0] as usize];
                let rarity = self.rarity.get(place as usize)?;
                Some((place, (1.0 + (same.len() as f32).ln()) * rarity))
            })
            .collect();
        let norm = found.iter().map(|(_, value)| value * value).sum::<f32>().sqrt();
        found.iter_mut().for_each(|(_, value)| *value *= length / norm);
        found
    }
}

/// Hashes of the n-grams of one to three characters; where the text begins and ends counts as a
/// character, punctuation does not.
fn look(text: &Text) -> Vec<u32> {
    let bare = text.chars().iter().filter(|it| it.is_alphanumeric());
    grams(bare.map(|it| u64::from(u32::from(*it))), 1)
}

/// Hashes of the n-grams of one to three toneless syllables.
fn sound(text: &Text) -> Vec<u32> {
    let syllables = text.chars().iter().filter(|it| it.is_alphanumeric()).map(|it| {
        let plain = it.to_pinyin().map(pinyin::Pinyin::plain);
        plain.map_or(u64::from(u32::from(*it)), |syllable| {
            syllable.bytes().fold(7, |hash, byte| hash << 8 | u64::from(byte))
        })
    });
    grams(syllables, 2)
}

fn grams(signs: impl Iterator<Item = u64>, salt: u64) -> Vec<u32> {
    let edge = std::iter::once(u64::MAX);
    let signs: Vec<u64> = edge.clone().chain(signs).chain(edge).collect();
    let all = (1..=3).flat_map(|length| signs.windows(length));
    let inner = all.filter(|gram| gram.len() > 1 || gram[0] != u64::MAX);
    inner
        .map(|gram| {
            let hash = gram.iter().fold(salt, |hash, sign| mix(hash ^ sign));
            (hash >> (64 - BITS)) as u32
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grams(said: &[&str], recipe: Recipe) -> Grams {
        let texts: Vec<Text> = said.iter().map(|it| Text::new(it)).collect();
        Grams::fit(texts.iter(), recipe)
    }

    fn likeness(a: &[(u32, f32)], b: &[(u32, f32)]) -> f32 {
        let same = |(place, value): &(u32, f32)| {
            b.iter().find(|it| it.0 == *place).map_or(0.0, |it| it.1 * value)
        };
        a.iter().map(same).sum()
    }

    #[test]
    fn a_wrong_character_with_the_right_sound_is_heard() {
        let said = ["查流量", "查刘亮", "退会员"];
        let of = |recipe, it: &str| grams(&said, recipe).of(&Text::new(it));
        let look = Recipe { look: 1.0, sound: 0.0, fewest: 1 };
        let sound = Recipe { look: 0.0, sound: 1.0, fewest: 1 };
        assert!(likeness(&of(look, "查流量"), &of(look, "查刘亮")) < 0.5);
        assert!(likeness(&of(sound, "查流量"), &of(sound, "查刘亮")) > 0.99);
        assert!(likeness(&of(sound, "查流量"), &of(sound, "退会员")) < 0.01);
    }

    #[test]
    fn places_are_ascending_and_rare_or_unseen_ones_are_left_out() {
        let recipe = Recipe { look: 2.0, sound: 0.0, fewest: 2 };
        let grams = grams(&["查话费", "查话费", "退会员"], recipe);
        let found = grams.of(&Text::new("查话费，退会员"));
        assert!(found.is_sorted_by(|a, b| a.0 < b.0), "{found:?}");
        assert!(found.iter().all(|(place, _)| (*place as usize) < grams.width()), "{found:?}");
        let length: f32 = found.iter().map(|(_, value)| value * value).sum();
        assert!((length - 4.0).abs() < 1e-4, "{found:?}");
        assert!(grams.of(&Text::new("退会员")).is_empty());
        assert!(grams.of(&Text::new("")).is_empty());
    }
}
