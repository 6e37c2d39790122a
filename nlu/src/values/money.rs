//! Money: "八毛五", "两百块", "三块九毛九", "19.9元", "¥50", "二十来块".

use super::{
    Found, Value,
    month::ascii,
    numbers::{Form, Numeral, digit},
    scene::Scene,
};

/// Nobody speaks of more on the phone: ten billion yuan, in thousandths.
const MAX_MILLI: i64 = 10_000_000_000_000;

/// The longest run of digits that is an amount when no unit is there.
const MAX_BARE_MILLI: i64 = 1_000_000_000;

/// What makes another thing of 块, 元, 毛 and 角: 一块儿, 元旦, 毛病, 三角形.
const NOT_YUAN: &str = "儿头板布地屏砖田旦宵素件化论器月";
const NOT_JIAO: &str = "病巾衣线利孩笔豆驴不形星落度色架洲膜";

/// Before 一块 and 两块 these point to a place or a company: 这一块, 我们一块.
const POINTING: &str = "这那哪们跟和咱每起";

/// What the digit after 块 would count if it were no 毛: 五块两个月.
const COUNTED: &str = "个张次条年月天日号小时周g兆mt块元位人台部分秒米层户期级倍件点%";

/// Amounts with a unit.
pub(super) fn strict(scene: &Scene<'_>) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    for numeral in &scene.numerals {
        let taken = found.last().is_some_and(|it| it.span.end > numeral.span.start);
        if let (false, Some(it)) = (taken, amount(scene, numeral)) {
            found.push(it);
        }
    }
    found
}

/// Bare numerals are yuan, "五分" is five fen, 一块 is one yuan.
pub(super) fn lenient(scene: &Scene<'_>) -> Vec<Found> {
    let bare = scene.bare().filter(|it| !matches!(it.form, Form::Half | Form::Fused));
    let bare = bare.filter(|it| (1..=MAX_BARE_MILLI).contains(&it.milli) && !is_dialled(scene, it));
    let mut found: Vec<Found> = bare
        .map(|it| Found { value: Value::Money { fen: it.milli / 10 }, span: it.span.clone() })
        .collect();
    for numeral in scene.numerals.iter().filter(|it| it.whole().is_some()) {
        let end = numeral.span.end;
        let (fen, end) = match (scene.at(end), scene.at(end + 1)) {
            (Some('分'), next) if next != Some('钟') => (numeral.milli / 1000, end + 1),
            (Some('块'), next) if next != Some('儿') => (numeral.milli / 10, end + 1),
            _ => continue,
        };
        found.push(Found { value: Value::Money { fen }, span: numeral.span.start..end });
    }
    found.sort_by_key(|it| it.span.start);
    found
}

/// "幺八六", "0571" are read out to be dialled.
fn is_dialled(scene: &Scene<'_>, numeral: &Numeral) -> bool {
    let said = &scene.chars[numeral.span.clone()];
    said[0] == '幺'
        || numeral.form != Form::One
            && digit(said[0]) == Some(0)
            && said.len() > 2
            && digit(said[1]).is_some()
}

fn amount(scene: &Scene<'_>, numeral: &Numeral) -> Option<Found> {
    if !(1..=MAX_MILLI).contains(&numeral.milli) || matches!(numeral.form, Form::Half | Form::Fused)
    {
        return None;
    }
    let start = numeral.span.start;
    let sign = scene.any_before(start, &["¥", "人民币", "rmb"]);
    let unit = scene.unit_at(numeral);
    let (fen, end) = yuan(scene, numeral, unit)
        .or_else(|| jiao(scene, numeral, unit))
        .or_else(|| fen(scene, numeral, unit))
        .or_else(|| sign.map(|_| (numeral.milli / 10, numeral.span.end)))?;
    Some(Found { value: Value::Money { fen }, span: sign.unwrap_or(start)..end })
}

