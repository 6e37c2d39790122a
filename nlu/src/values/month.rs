//! Months: "上个月", "十一月份", "去年十二月", "2026年3月", "本月".
//!
//! A month without a year is the latest such month not after today, because callers ask about what they
//! have been charged. A month that only begins a day (十二月三号, 上个月底) is left to `date`.

use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{
    Found, Value,
    numbers::{Form, Numeral, digit},
    scene::Scene,
};

/// A calendar month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Month {
    /// The year.
    pub year: i16,
    /// 1 to 12.
    pub month: i8,
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl Month {
    fn of(day: Date) -> Self {
        Self { year: day.year(), month: day.month() }
    }

    fn plus(self, months: i32) -> Option<Self> {
        let sum = i32::from(self.year) * 12 + i32::from(self.month) - 1 + months;
        let year = i16::try_from(sum.div_euclid(12)).ok().filter(|it| (1..=9999).contains(it))?;
        Some(Self { year, month: i8::try_from(sum.rem_euclid(12)).ok()? + 1 })
    }

    /// A day of it, if it has such a day.
    pub(super) fn day(self, day: i8) -> Option<Date> {
        Date::new(self.year, self.month, day).ok()
    }
}

/// What names a month, or a year, in a text.
pub(super) struct Reference {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) when: When,
}

/// Which month it is.
#[derive(Clone, Copy)]
pub(super) enum When {
    /// The year was said, or it counts from today.
    Fixed(Month),
    /// Only the month was said.
    Bare(i8),
}

impl When {
    fn month(self, today: Date) -> Option<Month> {
        match self {
            Self::Fixed(month) => Some(month),
            Self::Bare(month) if month <= today.month() => {
                Some(Month { year: today.year(), month })
            }
            Self::Bare(month) => Month { year: today.year(), month }.plus(-12),
        }
    }
}

/// Years counted from this one.
const YEARS: &[(&str, i16)] = &[
    ("大前年", -3),
    ("前年", -2),
    ("去年", -1),
    ("今年", 0),
    ("本年", 0),
    ("明年", 1),
    ("后年", 2),
];

/// Before a numeral these make a span of months of it: 近三月.
const SPANNING: &[&str] = &["近", "过去", "前", "后", "每", "这", "隔", "满", "未来", "连续"];

/// After 上, 下, 这 and 本 without 个 these belong to 月: 网上月租, 当月票.
const OF_MONTH: &str = "租卡票台亮饼薪";

/// Months that are named.
pub(super) fn strict(scene: &Scene<'_>) -> Vec<Found> {
    references(scene, |end| !begins_day(scene, end))
}

/// Any month that is named, and bare numbers from 1 to 12, "上个", "202603".
pub(super) fn lenient(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = references(scene, |_| true);
    for numeral in scene.bare() {
        let value =
            numeral.whole().filter(|_| !matches!(numeral.form, Form::Between | Form::Fused));
        let when = match value {
            Some(month @ 1..=12) => i8::try_from(month).ok().map(When::Bare),
            Some(long @ 190_001..=210_012) => fixed(long / 100, long % 100),
            _ => None,
        };
        push(&mut found, scene, numeral.span.start, numeral.span.end, when);
    }
    for at in 0..scene.chars.len() {
        let short = [("上上个", -2), ("上个", -1), ("这个", 0), ("当前", 0), ("下个", 1)];
        let named = short.into_iter().find_map(|(word, by)| Some((scene.word(at, word)?, by)));
        let alone = at == 0 || scene.is_pause(at - 1) || scene.follows_one_of(at, "查看要是");
        let Some((end, by)) = named.filter(|_| alone) else { continue };
        if scene.is_pause(end) || scene.is_one_of(end, "的吧呢啊呀") {
            let when = Month::of(scene.today).plus(by).map(When::Fixed);
            push(&mut found, scene, at, end, when);
        }
    }
    found.sort_by_key(|it| it.span.start);
    found.dedup_by(|after, before| after.span.start < before.span.end);
    found
}

fn references(scene: &Scene<'_>, wanted: impl Fn(usize) -> bool) -> Vec<Found> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < scene.chars.len() {
        let Some(it) = reference(scene, at) else {
            at += 1;
            continue;
        };
        at = it.end;
        if wanted(it.end) {
            let end = scene.word(it.end, "份").unwrap_or(it.end);
            push(&mut found, scene, it.start, end, Some(it.when));
        }
    }
    found
}

fn push(found: &mut Vec<Found>, scene: &Scene<'_>, start: usize, end: usize, when: Option<When>) {
    if let Some(month) = when.and_then(|it| it.month(scene.today)) {
        found.push(Found { value: Value::Month(month), span: start..end });
    }
}

/// "三号", "底", "初" follow: the month only says of which month the day is.
fn begins_day(scene: &Scene<'_>, at: usize) -> bool {
    let day = scene.numeral(at).is_some_and(|it| {
        it.whole().is_some_and(|day| day <= 31) && scene.is_one_of(it.span.end, "号日")
    });
    day || scene.is_one_of(at, "底初末") || scene.any(at, &["中旬", "上旬", "下旬"]).is_some()
}

/// What names a month at `at`.
pub(super) fn reference(scene: &Scene<'_>, at: usize) -> Option<Reference> {
    with_year(scene, at).or_else(|| written(scene, at)).or_else(|| relative(scene, at)).or_else(
        || {
            let (month, end) = named(scene, at)?;
            Some(Reference { start: at, end, when: When::Bare(month) })
        },
    )
}

/// "去年十二月", "2026年3月", "26年的三月".
fn with_year(scene: &Scene<'_>, at: usize) -> Option<Reference> {
    let (year, end) = year(scene, at)?;
    let (month, end) = named(scene, scene.word(end, "的").unwrap_or(end))?;
    Some(Reference { start: at, end, when: When::Fixed(Month { year, month }) })
}

