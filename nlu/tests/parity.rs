//! Rust reads a text as the pipeline did when it made the artifact: the same ids, the same embedding.

use std::path::{Path, PathBuf};

use nlu::{
    Artifact,
    encoder::{Device, Encoder as _, Onnx},
    tokens::Tokens,
};
use serde::Deserialize;

/// Least cosine: below it the network, its inputs or the pooling differ, not only the rounding.
const LEAST_COSINE: f64 = 0.9999;
/// Least cosine of an utterance alone and in company. An int8 network scales what it rounds by the whole
/// batch, so that company costs a little.
const LEAST_COSINE_IN_COMPANY: f64 = 0.99;

#[derive(Deserialize)]
struct Golden {
    text: String,
    ids: Vec<u32>,
    embedding: Vec<f32>,
}

struct Case {
    golden: Vec<Golden>,
    tokens: Tokens,
    encoder: Onnx,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn open() -> Case {
    let artifact = Artifact::open(&root().join("models/artifacts/general"))
        .unwrap_or_else(|error| panic!("`make test` makes the model before this test: {error}"));
    let library = root().join(".qingting/natives/onnxruntime/libonnxruntime.so");
    let golden = artifact.file("golden.json").expect("an artifact has a golden file");
    Case {
        golden: serde_json::from_slice(golden).expect("the golden file is a list of cases"),
        tokens: Tokens::open(&artifact).unwrap_or_else(|error| panic!("{error}")),
        encoder: Onnx::open(&artifact, &library, Device::Cpu)
            .unwrap_or_else(|error| panic!("`make test` fetches the library: {error}")),
    }
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
    };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[test]
fn rust_gives_the_ids_and_embeddings_of_the_pipeline() {
    let mut case = open();
    assert!(case.golden.len() >= 10, "only {} golden cases", case.golden.len());
    for golden in &case.golden {
        let ids = case.tokens.encode(&golden.text).unwrap().ids;
        assert_eq!(ids, golden.ids, "{}", golden.text);
        let found = case.encoder.run(&[&ids]).unwrap().remove(0).embedding;
        assert_eq!(found.len(), golden.embedding.len(), "{}", golden.text);
        let near = cosine(&found, &golden.embedding);
        assert!(near > LEAST_COSINE, "{}: cosine {near}", golden.text);
    }
}

#[test]
fn an_utterance_means_the_same_in_company() {
    let mut case = open();
    let batch: Vec<&[u32]> = case.golden.iter().map(|it| &it.ids[..]).collect();
    let found = case.encoder.run(&batch).unwrap();
    for (golden, found) in case.golden.iter().zip(&found) {
        let near = cosine(&found.embedding, &golden.embedding);
        assert!(near > LEAST_COSINE_IN_COMPANY, "{}: cosine {near}", golden.text);
    }
}
