//! What holds for every fitted head, however few the examples.

use nlu::{
    Act, Head, Refusal, Text,
    encoder::{Encoder as _, Fake},
    head::{Error, Sample, Scores},
    tokens::Tokens,
};
use proptest::prelude::*;

const DIMS: usize = 256;

/// Examples with what owns their texts and embeddings.
#[derive(Default)]
struct Examples {
    labels: Vec<String>,
    texts: Vec<Text>,
    embeddings: Vec<Vec<f32>>,
}

impl Examples {
    fn new<'a>(all: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut found = Self::default();
        for (label, said) in all {
            let text = Text::new(said);
            found.labels.push(label.into());
            found.embeddings.push(embed(&text));
            found.texts.push(text);
        }
        found
    }

    fn samples(&self) -> Vec<Sample<'_>> {
        let of = |it: usize| Sample {
            label: &self.labels[it],
            text: &self.texts[it],
            embedding: &self.embeddings[it],
        };
        (0..self.labels.len()).map(of).collect()
    }
}

fn embed(text: &Text) -> Vec<f32> {
    let cut = Tokens::characters(256).encode(text.normal()).expect("no text is that long");
    Fake::new(DIMS).run(&[&cut.ids]).expect("it cannot fail").remove(0).embedding
}

fn score(head: &Head, said: &str) -> Scores {
    let text = Text::new(said);
    head.score(&text, &embed(&text))
}

const BALANCE: [&str; 6] = [
    "我还有多少话费",
    "查一下话费余额",
    "话费还剩几块钱",
    "看看话费够不够",
    "话费余额多少",
    "还剩多少话费",
];
const CANCEL: [&str; 6] = [
    "把视频会员退了",
    "退订音乐会员",
    "会员我不要了退掉",
    "帮我退会员",
    "取消那个会员",
    "会员给我退了",
];
const SPEED: [&str; 6] = [
    "宽带太慢要提速",
    "宽带升到千兆",
    "家里宽带提速",
    "宽带能提速吗",
    "升级宽带速度",
    "宽带速度升一下",
];
const WEATHER: [&str; 6] = [
    "明天下雨吗",
    "后天会不会下雨",
    "今天天气好吗",
    "天气热不热",
    "周末下雨不下",
    "明天天气怎么样",
];
const BABBLE: [&str; 6] =
    ["嘀嘀嘀嘀", "啦啦啦啦啦", "滋滋滋滋", "嘀嘀滋滋", "啦啦嘀嘀", "滋滋啦啦"];

fn labelled<'a>(label: &'a str, said: &'a [&'a str]) -> Vec<(&'a str, &'a str)> {
    said.iter().map(|it| (label, *it)).collect()
}

fn usual() -> Examples {
    Examples::new(
        [
            labelled("balance", &BALANCE),
            labelled("cancel", &CANCEL),
            labelled("speed", &SPEED),
            labelled("out_of_scope/off_domain", &WEATHER),
            labelled("out_of_scope/noise", &BABBLE),
        ]
        .concat(),
    )
}

fn acts() -> Examples {
    let affirm = ["对", "好的", "可以", "好的没问题", "对的对的", "嗯"];
    let deny = ["不对", "不要", "不行", "不用了", "不是的"];
    let none = ["三月份的", "从北京打来的", "视频会员", "那个月的"];
    Examples::new(
        [labelled("affirm", &affirm), labelled("deny", &deny), labelled("none", &none)].concat(),
    )
}

/// What every score must be.
fn check(head: &Head, found: &Scores) {
    let sum: f32 = found.ranking.iter().map(|it| it.probability).sum();
    assert!((0.0..=1.0).contains(&found.in_scope), "{found:?}");
    if head.intents().len() <= 10 {
        assert!(
            (sum - found.in_scope).abs() < 1e-4,
            "with out of scope they sum to one: {found:?}"
        );
    }
    assert!(sum <= found.in_scope + 1e-4, "{found:?}");
    assert!(found.ranking.len() == head.intents().len().min(10), "{found:?}");
    assert!(found.ranking.is_sorted_by(|a, b| a.probability >= b.probability), "{found:?}");
    assert!(found.act.is_none_or(|(_, it)| (0.5..=1.0).contains(&it)), "{found:?}");
}

#[test]
fn intents_are_told_apart_and_what_is_none_is_refused_with_its_reason() {
    let (examples, acts) = (usual(), acts());
    let head = Head::fit(&examples.samples(), &acts.samples()).unwrap();
    for (said, intent, refusal) in [
        ("查查我还剩多少话费", "balance", None),
        ("那个视频会员退掉", "cancel", None),
        ("我家宽带要提速", "speed", None),
        ("明天会下雨吗", "", Some(Refusal::OffDomain)),
        ("滋滋嘀嘀", "", Some(Refusal::Noise)),
    ] {
        let found = score(&head, said);
        check(&head, &found);
        assert_eq!(found.refusal, refusal, "{said}: {found:?}");
        if refusal.is_none() {
            assert_eq!(found.ranking[0].intent, intent, "{said}: {found:?}");
        }
    }
}

