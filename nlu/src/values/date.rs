//! Days: "前天", "大后天", "下周三", "十二月三号", "三号", "月底", "三天后", "2026-11-03".
//!
//! A day without a month is the next such day from today on, because callers name days to make
//! appointments; a weekday likewise. A day with its month but no year is the nearest such day, the
//! coming one of two as near, because bills are asked for by day too. 月初 and 月底 are of this month;
//! 上周, 这周 and 下周 are weeks from Monday to Sunday. Lunar days and feasts are left out: they need a
//! calendar of their own.

use jiff::{ToSpan, civil::Date};

use super::{
    Found, Value,
    month::{self, Month, When, ascii, day_of},
    numbers::{Form, weekday_at},
    scene::Scene,
};

/// Days counted from today. The longer before the shorter.
const DAYS: &[(&str, i32)] = &[
    ("大大后天", 4),
    ("大大前天", -4),
    ("大后天", 3),
    ("大前天", -3),
    ("今儿个", 0),
    ("今天", 0),
    ("今日", 0),
    ("今儿", 0),
    ("今早", 0),
    ("今晚", 0),
    ("明儿个", 1),
    ("明天", 1),
    ("明日", 1),
    ("明儿", 1),
    ("明早", 1),
    ("明晚", 1),
    ("昨儿个", -1),
    ("昨天", -1),
    ("昨日", -1),
    ("昨儿", -1),
    ("昨晚", -1),
    ("前儿个", -2),
    ("前天", -2),
    ("后儿个", 2),
    ("后天", 2),
];

/// Before 前天 and 后天 these end a word of their own: 以后天天, 售后天.
const NOT_BEFORE: &str = "以之目提售最然随今空";

/// After 号 these make a name of it: 二号线, 三号楼.
const NOT_A_DAY: &str = "线楼店门院机码口厅车台桌位柜窗卡套库站段房仓馆坑员令召称文";

/// 周末 stands for its first day.
const SATURDAY: i8 = 6;

/// Before a numeral these make a house number of it (中山路12号), or a day that month does not have.
const PLACES: &str = "路街道栋座区巷弄村尾第工单元幢月年";

/// Days that are named.
pub(super) fn strict(scene: &Scene<'_>) -> Vec<Found> {
    all(scene, |at| written(scene, at).or_else(|| strict_at(scene, at)))
}

/// Also bare numbers ("十五"), a month with a bare number ("12月3", "12/3"), 周末, and "20261103".
pub(super) fn lenient(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = all(scene, |at| strict_at(scene, at).or_else(|| lenient_at(scene, at)));
    for numeral in scene.bare() {
        let value = numeral.milli / 1000;
        let date = match value {
            19_000_101..=21_001_231 if numeral.form == Form::Arabic => {
                date(value / 10_000, value / 100 % 100, value % 100)
            }
            _ => day_of(numeral, scene).and_then(|day| next_day(scene.today, day)),
        };
        if let Some(date) = date {
            found.push(Found { value: Value::Date(date), span: numeral.span.clone() });
        }
    }
    found.sort_by_key(|it| it.span.start);
    found.dedup_by(|after, before| after.span.start < before.span.end);
    found
}

fn all(scene: &Scene<'_>, find: impl Fn(usize) -> Option<(Date, usize)>) -> Vec<Found> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < scene.chars.len() {
        match find(at) {
            Some((date, end)) => {
                found.push(Found { value: Value::Date(date), span: at..end });
                at = end.max(at + 1);
            }
            None => at += 1,
        }
    }
    found
}

fn strict_at(scene: &Scene<'_>, at: usize) -> Option<(Date, usize)> {
    counted(scene, at)
        .or_else(|| of_month(scene, at))
        .or_else(|| of_week(scene, at))
        .or_else(|| edge(scene, at))
        .or_else(|| numbered(scene, at))
        .or_else(|| later(scene, at))
}

fn lenient_at(scene: &Scene<'_>, at: usize) -> Option<(Date, usize)> {
    let month = month::reference(scene, at);
    let of_month = month.and_then(|it| {
        let numeral = scene.numeral(it.end)?;
        let date = in_month(scene.today, it.when, day_of(numeral, scene)?)?;
        Some((date, numeral.span.end))
    });
    of_month.or_else(|| weekend(scene, at)).or_else(|| slashed(scene, at)).or_else(|| {
        let numeral = scene.numeral(at)?;
        let end = scene.word(numeral.span.end, "日")?;
        Some((next_day(scene.today, day_of(numeral, scene)?)?, end))
    })
}

/// "明天", "大前天".
fn counted(scene: &Scene<'_>, at: usize) -> Option<(Date, usize)> {
    let (end, by) = DAYS.iter().find_map(|(word, by)| Some((scene.word(at, word)?, *by)))?;
    let part = scene.is_one_of(at, "前后") && scene.follows_one_of(at, NOT_BEFORE);
    let brand = scene.word(at, "今日头条").is_some();
    let date = scene.today.checked_add(by.days()).ok().filter(|_| !part && !brand)?;
    Some((date, end))
}

