//! Spoken and written numerals: "一百五", "两千三", "3千", "三点五", "19.9", "幺八六", "七八百".
//!
//! One pass over a text finds them all; what they count is decided by whoever knows the unit. Own code,
//! because the kept crate `chinese-number` reads whole strings in the written way only: it refuses 幺八六,
//! 一五, 三点五, 二十来, 俩 and 半, and does not say where a numeral ends inside a sentence.

use std::ops::Range;

/// Digits beyond this many are no amount but a number to dial or to copy.
const MAX_DIGITS: usize = 12;

/// Two digits in a row that mean "between": the greater is taken, so that nobody gets too little.
const RANGES: &[&str] =
    &["一两", "两三", "三四", "三五", "四五", "五六", "六七", "七八", "八九", "一二", "二三"];

/// How a numeral was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// 300, 19.9
    Arabic,
    /// One Chinese digit without a place: 三
    One,
    /// Chinese digits read one by one: 二零二六, 幺八六
    Digits,
    /// With places or a point: 三百五, 十二, 3千, 三点五
    Placed,
    /// Between two: 两三, 七八百
    Between,
    /// 俩, 仨
    Fused,
    /// 半
    Half,
}

/// A numeral in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Numeral {
    pub(super) span: Range<usize>,
    /// Its value in thousandths; 0 when it has too many digits to be an amount.
    pub(super) milli: i64,
    pub(super) form: Form,
}

impl Numeral {
    /// Its value, when it is whole and above zero.
    pub(super) fn whole(&self) -> Option<i64> {
        (self.milli > 0 && self.milli % 1000 == 0).then_some(self.milli / 1000)
    }
}

/// All numerals, longest first at each place, in order and without overlap.
pub(super) fn scan(chars: &[char]) -> Vec<Numeral> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        if weekday_at(chars, at).is_some() {
            at += 1;
            continue;
        }
        match numeral_at(chars, at) {
            Some(numeral) => {
                at = numeral.span.end;
                found.push(numeral);
            }
            None => at += 1,
        }
    }
    found
}

/// The value of a digit, Arabic or Chinese, as it is read out.
pub(super) fn digit(c: char) -> Option<i64> {
    Some(match c {
        '0'..='9' => i64::from(c.to_digit(10)?),
        '零' | '〇' | '○' => 0,
        '一' | '幺' | '壹' => 1,
        '二' | '贰' => 2,
        '三' | '叁' => 3,
        '四' | '肆' => 4,
        '五' | '伍' => 5,
        '六' | '陆' => 6,
        '七' | '柒' => 7,
        '八' | '捌' => 8,
        '九' | '玖' => 9,
        _ => return None,
    })
}

/// The place a character gives to the digit before it.
pub(super) fn place(c: char) -> Option<i64> {
    Some(match c {
        '十' | '拾' => 10,
        '百' | '佰' => 100,
        '千' | '仟' => 1000,
        '万' => 10_000,
        '亿' => 100_000_000,
        _ => return None,
    })
}

/// The day of the week, 1 to 7, of the digit at `at` in 周三, 星期三, 礼拜三.
///
/// A measure word after the digit says otherwise: 一周三次.
pub(super) fn weekday_at(chars: &[char], at: usize) -> Option<i8> {
    let before = |back: usize| at.checked_sub(back).and_then(|it| chars.get(it)).copied();
    let week = match before(1)? {
        '周' => true,
        '期' => before(2) == Some('星'),
        '拜' => before(2) == Some('礼'),
        _ => false,
    };
    let next = chars.get(at + 1);
    let counts = next.is_some_and(|c| place(*c).is_some() || "次个条张遍回小".contains(*c));
    let c = *chars.get(at).filter(|_| week && !counts)?;
    match c {
        '日' | '天' => Some(7),
        _ => digit(c).filter(|it| (1..=7).contains(it)).and_then(|it| i8::try_from(it).ok()),
    }
}

