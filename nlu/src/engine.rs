//! The handle others hold: utterances wait in a bounded queue, and workers run them in batches.
//!
//! One thread a worker, one encoder a thread. A worker that is free takes what waits, and never waits
//! for company. Live utterances are refused at once when the queue is full; bulk work waits for room and
//! holds only a part of the queue, so that it cannot crowd calls out. It leaves out what is read from an
//! embedding (`head`).

mod queue;

use std::{
    collections::VecDeque,
    ops::Range,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

use tokio::sync::{Semaphore, SemaphorePermit, oneshot};

use crate::{
    Artifact, Head, Reading, Text, decode,
    encoder::{self, Encoded, Encoder, Labels, Onnx},
    tokens::{self, Tokens},
    values,
};
use queue::Queue;

pub use crate::encoder::Device;

/// Seconds an utterance waited for a worker. Histogram.
pub const QUEUE_SECONDS: &str = "qingting_nlu_queue_seconds";
/// Seconds of one run of the network over a batch. Histogram.
pub const RUN_SECONDS: &str = "qingting_nlu_run_seconds";
/// Utterances of one batch. Histogram.
pub const BATCH_UTTERANCES: &str = "qingting_nlu_batch_utterances";
/// Utterances refused because the queue was full. Counter.
pub const OVERLOADED: &str = "qingting_nlu_overloaded_total";
/// Batches that failed or panicked. Counter.
pub const FAILED: &str = "qingting_nlu_failed_batches_total";
/// Workers by `device`: `cpu`, `cuda`. Gauge.
pub const WORKERS: &str = "qingting_nlu_workers";

/// Why a text was not read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The queue is full: refuse now, try later.
    #[error("too many utterances are waiting")]
    Overloaded,
    /// The text cannot fit the model: send a shorter one.
    #[error("{0} tokens are more than the model takes")]
    TooLong(usize),
    /// The engine was dropped meanwhile.
    #[error("the engine has stopped")]
    Stopped,
    /// The model or its tokeniser failed on this batch.
    #[error("{0}")]
    Model(String),
    /// The ONNX Runtime library is missing or unfit: install it.
    #[error("{0}")]
    Library(String),
    /// The device that was asked for does not run the model: choose another.
    #[error("{0}")]
    Device(String),
}

impl From<tokens::Error> for Error {
    fn from(error: tokens::Error) -> Self {
        match error {
            tokens::Error::TooLong(found) => Self::TooLong(found),
            other => Self::Model(other.to_string()),
        }
    }
}

impl From<encoder::Error> for Error {
    fn from(error: encoder::Error) -> Self {
        match error {
            encoder::Error::Library(why) => Self::Library(why),
            encoder::Error::Device(why) => Self::Device(why),
            encoder::Error::Model(_) => Self::Model(error.to_string()),
        }
    }
}

/// How the engine runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The ONNX Runtime library.
    pub library: PathBuf,
    /// Where the network shall run.
    pub device: Device,
    /// Workers, each with one encoder; 0: one per core.
    pub workers: usize,
    /// Utterances that may wait, at least one.
    pub queue: usize,
    /// Padded tokens of one batch.
    pub batch_tokens: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            library: ".qingting/natives/onnxruntime/libonnxruntime.so".into(),
            device: Device::Auto,
            workers: 0,
            queue: 1024,
            batch_tokens: 512,
        }
    }
}

/// Reads utterances. Clones share the queue and the workers; the last one that is dropped stops them.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    queue: Arc<Queue>,
    /// Rooms of the queue that bulk work may hold.
    bulk: Semaphore,
    tokens: Tokens,
    device: &'static str,
    dims: usize,
    labels: Labels,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("device", &self.0.device).finish_non_exhaustive()
    }
}

