//! A private Valkey and Postgres, as `qingting stores` starts them, that can be killed, frozen and started
//! again on the same port with the same data.

use std::{
    fs,
    io::{self, Read, Write},
    net::TcpStream,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use super::{
    Folder, Look, Process,
    process::{dying_with_us, signal},
    program, root,
};

/// Longest wait for a killed store to come back: Postgres repairs what it finds.
const RESTART_TIMEOUT: Duration = Duration::from_secs(30);

/// `setpriv` options under which Postgres, which refuses to run as root, still reaches folders of root's.
const AS_NOBODY: &[&str] = &[
    "--reuid=65534",
    "--clear-groups",
    "--inh-caps=+dac_override",
    "--ambient-caps=+dac_override",
    "--securebits=+no_setuid_fixup",
];

/// Redis and Postgres of a test.
#[derive(Debug)]
pub struct Stores {
    /// Where sessions lie.
    pub redis: Store,
    /// Where orders, packs and the journal lie.
    pub postgres: Store,
    _runner: Process,
    _folder: Folder,
}

/// One store.
#[derive(Debug)]
pub struct Store {
    /// Its address, password included.
    pub url: String,
    pid: AtomicU32,
    port: u16,
    folder: PathBuf,
    /// How it is started again: options of `setpriv`, program, arguments.
    options: &'static [&'static str],
    program: String,
    arguments: Vec<String>,
    /// The process that took the place of a killed one.
    successor: Mutex<Option<Process>>,
}

impl Stores {
    /// Starts both with empty data.
    pub fn start() -> Self {
        let folder = Folder::new();
        let path = folder.path().to_string_lossy().into_owned();
        let runner = Process::start(&program("qingting"), &["stores", "--folder", &path], &[]);
        let pids = runner.line("PIDS=");
        let pids: Vec<u32> = pids.split(' ').filter_map(|it| it.parse().ok()).collect();
        let [redis, postgres] = pids[..] else { panic!("not two PIDS: {}", runner.picture()) };
        let redis = valkey(runner.line("REDIS_URL="), redis, folder.path());
        let postgres = self::postgres(runner.line("DATABASE_URL="), postgres, folder.path());
        Self { redis, postgres, _runner: runner, _folder: folder }
    }

    /// Looks into Postgres as an auditor would.
    pub async fn look(&self) -> Look {
        Look::into(&self.postgres.url).await
    }

    /// What a server finds in its environment.
    pub fn environment(&self) -> Vec<(String, String)> {
        vec![
            ("REDIS_URL".into(), self.redis.url.clone()),
            ("DATABASE_URL".into(), self.postgres.url.clone()),
        ]
    }
}

impl Drop for Stores {
    fn drop(&mut self) {
        // A frozen process would not hear that it should end.
        for store in [&self.redis, &self.postgres] {
            let _ = store.send("KILL");
        }
    }
}

impl Store {
    /// Ends it as a power cut would, its children too.
    pub fn kill(&self) {
        self.send("KILL").unwrap_or_else(|error| panic!("{error}"));
        // After a power cut no process has the number in this file; here the dead one keeps it until
        // `qingting stores` ends.
        let _ = fs::remove_file(self.folder.join("postmaster.pid"));
    }

    /// Stops it without closing anything: it answers nobody and loses nothing.
    pub fn freeze(&self) {
        self.send("STOP").unwrap_or_else(|error| panic!("{error}"));
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.send("CONT").unwrap_or_else(|error| panic!("{error}"));
    }

    /// Starts it after [`Store::kill`], on the same port, with what it had written.
    pub fn restart(&self) {
        let until = Instant::now() + RESTART_TIMEOUT;
        loop {
            let program = Path::new(&self.program);
            let mut command = dying_with_us(self.options, program);
            command.args(&self.arguments);
            let store = Process::spawn(program, command);
            if self.answers(&store, until) {
                self.pid.store(store.pid(), Ordering::Release);
                *self.successor.lock().unwrap_or_else(PoisonError::into_inner) = Some(store);
                return;
            }
            // The children of a killed Postgres live on for a moment, and it does not start beside them.
            assert!(Instant::now() < until, "no restart; {}", store.picture());
        }
    }

