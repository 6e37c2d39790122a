//! How long fitting and scoring take. No model is needed: embeddings come from hashes.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use nlu::{
    Head, Text,
    encoder::{Encoder as _, Fake},
    head::Sample,
    tokens::Tokens,
};

const DIMS: usize = 384;
const INTENTS: usize = 61;
const WORDS: [&str; 24] = [
    "话费",
    "流量",
    "套餐",
    "宽带",
    "会员",
    "余额",
    "查一下",
    "退了",
    "办一个",
    "多少钱",
    "怎么",
    "为什么",
    "上个月",
    "我的",
    "家里",
    "手机",
    "号码",
    "帮我",
    "不要",
    "今天",
    "发票",
    "积分",
    "漫游",
    "投诉",
];

struct Example {
    label: String,
    text: Text,
    embedding: Vec<f32>,
}

impl Example {
    fn sample(&self) -> Sample<'_> {
        Sample { label: &self.label, text: &self.text, embedding: &self.embedding }
    }
}

/// Utterances of words that each intent draws in its own way, one in five of them refused.
fn examples(count: usize) -> Vec<Example> {
    let tokens = Tokens::characters(256);
    let mut encoder = Fake::new(DIMS);
    let example = |number: usize| {
        let intent = number % INTENTS;
        let word =
            |place: usize| WORDS[(intent * (place + 1) + number / INTENTS * place) % WORDS.len()];
        let text = Text::new(&(0..8).map(word).collect::<String>());
        let cut = tokens.encode(text.normal()).expect("eight words fit");
        let embedding = encoder.run(&[&cut.ids]).expect("it cannot fail").remove(0).embedding;
        let label = match number % 5 {
            0 => "out_of_scope/off_domain".into(),
            _ => format!("intent_{intent}"),
        };
        Example { label, text, embedding }
    };
    (0..count).map(example).collect()
}

fn samples(examples: &[Example]) -> Vec<Sample<'_>> {
    examples.iter().map(Example::sample).collect()
}

fn fit(bench: &mut Criterion) {
    let mut group = bench.benchmark_group("head_fit");
    group.sample_size(10);
    for count in [100, 500, 1_000, 2_000] {
        let examples = examples(count);
        let samples = samples(&examples);
        group.bench_with_input(BenchmarkId::from_parameter(count), &samples, |bench, samples| {
            bench.iter(|| Head::fit(black_box(samples), &[]).expect("the examples are sound"));
        });
    }
    group.finish();
}

fn score(bench: &mut Criterion) {
    let examples = examples(2_000);
    let head = Head::fit(&samples(&examples), &[]).expect("the examples are sound");
    let it = &examples[7];
    bench.bench_function("head_score", |bench| {
        bench.iter(|| head.score(black_box(&it.text), black_box(&it.embedding)));
    });
}

criterion_group!(benches, fit, score);
criterion_main!(benches);
