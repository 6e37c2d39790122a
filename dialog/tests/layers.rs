//! Who may know whom: the diagram of ARCHITECTURE.md as a table, held against the source files.
//!
//! An arrow that is not in the table fails with file and line, and so does one that nobody uses any more.
//! Comments and test modules are passed over: they explain and try, they do not depend.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Module or file of `dialog/src` -> the modules it may use. A file's line replaces that of its module.
const ARROWS: &[(&str, &[&str])] = &[
    ("backend.rs", &["domain"]),
    ("backend/http.rs", &["domain"]),
    ("backend/once.rs", &["crash", "domain", "ledger"]),
    ("catalogue", &["domain"]),
    ("catalogue/postgres.rs", &["postgres"]),
    ("clock", &[]),
    ("command", &["backend", "catalogue", "clock", "config", "corpus", "domain", "grpc", "health"]),
    ("command", &["http", "journal", "ledger", "local", "postgres", "release", "session"]),
    ("command", &["telemetry", "turn", "understand"]),
    ("config", &[]),
    ("corpus", &["catalogue", "understand"]),
    ("crash", &[]),
    ("domain", &[]),
    ("flow", &["catalogue", "domain"]),
    ("grpc", &["config", "domain", "session", "telemetry", "turn", "understand"]),
    ("health", &["backend", "turn"]),
    ("http", &["grpc", "health"]),
    ("journal", &[]),
    ("journal/drain.rs", &["postgres", "session"]),
    ("ledger", &["domain"]),
    ("ledger/postgres.rs", &["domain", "postgres"]),
    ("local", &[]),
    ("main", &["command"]),
    ("postgres", &[]),
    ("release", &["catalogue", "understand"]),
    ("session", &["domain", "journal"]),
    ("session/redis.rs", &["journal"]),
    ("telemetry", &["config"]),
    ("turn", &["backend", "catalogue", "clock", "crash", "domain", "flow", "journal", "release"]),
    ("turn", &["session", "telemetry", "understand"]),
    ("understand", &["catalogue", "domain"]),
];

/// Words that some files must not contain: which files, the words, and why.
const ABSENT: &[(&[&str], &[&str], &str)] = &[
    (
        &["domain", "catalogue", "corpus", "flow", "understand"],
        IMPURE,
        "the same inputs give the same call",
    ),
    (&["domain", "corpus", "flow", "understand"], &["fs", "io", "env"], "it reads no files"),
    (&["turn"], &["redis", "sqlx", "reqwest", "memory"], "turn knows traits, never drivers"),
    (&["session", "ledger", "backend", "journal"], &["tonic", "axum"], "drivers know no door"),
    (
        &["config", "clock", "crash", "local", "telemetry"],
        &["proto", "axum"],
        "no wire contract here",
    ),
];

const IMPURE: &[&str] = &[
    "async",
    "await",
    "tokio",
    "futures",
    "sqlx",
    "redis",
    "reqwest",
    "net",
    "thread",
    "Instant",
    "SystemTime",
    "now",
    "tracing",
    "metrics",
    "rand",
    "ulid",
];

/// Files of those modules that do read: packs from folders and from Postgres.
const READERS: &[&str] = &["catalogue/pack.rs", "catalogue/postgres.rs"];

/// Modules that may name what is generated from the wire contract.
const DOORS: &[&str] = &["grpc", "http"];

/// What only an operator's data may say.
const TELECOM: &[&str] = &[
    "话费",
    "流量",
    "套餐",
    "宽带",
    "短信",
    "漫游",
    "彩铃",
    "会员",
    "充值",
    "退订",
    "营业厅",
    "余额",
    "telecom",
    "roaming",
    "broadband",
    "addon",
];

/// Words beside a number that tell a volume from a speed, and the head of a number from a price. Values
/// must know them; nothing else in `nlu` may.
const TELL_APART: &[(&str, &[&str])] = &[
    ("values/data.rs", &["流量", "宽带"]),
    ("values/phone.rs", &["套餐", "流量", "会员", "宽带"]),
];

