//! The simulated operator as a program: how it says where it listens, and how it ends.

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use reqwest::Client;

fn start(arguments: &[&str]) -> (Child, String) {
    let knowledge =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../packs/telecom/knowledge.toml");
    let mut child = Command::new(env!("CARGO_BIN_EXE_qingting-operator"))
        .arg("--knowledge")
        .arg(knowledge)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut line = String::new();
    let out = child.stdout.take().expect("a pipe");
    BufReader::new(out).read_line(&mut line).expect("a line");
    let url = line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("{line}"));
    (child, url.to_owned())
}

async fn answers(url: &str) -> bool {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let answer = Client::new().get(format!("{url}/healthz")).send().await;
    answer.is_ok_and(|it| it.status().is_success())
}

#[tokio::test]
async fn it_says_where_it_listens_and_ends_in_order_when_terminated() {
    let (mut child, url) = start(&["--listen", "127.0.0.1:0"]);
    assert!(answers(&url).await, "{url}");
    let kill = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    assert!(kill.expect("kill runs").success());
    assert!(child.wait().expect("ends").success());
    assert!(!answers(&url).await);
}

#[tokio::test]
async fn it_does_not_outlive_the_program_that_started_it() {
    let (mut child, url) = start(&["--until-eof"]);
    assert!(answers(&url).await, "{url}");
    drop(child.stdin.take());
    assert!(child.wait().expect("ends").success());
}

#[test]
fn it_says_in_one_line_why_it_does_not_start() {
    let program = env!("CARGO_BIN_EXE_qingting-operator");
    let output =
        Command::new(program).args(["--knowledge", "/nowhere.toml"]).output().expect("runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.lines().count() == 1, "{said}");
    assert!(said.contains("/nowhere.toml"), "{said}");
}