/// "三块", "三块九", "三块九毛九分", "三块零五", "三块半", "十块来钱".
fn yuan(scene: &Scene<'_>, numeral: &Numeral, at: usize) -> Option<(i64, usize)> {
    let end = scene.any(at, &["人民币", "rmb", "块", "元", "圆"])?;
    let has_money = scene.any(end, &["钱", "多钱", "来钱", "左右", "大洋"]);
    let small = numeral.form == Form::One && numeral.milli <= 2000;
    let pointed = scene.follows_one_of(numeral.span.start, POINTING) && numeral.milli <= 10_000;
    if scene.is_one_of(end, NOT_YUAN) || pointed && has_money.is_none() {
        return None;
    }
    let yuan = numeral.milli / 10;
    if let Some((fen, end)) = part(scene, end) {
        return Some((yuan + fen, money_end(scene, end)));
    }
    let one_piece = small && scene.at(numeral.span.start) == Some('一') && has_money.is_none();
    let plain = scene.is_pause(end) || scene.is_one_of(end, "多的一每吧呢啊呀吗/了包");
    (!one_piece || plain).then_some((yuan, has_money.unwrap_or(end)))
}

/// What follows 块: fen, and where it ends.
fn part(scene: &Scene<'_>, at: usize) -> Option<(i64, usize)> {
    if scene.at(at) == Some('半') && !scene.is_one_of(at + 1, "年天个小") {
        return Some((50, at + 1));
    }
    if scene.at(at) == Some('零') {
        let one = small_digit(scene, at + 1)?;
        let end = scene.word(at + 2, "分").filter(|end| scene.at(*end) != Some('钟'));
        let end = end.or_else(|| is_closed(scene, at + 2).then_some(at + 2))?;
        return Some((one, end));
    }
    let jiao = scene.at(at).filter(|c| *c == '两').map(|_| 2).or_else(|| small_digit(scene, at))?;
    if let Some(end) = scene.any(at + 1, &["毛", "角"]) {
        return Some(hundredths(scene, jiao * 10, end));
    }
    if let Some(fen) = ascii(scene, at, 2) {
        return is_closed(scene, at + 2).then_some((fen, at + 2));
    }
    (scene.at(at) != Some('两') && is_closed(scene, at + 1)).then_some((jiao * 10, at + 1))
}

/// "八毛", "八毛五", "八毛五分".
fn jiao(scene: &Scene<'_>, numeral: &Numeral, at: usize) -> Option<(i64, usize)> {
    let end = scene.any(at, &["毛", "角"])?;
    let jiao = numeral.whole().filter(|it| *it < 100)?;
    let angle = scene.at(at) == Some('角') && !scene.is_pause(end) && scene.at(end) != Some('钱');
    if scene.is_one_of(end, NOT_JIAO) || angle && small_digit(scene, end).is_none() {
        return None;
    }
    let (fen, end) = hundredths(scene, jiao * 10, end);
    Some((fen, money_end(scene, end)))
}

/// "五分钱": without 钱 it may be a mark or a minute.
fn fen(scene: &Scene<'_>, numeral: &Numeral, at: usize) -> Option<(i64, usize)> {
    let end = scene.word(at, "分钱")?;
    Some((numeral.whole().filter(|it| *it < 100)?, end))
}

/// Adds the digit after 毛: "五", "五分".
fn hundredths(scene: &Scene<'_>, fen: i64, at: usize) -> (i64, usize) {
    let Some(more) = small_digit(scene, at) else { return (fen, at) };
    match scene.word(at + 1, "分").filter(|end| scene.at(*end) != Some('钟')) {
        Some(end) => (fen + more, end),
        None if is_closed(scene, at + 1) => (fen + more, at + 1),
        None => (fen, at),
    }
}

fn money_end(scene: &Scene<'_>, at: usize) -> usize {
    scene.any(at, &["多钱", "钱"]).unwrap_or(at)
}

fn small_digit(scene: &Scene<'_>, at: usize) -> Option<i64> {
    scene.at(at).and_then(digit).filter(|it| *it > 0)
}

/// Whether a digit that ends at `at` belongs to the amount before it: nothing is counted with it.
fn is_closed(scene: &Scene<'_>, at: usize) -> bool {
    let Some(next) = scene.at(at) else { return true };
    if digit(next).is_some() {
        return !next.is_ascii_digit() && scene.is_one_of(at + 1, COUNTED);
    }
    !COUNTED.contains(next) && !"十百千万点两半俩仨".contains(next)
        || next == '两' && scene.is_one_of(at + 1, COUNTED)
}

#[cfg(test)]
mod tests;
