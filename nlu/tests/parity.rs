//! Rust reads a text as the pipeline did when it made the artifact: the same ids, the same embedding.

use std::{
    fs,
    path::{Path, PathBuf},
};

use nlu::{
    Artifact,
    encoder::{Device, Encoder as _, Onnx},
    tokens::Tokens,
};
use serde::Deserialize;

/// Least cosine: below it the network, its inputs or the pooling differ, not only the rounding.
const LEAST_COSINE: f64 = 0.9999;
/// Least cosine of an utterance alone and in company.
const LEAST_COSINE_IN_COMPANY: f64 = 0.99;
/// Least part of the tokens with the tag that the pipeline gave them: two of nearly the same score may change
/// places where another processor rounds otherwise.
const SAME_TAGS: f64 = 0.99;
/// Most by which the score of a mood may differ.
const MOOD: f32 = 0.05;

#[derive(Deserialize)]
struct Golden {
    text: String,
    ids: Vec<u32>,
    embedding: Vec<f32>,
    #[serde(default)]
    tags: Vec<usize>,
    #[serde(default)]
    moods: Vec<f32>,
}

struct Case {
    name: String,
    golden: Vec<Golden>,
    tokens: Tokens,
    encoder: Onnx,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every artifact of the repository.
fn cases() -> Vec<Case> {
    let folders = fs::read_dir(root().join("models/artifacts")).expect("the artifacts");
    let folders = folders.map(|it| it.expect("an entry").path());
    let cases: Vec<Case> =
        folders.filter(|it| it.join("manifest.json").exists()).map(|it| open(&it)).collect();
    assert!(cases.len() >= 4, "only {} artifacts", cases.len());
    cases
}

fn open(folder: &Path) -> Case {
    let artifact = Artifact::open(folder).unwrap_or_else(|error| panic!("{error}"));
    let library = root().join(".qingting/natives/onnxruntime/libonnxruntime.so");
    let golden = artifact.file("golden.json").expect("an artifact has a golden file");
    Case {
        name: artifact.manifest().name.clone(),
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

/// The place of the highest score of each row.
fn best(scores: &[f32], width: usize) -> Vec<usize> {
    let best_of = |row: &[f32]| (0..width).max_by(|a, b| row[*a].total_cmp(&row[*b]));
    scores.chunks_exact(width.max(1)).filter_map(best_of).collect()
}

#[test]
fn rust_gives_the_ids_and_embeddings_of_the_pipeline() {
    for mut case in cases() {
        assert!(case.golden.len() >= 10, "only {} golden cases", case.golden.len());
        for golden in &case.golden {
            let ids = case.tokens.encode(&golden.text).unwrap().ids;
            assert_eq!(ids, golden.ids, "{}: {}", case.name, golden.text);
            let found = case.encoder.run(&[&ids]).unwrap().remove(0).embedding;
            assert_eq!(found.len(), golden.embedding.len(), "{}: {}", case.name, golden.text);
            let near = cosine(&found, &golden.embedding);
            assert!(near > LEAST_COSINE, "{}: {}: cosine {near}", case.name, golden.text);
        }
    }
}

#[test]
fn the_heads_say_what_they_said_to_the_pipeline() {
    for mut case in cases() {
        let labels = case.encoder.labels();
        let (mut tokens, mut same) = (0, 0);
        for golden in &case.golden {
            let found = case.encoder.run(&[&golden.ids]).unwrap().remove(0);
            let tags = best(&found.tags, labels.tags.len());
            assert_eq!(tags.len(), golden.tags.len(), "{}: {}", case.name, golden.text);
            tokens += tags.len();
            same += tags.iter().zip(&golden.tags).filter(|(a, b)| a == b).count();
            assert_eq!(found.moods.len(), golden.moods.len(), "{}: {}", case.name, golden.text);
            let off = found.moods.iter().zip(&golden.moods).map(|(a, b)| (a - b).abs());
            assert!(off.fold(0.0, f32::max) < MOOD, "{}: {}", case.name, golden.text);
        }
        assert!(same as f64 >= SAME_TAGS * tokens as f64, "{}: {same} of {tokens}", case.name);
    }
}

#[test]
fn an_utterance_means_the_same_in_company() {
    for mut case in cases() {
        let batch: Vec<&[u32]> = case.golden.iter().map(|it| &it.ids[..]).collect();
        let found = case.encoder.run(&batch).unwrap();
        for (golden, found) in case.golden.iter().zip(&found) {
            let near = cosine(&found.embedding, &golden.embedding);
            let said = &golden.text;
            assert!(near > LEAST_COSINE_IN_COMPANY, "{}: {said}: cosine {near}", case.name);
        }
    }
}