fn numeral_at(chars: &[char], at: usize) -> Option<Numeral> {
    match chars[at] {
        '半' => Some(Numeral { span: at..at + 1, milli: 500, form: Form::Half }),
        c @ ('俩' | '仨') => {
            let pronoun = at > 0 && "他她它咱我你们".contains(chars[at - 1]);
            let milli = if c == '俩' { 2000 } else { 3000 };
            (!pronoun).then_some(Numeral { span: at..at + 1, milli, form: Form::Fused })
        }
        '0'..='9' => Some(arabic(chars, at)),
        _ => chinese(chars, at),
    }
}

fn arabic(chars: &[char], at: usize) -> Numeral {
    let whole = arabic_run(chars, at);
    let mut digits: String = chars[at..whole].iter().collect();
    let mut end = whole;
    while whole - at <= 3 && is_thousands(chars, end) {
        digits.extend(&chars[end + 1..end + 4]);
        end += 4;
    }
    let mut milli = amount(digits.chars());
    if let Some(stop) = point(chars, at, end) {
        milli += fraction(&chars[end + 1..stop]);
        end = stop;
    }
    match chars.get(end).and_then(|c| place(*c)).filter(|it| milli > 0 && *it >= 100) {
        Some(unit) => tail(chars, at..end + 1, milli.saturating_mul(unit), unit),
        None => Numeral { span: at..end, milli, form: Form::Arabic },
    }
}

fn arabic_run(chars: &[char], at: usize) -> usize {
    at + chars[at..].iter().take_while(|c| c.is_ascii_digit()).count()
}

/// ",000" at `at`, with nothing more of digits after it.
fn is_thousands(chars: &[char], at: usize) -> bool {
    chars.get(at) == Some(&',') && arabic_run(chars, (at + 1).min(chars.len())) == at + 4
}

/// Where the digits after a decimal point at `end` stop; "2026.3.5" and "1.2.3" have none.
fn point(chars: &[char], start: usize, end: usize) -> Option<usize> {
    let is_point = |at: usize| chars.get(at) == Some(&'.');
    let stop = arabic_run(chars, (end + 1).min(chars.len()));
    let dotted = start > 0 && is_point(start - 1)
        || is_point(stop) && chars.get(stop + 1).is_some_and(char::is_ascii_digit);
    (is_point(end) && stop > end + 1 && !dotted).then_some(stop)
}

/// "2万5", "1万2千": what follows the place of an Arabic numeral, place by place.
fn tail(chars: &[char], span: Range<usize>, mut milli: i64, mut unit: i64) -> Numeral {
    let mut end = span.end;
    while let Some((next, more, place)) = smaller(chars, end, unit) {
        milli = milli.saturating_add(more);
        (end, unit) = (next, place);
    }
    Numeral { span: span.start..end, milli, form: Form::Placed }
}

/// A part below `unit` at `at`: where it ends, its thousandths, and its own place.
fn smaller(chars: &[char], at: usize, unit: i64) -> Option<(usize, i64, i64)> {
    let digits = chars[at..].iter().take(4).take_while(|c| value(**c).is_some()).count();
    let amount = chars[at..at + digits].iter().filter_map(|c| value(*c));
    let amount = amount.fold(0, |sum, it| sum * 10 + it);
    let next = chars.get(at + digits).copied();
    match next.and_then(place) {
        Some(place) if digits > 0 && place < unit && amount < 10_000 => {
            Some((at + digits + 1, amount * place * 1000, place))
        }
        None if digits == 1
            && unit >= 100
            && !next.is_some_and(|c| "个张次条月年天".contains(c)) =>
        {
            Some((at + 1, amount * unit * 100, 1))
        }
        _ => None,
    }
}

