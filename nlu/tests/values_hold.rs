//! What holds for texts and values whatever is said: no panic, spans in order and inside, the way back.

use std::ops::Range;

use jiff::civil::{Date, date};
use nlu::{
    Found, Text,
    values::{Kind, find_all, find_kind},
};
use proptest::prelude::*;

const KINDS: [Kind; 8] = [
    Kind::Phone,
    Kind::Money,
    Kind::Data,
    Kind::Month,
    Kind::Date,
    Kind::Count,
    Kind::Digits,
    Kind::YesNo,
];

/// What utterances with values are made of, and what should not be near them.
const WORDS: &str = "零 〇 一 二 两 三 四 五 六 七 八 九 十 百 千 万 亿 半 俩 仨 幺 几 多 来 点 个 月 号 日 年 周 天 \
    星期 礼拜 上 下 这 本 去年 明年 底 初 后 前 块 元 毛 分 钱 角 g m t b 兆 张 次 条 小时 分钟 尾号 开头 那个 后四位 \
    是 不 对 要 嗯 呃 就是说 第 一下 万一 十分 0 1 2 3 5 6 8 9 18600001234 186 2026 11 . , - / ¥ ， 。 、 ？ 😀 數 幾 塊 兩 \
    \u{200b} \u{301} \u{202e} ם ب vip OK";

fn spoken() -> impl Strategy<Value = String> {
    let words: Vec<&str> = WORDS.split_ascii_whitespace().chain([" ", "_", "\u{3000}"]).collect();
    prop::collection::vec(prop::sample::select(words), 0..24).prop_map(|words| words.concat())
}

fn anything() -> impl Strategy<Value = String> {
    prop_oneof![4 => spoken(), 1 => any::<String>(), 1 => "\\PC{0,40}", 1 => "[\u{0}-\u{ffff}]{0,40}"]
}

fn days() -> impl Strategy<Value = Date> {
    (1900_i16..=2100, 1_i8..=12, 1_i8..=28).prop_map(|(year, month, day)| date(year, month, day))
}

fn is_inside(text: &Text, span: &Range<usize>) -> bool {
    span.start < span.end && span.end <= text.chars().len()
}

