//! A domain pack: the files of a catalogue as text, read from a folder or put together from rows.
//!
//! A row is one entry of a file with the comment before it, as its author wrote it, so that single entries
//! can be kept and changed in a database and the same files come back byte for byte.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs, io,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

/// The files of a catalogue: path within the pack, with `/`, -> text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pack {
    /// Path -> text.
    pub files: BTreeMap<String, String>,
}

/// One entry of a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The file it stands in.
    pub file: String,
    /// Its place in the file, from 0.
    pub place: i32,
    /// `intent`, `slot`, `action`, `entry`, `example`, ... ; `text` for what is no entry.
    pub kind: String,
    /// Its id or name, or empty.
    pub name: String,
    /// Its text, with the line ends.
    pub source: String,
}

/// What is wrong with a pack, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong and what to write.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)
    }
}

/// All that is wrong with a pack.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Problems(pub Vec<Problem>);

/// Why a pack was not read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder cannot be read or written.
    #[error("{path}: {cause}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// A file is no UTF-8.
    #[error("{path}:{line}: not UTF-8 from this line on: save the file as UTF-8")]
    Encoding {
        /// Which.
        path: PathBuf,
        /// The first bad line.
        line: usize,
    },
    /// The folder holds something that is no part of a pack.
    #[error(
        "{0}: not part of a pack, which has .toml, .tsv, .txt and .md files only: move it elsewhere"
    )]
    Foreign(PathBuf),
}

impl Pack {
    /// Reads all files of a folder.
    ///
    /// # Errors
    /// [`Error`] names the file.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let mut pack = Self::default();
        pack.read_folder(folder, "")?;
        Ok(pack)
    }

    fn read_folder(&mut self, folder: &Path, prefix: &str) -> Result<(), Error> {
        let fail = |cause| Error::File { path: folder.to_owned(), cause };
        for entry in fs::read_dir(folder).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let path = entry.path();
            let name = entry.file_name().into_string().map_err(|_| Error::Foreign(path.clone()))?;
            if name.starts_with('.') {
                continue;
            }
            let inner = format!("{prefix}{name}");
            if entry.file_type().map_err(fail)?.is_dir() {
                self.read_folder(&path, &format!("{inner}/"))?;
                continue;
            }
            if !matches!(
                path.extension().and_then(|it| it.to_str()),
                Some("toml" | "tsv" | "txt" | "md")
            ) {
                return Err(Error::Foreign(path));
            }
            self.files.insert(inner, read_text(path)?);
        }
        Ok(())
    }

    /// Writes all files into a folder, which is made where it is missing.
    ///
    /// # Errors
    /// [`Error::File`] names the file.
    pub fn write(&self, folder: &Path) -> Result<(), Error> {
        for (name, text) in &self.files {
            let path = folder.join(name);
            let parent = path.parent().unwrap_or(folder);
            fs::create_dir_all(parent)
                .and_then(|()| fs::write(&path, text))
                .map_err(|cause| Error::File { path: path.clone(), cause })?;
        }
        Ok(())
    }

    /// SHA-256 over all names and texts, in hex.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        for (name, text) in &self.files {
            for part in [name, text] {
                hash.update((part.len() as u64).to_le_bytes());
                hash.update(part);
            }
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The pack as rows, file by file.
    pub fn rows(&self) -> Vec<Row> {
        self.files.iter().flat_map(|(file, text)| rows_of(file, text)).collect()
    }

    /// The pack whose rows these are, in any order.
    pub fn from_rows(rows: impl IntoIterator<Item = Row>) -> Self {
        let mut sorted: BTreeSet<(String, i32, String)> = BTreeSet::new();
        sorted.extend(rows.into_iter().map(|row| (row.file, row.place, row.source)));
        let mut pack = Self::default();
        for (file, _, source) in sorted {
            pack.files.entry(file).or_default().push_str(&source);
        }
        pack
    }
}

fn read_text(path: PathBuf) -> Result<String, Error> {
    let bytes = fs::read(&path).map_err(|cause| Error::File { path: path.clone(), cause })?;
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        Error::Encoding { path, line: 1 + good.iter().filter(|byte| **byte == b'\n').count() }
    })
}

