//! One text as the finders see it: its characters, its numerals, and small questions about neighbours.

use std::ops::Range;

use jiff::civil::Date;

use super::{
    Found, idioms,
    numbers::{self, Form, Numeral},
};
use crate::Text;

/// Measure words and units by their first character: what a numeral before them counts.
const UNITS: &str =
    "月号日年天个张次条台部周期时分秒折点倍遍户位级楼路线岁度公里米机第件只份层室厅站批款档名口家";

/// Units of money and data by their first character.
const PRICED: &str = "块元圆毛角兆吉gmktb%";

/// What may follow a lone numeral that answers a question.
const AFTER: &str = "吧呢啊呀的了嘛哈呗哦噢嘞咯就好行可谢";

/// What may stand before one.
const BEFORE: &str = "查看充交要就给是选存转打来办弄加付缴送约共那嗯呃啊在为说按到";

/// A text with what all finders need to know of it.
pub(super) struct Scene<'a> {
    pub(super) text: &'a Text,
    pub(super) chars: &'a [char],
    pub(super) numerals: Vec<Numeral>,
    pub(super) today: Date,
}

impl<'a> Scene<'a> {
    pub(super) fn new(text: &'a Text, today: Date) -> Self {
        let chars = text.chars();
        let idioms = idioms::find(chars);
        let mut numerals = numerals(text);
        numerals.retain(|it| !within(&idioms, &it.span) && !is_vague(chars, it.span.start));
        Self { text, chars, numerals, today }
    }

    pub(super) fn at(&self, at: usize) -> Option<char> {
        self.chars.get(at).copied()
    }

    pub(super) fn before(&self, at: usize) -> Option<char> {
        at.checked_sub(1).and_then(|at| self.at(at))
    }

    pub(super) fn is_one_of(&self, at: usize, list: &str) -> bool {
        self.at(at).is_some_and(|c| list.contains(c))
    }

    pub(super) fn follows_one_of(&self, at: usize, list: &str) -> bool {
        self.before(at).is_some_and(|c| list.contains(c))
    }

    /// Where `word` ends, if it begins at `at`.
    pub(super) fn word(&self, at: usize, word: &str) -> Option<usize> {
        let end = at + word.chars().count();
        let said = self.chars.get(at..end)?;
        said.iter().copied().eq(word.chars()).then_some(end)
    }

    /// Where the first of `words` that begins at `at` ends: list the longer before the shorter.
    pub(super) fn any(&self, at: usize, words: &[&str]) -> Option<usize> {
        words.iter().find_map(|word| self.word(at, word))
    }

    /// Where the first of `words` that ends at `at` begins.
    pub(super) fn any_before(&self, at: usize, words: &[&str]) -> Option<usize> {
        words.iter().find_map(|word| {
            let start = at.checked_sub(word.chars().count())?;
            self.word(start, word).map(|_| start)
        })
    }

    /// The numeral that begins at `at`.
    pub(super) fn numeral(&self, at: usize) -> Option<&Numeral> {
        let index = self.numerals.binary_search_by_key(&at, |it| it.span.start).ok()?;
        self.numerals.get(index)
    }

    /// The numeral that ends at `at`.
    pub(super) fn numeral_before(&self, at: usize) -> Option<&Numeral> {
        let index = self.numerals.binary_search_by_key(&at, |it| it.span.end).ok()?;
        self.numerals.get(index)
    }

    /// Where the unit of a numeral begins: after 来, 多, 几 and the like ("二十来块", "30多g").
    pub(super) fn unit_at(&self, numeral: &Numeral) -> usize {
        let end = numeral.span.end;
        let round = numeral.milli >= 10_000 && numeral.milli % 10_000 == 0;
        if round && self.is_one_of(end, "来多几余把") { end + 1 } else { end }
    }

    /// Whether speech pauses at `at`: the end, or punctuation.
    pub(super) fn is_pause(&self, at: usize) -> bool {
        self.at(at).is_none_or(is_pause)
    }

    /// Whether a measure word or a unit begins at `at`.
    pub(super) fn is_unit(&self, at: usize) -> bool {
        self.is_one_of(at, UNITS) || self.is_one_of(at, PRICED)
    }

