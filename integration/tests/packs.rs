//! Packs between files and Postgres, and what `qingting check` says of them.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use integration::harness::{Folder, Operator, Stores, program, root, settings_of};
use tokio::sync::OnceCell;

static STORES: OnceCell<Stores> = OnceCell::const_new();

async fn stores() -> &'static Stores {
    STORES.get_or_init(async || Stores::start()).await
}

async fn qingting(tenant: &str, arguments: &[&str], settings: &[(&str, &str)]) -> Output {
    let mut command = Command::new(program("qingting"));
    command.args(arguments).current_dir(root()).envs(settings_of(tenant));
    command.envs(stores().await.environment()).envs(settings.iter().copied());
    command.output().expect("it starts")
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of ours is UTF-8")
}

/// Path -> bytes of all that a pack consists of.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(&at).expect("a folder of the pack") {
            let path = entry.expect("an entry of the folder").path();
            match path.extension().and_then(|it| it.to_str()) {
                None => folders.push(path),
                Some("toml" | "tsv") => {
                    let name = path.strip_prefix(folder).expect("it lies in it").to_owned();
                    found.insert(name, fs::read(&path).expect("a file of the pack"));
                }
                Some(_) => {}
            }
        }
    }
    found
}

fn telecom() -> PathBuf {
    root().join("packs/telecom")
}

/// A copy of the telecom pack in which one file was changed.
fn changed(folder: &Path, file: &str, change: impl Fn(&str) -> String) -> PathBuf {
    let copy = folder.join("pack");
    for (name, bytes) in files(&telecom()) {
        let path = copy.join(name);
        fs::create_dir_all(path.parent().expect("it lies in the pack")).expect("a folder");
        fs::write(path, bytes).expect("a file");
    }
    let path = copy.join(file);
    let before = fs::read_to_string(&path).expect("the file is in the pack");
    let after = change(&before);
    assert_ne!(before, after, "{file} was not changed");
    fs::write(path, after).expect("a file");
    copy
}