/// "十二月三号", "去年12月3日", "上个月三号", "十一月底".
fn of_month(scene: &Scene<'_>, at: usize) -> Option<(Date, usize)> {
    let month = month::reference(scene, at)?;
    let from = scene.any(month.end, &["的", "份"]).unwrap_or(month.end);
    if let Some(numeral) = scene.numeral(from) {
        let end = scene.any(numeral.span.end, &["号", "日"])?;
        return Some((in_month(scene.today, month.when, day_of(numeral, scene)?)?, end));
    }
    let (part, end) = part_at(scene, scene.word(month.end, "月").unwrap_or(month.end))?;
    let date = match month.when {
        When::Fixed(month) => part.of(month)?,
        When::Bare(_) => {
            let first = in_month(scene.today, month.when, 1)?;
            part.of(Month { year: first.year(), month: first.month() })?
        }
    };
    Some((date, end))
}

/// A part of a month that stands for a day.
#[derive(Clone, Copy)]
enum Part {
    First,
    Middle,
    Last,
}

impl Part {
    fn of(self, month: Month) -> Option<Date> {
        let first = month.day(1)?;
        Some(match self {
            Self::First => first,
            Self::Middle => month.day(15)?,
            Self::Last => first.last_of_month(),
        })
    }
}

fn part_at(scene: &Scene<'_>, at: usize) -> Option<(Part, usize)> {
    let parts = [
        ("底", Part::Last),
        ("末", Part::Last),
        ("下旬", Part::Last),
        ("初", Part::First),
        ("上旬", Part::First),
        ("中旬", Part::Middle),
    ];
    parts.into_iter().find_map(|(word, part)| Some((part, scene.word(at, word)?)))
}

/// "月底", "月初", "年底", "明年年初": without more, of this month or this year.
fn edge(scene: &Scene<'_>, at: usize) -> Option<(Date, usize)> {
    let today = scene.today;
    if let Some((year, end)) = month::year(scene, at) {
        let end = scene.word(end, "年").unwrap_or(end);
        return of_year(scene, year, end);
    }
    if scene.follows_one_of(at, "个每岁月年") || scene.numeral_before(at).is_some() {
        return None;
    }
    if let Some(end) = scene.word(at, "月") {
        let (part, end) = part_at(scene, end)?;
        return Some((part.of(Month { year: today.year(), month: today.month() })?, end));
    }
    of_year(scene, today.year(), scene.word(at, "年")?)
}

fn of_year(scene: &Scene<'_>, year: i16, at: usize) -> Option<(Date, usize)> {
    let (part, end) = part_at(scene, at)?;
    let date = match part {
        Part::First => Date::new(year, 1, 1),
        Part::Last => Date::new(year, 12, 31),
        Part::Middle => return None,
    };
    Some((date.ok()?, end))
}

/// "下周三", "上礼拜五", "星期天", "这周末".
fn of_week(scene: &Scene<'_>, at: usize) -> Option<(Date, usize)> {
    let (weeks, from) = week_prefix(scene, at);
    let week = scene.any(from, &["周", "星期", "礼拜"])?;
    let weekday = match scene.at(week)? {
        '末' => weeks.map(|_| SATURDAY)?,
        _ => weekday_at(scene.chars, week)?,
    };
    let recurring = weeks.is_none() && scene.follows_one_of(at, "每一两三四五六几个0123456789");
    let today = scene.today;
    let from_monday = i32::from(weekday) - i32::from(today.weekday().to_monday_one_offset());
    let days = match weeks {
        Some(weeks) => from_monday + 7 * weeks,
        None => from_monday.rem_euclid(7),
    };
    let date = today.checked_add(days.days()).ok().filter(|_| !recurring)?;
    Some((date, week + 1))
}

/// 周末 by itself: the next one from today on. In free speech it is rather any of them.
fn weekend(scene: &Scene<'_>, at: usize) -> Option<(Date, usize)> {
    let end = scene.word(at, "周末")?;
    let today = scene.today;
    let days = i32::from(SATURDAY) - i32::from(today.weekday().to_monday_one_offset());
    Some((today.checked_add(days.rem_euclid(7).days()).ok()?, end))
}

/// How many weeks from this one, when that is said, and where 周 begins.
fn week_prefix(scene: &Scene<'_>, at: usize) -> (Option<i32>, usize) {
    let steps = |c: char| scene.chars[at..].iter().take(4).take_while(|it| **it == c).count();
    let (back, on) = (steps('上'), steps('下'));
    let current = scene.any(at, &["这", "本"]);
    let glued = scene.follows_one_of(at, "网早晚线以马路身之");
    let (weeks, from) = match (back, on, current) {
        (1.., ..) if !glued => (i32::try_from(back).ok().map(|it| -it), at + back),
        (_, 1.., _) if !glued => (i32::try_from(on).ok(), at + on),
        (.., Some(end)) => (Some(0), end),
        _ => return (None, at),
    };
    (weeks, scene.word(from, "个").unwrap_or(from))
}