fn rows_of(file: &str, text: &str) -> Vec<Row> {
    let starts_entry: fn(&str) -> bool = match file.rsplit('.').next() {
        Some("toml") => |line| line.starts_with("[[") || line.starts_with("[reply"),
        Some("tsv") => |_| true,
        _ => |_| false,
    };
    let mut sources = vec![String::new()];
    for line in text.split_inclusive('\n') {
        match sources.last_mut() {
            Some(last) if last.is_empty() || !starts_entry(line) => last.push_str(line),
            _ => sources.push(line.to_owned()),
        }
    }
    let named = sources.into_iter().enumerate().map(|(place, source)| {
        let (kind, name) = if is_examples(file) { label(&source) } else { header(&source) };
        Row {
            file: file.into(),
            place: i32::try_from(place).unwrap_or(i32::MAX),
            kind,
            name,
            source,
        }
    });
    named.collect()
}

/// Whether the lines of a file begin with labels; those of a second labeller begin with texts.
fn is_examples(file: &str) -> bool {
    file.ends_with(".tsv") && !file.starts_with("agreement/")
}

fn label(line: &str) -> (String, String) {
    match line.split_once('\t') {
        Some((label, _)) if !line.starts_with('#') => ("example".into(), label.into()),
        _ => ("text".into(), String::new()),
    }
}

fn header(source: &str) -> (String, String) {
    let first = source.lines().next().unwrap_or_default().trim();
    let Some(kind) = first.strip_prefix("[[").and_then(|rest| rest.split("]]").next()) else {
        return ("text".into(), String::new());
    };
    let name = source.lines().skip(1).find_map(|line| {
        let (key, value) = line.split_once('=')?;
        matches!(key.trim(), "id" | "name").then(|| {
            value.trim().trim_start_matches('"').split('"').next().unwrap_or_default().to_owned()
        })
    });
    (kind.trim().into(), name.unwrap_or_default())
}

/// The line, from 1, on which byte `at` of `text` stands.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pack() -> Pack {
        let actions = "# head\n\n[[action]]\nname = \"a\"\n\n[action.say]\ndone = \"x\"\n# on b\n[[action]]\nname=\"b\"";
        Pack {
            files: BTreeMap::from([
                ("actions.toml".into(), actions.into()),
                ("agreement/second.tsv".into(), "你好\ta\n".into()),
                ("examples/v.tsv".into(), "# v\na\t你好\r\nb\t再见\tangry".into()),
                ("README.md".into(), "words\n[[not]]\n".into()),
                ("empty.toml".into(), String::new()),
            ]),
        }
    }

    #[test]
    fn rows_give_back_the_same_bytes_in_any_order() {
        let mut rows = pack().rows();
        rows.reverse();
        assert_eq!(Pack::from_rows(rows), pack());
    }

    #[test]
    fn a_row_is_one_entry_with_its_name() {
        let found: Vec<_> = pack().rows().into_iter().map(|row| (row.kind, row.name)).collect();
        let expected = [
            ("text", ""),
            ("text", ""),
            ("action", "a"),
            ("action", "b"),
            ("text", ""),
            ("text", ""),
            ("text", ""),
            ("example", "a"),
            ("example", "b"),
        ];
        assert_eq!(found, expected.map(|(kind, name)| (kind.to_owned(), name.to_owned())));
    }

    #[test]
    fn files_come_back_from_a_folder_and_bad_ones_are_named() {
        let folder = tempfile::tempdir().expect("a folder");
        pack().write(folder.path()).expect("writes");
        assert_eq!(Pack::read(folder.path()).expect("reads"), pack());
        fs::write(folder.path().join("acts.tsv"), b"ok\t1\nbad\t\xb2\xe9\n").expect("writes");
        let error = Pack::read(folder.path()).expect_err("no UTF-8").to_string();
        assert!(error.contains("acts.tsv:2: not UTF-8"), "{error}");
        fs::remove_file(folder.path().join("acts.tsv")).expect("removes");
        fs::write(folder.path().join("a.exe"), "x").expect("writes");
        assert!(matches!(Pack::read(folder.path()), Err(Error::Foreign(_))));
    }
}