/// The line, from 1, of the first occurrence.
fn line_of(text: &str, what: &str) -> usize {
    let at = text.find(what).unwrap_or_else(|| panic!("no {what} in the pack"));
    text[..at].matches('\n').count() + 1
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pack_comes_back_from_postgres_byte_for_byte() {
    let folder = Folder::new();
    let exported = folder.path().join("out");
    let done = qingting("bytes", &["import", "packs/telecom"], &[]).await;
    assert!(done.status.success(), "{}{}", out(&done), err(&done));
    assert!(out(&done).contains("live for tenant bytes: "), "{}", out(&done));
    let done = qingting("bytes", &["export", text(&exported)], &[]).await;
    assert!(done.status.success(), "{}{}", out(&done), err(&done));
    let (before, after) = (files(&telecom()), files(&exported));
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    for (name, bytes) in &before {
        assert!(after[name] == *bytes, "{} differs", name.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn importing_twice_keeps_one_release_and_a_changed_pack_makes_another_live() {
    let folder = Folder::new();
    for _ in 0..2 {
        let done = qingting("twice", &["import"], &[]).await;
        assert!(done.status.success(), "{}", err(&done));
    }
    let look = stores().await.look().await;
    assert_eq!(look.releases("twice").await, 1);
    let pack = changed(folder.path(), "replies.toml", |it| it.replace("感谢您来电", "谢谢您打来"));
    let done = qingting("twice", &["import", text(&pack)], &[]).await;
    assert!(done.status.success(), "{}", err(&done));
    assert_eq!(look.releases("twice").await, 2);
    let exported = folder.path().join("out");
    let done = qingting("twice", &["export", text(&exported)], &[]).await;
    assert!(done.status.success(), "{}", err(&done));
    assert!(files(&pack) == files(&exported), "the newest is live");
    let again = qingting("twice", &["export", text(&exported)], &[]).await;
    assert!(!again.status.success() && err(&again).contains("not empty"), "{}", err(&again));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_pack_is_refused_with_file_line_and_what_to_write_and_nothing_is_imported() {
    let actions = fs::read_to_string(telecom().join("actions.toml")).expect("the pack is there");
    let slot = line_of(&actions, "slots = [\"addon\"]");
    let method = line_of(&actions, "method = \"POST\"");
    let table: [(&str, &str, &str, String, &str); 5] = [
        (
            "actions.toml",
            "slots = [\"addon\"]",
            "slots = [\"adon\"]",
            format!("actions.toml:{slot}: "),
            "write addon",
        ),
        (
            "actions.toml",
            "method = \"POST\"",
            "method = \"SEND\"",
            format!("actions.toml:{method}: "),
            "write GET, POST",
        ),
        ("actions.toml", "[[action]]", "[[action]", "actions.toml:".into(), ""),
        ("replies.toml", "bye = ", "by = ", "replies.toml:".into(), "bye"),
        (
            "examples/voice-01.tsv",
            "query_balance\t",
            "query_balanc\t",
            "examples/voice-01.tsv:".into(),
            "query_balanc",
        ),
    ];
    for (file, good, bad, place, advice) in table {
        let folder = Folder::new();
        let pack = changed(folder.path(), file, |it| it.replacen(good, bad, 1));
        let refused = qingting("broken", &["import", text(&pack)], &[]).await;
        let picture = format!("{file}: {good} -> {bad}:\n{}{}", out(&refused), err(&refused));
        assert!(!refused.status.success(), "{picture}");
        let named = err(&refused);
        let named = named.lines().find(|it| it.contains(&place) && it.contains(advice));
        assert!(named.is_some(), "no `{place}` with `{advice}` in {picture}");
        let checked = qingting("broken", &["check", "--pack", text(&pack)], &[]).await;
        let said = out(&checked);
        assert!(!checked.status.success() && said.contains(&place), "check: {said}; {picture}");
    }
    let look = stores().await.look().await;
    assert_eq!(look.releases("broken").await, 0, "nothing was imported");
    let folder = Folder::new();
    let none = qingting("broken", &["export", text(&folder.path().join("out"))], &[]).await;
    assert!(!none.status.success() && err(&none).contains("qingting import"), "{}", err(&none));
}

#[tokio::test(flavor = "multi_thread")]
async fn check_has_one_good_line_for_each_part_and_names_what_is_ill() {
    let operator = Operator::start().await;
    let url = operator.url();
    let good = qingting("check", &["check"], &[("QINGTING_OPERATOR__URL", &url)]).await;
    assert!(good.status.success(), "{}{}", out(&good), err(&good));
    let said = out(&good);
    let parts: Vec<_> = said.lines().filter_map(|it| it.split_whitespace().next()).collect();
    assert_eq!(parts, ["settings", "pack", "model", "sessions", "ledger", "operator"], "{said}");
    assert!(said.lines().all(|it| it.contains(" good")), "{said}");
    let ill = [
        ("QINGTING_OPERATOR__URL", "http://127.0.0.1:9", "operator"),
        ("QINGTING_MODEL__ARTIFACT", "models/artifacts/none", "model"),
        ("QINGTING_PACK__FOLDER", "packs/none", "pack"),
        ("QINGTING_SERVE__TIME_ZONE", "Mars/Olympus", "settings"),
        ("DATABASE_URL", "postgres://nobody@127.0.0.1:9/none", "ledger"),
        ("REDIS_URL", "redis://127.0.0.1:9/", "sessions"),
    ];
    for (name, value, part) in ill {
        let settings = [("QINGTING_OPERATOR__URL", url.as_str()), (name, value)];
        let bad = qingting("check", &["check"], &settings).await;
        let said = out(&bad);
        let line = said.lines().find(|it| it.starts_with(part) && !it.contains(" good"));
        assert!(!bad.status.success() && line.is_some(), "{name}={value}:\n{said}{}", err(&bad));
    }
    let unknown = qingting("check", &["check"], &[("QINGTING_SERVE__TENNANT", "x")]).await;
    assert!(err(&unknown).contains("QINGTING_SERVE__TENNANT"), "{}", err(&unknown));
}
