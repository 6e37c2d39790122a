//! Which words only fill a pause.
//!
//! Marked, never removed: a reader that counts on them (who points, who says yes) still has them. A word
//! that may also carry meaning is a filler only where its neighbours leave it none.

use std::ops::Range;

/// Sounds of thinking; they mean nothing wherever they stand.
const THINKING: &[char] = &['呃', '呣'];

/// Sounds that are an answer when they are all that is said, and hesitation before anything else.
const HUMMED: &[char] = &['嗯', '恩', '唔', '额', '啊', '哎', '诶', '唉', '哦', '噢'];

/// Of those, the ones that begin ordinary words (额度, 啊呀, 恩情): a pause must follow.
const NEED_PAUSE: &[char] = &['恩', '额', '啊', '哎', '诶', '唉', '哦', '噢'];

/// Phrases that hold the floor.
const PHRASES: &[&str] = &["就是说", "怎么说呢", "怎么讲呢", "这么说吧", "那什么", "那啥", "内啥"];

/// Words that point to something unless the talk only begins after them.
const POINTING: &[&str] = &["那个", "这个", "内个", "就是", "然后"];

/// More in a row than anybody says.
const MAX_REPEATED: usize = 8;

/// How talk begins after a hesitation.
const BEGINNINGS: &[&str] = &[
    "我想", "我要", "我问", "我这", "我那", "我妈", "我爸", "我看", "我的", "我上", "我家", "你好",
    "您好", "你们", "咱", "俺", "帮", "请", "麻烦", "想", "问", "查", "咨询",
];

/// What may stand before a hesitation without being pointed on from: calls and particles.
const OPENINGS: &[char] = &['喂', '啊', '呢', '吧', '嘛', '呀', '好', '哎'];

/// Spans of fillers, in order.
pub(super) fn find(chars: &[char]) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let after_filler = found.last().is_some_and(|it| it.end == at);
        match filler_at(chars, at, after_filler) {
            Some(end) => {
                found.push(at..end);
                at = end;
            }
            None => at += 1,
        }
    }
    without_answer(chars, found)
}

/// When nothing but fillers was said, what could be an answer is one.
fn without_answer(chars: &[char], mut found: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let filled: usize = found.iter().map(Range::len).sum();
    let spoken = chars.iter().filter(|c| !is_pause(**c)).count();
    if filled == spoken {
        found.retain(|span| THINKING.contains(&chars[span.start]) || chars[span.start] == '额');
    }
    found
}

fn filler_at(chars: &[char], at: usize, after_filler: bool) -> Option<usize> {
    if THINKING.contains(&chars[at]) {
        return Some(at + 1);
    }
    let starts = at == 0 || after_filler || is_pause(chars[at - 1]);
    if HUMMED.contains(&chars[at]) {
        return hum(chars, at).filter(|_| starts);
    }
    if let Some(end) = any_at(chars, at, PHRASES) {
        let part_of_more = at > 0 && ['也', '不', '只'].contains(&chars[at - 1]);
        return (!part_of_more).then_some(end);
    }
    let end = any_at(chars, at, POINTING)?;
    let opened = starts || OPENINGS.contains(&chars[at - 1]) || follows_subject(chars, at);
    (opened && talk_begins(chars, end)).then_some(end)
}

/// "我那个……": the subject begins the clause; in 用我这个 it owns something.
fn follows_subject(chars: &[char], at: usize) -> bool {
    let before = |back: usize| at.checked_sub(back).map(|at| chars[at]);
    before(1).is_some_and(|c| "我咱俺".contains(c))
        && before(2).is_none_or(|c| is_pause(c) || THINKING.contains(&c) || OPENINGS.contains(&c))
}

fn hum(chars: &[char], at: usize) -> Option<usize> {
    let same = chars[at..].iter().take_while(|c| **c == chars[at]).count();
    let end = at + same;
    let pause = chars.get(end).is_none_or(|c| is_pause(*c)) || hesitates(chars, end);
    (pause || !NEED_PAUSE.contains(&chars[at])).then_some(end)
}