    /// Numerals that stand alone: no unit follows and no word of theirs is around.
    pub(super) fn bare(&self) -> impl Iterator<Item = &Numeral> {
        self.numerals.iter().filter(|it| self.is_bare(it))
    }

    fn is_bare(&self, numeral: &Numeral) -> bool {
        let Range { start, end } = numeral.span;
        let end = self.unit_at(numeral).max(end);
        let glued =
            self.before(start).is_some_and(|c| c.is_ascii_alphabetic() || "之负折".contains(c));
        let joined = self.before(start).is_some_and(|c| ":/.-".contains(c))
            || self.is_one_of(end, ":/.-") && self.at(end + 1).is_some_and(|c| c.is_ascii_digit());
        let number_word = self.at(end) == Some('号') && self.at(end + 1) == Some('码');
        let unit = self.is_unit(end) && !number_word
            || self.at(end).is_some_and(|c| c.is_ascii_alphabetic());
        let alone = || {
            let before =
                start == 0 || self.is_pause(start - 1) || self.follows_one_of(start, BEFORE);
            before && (self.is_pause(end) || self.is_one_of(end, AFTER))
        };
        let lone = numeral.form == Form::One || numeral.form == Form::Half;
        !glued && !joined && !unit && (!lone || alone())
    }
}

/// All numerals; a gap between two numbers keeps them apart ("尾号1234 50块"), one between digits that
/// are spaced out one by one ("5 0 块") does not.
fn numerals(text: &Text) -> Vec<Numeral> {
    let chars = text.chars();
    let ends = (1..chars.len()).filter(|at| parts_numbers(text, *at)).chain([chars.len()]);
    let mut found = Vec::new();
    let mut start = 0;
    for end in ends {
        found.extend(numbers::scan(&chars[start..end]).into_iter().map(|mut it| {
            it.span = it.span.start + start..it.span.end + start;
            it
        }));
        start = end;
    }
    found
}

fn parts_numbers(text: &Text, at: usize) -> bool {
    let chars = text.chars();
    let (before, after) = (chars[at - 1], chars[at]);
    let numeric = |c: char| numbers::digit(c).or(numbers::place(c)).is_some();
    if !text.is_gap_before(at) || !numeric(before) || !numeric(after) {
        return false;
    }
    let is_digit = |at: usize| chars.get(at).is_some_and(|c| numbers::digit(*c).is_some());
    let back = (1..=3).take_while(|by| {
        at >= *by && is_digit(at - by) && (*by == 1 || !text.is_gap_before(at - by + 1))
    });
    let on =
        (0..3).take_while(|by| is_digit(at + by) && (*by == 0 || !text.is_gap_before(at + by)));
    let most = back.count().max(on.count());
    most >= if before.is_ascii_digit() && after.is_ascii_digit() { 2 } else { 3 }
}

/// Whether a character is a pause between words.
pub(super) fn is_pause(c: char) -> bool {
    !c.is_alphanumeric() && !" +%¥#*@&/".contains(c)
}

/// Those of `found` that share no character with any of `taken`.
pub(super) fn without_overlaps(found: Vec<Found>, taken: &[Found]) -> Vec<Found> {
    let mut spans: Vec<Range<usize>> = taken.iter().map(|it| it.span.clone()).collect();
    spans.sort_by_key(|it| it.start);
    let mut furthest = 0;
    let reach: Vec<(usize, usize)> = spans
        .into_iter()
        .map(|it| {
            furthest = furthest.max(it.end);
            (it.start, furthest)
        })
        .collect();
    let is_free = |span: &Range<usize>| {
        let before = reach.partition_point(|(start, _)| *start < span.end);
        before == 0 || reach[before - 1].1 <= span.start
    };
    found.into_iter().filter(|it| is_free(&it.span)).collect()
}

/// Whether a span lies inside one of `spans`, which are sorted by where they begin.
fn within(spans: &[Range<usize>], span: &Range<usize>) -> bool {
    let before = spans.partition_point(|it| it.start <= span.start);
    spans[..before].iter().rev().take(8).any(|it| it.end >= span.end)
}

/// "第三个" names the third and counts nothing; "几十块" is no amount.
fn is_vague(chars: &[char], at: usize) -> bool {
    let before = at.checked_sub(1).map(|at| chars[at]);
    before == Some('第') || before == Some('几') && numbers::place(chars[at]).is_some()
}