impl Engine {
    /// Opens one session a worker and begins to serve.
    ///
    /// # Errors
    /// [`Error::Library`], [`Error::Device`] or [`Error::Model`], in one line that says what to do.
    pub fn open(artifact: &Artifact, options: &Options) -> Result<Self, Error> {
        let tokens = Tokens::open(artifact)?;
        let workers = match options.workers {
            0 => thread::available_parallelism().map_or(1, usize::from),
            some => some,
        };
        let mut encoders: Vec<Box<dyn Encoder>> = Vec::new();
        for _ in 0..workers {
            encoders.push(Box::new(Onnx::open(artifact, &options.library, options.device)?));
        }
        Self::with(encoders, tokens, options)
    }

    /// Serves with the given encoders, one worker each; `library`, `device` and `workers` of the options
    /// say nothing here.
    ///
    /// # Errors
    /// [`Error::Model`] when there is no encoder, or no thread for one.
    pub fn with(
        encoders: Vec<Box<dyn Encoder>>,
        tokens: Tokens,
        options: &Options,
    ) -> Result<Self, Error> {
        let Some(first) = encoders.first() else {
            return Err(Error::Model("there is no encoder".into()));
        };
        let (device, dims, labels) = (first.device(), first.dims(), first.labels());
        let room = options.queue.clamp(1, Semaphore::MAX_PERMITS);
        let queue = Arc::new(Queue::new(room, options.batch_tokens));
        let bulk = bulk_room(encoders.len(), options.batch_tokens).clamp(1, room.div_ceil(2));
        let inner = Inner {
            queue: queue.clone(),
            bulk: Semaphore::new(bulk),
            tokens,
            device,
            dims,
            labels,
            threads: Mutex::default(),
        };
        for (number, encoder) in encoders.into_iter().enumerate() {
            let queue = queue.clone();
            let thread = thread::Builder::new()
                .name(format!("nlu-{number}"))
                .spawn(move || queue.work(encoder))
                .map_err(|error| Error::Model(format!("no thread for a worker: {error}")))?;
            inner.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        }
        Ok(Self(Arc::new(inner)))
    }

    /// Reads one utterance.
    ///
    /// `today` is what relative dates are relative to.
    ///
    /// # Errors
    /// [`Error::Overloaded`] at once when the queue is full, [`Error::TooLong`], [`Error::Model`],
    /// [`Error::Stopped`].
    pub async fn read(
        &self,
        head: &Head,
        raw: &str,
        today: jiff::civil::Date,
    ) -> Result<Reading, Error> {
        let text = Text::new(raw);
        let cut = self.0.tokens.encode(text.normal())?;
        let answer = self.0.queue.offer(cut.ids)?;
        let encoded = answer.await.unwrap_or(Err(Error::Stopped))?;
        Ok(self.reading(head, text, &encoded, &cut.places, today))
    }

    /// Reads one utterance of many: waits for room instead of being refused.
    ///
    /// # Errors
    /// Those of [`Engine::read`] but [`Error::Overloaded`].
    pub async fn read_patiently(
        &self,
        head: &Head,
        raw: &str,
        today: jiff::civil::Date,
    ) -> Result<Reading, Error> {
        let text = Text::new(raw);
        let cut = self.0.tokens.encode(text.normal())?;
        let _permit = self.0.bulk.acquire().await.map_err(|_| Error::Stopped)?;
        let answer = self.0.queue.wait(cut.ids).await?;
        let encoded = answer.await.unwrap_or(Err(Error::Stopped))?;
        Ok(self.reading(head, text, &encoded, &cut.places, today))
    }

    fn reading(
        &self,
        head: &Head,
        text: Text,
        encoded: &Encoded,
        places: &[Range<usize>],
        today: jiff::civil::Date,
    ) -> Reading {
        let labels = &self.0.labels;
        let values = values::find_all(&text, today);
        let scores = head.score(&text, &encoded.embedding);
        let tagged = match labels.tags.is_empty() {
            true => Vec::new(),
            false => decode::spans(&labels.tags, &encoded.tags, places),
        };
        let (mood, sure) = decode::most_probable(&encoded.moods);
        Reading {
            text,
            ranking: scores.ranking,
            in_scope: scores.in_scope,
            refusal: scores.refusal,
            act: scores.act,
            values,
            tagged,
            mood: labels.moods.get(mood).map(|it| (*it, sure)),
        }
    }