/// "三号", "15日".
fn numbered(scene: &Scene<'_>, at: usize) -> Option<(Date, usize)> {
    let numeral = scene.numeral(at)?;
    let day = day_of(numeral, scene)?;
    let end = match scene.at(numeral.span.end)? {
        '号' if !scene.is_one_of(numeral.span.end + 1, NOT_A_DAY) => numeral.span.end + 1,
        '日' if numeral.span.len() > 1
            && !scene.is_one_of(numeral.span.end + 1, "内后前游租包元本") =>
        {
            numeral.span.end + 1
        }
        _ => return None,
    };
    let named = scene.before(at).is_some_and(|c| c.is_ascii_alphanumeric() || PLACES.contains(c));
    Some((next_day(scene.today, day).filter(|_| !named)?, end))
}

/// "三天后", "两周以后", "一个月前".
fn later(scene: &Scene<'_>, at: usize) -> Option<(Date, usize)> {
    let numeral = scene.numeral(at)?;
    let end = numeral.span.end;
    let n = match numeral.form {
        Form::Between | Form::Fused => return None,
        Form::Half => scene.word(end, "个月").map(|_| 15)?,
        Form::Arabic | Form::One | Form::Digits | Form::Placed => numeral.whole()?,
    };
    let day = scene.any(end, &["天", "日"]).map(|end| (end, 1));
    let week = || scene.any(end, &["个星期", "个礼拜", "星期", "礼拜", "周"]).map(|end| (end, 7));
    let (unit_end, days) = match (day.or_else(week), scene.word(end, "个月")) {
        (Some((unit_end, days)), _) => (unit_end, Some(days)),
        (None, Some(unit_end)) if numeral.form == Form::Half => (unit_end, Some(1)),
        (None, Some(unit_end)) => (unit_end, None),
        (None, None) => return None,
    };
    let after = scene.any(unit_end, &["之后", "以后", "后"]);
    let before = scene.any(unit_end, &["之前", "以前", "前"]);
    let sign = if after.is_some() { 1 } else { -1 };
    let n = n.checked_mul(days.unwrap_or(1))?.checked_mul(sign).filter(|it| it.abs() < 4000)?;
    let span = if days.is_some() { n.days() } else { n.months() };
    Some((scene.today.checked_add(span).ok()?, after.or(before)?))
}

/// "2026-11-03", "2026/11/3", "2026.11.3".
fn written(scene: &Scene<'_>, at: usize) -> Option<(Date, usize)> {
    let sign = scene.at(at + 4).filter(|c| "-/.".contains(*c))?;
    let year =
        ascii(scene, at, 4).filter(|_| !scene.before(at).is_some_and(|c| c.is_ascii_digit()))?;
    let (month, end) = one_or_two(scene, at + 5)?;
    let (day, end) = one_or_two(scene, (scene.at(end)? == sign).then_some(end + 1)?)?;
    Some((date(year, month, day)?, end))
}

/// "12/3", "12-3", "12.3".
fn slashed(scene: &Scene<'_>, at: usize) -> Option<(Date, usize)> {
    if scene.before(at).is_some_and(|c| c.is_ascii_digit() || "-/.".contains(c)) {
        return None;
    }
    let (month, end) = one_or_two(scene, at)?;
    scene.at(end).filter(|c| "-/.".contains(*c))?;
    let (day, end) = one_or_two(scene, end + 1)?;
    let closed = !scene.at(end).is_some_and(|c| c.is_ascii_alphanumeric()) && !scene.is_unit(end);
    let month = i8::try_from(month).ok().filter(|it| closed && (1..=12).contains(it))?;
    Some((in_month(scene.today, When::Bare(month), i8::try_from(day).ok()?)?, end))
}

fn one_or_two(scene: &Scene<'_>, at: usize) -> Option<(i64, usize)> {
    let two = ascii(scene, at, 2).map(|it| (it, at + 2));
    two.or_else(|| ascii(scene, at, 1).map(|it| (it, at + 1)))
}

fn date(year: i64, month: i64, day: i64) -> Option<Date> {
    let sound = (1900..=2100).contains(&year);
    let (year, month) = (i16::try_from(year).ok()?, i8::try_from(month).ok()?);
    Date::new(year, month, i8::try_from(day).ok()?).ok().filter(|_| sound)
}

/// The next day of this number from today on; the 31st may be two months off.
fn next_day(today: Date, day: i8) -> Option<Date> {
    let first = today.first_of_month();
    let months = (0..3).filter_map(|by: i32| first.checked_add(by.months()).ok());
    let mut days = months.filter_map(|it| Date::new(it.year(), it.month(), day).ok());
    days.find(|it| *it >= today)
}

/// A day of a month: the nearest such day when no year was said.
fn in_month(today: Date, when: When, day: i8) -> Option<Date> {
    let month = match when {
        When::Fixed(month) => return month.day(day),
        When::Bare(month) => month,
    };
    let years = [1, 0, -1].into_iter().filter_map(|by| today.year().checked_add(by));
    let dates = years.filter_map(|year| Date::new(year, month, day).ok());
    let away = |it: &Date| today.until(*it).map_or(i32::MAX, |span| span.get_days().abs());
    dates.min_by_key(away)
}

#[cfg(test)]
mod tests;
