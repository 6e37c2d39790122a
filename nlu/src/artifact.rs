//! A model as a folder: a manifest and the files it vouches for.
//!
//! Nothing of a folder is used before its size and sha256 were checked, and the bytes that were checked
//! are the bytes that are used: a file is read once. It leaves out what the files mean (`tokens`,
//! `encoder`).

use std::{
    collections::BTreeMap,
    fs,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::{Mood, decode, encoder::Labels};

/// The format of manifests that is read here.
const FORMAT: u32 = 1;
/// The file that describes the others.
const MANIFEST: &str = "manifest.json";
/// Larger files are refused unread; the largest encoder that was tried has 155 MB.
const MAX_BYTES: u64 = 1 << 30;
/// How a tensor with data outside its ONNX file begins to say where: key `location` in protobuf
/// (`TensorProto.external_data`). Such a file could make the runtime read any path.
const EXTERNAL: &[u8] = b"\x0a\x08location";

/// Why a folder is no model to be trusted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not there: make it.
    #[error("{} is missing: check out models/artifacts, or name another folder as model.artifact", path.display())]
    Missing {
        /// What was looked for.
        path: PathBuf,
    },
    /// It is there and cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        /// What was to be read.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The manifest is not one: make the artifact again.
    #[error("{}: {why}: make the artifact again with `make models`", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A file has another size than the manifest says.
    #[error("{} has {found} bytes, its manifest says {expected}: make the artifact again with `make models`", file.display())]
    Size {
        /// The file.
        file: PathBuf,
        /// Bytes according to the manifest.
        expected: u64,
        /// Bytes on the disk.
        found: u64,
    },
    /// A file has another content than the manifest says.
    #[error("{} has sha256 {found}, its manifest says {expected}: make the artifact again with `make models`", file.display())]
    Hash {
        /// The file.
        file: PathBuf,
        /// sha256 according to the manifest, in hexadecimal.
        expected: String,
        /// sha256 of what is on the disk.
        found: String,
    },
}

/// Where weights came from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Source {
    /// What it is called where it came from.
    pub name: String,
    /// Its licence.
    pub licence: String,
    /// Its sha256, in hexadecimal.
    pub sha256: String,
}

/// What the manifest says of the model.
#[derive(Debug, Clone, Deserialize)]
pub struct Manifest {
    /// Format of the manifest.
    pub format: u32,
    /// Name of the artifact.
    pub name: String,
    /// What it is: `encoder`.
    pub kind: String,
    /// Length of an embedding.
    pub dims: usize,
    /// Most tokens of one utterance, the prefix and the marks of begin and end among them.
    pub max_tokens: usize,
    /// What is put before every text.
    pub prefix: String,
    /// Licence of the artifact.
    pub licence: String,
    /// What it was made from.
    #[serde(default)]
    pub sources: Vec<Source>,
    /// What the scores of the output `tags` stand for: "O", then "B-SLOT", "I-SLOT"; none without it.
    #[serde(default)]
    pub tags: Vec<String>,
    /// What the scores of the output `moods` stand for; none without it.
    #[serde(default)]
    pub moods: Vec<Mood>,
    files: BTreeMap<String, Stamp>,
}

/// What a file must be.
#[derive(Debug, Clone, Deserialize)]
struct Stamp {
    bytes: u64,
    sha256: String,
}

/// A checked model.
#[derive(Clone)]
pub struct Artifact {
    folder: PathBuf,
    manifest: Manifest,
    files: BTreeMap<String, Arc<[u8]>>,
}

