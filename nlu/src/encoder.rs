//! Token ids -> embeddings, and what the heads of the network say.
//!
//! It leaves out where the ids come from (`tokens`), who runs together (`batch`) and threads (`engine`).

mod fake;
mod onnx;

pub use fake::Fake;
pub use onnx::{Device, Onnx};

use crate::Mood;

/// What the network says of one utterance. Of a head that it lacks there are no scores.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Encoded {
    /// Unit length, [`Encoder::dims`] numbers.
    pub embedding: Vec<f32>,
    /// Scores of [`Labels::tags`] for each token, row-major, `[tokens, tags]`.
    pub tags: Vec<f32>,
    /// Scores of [`Labels::moods`].
    pub moods: Vec<f32>,
}

/// What the numbers of the heads stand for; empty for a head that the network lacks.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Labels {
    /// "O", then "B-SLOT" and "I-SLOT" for each slot.
    pub tags: Vec<String>,
    /// Moods.
    pub moods: Vec<Mood>,
}

/// Why a batch has no embeddings, or an encoder does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The ONNX Runtime library is missing or unfit: install it.
    #[error("{0}")]
    Library(String),
    /// The device that was asked for does not run the model: choose another.
    #[error("{0}")]
    Device(String),
    /// The network failed, or gave another shape than its manifest says: mend the export.
    #[error("the model failed: {0}")]
    Model(String),
}

/// Runs the network. One encoder serves one worker.
pub trait Encoder: Send {
    /// What the network says of each utterance, in order.
    ///
    /// `batch`: token ids of each utterance; none is empty.
    ///
    /// # Errors
    /// [`Error::Model`].
    fn run(&mut self, batch: &[&[u32]]) -> Result<Vec<Encoded>, Error>;

    /// Length of an embedding.
    fn dims(&self) -> usize;

    /// What the scores of its heads stand for.
    fn labels(&self) -> Labels {
        Labels::default()
    }

    /// Where it really runs: `cpu` or `cuda`.
    fn device(&self) -> &'static str;
}
