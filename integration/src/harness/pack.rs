//! The telecom pack with a sixth of its examples, for tests that start many servers and are about something
//! else than understanding: its classifier is fitted in a third of the time.

use std::{fs, path::Path, sync::LazyLock};

use super::{Folder, root, words};

/// One example in so many is kept.
const THIN: usize = 6;

static PACK: LazyLock<(Folder, String)> = LazyLock::new(|| {
    let folder = Folder::new();
    let pack = folder.path().join("telecom");
    copy(&root().join("packs/telecom"), &pack);
    let path = pack.to_string_lossy().into_owned();
    (folder, path)
});

/// The setting that makes a server serve the thin pack.
pub fn thin_pack() -> (&'static str, &'static str) {
    ("PACK__FOLDER", PACK.1.as_str())
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder of our own can be filled");
    for entry in fs::read_dir(from).expect("the telecom pack is there") {
        let path = entry.expect("an entry of the pack").path();
        let copied = to.join(path.file_name().expect("an entry has a name"));
        if path.is_dir() {
            copy(&path, &copied);
        } else if from.ends_with("examples") {
            let text = fs::read_to_string(&path).expect("examples are UTF-8");
            fs::write(&copied, thinned(&text)).expect("a folder of our own can be filled");
        } else {
            fs::copy(&path, &copied).expect("a folder of our own can be filled");
        }
    }
}

fn thinned(examples: &str) -> String {
    let taught = |line: &str| [words::BALANCE, words::COMPLAINT].iter().any(|it| line.contains(it));
    let lines = examples.lines().enumerate();
    let kept = lines.filter(|(at, line)| at % THIN == 0 || line.starts_with('#') || taught(line));
    kept.map(|(_, line)| format!("{line}\n")).collect()
}
