//! Token ids -> embeddings.
//!
//! It leaves out where the ids come from (`tokens`), who runs together (`batch`) and threads (`engine`).

mod fake;
mod onnx;

pub use fake::Fake;
pub use onnx::{Device, Onnx};

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
    /// One embedding an utterance, in order, each of [`Encoder::dims`] numbers and unit length.
    ///
    /// `batch`: token ids of each utterance; none is empty.
    ///
    /// # Errors
    /// [`Error::Model`].
    fn run(&mut self, batch: &[&[u32]]) -> Result<Vec<Vec<f32>>, Error>;

    /// Length of an embedding.
    fn dims(&self) -> usize;

    /// Where it really runs: `cpu` or `cuda`.
    fn device(&self) -> &'static str;
}
