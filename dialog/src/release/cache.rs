//! Embeddings of examples, kept between starts so that a start takes a second and not a minute.
//!
//! One file for each model: lines of JSON, written beside and renamed by one process at a time. A file that
//! cannot be read is as good as none; it is never an authority.

use std::{
    collections::HashMap,
    fs, io,
    io::{BufRead, BufWriter, Write},
    path::{Path, PathBuf},
};

/// A file of embeddings.
#[derive(Debug, Clone)]
pub struct Cache {
    file: PathBuf,
}

impl Cache {
    /// The cache in `folder` for the model with this fingerprint.
    pub fn new(folder: &Path, model: &str) -> Self {
        Self { file: folder.join(format!("embeddings-{model}.jsonl")) }
    }

    /// Text -> embedding, as far as they are kept.
    pub(super) fn load(&self) -> HashMap<String, Vec<f32>> {
        let Ok(file) = fs::File::open(&self.file) else { return HashMap::new() };
        let lines = io::BufReader::new(file).lines().map_while(Result::ok);
        lines.filter_map(|line| serde_json::from_str::<(String, Vec<f32>)>(&line).ok()).collect()
    }

    /// Keeps them all, unless another process is just about it.
    pub(super) fn store(&self, known: &HashMap<String, Vec<f32>>) -> io::Result<()> {
        fs::create_dir_all(self.file.parent().unwrap_or(Path::new(".")))?;
        let alone = fs::File::create(self.file.with_extension("lock"))?;
        if alone.try_lock().is_err() {
            return Ok(());
        }
        let beside = self.file.with_extension("new");
        let mut out = BufWriter::new(fs::File::create(&beside)?);
        for entry in known {
            serde_json::to_writer(&mut out, &entry)?;
            out.write_all(b"\n")?;
        }
        out.flush()?;
        fs::rename(&beside, &self.file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn embeddings_come_back_exactly_and_damage_is_passed_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = Cache::new(folder.path(), "m1");
        assert!(cache.load().is_empty());
        let known =
            HashMap::from([("查话费".to_owned(), vec![0.1_f32, -1e-7]), (String::new(), vec![])]);
        cache.store(&known).expect("writes");
        assert_eq!(cache.load(), known);
        let mut damaged = fs::read(&cache.file).expect("reads");
        damaged.extend(b"{\"broken\n");
        fs::write(&cache.file, damaged).expect("writes");
        assert_eq!(cache.load(), known);
        assert!(
            Cache::new(folder.path(), "m2").load().is_empty(),
            "another model, other embeddings"
        );
    }
}
