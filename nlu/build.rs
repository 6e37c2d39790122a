//! Names the code that fits heads, so that a head that was kept is not used by other code.

use std::{
    collections::hash_map::DefaultHasher,
    fs,
    hash::{Hash as _, Hasher as _},
    path::{Path, PathBuf},
};

/// All that a fitted head depends on besides the examples and the model.
const SOURCES: &[&str] = &["src/head.rs", "src/head", "src/text.rs", "src/text", "src/hash.rs"];

fn main() {
    let mut files = Vec::new();
    SOURCES.iter().for_each(|it| gather(Path::new(it), &mut files));
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        fs::read(&file).expect("a source is readable").hash(&mut hasher);
    }
    println!("cargo::rustc-env=QINGTING_HEAD_CODE={:016x}", hasher.finish());
}

fn gather(path: &Path, files: &mut Vec<PathBuf>) {
    println!("cargo::rerun-if-changed={}", path.display());
    if !path.is_dir() {
        files.push(path.to_owned());
        return;
    }
    for entry in fs::read_dir(path).expect("a folder of sources is readable") {
        gather(&entry.expect("an entry").path(), files);
    }
}
