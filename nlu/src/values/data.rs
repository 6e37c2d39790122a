//! Data volume: "五个G", "300兆", "半个g", "1T", "一个半g", "1g500m".

use super::{
    Found, Value,
    numbers::{Form, Numeral},
    scene::Scene,
};

/// Nobody buys more: in megabytes.
const MAX_MB: i64 = 1 << 40;

/// A bare number below this many is gigabytes, from it on megabytes.
const GB_BELOW: i64 = 100;

const UNITS: &[(&str, i64)] = &[
    ("兆字节", 1),
    ("吉字节", 1024),
    ("gb", 1024),
    ("mb", 1),
    ("tb", 1024 * 1024),
    ("兆", 1),
    ("吉", 1024),
    ("g", 1024),
    ("m", 1),
    ("t", 1024 * 1024),
];

/// Near these words 兆 is how fast, not how much.
const SPEED_AFTER: &[&str] = &[
    "宽带",
    "的宽带",
    "光纤",
    "的光纤",
    "带宽",
    "的带宽",
    "网速",
    "的网",
    "每秒",
    "/s",
    "的速",
    "独享",
    "家宽",
    "专线",
];
const SPEED_BEFORE: &[&str] = &[
    "宽带",
    "宽带是",
    "宽带才",
    "宽带升到",
    "网速",
    "网速才",
    "网速只有",
    "带宽",
    "提速到",
    "测速才",
    "测速",
    "光纤",
];

/// Near these words "5g" is how much; without any of them it is the fifth generation.
const VOLUME_AFTER: &[&str] = &[
    "流量",
    "的流量",
    "数据",
    "定向",
    "通用",
    "全国",
    "国内",
    "加油包",
    "日包",
    "月包",
    "包月",
    "够",
    "用完",
    "/",
    "每月",
    "一个月",
    "的包",
    "的那个包",
];
const VOLUME_BEFORE: &[&str] = &[
    "流量",
    "流量包",
    "剩",
    "剩下",
    "还有",
    "用了",
    "只有",
    "才",
    "送",
    "送了",
    "送我",
    "超了",
    "买",
    "买了",
    "加",
    "加了",
    "跑了",
    "共",
    "块",
    "元",
    "转",
    "转给他",
    "够",
];

/// Volumes with a unit.
pub(super) fn strict(scene: &Scene<'_>) -> Vec<Found> {
    all(scene, |it| !it.is_speed(scene) && !it.is_generation(scene))
}

/// Any unit will do; a bare number is gigabytes, or from a hundred on megabytes.
pub(super) fn lenient(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = all(scene, |_| true);
    let bare = scene.bare().map(|it| (it.milli, it.span.start, it.span.end));
    let pieces = scene.numerals.iter().filter_map(|it| {
        let end = scene.word(it.span.end, "个").filter(|end| !scene.is_unit(*end))?;
        Some((it.milli, it.span.start, end))
    });
    for (milli, start, end) in bare.chain(pieces) {
        let unit = if milli < GB_BELOW * 1000 { 1024 } else { 1 };
        if let Some(mb) = megabytes(milli, unit) {
            found.push(Found { value: Value::Data { mb }, span: start..end });
        }
    }
    for (word, mb) in [("百兆", 100), ("千兆", 1000)] {
        let starts = (0..scene.chars.len()).filter(|at| scene.word(*at, word).is_some());
        let alone = starts.filter(|at| scene.numeral_before(at + 1).is_none());
        found.extend(alone.map(|at| Found { value: Value::Data { mb }, span: at..at + 2 }));
    }
    found.sort_by_key(|it| it.span.start);
    found
}

/// A volume with what its neighbours decide.
struct Volume {
    mb: i64,
    start: usize,
    end: usize,
    is_plain_g: bool,
    is_mega: bool,
}

impl Volume {
    fn is_speed(&self, scene: &Scene<'_>) -> bool {
        self.is_mega
            && (scene.any(self.end, SPEED_AFTER).is_some()
                || scene.any_before(self.start, SPEED_BEFORE).is_some())
    }

    fn is_generation(&self, scene: &Scene<'_>) -> bool {
        self.is_plain_g
            && scene.any(self.end, VOLUME_AFTER).is_none()
            && scene.any_before(self.start, VOLUME_BEFORE).is_none()
    }
}

fn all(scene: &Scene<'_>, wanted: impl Fn(&Volume) -> bool) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    for numeral in &scene.numerals {
        let taken = found.last().is_some_and(|it| it.span.end > numeral.span.start);
        let Some(volume) = volume(scene, numeral).filter(|it| !taken && wanted(it)) else {
            continue;
        };
        let value = Value::Data { mb: volume.mb };
        found.push(Found { value, span: volume.start..volume.end });
    }
    found
}

fn volume(scene: &Scene<'_>, numeral: &Numeral) -> Option<Volume> {
    let (mb, end, unit) = simple(scene, numeral)?;
    let next = scene.any(end, &["零", "又"]).unwrap_or(end);
    let smaller = scene.numeral(next).and_then(|it| simple(scene, it));
    let (more, last) = match smaller {
        Some((more, last, smaller)) if smaller < unit && more < unit => (more, last),
        _ => (0, end),
    };
    let generation = (2000..=6000).contains(&numeral.milli) && numeral.milli % 1000 == 0;
    let written = numeral.span.end + 1 == last && scene.at(numeral.span.end) == Some('g');
    let single = matches!(numeral.form, Form::Arabic | Form::One);
    Some(Volume {
        mb: mb + more,
        start: numeral.span.start,
        end: last,
        is_plain_g: generation && written && single,
        is_mega: unit == 1,
    })
}

/// One numeral with one unit: megabytes, where it ends, megabytes to the unit.
fn simple(scene: &Scene<'_>, numeral: &Numeral) -> Option<(i64, usize, i64)> {
    let mut milli = numeral.milli;
    let mut at = scene.unit_at(numeral);
    if let Some(end) = scene.any(at, &["个多", "个"]) {
        at = end;
    }
    if let Some(end) = scene.word(at, "半").filter(|_| at > numeral.span.end) {
        (milli, at) = (milli + 500, end);
    }
    let (mut end, unit) =
        UNITS.iter().find_map(|(word, unit)| Some((scene.word(at, word)?, *unit)))?;
    if scene.at(end).is_some_and(|c| c.is_ascii_alphabetic() || c == '恤') {
        return None;
    }
    if let Some(half) = scene.word(end, "半").filter(|it| !scene.is_one_of(*it, "年天个小")) {
        (milli, end) = (milli + 500, half);
    }
    Some((megabytes(milli, unit)?, scene.word(end, "多").unwrap_or(end), unit))
}

fn megabytes(milli: i64, unit: i64) -> Option<i64> {
    let mb = milli.checked_mul(unit)?.checked_add(500)? / 1000;
    (1..=MAX_MB).contains(&mb).then_some(mb)
}

#[cfg(test)]
mod tests;
