//! Yes and no: "对", "不是", "要", "不用了", as words of their own.
//!
//! In free speech a clause must be nothing but the word, because 对不起 agrees to nothing; when yes or no
//! was asked for, it may begin a clause ("要那个", "不想办"). What a question asks (要不要, 行吗) is neither.

use super::{Found, Value, scene::Scene};

const YES: &str = "是 是的 是滴 是嘞 是这样 是这个 对 对的 对头 对对 对对对 没错 没问题 嗯 嗯嗯 嗯对 嗯好 嗯是 恩 \
    好 好的 好滴 好嘞 好好好 行 行的 可以 可以的 要 要的 我要 需要 办 确认 确定 同意 成 中 得 要得 当然 必须的 那行 那好 \
    就这样 就是 没毛病 愿意 想 有 能 ok okay yes yeah y";

const NO: &str = "不 不不 不不不 不是 不是的 不对 不要 我不要 不用 不用了 不要了 不需要 不办 不办了 不行 不可以 不好 \
    不同意 不确认 不确定 不了 没有 没 别 别办 算了 先不 先不要 先不办 先别 否 不成 不中 不得 不想 不必 免了 甭 不愿意 \
    不能 莫 no nope n";

/// With these a clause begins that says yes, or no.
const YES_BEGINS: &str = "是的 对的 对对 没错 好的 好嘞 可以 要的 要那 要这 我要 需要 确认 确定 同意 当然 就是 嗯 行 \
    办吧 是我 是那 是这 是1 给我办 帮我办";
const NO_BEGINS: &str = "不 没有 别 算了 先不 先别 我不 甭 还是不 还是别 还是算了 暂时不 取消";

/// What begins a clause like a yes or a no and is neither.
const NEITHER: &str = "不好意思 不知道 不清楚 不懂 不明白 不记得 不管 不过 不如 不仅 不但 不然 不光 不晓得 不太清楚 \
    行不 可不可以 可以吗 别人 别的 没有别的 就是说 好像 是不是";

/// What a clause may end with besides the word: particles.
const ENDINGS: &str = "啊呀吧呢的了哦噢嘛哈呗嘞咯哎诶";

/// Clauses that are nothing but yes or no.
pub(super) fn strict(scene: &Scene<'_>) -> Vec<Found> {
    clauses(scene).filter_map(|(start, end)| exact(scene, start, end)).collect()
}

/// Also clauses that begin so.
pub(super) fn lenient(scene: &Scene<'_>) -> Vec<Found> {
    let clauses = clauses(scene).filter(|(start, end)| exact(scene, *start, *end).is_none());
    clauses.filter_map(|(start, end)| begun(scene, start, end)).collect()
}

fn exact(scene: &Scene<'_>, start: usize, end: usize) -> Option<Found> {
    if scene.at(end) == Some('?') {
        return None;
    }
    let mut stop = end;
    loop {
        let said: String = scene.chars[start..stop].iter().take(5).collect();
        let whole = stop - start <= 5;
        let value = match (is_listed(YES, &said), is_listed(NO, &said)) {
            (true, _) if whole => Some(true),
            (_, true) if whole => Some(false),
            _ => None,
        };
        if let Some(yes) = value {
            return Some(Found { value: Value::YesNo(yes), span: start..stop });
        }
        if stop - start <= 1 || end - stop >= 3 || !scene.follows_one_of(stop, ENDINGS) {
            return None;
        }
        stop -= 1;
    }
}

fn is_listed(words: &str, said: &str) -> bool {
    words.split_whitespace().any(|word| word == said)
}

fn begun(scene: &Scene<'_>, start: usize, end: usize) -> Option<Found> {
    let asks = end > start && scene.is_one_of(end - 1, "吗么不没") || scene.at(end) == Some('?');
    let doubled = scene.at(start + 1).is_some_and(|c| "不没".contains(c))
        && scene.at(start + 2) == scene.at(start);
    if asks || doubled || longest(scene, start, NEITHER).is_some() {
        return None;
    }
    let no = longest(scene, start, NO_BEGINS).map(|end| (false, end));
    let yes = || longest(scene, start, YES_BEGINS).map(|end| (true, end));
    let (yes, end) = no.or_else(yes)?;
    Some(Found { value: Value::YesNo(yes), span: start..end })
}

fn longest(scene: &Scene<'_>, at: usize, words: &str) -> Option<usize> {
    words.split_whitespace().filter_map(|word| scene.word(at, word)).max()
}

/// What lies between pauses, without the fillers at its beginning.
fn clauses(scene: &Scene<'_>) -> impl Iterator<Item = (usize, usize)> {
    let mut clauses = Vec::new();
    let mut start = 0;
    for at in 0..=scene.chars.len() {
        if !scene.is_pause(at) {
            continue;
        }
        let mut from = start;
        let fillers = scene.text.fillers();
        let mut next = fillers.partition_point(|it| it.start < from);
        while let Some(filler) = fillers.get(next).filter(|it| it.start == from && it.end <= at) {
            (from, next) = (filler.end, next + 1);
        }
        if from < at {
            clauses.push((from, at));
        }
        start = at + 1;
    }
    clauses.into_iter()
}

#[cfg(test)]
mod tests;
