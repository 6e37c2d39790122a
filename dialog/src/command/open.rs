//! Opens what several commands need: the engine, a release, the stores.

use std::{
    io::{IsTerminal, stderr},
    path::{Path, PathBuf},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};
use nlu::{Artifact, Engine, engine};
use sqlx::PgPool;

use crate::{
    catalogue::Pack,
    config,
    local::{self, Private},
    release::{Cache, Release},
    session::redis::Redis,
};

/// The engine, and the cache of embeddings that belongs to its model.
pub(super) struct Model {
    pub(super) engine: Engine,
    pub(super) cache: Cache,
    /// The artifact's name: which of several sizes of model it is.
    pub(super) name: String,
}

/// Opens the artifact and starts the workers.
pub(super) fn model(settings: &config::Model) -> Result<Model, String> {
    let artifact = Artifact::open(&settings.artifact).map_err(|error| error.to_string())?;
    let options = engine::Options {
        library: settings.library.clone(),
        device: match settings.device {
            config::Device::Auto => engine::Device::Auto,
            config::Device::Cpu => engine::Device::Cpu,
            config::Device::Cuda => engine::Device::Cuda,
        },
        workers: settings.workers,
        queue: settings.queue,
        batch_tokens: settings.batch_tokens,
    };
    let engine = Engine::open(&artifact, &options).map_err(|error| error.to_string())?;
    let fingerprint = artifact.fingerprint().map_err(|error| error.to_string())?;
    let cache = Cache::new(&settings.cache, fingerprint.get(..16).unwrap_or(fingerprint));
    Ok(Model { engine, cache, name: artifact.manifest().name.clone() })
}

/// Reads the pack's files.
pub(super) fn pack(folder: &Path) -> Result<Pack, String> {
    Pack::read(folder).map_err(|error| error.to_string())
}

/// Makes a release, with a bar on the terminal while the examples are read.
pub(super) async fn release(pack: &Pack, model: &Model) -> Result<Release, String> {
    let bar = Bar::new("reading the pack's examples");
    let progress = |done: usize, of: usize| bar.show(done, of);
    let made = Release::make(pack, &model.engine, &model.cache, &progress).await;
    bar.clear();
    made.map_err(|error| error.to_string())
}

/// A progress bar on standard error; lines where that is no terminal.
struct Bar {
    bar: ProgressBar,
    what: &'static str,
}

impl Bar {
    fn new(what: &'static str) -> Self {
        let bar = if stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
        // Where all examples are in the cache there is nothing to count.
        bar.set_style(style("{msg} ..."));
        bar.set_message(what);
        Self { bar, what }
    }

    fn show(&self, done: usize, of: usize) {
        if !stderr().is_terminal() && (done == 0 || done == of) {
            eprintln!("{}: {done}/{of}", self.what);
        }
        if done == 0 {
            self.bar.set_style(style("{msg} {bar:32} {pos}/{len} {eta}"));
        }
        self.bar.set_length(of as u64);
        self.bar.set_position(done as u64);
    }

    fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Redis and Postgres, private ones among them where no address was given.
#[derive(Default)]
pub(super) struct Stores {
    pub(super) redis_url: String,
    pub(super) postgres_url: String,
    private: Vec<Private>,
}

/// Addresses from `REDIS_URL` and `DATABASE_URL`; starts a private store for each that is not set.
pub(super) async fn stores(settings: &config::Stores) -> Result<Stores, String> {
    let mut stores = postgres(settings).await?;
    match address("REDIS_URL") {
        Some(url) => {
            stores.redis_url = url;
            Ok(stores)
        }
        None => {
            let started = stores.start_valkey(settings).await;
            stores.or_stopped(started).await
        }
    }
}

/// Postgres alone: from `DATABASE_URL`, or a private one.
pub(super) async fn postgres(settings: &config::Stores) -> Result<Stores, String> {
    let mut stores = Stores::default();
    match address("DATABASE_URL") {
        Some(url) => stores.postgres_url = url,
        None => stores.start_postgres(settings).await?,
    }
    Ok(stores)
}

/// Private ones, whatever the environment names.
pub(super) async fn private(settings: &config::Stores) -> Result<Stores, String> {
    let mut stores = Stores::default();
    stores.start_valkey(settings).await?;
    let started = stores.start_postgres(settings).await;
    stores.or_stopped(started).await
}

fn address(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|it| !it.is_empty())
}

