//! A private Valkey and Postgres beside the server, for whoever has none: programs from pinned wheels, data
//! in a folder of the user's, free loopback ports, a password of their own.
//!
//! They stop with the process that started them, however it ends (`setpriv --pdeathsig`). Each holds the lock
//! of its data as its standard input, so that nobody else opens them until it has really ended. Postgres does not
//! run as root, so under root it runs as `nobody`, who is let into folders that only root may enter.

use std::{
    fmt, fs, io,
    net::TcpListener,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::{
    net::TcpStream,
    process::{Child, Command},
    time::{Instant, sleep},
};

/// Longest wait for a store to answer: a large append-only file takes a while to read.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// Longest wait for a store to write what it holds and stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(20);

/// Longest wait for a store to leave its data whose process was killed.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(3);

/// `nobody` on Debian and its kin.
const NOBODY: u32 = 65534;

/// Why a private store did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its program is missing.
    #[error(
        "{0} is missing: run `make setup`, or name servers of your own in REDIS_URL and DATABASE_URL"
    )]
    Missing(PathBuf),
    /// The data folder cannot be used.
    #[error("{path}: {cause}")]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// Another process uses the data.
    #[error("{0} is in use by another qingting: stop it, or set stores.folder to another folder")]
    Busy(PathBuf),
    /// It did not come up.
    #[error("{program} did not start: {message}; its log is {log}")]
    Start {
        /// Which.
        program: &'static str,
        /// What it said last.
        message: String,
        /// All that it said.
        log: PathBuf,
    },
}

/// A running private store; it is stopped when dropped.
pub struct Private {
    /// Where it is reached, password included: a secret.
    pub url: String,
    child: Child,
    signal: &'static str,
    _lock: fs::File,
}

impl fmt::Debug for Private {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Private(***, {:?})", self.child.id())
    }
}

impl Private {
    /// Its process id.
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Stops it in order and waits until it has written everything.
    pub async fn stop(mut self) {
        let Some(pid) = self.child.id() else { return };
        let sent = Command::new("kill").args([self.signal, &pid.to_string()]).status().await;
        if sent.is_err() || tokio::time::timeout(STOP_TIMEOUT, self.child.wait()).await.is_err() {
            let _ = self.child.kill().await;
        }
    }
}

/// Starts a private Valkey whose data lie in `folder`.
///
/// # Errors
/// [`Error`] in one line.
pub async fn valkey(natives: &Path, folder: &Path) -> Result<Private, Error> {
    let program = program(natives, "valkey/valkey-server")?;
    let data = private_folder(&folder.join("valkey"), false)?;
    let _lock = lock(&data).await?;
    let password = password(&data)?;
    let port = free_port(&data)?;
    let log = data.join("valkey.log");
    let mut command = dying_with_us();
    command.arg(&program).arg(valkey_settings(&data, port, &password)?).arg("--dir").arg(&data);
    let child = spawn(command, &_lock, &log)?;
    let url = format!("redis://:{password}@127.0.0.1:{port}/");
    up(Private { url, child, signal: "-TERM", _lock }, "valkey-server", port, &log).await
}

/// Settings in a file that only its owner reads: arguments would show the password to everybody.
fn valkey_settings(data: &Path, port: u16, password: &str) -> Result<PathBuf, Error> {
    let path = data.join("valkey.conf");
    let text = format!(
        "bind 127.0.0.1\nport {port}\nrequirepass {password}\nappendonly yes\nappendfsync everysec\nsave \"\"\n"
    );
    let written = fs::write(&path, text)
        .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(0o600)));
    written.map(|()| path.clone()).map_err(|cause| Error::Folder { path, cause })
}

/// Starts a private Postgres whose data lie in `folder`; the first time it is made, which takes a second.
///
/// # Errors
/// [`Error`] in one line.
pub async fn postgres(natives: &Path, folder: &Path) -> Result<Private, Error> {
    let program = program(natives, "postgres/bin/postgres")?;
    let home = private_folder(&folder.join("postgres"), is_root())?;
    let _lock = lock(&home).await?;
    let password = password(&home)?;
    let (data, log) = (home.join("data"), home.join("postgres.log"));
    if !data.join("PG_VERSION").exists() {
        init(&program.with_file_name("initdb"), &home, &data, &log).await?;
    }
    let port = free_port(&home)?;
    let mut command = as_nobody();
    command.arg(&program).arg("-D").arg(&data);
    command.args(["-h", "127.0.0.1", "-p", &port.to_string(), "-k", ""]);
    let child = spawn(command, &_lock, &log)?;
    let url = format!("postgres://qingting:{password}@127.0.0.1:{port}/postgres");
    up(Private { url, child, signal: "-INT", _lock }, "postgres", port, &log).await
}