#[test]
fn acts_are_known_by_word_and_digits_by_what_they_are() {
    let (examples, acts) = (usual(), acts());
    let head = Head::fit(&examples.samples(), &acts.samples()).unwrap();
    for (said, expected) in [
        ("对", Some(Act::Affirm)),
        ("不是的", Some(Act::Deny)),
        ("嗯", Some(Act::Affirm)),
        ("三月份的", None),
        ("一三八零零", Some(Act::Digits)),
        ("1380", Some(Act::Digits)),
        ("我还有多少话费", None),
    ] {
        let found = score(&head, said);
        check(&head, &found);
        assert_eq!(found.act.map(|it| it.0), expected, "{said}: {found:?}");
    }
}

#[test]
fn the_fewest_examples_make_a_head() {
    let none: [(&str, &str); 0] = [];
    for (name, intents, acts) in [
        ("one example", vec![("balance", BALANCE[0])], vec![]),
        ("one intent", labelled("balance", &BALANCE), vec![("affirm", "对")]),
        (
            "one example each",
            vec![("balance", BALANCE[0]), ("cancel", CANCEL[0])],
            vec![("none", "三月")],
        ),
        (
            "the same twice",
            vec![("balance", "话费"), ("balance", "话费"), ("cancel", "话费")],
            vec![],
        ),
        ("no letters", vec![("balance", "？"), ("cancel", "")], vec![("deny", "")]),
        (
            "one refused",
            vec![("balance", BALANCE[0]), ("cancel", CANCEL[0]), ("out_of_scope/noise", "滋滋")],
            vec![],
        ),
    ] {
        let (intents, acts) = (Examples::new(intents), Examples::new(acts));
        let head = Head::fit(&intents.samples(), &acts.samples()).expect(name);
        for said in ["我还有多少话费", "讲个笑话", "", "12", "？"] {
            check(&head, &score(&head, said));
        }
    }
    let found = Head::fit(&Examples::new(none).samples(), &[]);
    assert_eq!(found.unwrap_err(), Error::Empty);
}

#[test]
fn without_refused_examples_what_is_far_from_all_is_out_of_scope() {
    let balance = [
        "我还有多少话费啊",
        "我还有多少话费呢",
        "那我还有多少话费",
        "我还有多少话费",
        "问我还有多少话费",
    ];
    let cancel = [
        "把视频会员退了吧",
        "把视频会员退了呗",
        "快把视频会员退了",
        "把视频会员退了",
        "我把视频会员退了",
    ];
    let all = [labelled("balance", &balance), labelled("cancel", &cancel)].concat();
    let examples = Examples::new(all);
    let head = Head::fit(&examples.samples(), &[]).unwrap();
    let (near, far) = (score(&head, "我还有多少话费嘛"), score(&head, "宇宙飞船着陆"));
    assert!(near.in_scope > 0.5 && near.refusal.is_none(), "{near:?}");
    assert!(far.in_scope < 0.5, "{far:?}");
    assert_eq!(far.refusal, Some(Refusal::OffDomain), "{far:?}");
}

#[test]
fn the_same_examples_give_the_same_head() {
    let (examples, acts) = (usual(), acts());
    let fit = || Head::fit(&examples.samples(), &acts.samples()).unwrap();
    let (one, other) = (fit(), fit());
    for said in ["查话费", "下雨", "提速", "对"] {
        assert_eq!(score(&one, said), score(&other, said), "{said}");
    }
}

#[test]
fn wrong_examples_are_named() {
    let text = Text::new("话费");
    let embedding = embed(&text);
    let sample = |label| Sample { label, text: &text, embedding: &embedding };
    let good = sample("balance");
    for (intents, acts, expected) in [
        (vec![], vec![], Error::Empty),
        (vec![sample("out_of_scope/noise")], vec![], Error::Empty),
        (vec![good, sample("out_of_scope/bad")], vec![], Error::Refusal("bad".into())),
        (vec![good], vec![sample("agree")], Error::Act("agree".into())),
        (vec![good, Sample { embedding: &[1.0], ..good }], vec![], Error::Embedding(1)),
        (vec![good], vec![Sample { embedding: &[f32::NAN; DIMS], ..good }], Error::Embedding(1)),
    ] {
        assert_eq!(Head::fit(&intents, &acts).unwrap_err(), expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn scores_are_probabilities_whatever_is_said(said in "\\PC{0,40}") {
        static HEAD: std::sync::OnceLock<Head> = std::sync::OnceLock::new();
        let head = HEAD.get_or_init(|| Head::fit(&usual().samples(), &acts().samples()).unwrap());
        check(head, &score(head, &said));
    }
}
