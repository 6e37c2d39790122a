//! One of our programs, running: what it says, how it is signalled, how it ended.

use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};

/// Longest wait for a program to say or do what it must: the first start of a new model reads all examples.
const PATIENCE: Duration = Duration::from_secs(180);

/// How many lines of a program's log a failed test shows.
const TAIL: usize = 40;

/// A program that runs; it is ended when dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Mutex<Child>,
    out: Arc<Said>,
    err: Arc<Said>,
}

/// What came out of one stream of a program so far.
#[derive(Debug, Default)]
struct Said {
    lines: Mutex<Lines>,
    more: Condvar,
}

#[derive(Debug, Default)]
struct Lines {
    lines: Vec<String>,
    is_over: bool,
}

type Spawning = (Command, mpsc::Sender<std::io::Result<Child>>);

/// A child is ended with the thread that spawned it, and a test's thread ends with its test. This one
/// lives as long as the process, so that what several tests share stays.
static KEEPER: LazyLock<mpsc::Sender<Spawning>> = LazyLock::new(|| {
    let (send, wanted) = mpsc::channel::<Spawning>();
    thread::spawn(move || {
        for (mut command, reply) in wanted {
            let _ = reply.send(command.spawn());
        }
    });
    send
});

impl Process {
    /// Starts a program that is ended with us, in the repository's root; `environment` is added to ours,
    /// of which nothing that concerns qingting is left.
    pub fn start(program: &Path, arguments: &[&str], environment: &[(String, String)]) -> Self {
        let mut command = dying_with_us(&[], program);
        command.args(arguments).envs(environment.iter().cloned());
        Self::spawn(program, command)
    }

    pub(super) fn spawn(program: &Path, mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let (reply, spawned) = mpsc::channel();
        KEEPER.send((command, reply)).expect("the keeper lives as long as we do");
        let child = spawned.recv().expect("the keeper answers");
        let mut child = child.unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let out = listen(child.stdout.take().expect("its output is piped"));
        let err = listen(child.stderr.take().expect("its errors are piped"));
        let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self { name, child: Mutex::new(child), out, err }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child().id()
    }

    /// Waits for a line of its output that begins so, and gives the rest of it.
    pub fn line(&self, beginning: &str) -> String {
        match self.out.find(beginning) {
            Some(rest) => rest,
            None => panic!("{} never said `{beginning}`; {}", self.name, self.picture()),
        }
    }

    /// The last lines of its output and of its log.
    pub fn picture(&self) -> String {
        let (out, err) = (self.out.tail(), self.err.tail());
        format!("{} said:\n{out}\nand logged:\n{err}", self.name)
    }

    /// All that it logged so far.
    pub fn log(&self) -> String {
        self.err.lines().lines.join("\n")
    }

    /// Sends a signal, such as `TERM`.
    pub fn signal(&self, name: &str) {
        signal(&self.pid().to_string(), name).unwrap_or_else(|error| panic!("{error}"));
    }

    /// Waits until it ends by itself.
    pub fn ended(&self) -> ExitStatus {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if let Some(status) = self.exit() {
                return status;
            }
            thread::sleep(Duration::from_millis(5));
        }
        panic!("{} does not end; {}", self.name, self.picture());
    }

    /// How it ended, if it has.
    pub fn exit(&self) -> Option<ExitStatus> {
        self.child().try_wait().expect("a child of ours can be waited for")
    }

    /// Ends it as a power cut would, and waits until it is gone.
    pub fn kill(&self) {
        let _ = self.child().kill();
        self.ended();
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let mut child = self.child();
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// Sends a signal to what `kill` takes: a process, or `-GROUP`.
pub(super) fn signal(whom: &str, name: &str) -> Result<(), String> {
    let sent = Command::new("kill").args([&format!("-{name}"), "--", whom]).output();
    let sent = sent.map_err(|error| format!("kill: {error}"))?;
    let error = || format!("kill -{name} {whom}: {}", String::from_utf8_lossy(&sent.stderr));
    if sent.status.success() { Ok(()) } else { Err(error()) }
}

/// A command that is killed when we are gone, run by `setpriv` with these options too. Nothing of our own
/// environment that concerns qingting reaches it.
pub(super) fn dying_with_us(options: &[&str], program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]).args(options).arg(program).current_dir(super::root());
    for (name, _) in std::env::vars() {
        if name.starts_with("QINGTING_") || name.starts_with("OTEL_") || name.ends_with("_URL") {
            command.env_remove(name);
        }
    }
    command
}

fn listen(stream: impl Read + Send + 'static) -> Arc<Said> {
    let said = Arc::new(Said::default());
    let heard = Arc::clone(&said);
    thread::spawn(move || {
        for line in BufReader::new(stream).split(b'\n') {
            let Ok(line) = line else { break };
            said.lines().lines.push(String::from_utf8_lossy(&line).into_owned());
            said.more.notify_all();
        }
        said.lines().is_over = true;
        said.more.notify_all();
    });
    heard
}

impl Said {
    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, beginning: &str) -> Option<String> {
        let until = Instant::now() + PATIENCE;
        let mut lines = self.lines();
        loop {
            if let Some(rest) = lines.lines.iter().find_map(|it| it.strip_prefix(beginning)) {
                return Some(rest.to_owned());
            }
            let left = until.checked_duration_since(Instant::now())?;
            if lines.is_over {
                return None;
            }
            let waited = self.more.wait_timeout(lines, left);
            lines = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn tail(&self) -> String {
        let lines = self.lines();
        let from = lines.lines.len().saturating_sub(TAIL);
        lines.lines[from..].join("\n")
    }
}