impl std::fmt::Debug for Artifact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Artifact").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Artifact {
    /// Reads the manifest, then every file it names, and checks size and sha256 of each.
    ///
    /// # Errors
    /// [`Error`], whose message says what to do. A name that leads out of the folder, by itself or
    /// through a link, is [`Error::Manifest`].
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(MANIFEST);
        let wrong = |why: String| Error::Manifest { path: path.clone(), why };
        let text = read(&path, MAX_BYTES)?;
        let manifest: Manifest =
            serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
        check(&manifest).map_err(wrong)?;
        let home = folder.canonicalize().map_err(|source| unreadable(folder, source))?;
        let mut files = BTreeMap::new();
        for (name, stamp) in &manifest.files {
            let file = folder.join(name);
            if file.canonicalize().is_ok_and(|it| !it.starts_with(&home)) {
                return Err(wrong(format!("the file `{name}` lies outside the folder")));
            }
            let bytes = checked(&file, stamp)?;
            if bytes.windows(EXTERNAL.len()).any(|it| it == EXTERNAL) {
                return Err(wrong(format!("`{name}` keeps weights in other files, unchecked")));
            }
            files.insert(name.clone(), bytes.into());
        }
        Ok(Self { folder: folder.to_owned(), manifest, files })
    }

    /// Where it lies.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What it says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What the scores of the network's heads stand for.
    pub fn labels(&self) -> Labels {
        Labels { tags: self.manifest.tags.clone(), moods: self.manifest.moods.clone() }
    }

    /// The checked bytes of one file.
    ///
    /// # Errors
    /// [`Error::Manifest`] when the manifest does not name this file.
    pub fn file(&self, name: &str) -> Result<&[u8], Error> {
        self.files.get(name).map(AsRef::as_ref).ok_or_else(|| Error::Manifest {
            path: self.folder.join(MANIFEST),
            why: format!("it does not name `{name}`"),
        })
    }

    /// sha256 of the network, in hexadecimal: another one gives other embeddings.
    ///
    /// # Errors
    /// [`Error::Manifest`] when the manifest does not name `model.onnx`.
    pub fn fingerprint(&self) -> Result<&str, Error> {
        self.file("model.onnx")?;
        Ok(&self.manifest.files["model.onnx"].sha256)
    }
}

fn check(manifest: &Manifest) -> Result<(), String> {
    if manifest.format != FORMAT {
        return Err(format!("format {} where {FORMAT} is read", manifest.format));
    }
    if manifest.kind != "encoder" {
        return Err(format!("kind `{}` where an encoder is needed", manifest.kind));
    }
    if manifest.dims == 0 || manifest.max_tokens == 0 {
        return Err("dims and max_tokens must be above zero".into());
    }
    if !decode::are_tags(&manifest.tags) {
        return Err("tags must be O, then B-SLOT and I-SLOT".into());
    }
    for (name, stamp) in &manifest.files {
        if !is_plain(name) {
            return Err(format!("the file name `{name}` leads out of the folder"));
        }
        if stamp.bytes > MAX_BYTES {
            return Err(format!("the file `{name}` is above {MAX_BYTES} bytes"));
        }
    }
    Ok(())
}

/// Whether a name stays in the folder: no root, no `..`, no `.`, no drive.
fn is_plain(name: &str) -> bool {
    let mut parts = Path::new(name).components().peekable();
    parts.peek().is_some()
        && !name.contains(['\\', '\0'])
        && parts.all(|part| matches!(part, Component::Normal(_)))
}

fn checked(file: &Path, stamp: &Stamp) -> Result<Vec<u8>, Error> {
    let found = fs::metadata(file).map_err(|source| unreadable(file, source))?.len();
    let bytes = if found == stamp.bytes { read(file, stamp.bytes)? } else { Vec::new() };
    if bytes.len() as u64 != stamp.bytes {
        return Err(Error::Size { file: file.to_owned(), expected: stamp.bytes, found });
    }
    let found = hex(&Sha256::digest(&bytes));
    if !found.eq_ignore_ascii_case(&stamp.sha256) {
        let expected = stamp.sha256.clone();
        return Err(Error::Hash { file: file.to_owned(), expected, found });
    }
    Ok(bytes)
}

fn read(path: &Path, most: u64) -> Result<Vec<u8>, Error> {
    use std::io::Read as _;
    let file = fs::File::open(path).map_err(|source| unreadable(path, source))?;
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes).map_err(|source| unreadable(path, source))?;
    Ok(bytes)
}