async fn init(initdb: &Path, home: &Path, data: &Path, log: &Path) -> Result<(), Error> {
    let failed = |message: String| Error::Start { program: "initdb", message, log: log.to_owned() };
    let half = home.join("data.new");
    let _ = fs::remove_dir_all(&half);
    let mut command = as_nobody();
    command.arg(initdb).arg("--pgdata").arg(&half).arg("--pwfile").arg(home.join("password"));
    command.args(["--username=qingting", "--auth=scram-sha-256"]);
    command.args(["--encoding=UTF8", "--locale=C.UTF-8"]);
    let done = command.output().await.map_err(|error| failed(error.to_string()))?;
    if !done.status.success() {
        return Err(failed(last_line(&String::from_utf8_lossy(&done.stderr))));
    }
    fs::rename(&half, data).map_err(|cause| Error::Folder { path: half, cause })
}

fn program(natives: &Path, name: &str) -> Result<PathBuf, Error> {
    let path = natives.join(name);
    path.canonicalize().map_err(|_| Error::Missing(path))
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|it| it.uid() == 0)
}

/// A folder that only its owner may enter.
fn private_folder(folder: &Path, for_nobody: bool) -> Result<PathBuf, Error> {
    let made = fs::create_dir_all(folder).and_then(|()| {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
        if for_nobody {
            chown(folder, Some(NOBODY), None)?;
        }
        folder.canonicalize()
    });
    made.map_err(|cause| Error::Folder { path: folder.to_owned(), cause })
}

/// Held as long as the data are in use; a store whose qingting was killed is given time to end.
async fn lock(folder: &Path) -> Result<fs::File, Error> {
    let path = folder.join("lock");
    let file = fs::File::create(&path).map_err(|cause| Error::Folder { path, cause })?;
    let until = Instant::now() + LEAVE_TIMEOUT;
    while file.try_lock().is_err() {
        if Instant::now() > until {
            return Err(Error::Busy(folder.to_owned()));
        }
        sleep(Duration::from_millis(50)).await;
    }
    Ok(file)
}

/// The store's password, made once and kept where only its owner reads it.
fn password(folder: &Path) -> Result<String, Error> {
    let path = folder.join("password");
    let kept = fs::read_to_string(&path).or_else(|_| {
        let new = ulid::Ulid::generate().to_string() + &ulid::Ulid::generate().to_string();
        fs::write(&path, &new)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        let owner = fs::metadata(folder)?.uid();
        chown(&path, Some(owner), None).map(|()| new)
    });
    kept.map_err(|cause| Error::Folder { path, cause })
}

fn free_port(folder: &Path) -> Result<u16, Error> {
    let port = TcpListener::bind(("127.0.0.1", 0)).and_then(|it| it.local_addr());
    port.map(|it| it.port()).map_err(|cause| Error::Folder { path: folder.to_owned(), cause })
}

/// A command that is ended when the thread that spawned it ends, and with it our process.
fn dying_with_us() -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "TERM"]);
    command
}

/// Like [`dying_with_us`], as `nobody` when we are root. `dac_override` with `no_setuid_fixup` lets `nobody`
/// reach programs and data under folders of root's, such as a clone in `/root`.
fn as_nobody() -> Command {
    let mut command = dying_with_us();
    if is_root() {
        command.args(["--reuid", &NOBODY.to_string(), "--clear-groups"]);
        command.args(["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]);
        command.args(["--securebits", "+no_setuid_fixup"]);
    }
    command
}

fn spawn(mut command: Command, lock: &fs::File, log: &Path) -> Result<Child, Error> {
    let open = || fs::OpenOptions::new().create(true).append(true).open(log);
    let spawned = open().and_then(|file| {
        let twin = file.try_clone()?;
        command
            .stdin(lock.try_clone()?)
            .stdout(file)
            .stderr(twin)
            .process_group(0)
            .kill_on_drop(true);
        command.spawn()
    });
    spawned.map_err(|cause| Error::Folder { path: log.to_owned(), cause })
}

async fn up(
    mut store: Private,
    program: &'static str,
    port: u16,
    log: &Path,
) -> Result<Private, Error> {
    let until = Instant::now() + START_TIMEOUT;
    loop {
        let gone = store.child.try_wait().ok().flatten().is_some();
        if gone || Instant::now() > until {
            let message = last_line(&fs::read_to_string(log).unwrap_or_default());
            return Err(Error::Start { program, message, log: log.to_owned() });
        }
        if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            return Ok(store);
        }
        sleep(Duration::from_millis(20)).await;
    }
}

fn last_line(text: &str) -> String {
    let lines = text.lines().rev().map(str::trim);
    lines.into_iter().find(|it| !it.is_empty()).unwrap_or("it said nothing").to_owned()
}