impl Stores {
    async fn start_valkey(&mut self, settings: &config::Stores) -> Result<(), String> {
        eprintln!("a private Valkey keeps its data in {}", settings.folder.display());
        let started = local::valkey(&settings.natives, &settings.folder).await;
        let store = started.map_err(|error| error.to_string())?;
        self.redis_url.clone_from(&store.url);
        self.private.push(store);
        Ok(())
    }

    async fn start_postgres(&mut self, settings: &config::Stores) -> Result<(), String> {
        eprintln!("a private Postgres keeps its data in {}", settings.folder.display());
        let started = local::postgres(&settings.natives, &settings.folder).await;
        let store = started.map_err(|error| error.to_string())?;
        self.postgres_url.clone_from(&store.url);
        self.private.push(store);
        Ok(())
    }

    /// These, or why one of them did not start; then the other is stopped in order.
    async fn or_stopped(self, started: Result<(), String>) -> Result<Self, String> {
        match started {
            Ok(()) => Ok(self),
            Err(error) => {
                self.stop().await;
                Err(error)
            }
        }
    }

    /// A pool on Postgres, the schema brought up to date.
    pub(super) async fn pool(&self, settings: &config::Stores) -> Result<PgPool, String> {
        let (connections, timeout) = (settings.postgres_connections, settings.postgres_timeout);
        crate::postgres::connect(&self.postgres_url, connections, timeout).await
    }

    /// A connection to Redis.
    pub(super) async fn redis(&self, settings: &config::Stores) -> Result<Redis, String> {
        let (timeout, ttl) = (settings.redis_timeout, settings.session_ttl);
        Redis::connect(&self.redis_url, timeout, ttl).await.map_err(|error| error.to_string())
    }

    /// Process ids of the private ones.
    pub(super) fn pids(&self) -> Vec<u32> {
        self.private.iter().filter_map(Private::pid).collect()
    }

    /// Stops the private ones.
    pub(super) async fn stop(self) {
        for store in self.private {
            store.stop().await;
        }
    }
}

/// A simulated operator beside us.
pub(super) struct Simulated {
    pub(super) url: String,
    _child: tokio::process::Child,
}

/// Starts the simulated operator, which lies beside this program.
pub(super) async fn operator(pack: &Path) -> Result<Simulated, String> {
    use tokio::io::{AsyncBufReadExt, BufReader};
    let program = std::env::current_exe()
        .map(|it| it.with_file_name("qingting-operator"))
        .unwrap_or_else(|_| PathBuf::from("qingting-operator"));
    let failed = |what: String| format!("the simulated operator {}: {what}", program.display());
    let mut child = tokio::process::Command::new(&program)
        .args(["--listen", "127.0.0.1:0", "--knowledge"])
        .arg(pack.join("knowledge.toml"))
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| failed(format!("{error}: run `make setup`, or set operator.url")))?;
    let out = child.stdout.take().ok_or_else(|| failed("no output".into()))?;
    let mut lines = BufReader::new(out).lines();
    let first = tokio::time::timeout(Duration::from_secs(10), lines.next_line()).await;
    let line = match first {
        Ok(Ok(Some(line))) => line,
        Ok(Ok(None)) => return Err(failed("ended at once".into())),
        Ok(Err(error)) => return Err(failed(error.to_string())),
        Err(_) => return Err(failed("no answer in time".into())),
    };
    let url = line.strip_prefix("listening on ").map(str::to_owned);
    let url = url.ok_or_else(|| failed(format!("said `{line}`")))?;
    Ok(Simulated { url, _child: child })
}