fn unreadable(path: &Path, source: std::io::Error) -> Error {
    let path = path.to_owned();
    match source.kind() {
        std::io::ErrorKind::NotFound => Error::Missing { path },
        _ => Error::Unreadable { path, source },
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes a folder with a network of four bytes, lets `change` spoil it, and gives the message.
    fn message(change: impl Fn(&Path, &mut serde_json::Value)) -> String {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("artifact");
        fs::create_dir(&inner).unwrap();
        fs::write(inner.join("model.onnx"), b"onnx").unwrap();
        fs::write(folder.path().join("outside"), b"onnx").unwrap();
        let stamp = serde_json::json!({"bytes": 4, "sha256": hex(&Sha256::digest(b"onnx"))});
        let mut manifest = serde_json::json!({
            "format": 1, "name": "t", "kind": "encoder", "dims": 4, "max_tokens": 8, "prefix": "q: ",
            "licence": "MIT", "files": {"model.onnx": stamp}
        });
        change(&inner, &mut manifest);
        if !manifest.is_null() {
            fs::write(inner.join(MANIFEST), manifest.to_string()).unwrap();
        }
        match Artifact::open(&inner) {
            Ok(artifact) => {
                assert_eq!(artifact.file("model.onnx").unwrap(), b"onnx");
                assert_eq!(artifact.fingerprint().unwrap().len(), 64);
                assert!(artifact.file("tokenizer.json").is_err());
                "opened".into()
            }
            Err(error) => error.to_string(),
        }
    }

    type Change<'a> = &'a dyn Fn(&Path, &mut serde_json::Value);

    #[test]
    fn a_folder_opens_only_when_every_file_is_what_the_manifest_says() {
        let moved = |name: &str, it: &mut serde_json::Value| {
            let stamp = it["files"]["model.onnx"].clone();
            it["files"][name] = stamp;
        };
        let external = |at: &Path, it: &mut serde_json::Value| {
            let bytes = [b"..".as_slice(), EXTERNAL, b"\x12\x05/etc/"].concat();
            it["files"]["model.onnx"]["bytes"] = bytes.len().into();
            it["files"]["model.onnx"]["sha256"] = hex(&Sha256::digest(&bytes)).into();
            fs::write(at.join("model.onnx"), bytes).unwrap();
        };
        let cases: [(&str, Change<'_>); 12] = [
            ("opened", &|_, _| {}),
            ("is missing: check out", &|_, it| *it = serde_json::Value::Null),
            ("format 2 where 1 is read", &|_, it| it["format"] = 2.into()),
            ("kind `tagger`", &|_, it| it["kind"] = "tagger".into()),
            ("tags must be O", &|_, it| it["tags"] = serde_json::json!(["B-month"])),
            ("missing field `dims`", &|_, it| drop(it.as_object_mut().unwrap().remove("dims"))),
            ("has 3 bytes", &|at, _| fs::write(at.join("model.onnx"), b"onn").unwrap()),
            ("has sha256", &|at, _| fs::write(at.join("model.onnx"), b"xnno").unwrap()),
            ("keeps weights in other files", &external),
            ("leads out of the folder", &|_, it| moved("../outside", it)),
            ("leads out of the folder", &|_, it| moved("/etc/passwd", it)),
            ("is missing: check out", &|_, it| moved("tokenizer.json", it)),
        ];
        for (expected, change) in cases {
            let message = message(change);
            assert!(message.contains(expected), "{expected}: {message}");
            assert!(!message.contains('\n'), "{message}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_out_of_the_folder_is_refused() {
        let message = message(|at, _| {
            fs::remove_file(at.join("model.onnx")).unwrap();
            std::os::unix::fs::symlink("../outside", at.join("model.onnx")).unwrap();
        });
        assert!(message.contains("`model.onnx` lies outside the folder"), "{message}");
    }
}
