//! Counts and lengths of time: "两个月", "三次", "一张", "半年", "一个半小时".

use super::{
    Found, Value,
    numbers::{Form, Numeral},
    scene::Scene,
};

const MAX: i64 = 1_000_000_000;

/// Measure words as said, and as they are written in a value. The longer before the shorter.
const MEASURES: &[(&str, &str)] = &[
    ("个多小时", "小时"),
    ("个小时", "小时"),
    ("个钟头", "小时"),
    ("小时", "小时"),
    ("钟头", "小时"),
    ("分钟", "分钟"),
    ("秒钟", "秒"),
    ("秒", "秒"),
    ("个多月", "个月"),
    ("个来月", "个月"),
    ("个月", "个月"),
    ("多个月", "个月"),
    ("个多星期", "周"),
    ("个星期", "周"),
    ("个礼拜", "周"),
    ("星期", "周"),
    ("礼拜", "周"),
    ("周", "周"),
    ("多年", "年"),
    ("年", "年"),
    ("多天", "天"),
    ("天", "天"),
    ("张", "张"),
    ("次", "次"),
    ("回", "次"),
    ("条", "条"),
    ("台", "台"),
    ("部", "部"),
    ("份", "份"),
    ("位", "位"),
    ("笔", "笔"),
    ("户", "户"),
    ("套", "套"),
    ("遍", "遍"),
    ("倍", "倍"),
    ("期", "期"),
    ("档", "档"),
    ("件", "件"),
    ("种", "种"),
    ("款", "款"),
    ("项", "项"),
    ("人", "人"),
    ("个", "个"),
];

/// What makes another thing of a measure word: 一部分, 六位数, 二次元, 三年级.
const NOT_A_MEASURE: &[(&str, &str)] = &[
    ("部", "分门队"),
    ("位", "数密的码"),
    ("次", "元性日"),
    ("年", "级代"),
    ("天", "后前之以"),
    ("人", "工民"),
    ("份", "子"),
    ("周", "岁末边"),
    ("套", "餐"),
    ("条", "件"),
    ("户", "口"),
    ("台", "湾"),
    ("个", "gtm兆吉半"),
];

/// One of these is a way to speak of a thing, not a number of them.
const NOT_COUNTED: &[&str] =
    &["问题", "事", "人", "东西", "样", "劲", "字", "电话", "意思", "说法", "办法", "头", "什么"];

/// Before "一个" these point: 每一个, 上一次, 哪一张.
const POINTING: &str = "每上下这那哪某另同头前后任";

/// Numbers with a measure word.
pub(super) fn strict(scene: &Scene<'_>) -> Vec<Found> {
    scene.numerals.iter().filter_map(|it| counted(scene, it)).collect()
}

/// Bare whole numbers are so many 个.
pub(super) fn lenient(scene: &Scene<'_>) -> Vec<Found> {
    let pointing = |it: &&Numeral| !scene.follows_one_of(it.span.start, "第");
    let bare = scene.bare().filter(pointing);
    bare.filter_map(|it| found(it.whole()?, "个", it.span.start, it.span.end)).collect()
}

fn counted(scene: &Scene<'_>, numeral: &Numeral) -> Option<Found> {
    let start = numeral.span.start;
    match numeral.form {
        Form::Half => half(scene, start),
        Form::Fused => fused(scene, numeral),
        Form::Digits if scene.follows_one_of(start, "幺") => None,
        Form::Arabic | Form::One | Form::Digits | Form::Placed | Form::Between => {
            and_a_half(scene, numeral).or_else(|| plain(scene, numeral))
        }
    }
}

/// "半年", "半个月", "半小时"; not 上半年, and 大半年 is not so many months.
fn half(scene: &Scene<'_>, start: usize) -> Option<Found> {
    let part = scene.follows_one_of(start, "上下前后大小多一个");
    let halves: &[(&str, i64, &str)] = &[
        ("年", 6, "个月"),
        ("个多月", 15, "天"),
        ("个月", 15, "天"),
        ("个小时", 30, "分钟"),
        ("小时", 30, "分钟"),
        ("个钟头", 30, "分钟"),
    ];
    let (end, n, unit) = halves
        .iter()
        .find_map(|(word, n, unit)| Some((scene.word(start + 1, word)?, *n, *unit)))
        .filter(|_| !part)?;
    found(n, unit, start, end)
}