/// One source file without comments and test modules, its lines in place.
struct Source {
    /// Path below the folder that was read, with `/`.
    path: String,
    code: String,
}

impl Source {
    fn module(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or_default();
        first.trim_end_matches(".rs")
    }

    fn at(&self, offset: usize, what: &str) -> String {
        let line = 1 + self.code[..offset].matches('\n').count();
        format!("{}:{line}: {what}", self.path)
    }

    /// Where the whole word stands.
    fn word(&self, word: &str) -> Option<usize> {
        let inside = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        self.code.match_indices(word).map(|(at, _)| at).find(|at| {
            let (before, after) = (&self.code[..*at], &self.code[at + word.len()..]);
            !inside(before.chars().next_back()) && !inside(after.chars().next())
        })
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn sources(folder: &str) -> Vec<Source> {
    let top = root().join(folder);
    let mut found = Vec::new();
    let mut folders = vec![top.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a source folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") {
                let text = fs::read_to_string(&path).expect("UTF-8");
                let path = path.strip_prefix(&top).expect("below").to_string_lossy().into_owned();
                found.push(Source { path, code: code(&text) });
            }
        }
    }
    assert!(!found.is_empty(), "{folder} has source files");
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// The text with comments blanked, up to its test module.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let is_code = |line: &str, at: usize| line[..at].matches('"').count().is_multiple_of(2);
    let lines = text.lines().map(|line| {
        let comment = line.match_indices("//").map(|(at, _)| at).find(|at| is_code(line, *at));
        comment.map_or(line, |at| &line[..at])
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The modules that a file names as `crate::X`, `crate::{X, ...}` or, from `main`, `dialog::X`, each with
/// its offset.
fn uses(source: &Source) -> Vec<(usize, String)> {
    let root = if source.path == "main.rs" { "dialog::" } else { "crate::" };
    let mut found = Vec::new();
    for (at, _) in source.code.match_indices(root) {
        let start = at + root.len();
        let rest = &source.code[start..];
        let Some(list) = rest.strip_prefix('{') else {
            found.push((start, name(rest)));
            continue;
        };
        let mut depth = 0;
        let mut begins = true;
        for (offset, c) in list.char_indices() {
            match c {
                '}' if depth == 0 => break,
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => begins = true,
                c if begins && !c.is_whitespace() => {
                    begins = false;
                    found.push((start + 1 + offset, name(&list[offset..])));
                }
                _ => {}
            }
        }
    }
    found
}

fn name(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// The key of the table under which a file falls.
fn key(source: &Source) -> &str {
    let own = ARROWS.iter().any(|(key, _)| *key == source.path);
    if own { &source.path } else { source.module() }
}

fn allowed(key: &str) -> BTreeSet<&'static str> {
    let lines = ARROWS.iter().filter(|(it, _)| *it == key);
    lines.flat_map(|(_, to)| to.iter().copied()).collect()
}

fn fail_if_any(broken: &[String]) {
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn modules_know_only_what_the_diagram_lets_them_know() {
    let mut broken = Vec::new();
    for source in sources("dialog/src").iter().filter(|it| it.path != "lib.rs") {
        let key = key(source);
        if !ARROWS.iter().any(|(it, _)| *it == key) {
            broken.push(source.at(0, &format!("module `{key}` is not in the table of layers.rs")));
        }
        for (at, used) in uses(source) {
            if used != source.module() && !allowed(key).contains(used.as_str()) {
                broken.push(source.at(at, &format!("`{key}` must not know `{used}`")));
            }
        }
        // From `a.rs` one `super` is the root of the crate, from `a/b.rs` two are.
        let up = "super::".repeat(source.path.split('/').count());
        if let Some(at) = source.code.find(&up) {
            broken.push(source.at(at, "write `crate::` instead, so that the arrow is seen"));
        }
    }
    fail_if_any(&broken);
}

#[test]
fn the_table_has_no_arrow_that_nobody_uses() {
    let sources = sources("dialog/src");
    let mut unused = Vec::new();
    for (from, to) in ARROWS {
        for to in *to {
            let used = sources
                .iter()
                .filter(|it| key(it) == *from)
                .any(|source| uses(source).iter().any(|(_, name)| name == to));
            if !used {
                unused.push(format!("nothing in `{from}` uses `{to}`: take the arrow out"));
            }
        }
    }
    fail_if_any(&unused);
}

#[test]
fn what_must_be_absent_is_absent() {
    let mut broken = Vec::new();
    for source in sources("dialog/src") {
        for (modules, words, why) in ABSENT {
            if !modules.contains(&source.module()) || READERS.contains(&source.path.as_str()) {
                continue;
            }
            for word in *words {
                if let Some(at) = source.word(word) {
                    broken.push(source.at(at, &format!("no `{word}` here: {why}")));
                }
            }
        }
    }
    fail_if_any(&broken);
}

#[test]
fn the_wire_contract_stops_at_the_doors() {
    let mut broken = Vec::new();
    for source in sources("dialog/src") {
        let types = source.code.match_indices("proto::").filter(|(at, _)| {
            !source.code[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '_')
                && !source.code[*at..].starts_with("proto::DESCRIPTORS")
        });
        for (at, _) in types {
            if !DOORS.contains(&source.module()) {
                broken.push(source.at(at, "only the doors know protobuf types"));
            }
        }
    }
    fail_if_any(&broken);
}

#[test]
fn no_rust_names_an_intent() {
    let intents = fs::read_to_string(root().join("packs/telecom/intents.toml")).expect("a pack");
    let ids = intents.lines().filter_map(|line| line.strip_prefix("id = "));
    let ids: Vec<&str> = ids.map(str::trim).collect();
    assert!(ids.len() >= 60, "the ids are read: {}", ids.len());
    let mut broken = Vec::new();
    for folder in ["proto/src", "nlu/src", "dialog/src"] {
        for source in sources(folder) {
            for quoted in &ids {
                if let Some(at) = source.code.find(quoted) {
                    broken.push(format!("{folder}/{}", source.at(at, &format!("names {quoted}"))));
                }
            }
        }
    }
    fail_if_any(&broken);
}

#[test]
fn nlu_knows_no_telecom_and_nothing_of_ours() {
    let manifest = fs::read_to_string(root().join("nlu/Cargo.toml")).expect("a manifest");
    let mut broken: Vec<String> = Vec::new();
    for ours in ["dialog", "proto.", "integration", "path ="] {
        if manifest.lines().any(|line| line.trim_start().starts_with(ours)) {
            broken.push(format!("nlu/Cargo.toml: must not depend on `{ours}`"));
        }
    }
    for source in sources("nlu/src").iter().filter(|it| !it.path.ends_with("/tests.rs")) {
        for word in TELECOM {
            let may =
                |(path, words): &(&str, &[&str])| *path == source.path && words.contains(word);
            if TELL_APART.iter().any(may) {
                continue;
            }
            if let Some(at) = source.code.find(word) {
                broken.push(format!("nlu/src/{}", source.at(at, &format!("knows `{word}`"))));
            }
        }
    }
    fail_if_any(&broken);
}

#[test]
fn broken_arrows_are_seen() {
    let source = |path: &str, text: &str| Source { path: path.into(), code: code(text) };
    let text = "//! crate::a\nuse crate::{\n    b::{c, d},\n    e,\n};\nfn f() { crate::g::h(\"//\") } // crate::i\n\
        #[cfg(test)]\nmod tests { use crate::j; }\n";
    let read = source("x/y.rs", text);
    let found: Vec<String> = uses(&read).into_iter().map(|(at, used)| read.at(at, &used)).collect();
    assert_eq!(found, ["x/y.rs:3: b", "x/y.rs:4: e", "x/y.rs:6: g"]);
    let named = source("x.rs", "let tokio_like = 1; // tokio\nuse a::tokio;");
    assert_eq!(named.word("tokio").map(|at| named.at(at, "")), Some("x.rs:2: ".into()));
    assert_eq!(named.word("like"), None);
}