    /// Waits until Redis has on disk all that was written to it so far.
    pub fn flush(&self) {
        let asked = self.ask("SET qingting-test:flush 1 PX 1000\r\nWAITAOF 1 0 10000\r\nQUIT\r\n");
        let said = asked.unwrap_or_else(|error| panic!("no answer from Redis: {error}"));
        assert!(said.contains("*2\r\n:1\r\n"), "Redis wrote nothing to disk: {said}");
    }

    /// All that Redis says to these lines, the last of which is `QUIT`.
    fn ask(&self, lines: &str) -> io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        let (password, _) = password_and_port(&self.url);
        stream.write_all(format!("AUTH {password}\r\n{lines}").as_bytes())?;
        let mut said = String::new();
        stream.read_to_string(&mut said)?;
        Ok(said)
    }

    /// Waits until it can be connected to, or has ended.
    fn answers(&self, store: &Process, until: Instant) -> bool {
        while Instant::now() < until && store.exit().is_none() {
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return true;
            }
            thread::sleep(Duration::from_millis(10));
        }
        false
    }

    /// Sends a signal to it and then to its children, which do not share its process group.
    fn send(&self, name: &str) -> Result<(), String> {
        let pid = self.pid.load(Ordering::Acquire);
        // While it is stopped it has no new children and buries none.
        signal(&pid.to_string(), "STOP")?;
        for child in children(pid) {
            // It may have ended by itself.
            let _ = signal(&child.to_string(), name);
        }
        signal(&pid.to_string(), name)
    }
}

fn children(pid: u32) -> Vec<u32> {
    let all = fs::read_dir("/proc").expect("there is a /proc").filter_map(Result::ok);
    let numbers = all.filter_map(|it| it.file_name().to_str()?.parse().ok());
    numbers.filter(|it| parent(*it) == Some(pid)).collect()
}

/// The fourth field of `/proc/PID/stat`; the second one may hold blanks and brackets.
fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

fn valkey(url: String, pid: u32, folder: &Path) -> Store {
    let (password, port) = password_and_port(&url);
    let folder = folder.join("valkey");
    let data = folder.to_string_lossy().into_owned();
    let port_text = port.to_string();
    let arguments = [
        ["--bind", "127.0.0.1"],
        ["--port", &port_text],
        ["--dir", &data],
        ["--requirepass", &password],
        ["--appendonly", "yes"],
        ["--appendfsync", "everysec"],
        ["--save", ""],
    ];
    let arguments = arguments.into_iter().flatten().map(str::to_owned).collect();
    Store {
        url,
        pid: AtomicU32::new(pid),
        port,
        folder,
        options: &[],
        program: native("valkey/valkey-server"),
        arguments,
        successor: Mutex::default(),
    }
}

fn postgres(url: String, pid: u32, folder: &Path) -> Store {
    let (_, port) = password_and_port(&url);
    let folder = folder.join("postgres/data");
    let data = folder.to_string_lossy().into_owned();
    let port_text = port.to_string();
    let arguments = [["-D", &data], ["-h", "127.0.0.1"], ["-p", &port_text], ["-k", ""]];
    let arguments = arguments.into_iter().flatten().map(str::to_owned).collect();
    let is_root = fs::metadata("/proc/self").is_ok_and(|it| it.uid() == 0);
    Store {
        url,
        pid: AtomicU32::new(pid),
        port,
        folder,
        options: if is_root { AS_NOBODY } else { &[] },
        program: native("postgres/bin/postgres"),
        arguments,
        successor: Mutex::default(),
    }
}

/// Out of `redis://:PASSWORD@127.0.0.1:PORT/`.
fn password_and_port(url: &str) -> (String, u16) {
    let (front, back) = url.split_once('@').unwrap_or_default();
    let password = front.rsplit(':').next().unwrap_or_default();
    let host = back.split('/').next().unwrap_or_default();
    let port = host.rsplit(':').next().and_then(|it| it.parse().ok());
    (password.to_owned(), port.expect("a private store's address has a port"))
}

fn native(name: &str) -> String {
    let path = root().join(".qingting/natives").join(name);
    match path.canonicalize() {
        Ok(path) => path.to_string_lossy().into_owned(),
        Err(error) => panic!("{}: {error}: run python3 ops/setup/natives.py", path.display()),
    }
}