/// "俩月", "仨电话".
fn fused(scene: &Scene<'_>, numeral: &Numeral) -> Option<Found> {
    let at = numeral.span.end;
    let digits = scene.at(at).and_then(super::numbers::digit).is_some();
    let (end, unit) = match scene.any(at, &["多月", "月", "礼拜", "星期", "小时", "钟头"])
    {
        Some(end) if scene.is_one_of(end - 1, "月") => (end, "个月"),
        Some(end) if scene.is_one_of(at, "礼星") => (end, "周"),
        Some(end) => (end, "小时"),
        None => (at, "个"),
    };
    found(numeral.whole().filter(|_| !digits)?, unit, numeral.span.start, end)
}

/// "一年半", "两个半小时", "一个半月", "1.5小时": the next smaller unit makes them whole.
fn and_a_half(scene: &Scene<'_>, numeral: &Numeral) -> Option<Found> {
    let Numeral { span, milli, .. } = numeral;
    let whole = milli % 1000 == 0;
    let halves: &[(&str, i64, i64, &str)] = &[
        ("年半", 12, 6, "个月"),
        ("个半月", 30, 15, "天"),
        ("个月半", 30, 15, "天"),
        ("个半小时", 60, 30, "分钟"),
        ("个半钟头", 60, 30, "分钟"),
        ("小时半", 60, 30, "分钟"),
    ];
    let smaller: &[(&str, i64, i64, &str)] =
        &[("个小时", 60, 0, "分钟"), ("小时", 60, 0, "分钟"), ("年", 12, 0, "个月")];
    let forms = if whole { halves } else { smaller };
    let (end, each, more, unit) = forms.iter().find_map(|(word, each, more, unit)| {
        Some((scene.word(span.end, word)?, *each, *more, *unit))
    })?;
    let n = milli.checked_mul(each)? / 1000 + more;
    found(n, unit, span.start, end)
}

fn plain(scene: &Scene<'_>, numeral: &Numeral) -> Option<Found> {
    let n = numeral.whole()?;
    let (start, at) = (numeral.span.start, scene.unit_at(numeral));
    let two = scene.at(start) == Some('两');
    let (word, end, unit) = MEASURES
        .iter()
        .find_map(|(word, unit)| Some((*word, scene.word(at, word)?, *unit)))
        .or_else(|| Some(("月", scene.word(at, "月").filter(|_| two)?, "个月")))?;
    let again = scene.word(end, word).is_some();
    let other = NOT_A_MEASURE.iter().any(|(it, next)| *it == word && scene.is_one_of(end, next));
    let repeat = word == "个" && scene.at(end).and_then(super::numbers::digit).is_some();
    let ordinal = scene.at(start) == Some('二') && numeral.form == Form::One;
    let pointing = n == 1 && scene.follows_one_of(start, POINTING);
    let part = word == "位" && scene.follows_one_of(start, "前后末尾");
    let idle = n == 1 && scene.any(end, NOT_COUNTED).is_some();
    let later = unit != "天" && is_ago(scene, end) && ["个月", "周"].contains(&unit);
    let wrong = again || other || repeat || part || ordinal || pointing || idle || later;
    let month = word == "月" && scene.is_one_of(end, "份");
    (!wrong && !month && !is_year(scene, numeral, word, end)).then_some(())?;
    found(n, unit, start, end)
}

/// "三周后" is a day.
fn is_ago(scene: &Scene<'_>, at: usize) -> bool {
    scene.any(at, &["后", "以后", "之后", "前", "以前", "之前"]).is_some()
}

/// "二零二六年", "26年3月" name a year.
fn is_year(scene: &Scene<'_>, numeral: &Numeral, word: &str, end: usize) -> bool {
    let n = numeral.milli / 1000;
    let month = scene.numeral(end).is_some_and(|it| scene.at(it.span.end) == Some('月'));
    let named = (1900..=2100).contains(&n) || numeral.form == Form::Digits || month;
    word == "年" && named
}

fn found(n: i64, unit: &str, start: usize, end: usize) -> Option<Found> {
    let value = Value::Count { n, unit: unit.into() };
    (1..=MAX).contains(&n).then_some(Found { value, span: start..end })
}

#[cfg(test)]
mod tests;