    /// The embedding of one text: [`Engine::dims`] numbers, unit length.
    ///
    /// # Errors
    /// Those of [`Engine::read`].
    pub async fn embed(&self, text: &Text) -> Result<Vec<f32>, Error> {
        let cut = self.0.tokens.encode(text.normal())?;
        let answer = self.0.queue.offer(cut.ids)?;
        Ok(answer.await.unwrap_or(Err(Error::Stopped))?.embedding)
    }

    /// The embeddings of many texts, in order. It waits for room instead of being refused, and runs texts
    /// of like length together.
    ///
    /// # Errors
    /// Those of [`Engine::read`] but [`Error::Overloaded`]; the first one ends it.
    pub async fn embed_all(&self, texts: &[Text]) -> Result<Vec<Vec<f32>>, Error> {
        let jobs = self.by_length(texts).await?;
        let mut waiting = VecDeque::new();
        let mut found = vec![Vec::new(); texts.len()];
        for (place, ids) in jobs {
            // What was answered is collected first: else its rooms would never be given back.
            let permit = loop {
                if let Ok(permit) = self.0.bulk.try_acquire() {
                    break permit;
                }
                match waiting.pop_front() {
                    Some(oldest) => Self::collect(oldest, &mut found).await?,
                    None => break self.0.bulk.acquire().await.map_err(|_| Error::Stopped)?,
                }
            };
            let answer = self.0.queue.wait(ids).await?;
            waiting.push_back(Ticket { place, answer, _permit: permit });
        }
        for ticket in waiting {
            Self::collect(ticket, &mut found).await?;
        }
        Ok(found)
    }

    /// Token ids of all texts with their places, shortest first. A thousand texts take longer than an
    /// async thread may be held.
    async fn by_length(&self, texts: &[Text]) -> Result<Vec<(usize, Vec<u32>)>, Error> {
        let tokens = self.0.tokens.clone();
        let texts = texts.to_vec();
        let work = move || {
            let ids = texts.iter().map(|text| tokens.encode(text.normal()).map(|cut| cut.ids));
            let mut jobs: Vec<_> =
                ids.collect::<Result<Vec<_>, _>>()?.into_iter().enumerate().collect();
            jobs.sort_by_key(|(_, ids)| ids.len());
            Ok(jobs)
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| Error::Stopped)?
    }

    async fn collect(ticket: Ticket<'_>, found: &mut [Vec<f32>]) -> Result<(), Error> {
        found[ticket.place] = ticket.answer.await.unwrap_or(Err(Error::Stopped))?.embedding;
        Ok(())
    }

    /// Where the network really runs: `cpu` or `cuda`.
    pub fn device(&self) -> &'static str {
        self.0.device
    }

    /// Length of an embedding.
    pub fn dims(&self) -> usize {
        self.0.dims
    }

    /// Utterances that wait now.
    pub fn waiting(&self) -> usize {
        self.0.queue.waiting()
    }
}

/// One text of a bulk that is on its way.
struct Ticket<'a> {
    place: usize,
    answer: oneshot::Receiver<Result<Encoded, Error>>,
    _permit: SemaphorePermit<'a>,
}

/// Twice what keeps all workers busy, when the shortest texts have eight tokens.
fn bulk_room(workers: usize, batch_tokens: usize) -> usize {
    workers.saturating_mul(batch_tokens / 4)
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.queue.stop();
        let threads = self.threads.get_mut().unwrap_or_else(PoisonError::into_inner);
        for thread in threads.drain(..) {
            // A worker catches panics of its encoder, so that nothing is lost by not looking here.
            let _ = thread.join();
        }
    }
}