fn raw_chars(text: &Text, span: Range<usize>) -> String {
    let raw = text.to_raw(span);
    text.raw().chars().skip(raw.start).take(raw.len()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn every_span_of_a_text_has_a_way_back(raw in anything(), at in 0_usize..60, len in 0_usize..60) {
        let text = Text::new(&raw);
        prop_assert_eq!(text.raw(), &raw);
        prop_assert_eq!(text.chars().iter().collect::<String>(), text.normal());
        let raw_len = raw.chars().count();
        let mut last = 0;
        for at in 0..text.chars().len() {
            let own = text.to_raw(at..at + 1);
            prop_assert!(own.start >= last || own.start + 1 == last, "out of order at {at}");
            prop_assert!(own.start < own.end && own.end <= raw_len);
            prop_assert_eq!(text.raw_slice(at..at + 1), raw_chars(&text, at..at + 1));
            last = own.end;
        }
        let beyond = text.to_raw(at..at + len);
        prop_assert!(beyond.start <= beyond.end && beyond.end <= raw_len);
        prop_assert_eq!(text.raw_slice(at..at + len), raw_chars(&text, at..at + len));
    }

    #[test]
    fn a_normal_text_stays_as_it_is(raw in anything()) {
        let text = Text::new(&raw);
        let again = Text::new(text.normal());
        prop_assert_eq!(again.normal(), text.normal());
        let own = Text::new(text.raw_slice(0..text.chars().len()));
        prop_assert_eq!(own.normal(), text.normal());
    }

    #[test]
    fn fillers_are_inside_in_order_and_apart(raw in anything()) {
        let text = Text::new(&raw);
        let mut last = 0;
        for filler in text.fillers() {
            prop_assert!(is_inside(&text, filler) && filler.start >= last);
            last = filler.end;
        }
    }

    #[test]
    fn values_lie_inside_and_in_order(raw in anything(), today in days()) {
        let text = Text::new(&raw);
        let found = find_all(&text, today);
        for Found { span, value } in &found {
            prop_assert!(is_inside(&text, span), "{span:?}");
            prop_assert!(!value.canonical().is_empty());
        }
        prop_assert!(found.is_sorted_by_key(|it| it.span.start));
    }

    #[test]
    fn a_kind_that_was_asked_for_comes_back_and_no_other(raw in anything(), today in days()) {
        let text = Text::new(&raw);
        let all = find_all(&text, today);
        for kind in KINDS {
            let found = find_kind(&text, kind, today);
            for it in &found {
                prop_assert!(is_inside(&text, &it.span));
                prop_assert_eq!(it.value.kind(), kind);
            }
            for it in all.iter().filter(|it| it.value.kind() == kind) {
                prop_assert!(found.contains(it), "free speech shows {it:?}, a question does not");
            }
        }
    }

    #[test]
    fn a_mobile_number_is_found_however_it_is_cut(
        rest in "[3-9][0-9]{9}",
        cuts in prop::collection::vec(prop::sample::select(vec!["", "", " ", "，", "、", "-", "呃"]), 11),
        spoken in any::<bool>(),
    ) {
        let number = format!("1{rest}");
        let said = |c: char| {
            let chinese = ['零', '幺', '二', '三', '四', '五', '六', '七', '八', '九'];
            let digit = c.to_digit(10).and_then(|it| chinese.get(it as usize));
            digit.copied().filter(|_| spoken).unwrap_or(c)
        };
        let raw: String =
            number.chars().zip(&cuts).map(|(c, cut)| format!("{}{cut}", said(c))).collect();
        let text = Text::new(&format!("给{raw}充话费"));
        let found = find_all(&text, date(2026, 11, 18));
        let phones: Vec<_> = found.iter().filter(|it| it.value.kind() == Kind::Phone).collect();
        prop_assert_eq!(phones.len(), 1, "{}", raw);
        prop_assert_eq!(phones[0].value.canonical(), number, "{}", raw);
    }

    #[test]
    fn yuan_and_jiao_add_up(yuan in 1_i64..10_000, jiao in 0_i64..10, fen in 0_i64..10) {
        let raw = format!("扣了{yuan}.{jiao}{fen}元吧");
        let text = Text::new(&raw);
        let found = find_all(&text, date(2026, 11, 18));
        let money: Vec<_> = found.iter().filter(|it| it.value.kind() == Kind::Money).collect();
        prop_assert_eq!(money.len(), 1);
        prop_assert_eq!(money[0].value.canonical(), (yuan * 100 + jiao * 10 + fen).to_string());
    }
}

#[test]
fn long_texts_are_read_in_one_pass() {
    let units = [
        "一",
        "1",
        "十",
        "1万",
        "一万",
        "个",
        "三个",
        "三个八",
        "那个",
        "呃",
        "嗯",
        "上",
        "月",
        "¥",
        "，",
        "1，",
        "1.",
        "2026-",
        "😀",
        "ب",
        "a b ",
        "兩塊",
        "尾号1",
        "零",
        "半",
        "周一",
        "\u{301}",
        " ",
    ];
    let mixed = units.concat();
    let repeated = units.into_iter().map(|unit| unit.repeat(100_000 / unit.len()));
    for raw in repeated.chain([mixed.repeat(1_000_000 / mixed.len())]) {
        let today = date(2026, 11, 18);
        let started = std::time::Instant::now();
        let text = Text::new(&raw);
        let found = find_all(&text, today).len();
        for kind in KINDS {
            find_kind(&text, kind, today);
        }
        let seconds = started.elapsed().as_secs_f32();
        let begins: String = raw.chars().take(8).collect();
        assert!(seconds < 60.0, "{begins:?} took {seconds} s for {found} values");
    }
}