/// What names a year at `at`, and where it ends.
pub(super) fn year(scene: &Scene<'_>, at: usize) -> Option<(i16, usize)> {
    let counted = YEARS.iter().find_map(|(word, by)| Some((scene.word(at, word)?, *by)));
    if let Some((end, by)) = counted {
        return Some((scene.today.year().checked_add(by)?, end));
    }
    let numeral = scene.numeral(at)?;
    let end = scene.word(numeral.span.end, "年")?;
    let two = numeral.span.len() == 2 && matches!(numeral.form, Form::Arabic | Form::Digits);
    let year = match numeral.whole()? {
        year @ 1900..=2100 => year,
        year @ 1..=99 if two => 2000 + year,
        _ => return None,
    };
    Some((i16::try_from(year).ok()?, end))
}

/// "三月", "11月", "元月".
fn named(scene: &Scene<'_>, at: usize) -> Option<(i8, usize)> {
    if let Some(end) = scene
        .word(at, "元月")
        .filter(|_| !scene.follows_one_of(at, "0123456789一二三四五六七八九十百"))
    {
        return Some((1, end));
    }
    let numeral = scene.numeral(at)?;
    let end = scene.word(numeral.span.end, "月")?;
    let said = scene.chars[at];
    let plain = !matches!(numeral.form, Form::Between | Form::Fused | Form::Half) && said != '两';
    let span = scene.any_before(at, SPANNING).is_some() && scene.at(end) != Some('份');
    let each = scene.follows_one_of(at, "钱块元毛") && scene.at(end) != Some('份');
    let other = each || scene.is_one_of(end, "饼嫂薪球") || plain && numeral.milli > 12_000;
    let month = numeral.whole().filter(|_| plain && !span && !other)?;
    Some((i8::try_from(month).ok()?, end))
}

/// "上个月", "上上月", "下一个月", "本月", "大上个月".
fn relative(scene: &Scene<'_>, at: usize) -> Option<Reference> {
    let big = scene.word(at, "大上个月").map(|end| (-2, end));
    let (by, end) = big.or_else(|| stepped(scene, at)).or_else(|| current(scene, at))?;
    let month = Month::of(scene.today).plus(by)?;
    Some(Reference { start: at, end, when: When::Fixed(month) })
}

fn stepped(scene: &Scene<'_>, at: usize) -> Option<(i32, usize)> {
    let c = scene.at(at).filter(|c| "上下".contains(*c))?;
    // 网上月租, 晚上下个月, 马上: the first 上 belongs to the word before.
    if scene.follows_one_of(at, "网早晚线以马路身之加") {
        return None;
    }
    let steps = scene.chars[at..].iter().take(6).take_while(|it| **it == c).count();
    let end = month_word(scene, at + steps)?;
    let by = i32::try_from(steps).ok()?;
    Some((if c == '上' { -by } else { by }, end))
}

fn current(scene: &Scene<'_>, at: usize) -> Option<(i32, usize)> {
    let end = scene.any(at, &["这", "本", "当", "此"])?;
    Some((0, month_word(scene, end)?))
}

/// "月", "个月", "一个月" at `at`, where 月 is a word of its own.
fn month_word(scene: &Scene<'_>, at: usize) -> Option<usize> {
    if let Some(end) = scene.any(at, &["个月", "一个月"]) {
        return Some(end);
    }
    scene.word(at, "月").filter(|end| !scene.is_one_of(*end, OF_MONTH))
}

/// "2026-03", "2026/3", "2026.03".
fn written(scene: &Scene<'_>, at: usize) -> Option<Reference> {
    if scene.before(at).is_some_and(|c| c.is_ascii_digit()) {
        return None;
    }
    let year = ascii(scene, at, 4)?;
    let sign = scene.at(at + 4).filter(|c| "-/.".contains(*c))?;
    let from = at + 5;
    let (month, end) = match ascii(scene, from, 2) {
        Some(month) => (month, from + 2),
        None if sign != '.' => (ascii(scene, from, 1)?, from + 1),
        None => return None,
    };
    let more = scene.at(end).is_some_and(|c| c.is_ascii_digit() || "-/.".contains(c))
        && !(scene.at(end) == Some('.') && scene.is_pause(end + 1));
    let when = fixed(year, month).filter(|_| !more && !scene.is_unit(end))?;
    Some(Reference { start: at, end, when })
}

fn fixed(year: i64, month: i64) -> Option<When> {
    let sound = (1900..=2100).contains(&year) && (1..=12).contains(&month);
    let (year, month) = (i16::try_from(year).ok()?, i8::try_from(month).ok()?);
    sound.then_some(When::Fixed(Month { year, month }))
}

/// So many Arabic digits at `at`, as a number.
pub(super) fn ascii(scene: &Scene<'_>, at: usize, len: usize) -> Option<i64> {
    let said = scene.chars.get(at..at + len)?;
    let arabic = said.iter().all(char::is_ascii_digit);
    arabic.then(|| said.iter().filter_map(|c| digit(*c)).fold(0, |sum, it| sum * 10 + it))
}

/// The day of the month that a numeral names, if it can.
pub(super) fn day_of(numeral: &Numeral, scene: &Scene<'_>) -> Option<i8> {
    let plain = !matches!(numeral.form, Form::Between | Form::Fused | Form::Half);
    let two = scene.at(numeral.span.start) == Some('两');
    let day = numeral.whole().filter(|it| plain && !two && *it <= 31)?;
    i8::try_from(day).ok()
}

#[cfg(test)]
mod tests;
