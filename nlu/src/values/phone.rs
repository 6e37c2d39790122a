//! Phone numbers, whole or in part: "幺八六，零零零零，一二三四", "0571-87654321", "尾号1234", "186那个".
//!
//! A caller says a number in pieces with pauses, repeats ("三个八") and fillers between them; pieces are
//! put together where they make a number. A correction inside ("不对，是189") is left to the dialogue.

use std::{fmt, ops::Range};

use serde::{Deserialize, Serialize};

use super::{
    Found, Value,
    digits::{Piece, is_short_pause, pieces},
    numbers::Form,
    scene::{Scene, without_overlaps},
};

/// A phone number or a part of one. Its digits print as `***`.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Phone {
    /// Digits only, without a country code.
    pub digits: String,
    /// Which part of a number they are.
    pub part: Part,
}

/// Which part of a number was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// All of it.
    Whole,
    /// How it begins: "186那个".
    Head,
    /// How it ends: "尾号1234"; also digits whose place was not said.
    Tail,
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Phone(***, {:?})", self.part)
    }
}

impl Phone {
    pub(super) fn canonical(&self) -> String {
        match self.part {
            Part::Whole => self.digits.clone(),
            Part::Head => format!("{}*", self.digits),
            Part::Tail => format!("*{}", self.digits),
        }
    }
}

/// More digits than any number has.
const MAX_DIGITS: usize = 15;

/// Words before digits that are the end of a number, and before digits that begin one.
const TAIL_BEFORE: &[&str] = &[
    "后四位",
    "后三位",
    "后两位",
    "后五位",
    "后六位",
    "后几位",
    "边四位",
    "面四位",
    "末四位",
    "尾四位",
    "四位数",
    "尾号",
    "尾数",
    "末尾",
    "结尾",
    "尾巴",
    "收尾",
];
const HEAD_BEFORE: &[&str] = &["前三位", "前四位", "前几位", "前七位", "开头", "打头", "起头"];

/// Words before digits that are a number; of fewer digits than it has, those are how it begins.
const NUMBER_BEFORE: &[&str] = &["号码", "手机号"];
const NUMBER_LINKS: &str = "是为:,就";

/// Words after digits that say the same.
const TAIL_AFTER: &[&str] = &["结尾", "收尾", "的尾号", "做尾号", "尾号", "末尾", "煞尾"];
const HEAD_AFTER: &[&str] = &["开头", "打头", "起头", "开始的号", "号段", "头的"];

/// What may stand between such a word and the digits.
const TAIL_LINKS: &str = "是为:,呢的就叫";
const HEAD_LINKS: &str = "是为:,就";

/// Words after digits that point to a number by them.
const POINTING: &[&str] = &[
    "的那个号",
    "的那张卡",
    "的那个手机",
    "的手机",
    "的电话",
    "的号",
    "的卡",
    "那个",
    "这个",
    "那张",
    "这张",
    "那只",
    "那部",
    "那台",
    "那条",
    "那号",
    "这号",
];

/// After those, these show that the digits are a price or a size.
const PRICED: &[&str] = &[
    "套餐",
    "的套餐",
    "档",
    "包",
    "业务",
    "会员",
    "价",
    "资费",
    "月租",
    "合约",
    "流量",
    "活动",
    "宽带",
    "优惠",
];

/// Whole numbers, and parts with a word that says which.
pub(super) fn strict(scene: &Scene<'_>) -> Vec<Found> {
    let pieces = pieces(scene);
    let mut found = Vec::new();
    let mut at = 0;
    while at < pieces.len() {
        if let Some((digits, span, next)) = whole(scene, &pieces, at) {
            found.push(phone(digits, Part::Whole, span));
            at = next;
            continue;
        }
        found.extend(part(scene, &pieces, at));
        at += 1;
    }
    found
}

/// Also bare digits: three that begin a mobile number are its head, others up to six its tail.
pub(super) fn lenient(scene: &Scene<'_>) -> Vec<Found> {
    let pieces = pieces(scene);
    let taken: Vec<Found> = strict(scene);
    let mut found = Vec::new();
    let mut at = 0;
    while at < pieces.len() {
        let (digits, span, next) = joined(scene, &pieces, at, |_| true);
        let amount =
            pieces[at..next].iter().any(|it| it.is_amount && !is_pointed(scene, it.span.end));
        if let (false, Some(part)) = (amount, guess(&digits)) {
            found.push(phone(digits, part, span));
        }
        at = next;
    }
    for numeral in scene.bare().filter(|it| it.form == Form::Placed) {
        if let Some(head @ 130..=199) = numeral.whole() {
            found.push(phone(head.to_string(), Part::Head, numeral.span.clone()));
        }
    }
    without_overlaps(found, &taken)
}

fn phone(digits: String, part: Part, span: Range<usize>) -> Found {
    Found { value: Value::Phone(Phone { digits, part }), span }
}

fn guess(digits: &str) -> Option<Part> {
    let mobile = is_mobile_head(digits);
    match digits.len() {
        11 => Some(Part::Whole),
        3 | 5 | 6 | 9 | 10 if mobile => Some(Part::Head),
        7 | 8 => Some(if mobile { Part::Head } else { Part::Whole }),
        2..=6 => Some(Part::Tail),
        _ => None,
    }
}

/// Source: the Chinese numbering plan; mobile numbers begin with 13 to 19.
fn is_mobile_head(digits: &str) -> bool {
    let mut digits = digits.chars();
    digits.next() == Some('1') && digits.next().is_some_and(|c| ('3'..='9').contains(&c))
}

