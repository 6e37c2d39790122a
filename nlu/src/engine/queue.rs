//! The bounded queue between callers and workers, and what a worker does.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use tokio::sync::{
    Semaphore,
    oneshot::{self, Receiver, Sender},
};
use tracing::error;

use super::{BATCH_UTTERANCES, Error, FAILED, OVERLOADED, QUEUE_SECONDS, RUN_SECONDS, WORKERS};
use crate::{
    batch,
    encoder::{Encoded, Encoder},
};

type Answer = Result<Encoded, Error>;

/// One utterance that waits.
struct Job {
    ids: Vec<u32>,
    answer: Sender<Answer>,
    since: Instant,
}

/// Utterances that wait, oldest first.
pub(super) struct Queue {
    state: Mutex<State>,
    filled: Condvar,
    /// One permit a free place; it is taken before a job is put in and given back when it is taken out.
    room: Semaphore,
    batch_tokens: usize,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    is_stopped: bool,
}

impl Queue {
    pub(super) fn new(room: usize, batch_tokens: usize) -> Self {
        Self {
            state: Mutex::default(),
            filled: Condvar::new(),
            room: Semaphore::new(room),
            batch_tokens,
        }
    }

    /// Puts a job in, or refuses it now.
    pub(super) fn offer(&self, ids: Vec<u32>) -> Result<Receiver<Answer>, Error> {
        let Ok(permit) = self.room.try_acquire() else {
            metrics::counter!(OVERLOADED).increment(1);
            return Err(Error::Overloaded);
        };
        permit.forget();
        Ok(self.put(ids))
    }

    /// Puts a job in as soon as there is room.
    pub(super) async fn wait(&self, ids: Vec<u32>) -> Result<Receiver<Answer>, Error> {
        self.room.acquire().await.map_err(|_| Error::Stopped)?.forget();
        Ok(self.put(ids))
    }

    fn put(&self, ids: Vec<u32>) -> Receiver<Answer> {
        let (answer, receiver) = oneshot::channel();
        self.lock().jobs.push_back(Job { ids, answer, since: Instant::now() });
        self.filled.notify_one();
        receiver
    }

    pub(super) fn waiting(&self) -> usize {
        self.lock().jobs.len()
    }

    /// Lets the workers end after the batch they are at.
    pub(super) fn stop(&self) {
        self.room.close();
        let mut state = self.lock();
        state.is_stopped = true;
        state.jobs.clear();
        self.filled.notify_all();
    }

    /// Serves until the queue is stopped.
    pub(super) fn work(&self, mut encoder: Box<dyn Encoder>) {
        let device = encoder.device();
        metrics::gauge!(WORKERS, "device" => device).increment(1.0);
        while let Some(batch) = self.take() {
            serve(&mut *encoder, batch);
        }
        metrics::gauge!(WORKERS, "device" => device).decrement(1.0);
    }

    /// The next batch, as soon as anything waits; `None` when the queue is stopped.
    fn take(&self) -> Option<Vec<Job>> {
        let mut state = self.lock();
        loop {
            if state.is_stopped {
                return None;
            }
            let before = state.jobs.len();
            // Nobody listens for these any more: a run for them would delay those who wait.
            state.jobs.retain(|job| !job.answer.is_closed());
            let count = batch::take(state.jobs.iter().map(|job| job.ids.len()), self.batch_tokens);
            self.room.add_permits(before - state.jobs.len() + count);
            if count > 0 {
                return Some(state.jobs.drain(..count).collect());
            }
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is whole between any two statements, so that a panic elsewhere did not spoil it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn serve(encoder: &mut dyn Encoder, batch: Vec<Job>) {
    let began = Instant::now();
    for job in &batch {
        metrics::histogram!(QUEUE_SECONDS).record((began - job.since).as_secs_f64());
    }
    metrics::histogram!(BATCH_UTTERANCES).record(batch.len() as f64);
    let ids: Vec<&[u32]> = batch.iter().map(|job| &job.ids[..]).collect();
    let answers = run(encoder, &ids);
    metrics::histogram!(RUN_SECONDS).record(began.elapsed().as_secs_f64());
    match answers {
        Ok(found) => {
            for (job, encoded) in batch.into_iter().zip(found) {
                let _ = job.answer.send(Ok(encoded));
            }
        }
        Err(why) => {
            metrics::counter!(FAILED).increment(1);
            error!(utterances = batch.len(), why, "a batch failed");
            for job in batch {
                let _ = job.answer.send(Err(Error::Model(why.clone())));
            }
        }
    }
}

/// A failure or a panic of the encoder is the batch's answer, and not the worker's end.
fn run(encoder: &mut dyn Encoder, ids: &[&[u32]]) -> Result<Vec<Encoded>, String> {
    let found = catch_unwind(AssertUnwindSafe(|| encoder.run(ids)))
        .map_err(|_| "the model panicked".to_owned())?
        .map_err(|error| error.to_string())?;
    if found.len() != ids.len() {
        return Err(format!("the model gave {} answers to {} utterances", found.len(), ids.len()));
    }
    Ok(found)
}