fn chinese(chars: &[char], at: usize) -> Option<Numeral> {
    let run = run(chars, at);
    let next = chars.get(at + run).copied();
    let placed = next.is_some_and(|c| place(c).is_some());
    if run >= 2 && !is_range(chars, at, run) {
        if let Some(decimal) = decimal(chars, at, at + run) {
            return Some(decimal);
        }
        let single = run == 2 && closes_price(chars, at);
        let len = if single { 1 } else { run - usize::from(placed) };
        return Some(read_out(chars, at..at + len));
    }
    if run >= 2 && !placed {
        let milli = digit(chars[at + run - 1])? * 1000;
        return Some(Numeral { span: at..at + run, milli, form: Form::Between });
    }
    if run == 1 && !placed {
        let one = Numeral { span: at..at + 1, milli: value(chars[at])? * 1000, form: Form::One };
        return Some(decimal(chars, at, at + 1).unwrap_or(one));
    }
    let numeral = Placed::read(chars, at)?;
    let pointed = decimal_of(chars, numeral.span.clone(), numeral.milli);
    Some(pointed.unwrap_or(numeral))
}

/// Digits and what is said for two, in a row.
fn run(chars: &[char], at: usize) -> usize {
    chars[at..].iter().take_while(|c| !c.is_ascii_digit() && value(**c).is_some()).count()
}

/// As [`digit`], and 两.
fn value(c: char) -> Option<i64> {
    if c == '两' { Some(2) } else { digit(c) }
}

fn is_range(chars: &[char], at: usize, run: usize) -> bool {
    let placed = chars.get(at + 2).is_some_and(|c| place(*c).is_some());
    let said: String = chars[at..].iter().take(2).collect();
    // 二三 and 一二 without a place are digits rather than a guess.
    let guess = RANGES.iter().take(RANGES.len() - if placed { 0 } else { 2 });
    run == 2 && guess.into_iter().any(|it| *it == said)
}

/// "三块二一个月", "九毛九一张": the second digit counts what follows.
fn closes_price(chars: &[char], at: usize) -> bool {
    let price = at > 0 && "块元毛角".contains(chars[at - 1]);
    price && chars.get(at + 2).is_some_and(|c| "个张次条年月天分小g兆".contains(*c))
}

fn read_out(chars: &[char], span: Range<usize>) -> Numeral {
    let digits = chars[span.clone()].iter().filter_map(|c| value(*c));
    let milli = amount(digits.filter_map(|it| char::from_digit(u32::try_from(it).ok()?, 10)));
    let form = if span.len() == 1 { Form::One } else { Form::Digits };
    Numeral { span, milli, form }
}

fn decimal(chars: &[char], start: usize, end: usize) -> Option<Numeral> {
    decimal_of(chars, start..end, read_out(chars, start..end).milli)
}

/// "三点五", "一点五万"; "三点五十" and "三点五分" are times of day.
fn decimal_of(chars: &[char], span: Range<usize>, milli: i64) -> Option<Numeral> {
    chars.get(span.end).filter(|c| **c == '点')?;
    let from = span.end + 1;
    let digits = chars[from..].iter().take_while(|c| digit(**c).is_some()).count();
    let end = from + digits;
    let next = chars.get(end).copied();
    if digits == 0 || next.is_some_and(|c| "十分刻点".contains(c)) {
        return None;
    }
    let milli = milli.saturating_add(fraction(&chars[from..end]));
    let unit = next.and_then(place).filter(|it| *it >= 100);
    let (end, milli) = unit.map_or((end, milli), |it| (end + 1, milli.saturating_mul(it)));
    Some(Numeral { span: span.start..end, milli, form: Form::Placed })
}

/// Digits as thousandths; 0 when there are too many.
fn amount(digits: impl Iterator<Item = char>) -> i64 {
    let digits: String = digits.skip_while(|c| *c == '0').take(MAX_DIGITS + 1).collect();
    if digits.len() > MAX_DIGITS {
        return 0;
    }
    digits.parse::<i64>().map_or(0, |it| it * 1000)
}

