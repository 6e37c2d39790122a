//! Digits that mean nothing but themselves: "数字四二七一", "验证码 幺二三四", "三个八".
//!
//! Also the pieces that `phone` puts numbers together from: runs of digits, with repeats written out,
//! cut where the recogniser left a gap.

use std::ops::Range;

use super::{
    Found, Value,
    numbers::{Form, digit, place},
    scene::{Scene, is_pause},
};

/// Digits in a row in free speech that are copied rather than counted.
const MIN_STRICT: usize = 4;

/// Words that say digits follow.
const CUES: &[&str] = &[
    "数字",
    "验证码",
    "密码",
    "号码",
    "代码",
    "编号",
    "工号",
    "单号",
    "卡号",
    "证号",
    "编码",
    "分机",
];

/// What may stand between a cue and its digits.
const LINKS: &str = "是为:,呢的,就";

/// The most that may lie between two pieces of one number.
const MAX_GAP: usize = 6;

/// A run of digits.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub(super) digits: String,
    pub(super) span: Range<usize>,
    /// A unit follows: it counts something.
    pub(super) is_amount: bool,
}

/// Runs of at least four digits, or of two after a cue.
pub(super) fn strict(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for group in groups(scene, |gap| gap.is_empty()) {
        let read = scene.chars[group.span.clone()].contains(&'幺') && group.digits.len() >= 3;
        let cued = cue_before(scene, group.span.start).is_some() && group.digits.len() >= 2;
        if !group.is_amount && (group.digits.len() >= MIN_STRICT || cued || read) {
            found.push(Found { value: Value::Digits(group.digits), span: group.span });
        }
    }
    found
}

/// All digits, over pauses, and numerals with places as they are written ("四十二" is 42).
pub(super) fn lenient(scene: &Scene<'_>) -> Vec<Found> {
    let mut found: Vec<Found> = groups(scene, |gap| is_short_pause(scene, gap))
        .into_iter()
        .filter(|it| !it.is_amount)
        .map(|it| Found { value: Value::Digits(it.digits), span: it.span })
        .collect();
    let placed = scene.bare().filter(|it| it.form == Form::Placed);
    found.extend(placed.filter_map(|it| {
        let value = Value::Digits(it.whole()?.to_string());
        Some(Found { value, span: it.span.clone() })
    }));
    found.sort_by_key(|it| it.span.start);
    found
}

/// Where a cue for digits at `start` begins.
fn cue_before(scene: &Scene<'_>, start: usize) -> Option<usize> {
    let mut at = start;
    while start - at < 3 && scene.follows_one_of(at, LINKS) {
        at -= 1;
    }
    scene.any_before(at, CUES)
}

/// Pieces joined where `joins` says so of the gap between them.
fn groups(scene: &Scene<'_>, joins: impl Fn(Range<usize>) -> bool) -> Vec<Piece> {
    let mut groups: Vec<Piece> = Vec::new();
    for piece in pieces(scene) {
        match groups.last_mut().filter(|it| joins(it.span.end..piece.span.start)) {
            Some(last) if !last.is_amount => {
                last.digits += &piece.digits;
                last.span.end = piece.span.end;
                last.is_amount = piece.is_amount;
            }
            _ => groups.push(piece),
        }
    }
    groups
}

/// Whether a gap between pieces is only punctuation and fillers.
pub(super) fn is_short_pause(scene: &Scene<'_>, gap: Range<usize>) -> bool {
    let filled = |at: usize| {
        let fillers = scene.text.fillers();
        let before = fillers.partition_point(|it| it.start <= at);
        before > 0 && fillers[before - 1].contains(&at)
    };
    let silent = |at: usize| is_pause(scene.chars[at]) || "嗯啊呃".contains(scene.chars[at]);
    gap.len() <= MAX_GAP && gap.into_iter().all(|at| silent(at) || filled(at))
}

/// All runs of digits that are read out, in order.
pub(super) fn pieces(scene: &Scene<'_>) -> Vec<Piece> {
    let counts = counting(scene);
    let mut pieces: Vec<Piece> = Vec::new();
    let mut at = 0;
    while at < scene.chars.len() {
        let Some((digits, end)) = read(scene, at, &counts) else {
            at += 1;
            continue;
        };
        let gap = scene.text.is_gap_before(at);
        match pieces.last_mut().filter(|it| it.span.end == at && !gap) {
            Some(last) => {
                last.digits += &digits;
                last.span.end = end;
            }
            None => pieces.push(Piece { digits, span: at..end, is_amount: false }),
        }
        at = end;
    }
    for piece in &mut pieces {
        piece.is_amount = is_amount(scene, &piece.span);
    }
    pieces
}

/// One digit, or a repeat written out, and where it ends.
fn read(scene: &Scene<'_>, at: usize, counts: &[bool]) -> Option<(String, usize)> {
    repeated(scene, at).or_else(|| {
        let it = digit(scene.at(at)?).filter(|_| !counts[at])?;
        Some((it.to_string(), at + 1))
    })
}

/// "三个八" is 888, "仨零" 000.
fn repeated(scene: &Scene<'_>, at: usize) -> Option<(String, usize)> {
    let (times, from) = match scene.at(at)? {
        '俩' => (2, at + 1),
        '仨' => (3, at + 1),
        '两' => (2, scene.word(at + 1, "个")?),
        c => (digit(c).filter(|it| (2..=9).contains(it))?, scene.word(at + 1, "个")?),
    };
    let said = scene.at(from).filter(|c| *c != '两')?;
    let next = scene.at(from + 1);
    let counts = next.is_some_and(|c| place(c).is_some() || c == '点' || c == '半');
    let unit = scene.is_unit(from + 1)
        && !scene.is_one_of(from + 1, "号位")
        && repeated_next(scene, from + 1);
    let it = digit(said).filter(|_| !counts && !unit)?;
    let times = usize::try_from(times).ok()?;
    Some((it.to_string().repeat(times), from + 1))
}

/// A unit after a repeat counts the repeat, unless the last digit begins a repeat of its own.
fn repeated_next(scene: &Scene<'_>, at: usize) -> bool {
    let own = scene.at(at) == Some('个') && scene.at(at + 1).and_then(digit).is_some();
    !own
}

/// Which characters belong to numerals that count by places.
fn counting(scene: &Scene<'_>) -> Vec<bool> {
    let mut counts = vec![false; scene.chars.len()];
    for numeral in &scene.numerals {
        let said = &scene.chars[numeral.span.clone()];
        if said.iter().any(|c| place(*c).is_some() || *c == '点') {
            counts[numeral.span.clone()].fill(true);
        }
    }
    counts
}

fn is_amount(scene: &Scene<'_>, span: &Range<usize>) -> bool {
    let after = scene.is_unit(span.end) && !scene.is_one_of(span.end, "号位机");
    let placed = scene.at(span.end).is_some_and(|c| place(c).is_some());
    after || placed || scene.follows_one_of(span.start, "¥第")
}

#[cfg(test)]
mod tests;