/// Whether what stands at `at` shows that the word before it pointed to nothing.
fn talk_begins(chars: &[char], at: usize) -> bool {
    let next = chars.get(at);
    next.is_some_and(|c| is_pause(*c) && !"《“「『\"(".contains(*c))
        || hesitates(chars, at)
        || any_at(chars, at, BEGINNINGS).is_some()
}

/// Whether another filler stands at `at`: a sound, a phrase, or pointing words on and on.
fn hesitates(chars: &[char], at: usize) -> bool {
    let sound = |at: usize| chars.get(at).is_some_and(|c| THINKING.contains(c) || *c == '嗯');
    let mut end = at;
    for _ in 0..MAX_REPEATED {
        match any_at(chars, end, &["那个", "这个", "就是"]) {
            Some(next) => end = next,
            None => break,
        }
    }
    let plain = sound(end) || any_at(chars, end, PHRASES).is_some();
    let pause = chars.get(end).is_some_and(|c| is_pause(*c));
    plain || end > at && (pause || any_at(chars, end, BEGINNINGS).is_some())
}

fn any_at(chars: &[char], at: usize, words: &[&str]) -> Option<usize> {
    words.iter().find_map(|word| {
        let len = word.chars().count();
        let said = chars.get(at..at + len)?;
        said.iter().copied().eq(word.chars()).then_some(at + len)
    })
}

fn is_pause(c: char) -> bool {
    !c.is_alphanumeric() && !"+%¥#*@&/".contains(c)
}

#[cfg(test)]
mod tests {
    use crate::Text;

    /// Each line: what is said | the fillers in it, in order.
    fn check(table: &[(&str, &[&str])]) {
        for (said, expected) in table {
            let text = Text::new(said);
            let found: Vec<_> =
                text.fillers().iter().map(|span| text.raw_slice(span.clone())).collect();
            assert_eq!(found, *expected, "{said}");
        }
    }

    #[test]
    fn hesitations_are_marked() {
        check(&[
            ("呃那个帮我看下我这个月还剩多少流量啊", &["呃", "那个"]),
            ("呃呃我要查话费", &["呃", "呃"]),
            ("嗯我想查一下", &["嗯"]),
            ("嗯嗯，我想退了", &["嗯嗯"]),
            ("那个，我想问一下我是不是欠费了", &["那个"]),
            ("那个那个我想问问", &["那个", "那个"]),
            ("我那个嗯……原来是58的", &["那个", "嗯"]),
            ("就是说我这卡不想要了", &["就是说"]),
            ("嗯，就是，我想换号", &["嗯", "就是"]),
            ("额，怎么说呢，网太慢", &["额", "怎么说呢"]),
            ("喂那个我想退订", &["那个"]),
            ("那什么，给我查查", &["那什么"]),
            ("這個，我想问下", &["這個"]),
            ("查一下呃话费", &["呃"]),
            ("呃", &["呃"]),
            ("额", &["额"]),
        ]);
    }

    #[test]
    fn what_points_or_answers_is_no_filler() {
        check(&[
            ("给我退了那个视频会员", &[]),
            ("退那个", &[]),
            ("那个", &[]),
            ("那个。", &[]),
            ("呃，那个", &["呃"]),
            ("嗯", &[]),
            ("嗯嗯", &[]),
            ("那个会员", &[]),
            ("186那个", &[]),
            ("把那个给我退了", &[]),
            ("那个我不要了", &[]),
            ("我说的那个我想退", &[]),
            ("这个月", &[]),
            ("额度还剩多少", &[]),
            ("余额", &[]),
            ("号还用我这个，行不", &[]),
            ("那个《好运来》，给我换成那个", &[]),
            ("也就是说不能退", &[]),
            ("就是不想要了", &[]),
            ("", &[]),
        ]);
    }
}
