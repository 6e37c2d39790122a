//! Releases: a catalogue with the head fitted to its examples, immutable once made.
//!
//! New calls begin with the live one; a call keeps the one it began with, which is fetched again where
//! this process does not have it. It leaves out publishing: a server takes what is live when it starts.

mod cache;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use nlu::{Engine, Head, Reading, Text, engine, head::Sample};
use sqlx::PgPool;
use tokio::sync::OnceCell;
use tracing::warn;

use crate::{
    catalogue::{Catalogue, Pack, Problems, postgres},
    understand::Linker,
};

pub use cache::Cache;

/// Texts that are embedded between two reports of progress.
const CHUNK: usize = 64;

/// Why a release was not made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The pack is broken: mend it.
    #[error(transparent)]
    Pack(#[from] Problems),
    /// The model does not read the examples.
    #[error("the examples cannot be read: {0}")]
    Model(#[from] engine::Error),
    /// The examples do not make a classifier.
    #[error("no classifier can be fitted: {0}")]
    Head(String),
    /// The database does not have the pack, or does not answer.
    #[error(transparent)]
    Catalogue(#[from] postgres::Error),
}

/// A catalogue that can be understood.
#[derive(Debug)]
pub struct Release {
    /// Fingerprint of the pack.
    pub id: String,
    /// What customers can want.
    pub catalogue: Catalogue,
    /// Finds what the operator sells.
    pub linker: Linker,
    head: Head,
}

impl Release {
    /// Parses a pack and fits its head; `progress` hears how many of how many examples are read.
    ///
    /// # Errors
    /// [`Error`]; a broken pack names every problem.
    pub async fn make(
        pack: &Pack,
        engine: &Engine,
        cache: &Cache,
        progress: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<Self, Error> {
        let catalogue = Catalogue::parse(pack)?;
        let linker = Linker::new(&catalogue.knowledge);
        let head = match kept(cache, &catalogue.fingerprint, false).await.1 {
            Some(head) => head,
            None => {
                let (_lock, found) = kept(cache, &catalogue.fingerprint, true).await;
                match found {
                    Some(head) => head,
                    None => fit(&catalogue, engine, cache, progress).await?,
                }
            }
        };
        Ok(Self { id: catalogue.fingerprint.clone(), catalogue, linker, head })
    }
}

impl Release {
    /// Reads one utterance, and waits for room where many are read at once.
    ///
    /// # Errors
    /// [`engine::Error`] when the model fails.
    pub async fn read_patiently(
        &self,
        engine: &Engine,
        text: &str,
        today: jiff::civil::Date,
    ) -> Result<Reading, engine::Error> {
        engine.read_patiently(&self.head, text, today).await
    }
}

/// The head of a release where the cache has it; `alone`: looked up once no other process is fitting it, and
/// with the lock that keeps it so.
async fn kept(cache: &Cache, release: &str, alone: bool) -> (Option<std::fs::File>, Option<Head>) {
    let (cache, release) = (cache.clone(), release.to_owned());
    let look = move || {
        let lock = if alone { cache.lock() } else { None };
        (lock, cache.head(&release))
    };
    tokio::task::spawn_blocking(look).await.unwrap_or((None, None))
}

/// One text that teaches.
struct Lesson {
    label: String,
    text: Text,
}

async fn fit(
    catalogue: &Catalogue,
    engine: &Engine,
    cache: &Cache,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Head, Error> {
    let lesson = |label: &str, text: &str| Lesson { label: label.into(), text: Text::new(text) };
    let taught = catalogue.examples.iter().filter(|it| !it.is_held_out() && it.also.is_none());
    let mut lessons: Vec<Lesson> = taught.map(|it| lesson(&it.label, &it.text)).collect();
    let intents = lessons.len();
    lessons.extend(catalogue.acts.iter().map(|(act, text)| lesson(act, text)));
    let texts: Vec<Text> = lessons.iter().map(|it| it.text.clone()).collect();
    let embeddings = embed(&texts, engine, cache, progress).await?;
    let (cache, release) = (cache.clone(), catalogue.fingerprint.clone());
    let fitted = tokio::task::spawn_blocking(move || {
        let pairs = lessons.iter().zip(&embeddings);
        let samples: Vec<_> = pairs
            .map(|(it, embedding)| Sample { label: &it.label, text: &it.text, embedding })
            .collect();
        let (intents, acts) = samples.split_at(intents);
        let head = Head::fit(intents, acts).map_err(|error| Error::Head(error.to_string()))?;
        if let Err(error) = cache.keep_head(&release, &head) {
            warn!(%error, "the head is not kept: the next start fits it again");
        }
        Ok(head)
    });
    fitted.await.unwrap_or_else(|panic| Err(Error::Head(panic.to_string())))
}

async fn embed(
    texts: &[Text],
    engine: &Engine,
    cache: &Cache,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Vec<Vec<f32>>, Error> {
    let kept = cache.clone();
    // Megabytes: longer than an async thread may be held while calls go on.
    let mut known =
        tokio::task::spawn_blocking(move || kept.embeddings()).await.unwrap_or_default();
    let mut new: Vec<Text> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for text in texts {
        if !known.contains_key(text.raw()) && seen.insert(text.raw()) {
            new.push(text.clone());
        }
    }
    for (at, chunk) in new.chunks(CHUNK).enumerate() {
        progress(at * CHUNK, new.len());
        let embedded = engine.embed_all(chunk).await?;
        known.extend(chunk.iter().map(|it| it.raw().to_owned()).zip(embedded));
    }
    if !new.is_empty() {
        progress(new.len(), new.len());
        if let Err(error) = cache.keep_embeddings(&known) {
            warn!(%error, "embeddings not kept: the next start reads the examples again");
        }
    }
    Ok(texts.iter().filter_map(|it| known.get(it.raw()).cloned()).collect())
}

/// Where releases of other servers are fetched from.
#[derive(Debug, Clone)]
pub struct Archive {
    /// The database.
    pub pool: PgPool,
    /// Whose releases.
    pub tenant: String,
    /// Embeddings of examples.
    pub cache: Cache,
}

/// The releases that this process knows, and the engine that reads for all of them.
pub struct Releases {
    engine: Engine,
    live: Arc<Release>,
    older: Mutex<HashMap<String, Arc<OnceCell<Arc<Release>>>>>,
    archive: Option<Archive>,
}

impl Releases {
    /// New calls begin with `live`; calls of other releases find theirs in `archive`.
    pub fn new(engine: Engine, live: Release, archive: Option<Archive>) -> Self {
        Self { engine, live: Arc::new(live), older: Mutex::default(), archive }
    }

    /// What new calls begin with.
    pub fn live(&self) -> Arc<Release> {
        Arc::clone(&self.live)
    }

    /// Runs the model.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The release with this id. Where it cannot be had the live one serves, since a call that goes on is
    /// better than one that does not; the log says so.
    pub async fn get(&self, id: &str) -> Arc<Release> {
        if id == self.live.id {
            return self.live();
        }
        let cell = {
            let mut older = self.older.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(older.entry(id.to_owned()).or_default())
        };
        match cell.get_or_try_init(|| self.fetch(id)).await {
            Ok(release) => Arc::clone(release),
            Err(error) => {
                warn!(release = id, %error, "release not found: the live one serves");
                self.live()
            }
        }
    }

    async fn fetch(&self, id: &str) -> Result<Arc<Release>, Error> {
        let Some(archive) = &self.archive else {
            return Err(Error::Catalogue(postgres::Error::Missing(id.to_owned())));
        };
        let pack = postgres::export(&archive.pool, &archive.tenant, Some(id)).await?;
        let release = Release::make(&pack, &self.engine, &archive.cache, &|_, _| {}).await?;
        Ok(Arc::new(release))
    }

    /// Reads one utterance with the head of a release.
    ///
    /// # Errors
    /// [`engine::Error`] when the queue is full or the model fails.
    pub async fn read(
        &self,
        release: &Release,
        text: &str,
        today: jiff::civil::Date,
    ) -> Result<Reading, engine::Error> {
        self.engine.read(&release.head, text, today).await
    }
}
