//! How long forming a batch takes, how long one reading takes, and how many are read at once, with the real
//! model where it was made.

use std::{hint::black_box, path::Path};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use nlu::{
    Artifact, Engine, Head, Text, batch,
    engine::{Device, Options},
    head::Sample,
};
use tokio::runtime::Runtime;

const SAID: [(&str, &str); 8] = [
    ("query_balance", "帮我看下我这卡上还剩多少钱"),
    ("query_balance", "话费还剩多少"),
    ("query_data_usage", "呃那个帮我看下我这个月还剩多少流量啊"),
    ("query_data_usage", "流量用了多少"),
    ("cancel_addon", "给我退了那个视频会员"),
    ("cancel_addon", "把音乐包退掉"),
    ("out_of_scope/off_domain", "明天会不会下雨"),
    ("out_of_scope/off_domain", "给我讲个笑话"),
];

fn take(bench: &mut Criterion) {
    let lengths: Vec<usize> = (0..1_024).map(|it| 6 + it * 7 % 30).collect();
    bench.bench_function("batch_take", |bench| {
        bench.iter(|| batch::take(black_box(lengths.iter().copied()), black_box(512)));
    });
}

fn open() -> Engine {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let artifact = Artifact::open(&root.join("models/artifacts/base"))
        .unwrap_or_else(|error| panic!("{error}"));
    let library = root.join(".qingting/natives/onnxruntime/libonnxruntime.so");
    let options = Options { library, device: Device::Cpu, ..Options::default() };
    Engine::open(&artifact, &options).unwrap_or_else(|error| panic!("{error}"))
}

fn head(runtime: &Runtime, engine: &Engine) -> Head {
    let texts: Vec<Text> = SAID.iter().map(|(_, said)| Text::new(said)).collect();
    let embeddings = runtime.block_on(engine.embed_all(&texts)).expect("the texts are short");
    let samples: Vec<Sample<'_>> = SAID
        .iter()
        .zip(texts.iter().zip(&embeddings))
        .map(|((label, _), (text, embedding))| Sample { label, text, embedding })
        .collect();
    Head::fit(&samples, &[]).expect("the examples are sound")
}

fn read(bench: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime starts");
    let engine = open();
    let head = head(&runtime, &engine);
    let today = jiff::civil::date(2026, 11, 24);
    let mut group = bench.benchmark_group("engine_read");
    for callers in [1, 16, 64] {
        group.throughput(Throughput::Elements(callers));
        group.bench_with_input(BenchmarkId::from_parameter(callers), &callers, |bench, callers| {
            bench.to_async(&runtime).iter(|| async {
                let said = SAID.iter().cycle().take(*callers as usize);
                let calls: Vec<_> = said
                    .map(|(_, said)| {
                        let (engine, head) = (engine.clone(), head.clone());
                        tokio::spawn(async move { engine.read(&head, said, today).await })
                    })
                    .collect();
                for call in calls {
                    black_box(call.await.expect("no call panics").expect("every call is read"));
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, take, read);
criterion_main!(benches);