/// A whole number that begins with the piece at `at`: its digits, its span, and the next piece.
fn whole(scene: &Scene<'_>, pieces: &[Piece], at: usize) -> Option<(String, Range<usize>, usize)> {
    let mut best = None;
    let mut digits = String::new();
    for (next, piece) in pieces.iter().enumerate().skip(at) {
        let before = next.checked_sub(1).filter(|_| next > at).map(|it| &pieces[it]);
        let joins = before.is_none_or(|it| is_short_pause(scene, it.span.end..piece.span.start));
        if !joins || digits.len() + piece.digits.len() > MAX_DIGITS || piece.is_amount {
            break;
        }
        digits += &piece.digits;
        let number = without_country(&digits);
        let span = pieces[at].span.start..piece.span.end;
        if is_mobile(number) {
            return Some((number.to_owned(), span, next + 1));
        }
        if is_landline(number) {
            best = Some((number.to_owned(), span, next + 1));
        }
    }
    best
}

fn without_country(digits: &str) -> &str {
    let bare = digits.strip_prefix("0086").or_else(|| digits.strip_prefix("86"));
    bare.filter(|it| is_mobile(it)).unwrap_or(digits)
}

fn is_mobile(digits: &str) -> bool {
    digits.len() == 11 && digits.starts_with('1')
}

/// Source: the Chinese numbering plan; 010 and 02x take eight digits, other areas seven or eight, and
/// 400 and 800 numbers ten in all.
fn is_landline(digits: &str) -> bool {
    let second = digits.chars().nth(1);
    match (digits.starts_with('0'), second) {
        (true, Some('1' | '2')) => digits.len() == 11,
        (true, Some('3'..='9')) => matches!(digits.len(), 11 | 12),
        _ => digits.len() == 10 && (digits.starts_with("400") || digits.starts_with("800")),
    }
}

/// A part of a number that begins with the piece at `at`, where a word says which part.
fn part(scene: &Scene<'_>, pieces: &[Piece], at: usize) -> Option<Found> {
    let piece = &pieces[at];
    if let Some(start) = cue(scene, piece.span.start, TAIL_BEFORE, TAIL_LINKS) {
        let (digits, span, _) = joined(scene, pieces, at, |len| len <= 4);
        return (2..=8).contains(&digits.len()).then(|| phone(digits, Part::Tail, start..span.end));
    }
    let begins = cue(scene, piece.span.start, HEAD_BEFORE, HEAD_LINKS);
    let end = piece.span.end;
    if let Some(start) = begins.filter(|_| (2..=7).contains(&piece.digits.len())) {
        return Some(phone(piece.digits.clone(), Part::Head, start..end));
    }
    let start = piece.span.start;
    let named = cue(scene, start, NUMBER_BEFORE, NUMBER_LINKS).is_some() && !piece.is_amount;
    if named && (3..=7).contains(&piece.digits.len()) && is_mobile_head(&piece.digits) {
        let (digits, span, _) = joined(scene, pieces, at, |len| len <= 10);
        return Some(phone(digits, Part::Head, span));
    }
    let within = |most: usize| (2..=most).contains(&piece.digits.len());
    if let Some(end) = scene.any(end, HEAD_AFTER).filter(|_| within(10)) {
        return Some(phone(piece.digits.clone(), Part::Head, start..end));
    }
    if let Some(end) = scene.any(end, TAIL_AFTER).filter(|_| within(8)) {
        return Some(phone(piece.digits.clone(), Part::Tail, start..end));
    }
    let part = pointed(&piece.digits).filter(|_| is_pointed(scene, end))?;
    Some(phone(piece.digits.clone(), part, piece.span.clone()))
}

fn pointed(digits: &str) -> Option<Part> {
    match digits.len() {
        4 if ["0", "400", "800"].iter().any(|it| digits.starts_with(it)) => Some(Part::Head),
        4 => Some(Part::Tail),
        3 | 5..=7 if is_mobile_head(digits) => Some(Part::Head),
        _ => None,
    }
}

/// "那个" and the like at `at`, with no word of prices after it.
fn is_pointed(scene: &Scene<'_>, at: usize) -> bool {
    let end = scene.any(at, POINTING);
    end.is_some_and(|end| scene.any(end, PRICED).is_none())
}

/// Where a word of `cues` begins that says what the digits at `start` are.
fn cue(scene: &Scene<'_>, start: usize, cues: &[&str], links: &str) -> Option<usize> {
    let mut at = start;
    while start - at < 3 && scene.follows_one_of(at, links) {
        at -= 1;
    }
    scene.any_before(at, cues)
}

/// Pieces from `at` on put together over pauses while `fits` allows the length.
fn joined(
    scene: &Scene<'_>,
    pieces: &[Piece],
    at: usize,
    fits: impl Fn(usize) -> bool,
) -> (String, Range<usize>, usize) {
    let mut digits = pieces[at].digits.clone();
    let mut span = pieces[at].span.clone();
    let mut next = at + 1;
    while let Some(piece) = pieces.get(next) {
        let pause = is_short_pause(scene, span.end..piece.span.start);
        let len = digits.len() + piece.digits.len();
        if !pause || piece.is_amount || len > MAX_DIGITS || !fits(len) {
            break;
        }
        digits += &piece.digits;
        span.end = piece.span.end;
        next += 1;
    }
    (digits, span, next)
}

#[cfg(test)]
mod tests;