/// Digits after the point as thousandths; more than three are cut off.
fn fraction(digits: &[char]) -> i64 {
    let places = digits.iter().filter_map(|c| digit(*c)).chain([0, 0, 0]).take(3);
    places.fold(0, |sum, it| sum * 10 + it)
}

/// A numeral with places as it grows.
struct Placed {
    total: i64,
    section: i64,
    /// The next place within ten thousand must be below this one.
    below: i64,
    /// The next of 万 and 亿 must be below this one.
    great_below: i64,
    last: i64,
    pending: Option<i64>,
    zero: bool,
    between: bool,
}

impl Placed {
    /// The numeral with places that begins at `at`, as far as it is one.
    fn read(chars: &[char], at: usize) -> Option<Numeral> {
        let mut it = Self {
            total: 0,
            section: 0,
            below: 10_000,
            great_below: i64::MAX,
            last: 0,
            pending: None,
            zero: false,
            between: false,
        };
        let mut end = at;
        while let Some(next) = it.take(chars, end) {
            end = next;
        }
        let sum = it.sum();
        let form = if it.between { Form::Between } else { Form::Placed };
        let numeral = Numeral { span: at..end, milli: sum.saturating_mul(1000), form };
        (sum > 0).then_some(numeral)
    }

    /// Takes the character at `at` in, and says where the next one is.
    fn take(&mut self, chars: &[char], at: usize) -> Option<usize> {
        // 幺 and Arabic digits begin something of their own: 充五十 186….
        let c = *chars.get(at).filter(|c| **c != '幺' && !c.is_ascii_digit())?;
        let next = chars.get(at + 1).copied();
        match (value(c), place(c)) {
            (Some(0), _) => self.take_zero(next).then_some(at + 1),
            (Some(it), _) => self.take_digit(it, next).then_some(at + 1),
            (_, Some(unit @ (10_000 | 100_000_000))) => self.take_great(unit).then_some(at + 1),
            (_, Some(unit)) => {
                let about = next.is_some_and(|next| "把来十".contains(next));
                self.take_place(unit, about).then_some(at + 1)
            }
            (None, None) => None,
        }
    }

    fn take_zero(&mut self, next: Option<char>) -> bool {
        let more = next.is_some_and(|c| value(c).is_some_and(|it| it > 0) || c == '十');
        let fits = more && !self.zero && self.pending.is_none() && self.last > 10;
        self.zero |= fits;
        fits
    }

    fn take_digit(&mut self, digit: i64, next: Option<char>) -> bool {
        let counted = next.is_some_and(|c| "个张次条月年天".contains(c));
        match self.pending {
            None => self.pending = Some(digit),
            Some(it) if it + 1 == digit && !self.between && !(counted && self.last >= 100) => {
                self.pending = Some(digit);
                self.between = true;
            }
            Some(_) => return false,
        }
        true
    }

    fn take_place(&mut self, unit: i64, about: bool) -> bool {
        let fresh = self.total == 0 && self.section == 0;
        let one = unit == 10 || fresh && about;
        let digit = self.pending.or(one.then_some(1));
        let Some(digit) = digit.filter(|_| unit < self.below) else { return false };
        self.section += digit * unit;
        (self.below, self.last, self.pending, self.zero) = (unit, unit, None, false);
        true
    }

    fn take_great(&mut self, unit: i64) -> bool {
        let section = self.section + self.pending.unwrap_or(0);
        if unit >= self.great_below || section == 0 {
            return false;
        }
        self.total += section * unit;
        (self.section, self.below, self.great_below) = (0, 10_000, unit);
        (self.last, self.pending, self.zero) = (unit, None, false);
        true
    }

    /// "一百五" is 150 and "两万三" 23,000; "一百零五" is 105.
    fn sum(&self) -> i64 {
        let step = if self.zero || self.last <= 10 { 1 } else { self.last / 10 };
        self.total + self.section + self.pending.unwrap_or(0) * step
    }
}

#[cfg(test)]
mod tests;
