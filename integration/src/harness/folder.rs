//! A folder that is gone when the test is, even where the test ends without dropping anything.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// Waits until its standard input ends, which is when we do, and then sweeps until the folder is gone.
const SWEEP: &str = "cat >/dev/null; for i in $(seq 100); do rm -rf -- \"$1\" 2>/dev/null; [ -e \"$1\" ] || exit 0; sleep 0.1; done";

/// An empty folder of our own.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    _sweeper: Child,
}

impl Folder {
    /// Makes one.
    #[expect(clippy::new_without_default, reason = "making a folder is work, not a default")]
    pub fn new() -> Self {
        let made = tempfile::Builder::new().prefix("qingting-test-").tempdir();
        let path = made.expect("a temporary folder can be made").keep();
        let sweeper = Command::new("setsid")
            .args(["sh", "-c", SWEEP, "sh"])
            .arg(&path)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self { path, _sweeper: sweeper.expect("sh and setsid are there") }
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }
}
