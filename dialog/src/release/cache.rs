//! What a start computes and the next one need not: embeddings of examples, and fitted heads.
//!
//! Files of one model lie in one folder, each behind the sha256 of its content, written beside and renamed.
//! Whoever computes holds the folder's lock, so that of many servers that start at once one works and the
//! others take what it found. A file that cannot be read is as good as none; it is never an authority.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use nlu::Head;
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};

/// Heads that are kept: those of the releases that were used last.
const HEADS: usize = 8;
/// Length of a sha256, in bytes.
const SEAL: usize = 32;

/// The folder of one model.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// The cache in `folder` for the model with this fingerprint.
    pub fn new(folder: &Path, model: &str) -> Self {
        Self { folder: folder.join(model) }
    }

    /// Waits until no other process computes; dropping the file lets the next one. Where the folder cannot
    /// be written nothing is kept, and nobody waits.
    pub(super) fn lock(&self) -> Option<fs::File> {
        fs::create_dir_all(&self.folder).ok()?;
        let file = fs::File::create(self.folder.join("lock")).ok()?;
        file.lock().ok()?;
        Some(file)
    }

    /// Text -> embedding, as far as they are kept.
    pub(super) fn embeddings(&self) -> HashMap<String, Vec<f32>> {
        load(&self.folder.join("embeddings")).unwrap_or_default()
    }

    /// Keeps them all.
    pub(super) fn keep_embeddings(&self, known: &HashMap<String, Vec<f32>>) -> io::Result<()> {
        store(&self.folder.join("embeddings"), known)
    }

    /// The head that this program would fit for a release, if it was kept.
    pub(super) fn head(&self, release: &str) -> Option<Head> {
        load(&self.head_file(release))
    }

    /// Keeps the head of a release, and of the others those that were kept last.
    pub(super) fn keep_head(&self, release: &str, head: &Head) -> io::Result<()> {
        let file = self.head_file(release);
        store(&file, head)?;
        let heads = file.parent().unwrap_or(Path::new("."));
        let mut kept: Vec<(SystemTime, PathBuf)> = Vec::new();
        for entry in fs::read_dir(heads)? {
            let entry = entry?;
            kept.push((entry.metadata()?.modified()?, entry.path()));
        }
        kept.sort();
        let old = kept.len().saturating_sub(HEADS);
        kept.into_iter().take(old).try_for_each(|(_, file)| fs::remove_file(file))
    }

    fn head_file(&self, release: &str) -> PathBuf {
        self.folder.join("heads").join(format!("{release}-{}", Head::FITTED_BY))
    }
}

fn load<T: DeserializeOwned>(file: &Path) -> Option<T> {
    let bytes = fs::read(file).ok()?;
    let (seal, content) = bytes.split_at_checked(SEAL)?;
    let is_whole = Sha256::digest(content)[..] == *seal;
    if is_whole { postcard::from_bytes(content).ok() } else { None }
}

fn store<T: Serialize>(file: &Path, value: &T) -> io::Result<()> {
    fs::create_dir_all(file.parent().unwrap_or(Path::new(".")))?;
    let content = postcard::to_stdvec(value).map_err(io::Error::other)?;
    let beside = file.with_extension(format!("{}.new", std::process::id()));
    fs::write(&beside, [&Sha256::digest(&content)[..], &content].concat())?;
    fs::rename(&beside, file)
}

#[cfg(test)]
mod tests {
    use nlu::{Text, head::Sample};

    use super::*;

    #[test]
    fn embeddings_come_back_exactly_and_damage_is_passed_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = Cache::new(folder.path(), "m1");
        assert!(cache.embeddings().is_empty());
        let known =
            HashMap::from([("查话费".to_owned(), vec![0.1_f32, -1e-7]), (String::new(), vec![])]);
        cache.keep_embeddings(&known).expect("writes");
        assert_eq!(cache.embeddings(), known);
        let other = Cache::new(folder.path(), "m2");
        assert!(other.embeddings().is_empty(), "another model, other embeddings");
        let file = cache.folder.join("embeddings");
        let whole = fs::read(&file).expect("reads");
        let mut flipped = whole.clone();
        flipped[SEAL + 9] ^= 1;
        for damaged in [&whole[..whole.len() - 1], &whole[..7], &flipped, b""] {
            fs::write(&file, damaged).expect("writes");
            assert!(cache.embeddings().is_empty());
        }
    }

    #[test]
    fn heads_come_back_and_the_oldest_go() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = Cache::new(folder.path(), "m1");
        let text = Text::new("查话费");
        let sample = Sample { label: "query_balance", text: &text, embedding: &[1.0, 0.0] };
        let head = Head::fit(&[sample], &[]).expect("one example is enough");
        for release in 0..HEADS + 3 {
            assert!(cache.head(&release.to_string()).is_none());
            cache.keep_head(&release.to_string(), &head).expect("writes");
            let kept = cache.head(&release.to_string()).expect("it was kept");
            assert_eq!(kept.score(&text, &[1.0, 0.0]), head.score(&text, &[1.0, 0.0]));
        }
        let heads = fs::read_dir(cache.folder.join("heads")).expect("a folder").count();
        assert_eq!(heads, HEADS);
    }
}
