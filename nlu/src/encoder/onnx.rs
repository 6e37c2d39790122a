//! Runs an artifact's network in ONNX Runtime.

use std::{path::Path, sync::Mutex};

use ort::{
    environment::Environment,
    ep::{CUDA, ExecutionProvider as _},
    session::{Session, SessionOutputs, builder::GraphOptimizationLevel},
    value::TensorRef,
};
use tracing::{info, warn};

use super::{Encoded, Encoder, Error, Labels};
use crate::artifact::Artifact;

/// Where the network shall run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Device {
    /// On a GPU where there is one.
    #[default]
    Auto,
    /// On the processor.
    Cpu,
    /// On a GPU, or not at all.
    Cuda,
}

/// One session of the network.
pub struct Onnx {
    session: Session,
    dims: usize,
    labels: Labels,
    device: &'static str,
}

impl Onnx {
    /// Opens one session on one thread.
    ///
    /// # Errors
    /// [`Error::Library`] when the library is missing or too old, [`Error::Device`] when
    /// [`Device::Cuda`] does not work here, [`Error::Model`] when the network is unfit.
    pub fn open(artifact: &Artifact, library: &Path, device: Device) -> Result<Self, Error> {
        let environment = environment(library)?;
        let network =
            artifact.file("model.onnx").map_err(|error| Error::Model(error.to_string()))?;
        let (session, device) = match device {
            Device::Cpu => (on_cpu(&environment, network)?, "cpu"),
            Device::Cuda => (on_cuda(&environment, network).map_err(Error::Device)?, "cuda"),
            Device::Auto => on_any(&environment, network)?,
        };
        let (dims, labels) = (artifact.manifest().dims, artifact.labels());
        let mut encoder = Self { session, dims, labels, device };
        // A real inference: a network or a driver that cannot run is found now, not in a call.
        encoder.run(&[&[1]])?;
        info!(device, artifact = artifact.manifest().name, "model opened");
        Ok(encoder)
    }
}

/// The GPU where the library knows it and it works, else the processor; the choice is told.
fn on_any(environment: &Environment, network: &[u8]) -> Result<(Session, &'static str), Error> {
    if CUDA::is_available().unwrap_or(false) {
        match on_cuda(environment, network) {
            Ok(session) => return Ok((session, "cuda")),
            Err(why) => warn!(why, "the GPU cannot be used, the model runs on the processor"),
        }
    }
    Ok((on_cpu(environment, network)?, "cpu"))
}

fn on_cpu(environment: &Environment, network: &[u8]) -> Result<Session, Error> {
    session(environment, network, None).map_err(|error| Error::Model(error.to_string()))
}

fn on_cuda(environment: &Environment, network: &[u8]) -> Result<Session, String> {
    session(environment, network, Some(CUDA::default())).map_err(|error| {
        format!("CUDA does not run the model: {error}: set model.device to auto or cpu")
    })
}

/// One thread and no spinning: with one session a core this is what made the prototype twice as
/// efficient as thread pools. No memory pattern, because every batch has another shape.
fn session(environment: &Environment, network: &[u8], cuda: Option<CUDA>) -> ort::Result<Session> {
    let mut builder = Session::builder(environment)?
        .with_optimization_level(GraphOptimizationLevel::All)?
        .with_intra_threads(1)?
        .with_inter_threads(1)?
        .with_intra_op_spinning(false)?
        .with_inter_op_spinning(false)?
        .with_memory_pattern(false)?;
    if let Some(cuda) = cuda {
        // Without `error_on_failure` the runtime falls back to the processor and says nothing.
        builder = builder.with_execution_providers([cuda.build().error_on_failure()])?;
    }
    builder.commit_from_memory(network)
}

impl Encoder for Onnx {
    fn run(&mut self, batch: &[&[u32]]) -> Result<Vec<Encoded>, Error> {
        let wrong = |error: ort::Error| Error::Model(error.to_string());
        let width = batch.iter().map(|ids| ids.len()).max().unwrap_or(0);
        let (ids, mask) = padded(batch, width);
        let shape = [batch.len(), width];
        let ids = TensorRef::from_array_view((shape, &ids[..])).map_err(wrong)?;
        let mask = TensorRef::from_array_view((shape, &mask[..])).map_err(wrong)?;
        let inputs = ort::inputs!["input_ids" => ids, "attention_mask" => mask];
        let outputs = self.session.run(inputs).map_err(wrong)?;
        let (rows, tags, moods) = (batch.len(), self.labels.tags.len(), self.labels.moods.len());
        let embeddings = scores(&outputs, "embedding", &[rows, self.dims])?;
        let tag_scores = scores(&outputs, "tags", &[rows, width, tags])?;
        let mood_scores = scores(&outputs, "moods", &[rows, moods])?;
        let encoded = |(row, ids): (usize, &&[u32])| Encoded {
            embedding: embeddings[row * self.dims..][..self.dims].to_vec(),
            tags: tag_scores[row * width * tags..][..ids.len() * tags].to_vec(),
            moods: mood_scores[row * moods..][..moods].to_vec(),
        };
        Ok(batch.iter().enumerate().map(encoded).collect())
    }

    fn dims(&self) -> usize {
        self.dims
    }

    fn labels(&self) -> Labels {
        self.labels.clone()
    }

    fn device(&self) -> &'static str {
        self.device
    }
}

/// The numbers of an output, row-major, of this shape and finite; none of an output of no width, which is
/// not asked for.
fn scores<'a>(
    outputs: &'a SessionOutputs<'_>,
    name: &str,
    shape: &[usize],
) -> Result<&'a [f32], Error> {
    if shape.last() == Some(&0) {
        return Ok(&[]);
    }
    let output = outputs
        .get(name)
        .ok_or_else(|| Error::Model(format!("it has no output `{name}`: export it again")))?;
    let (found, numbers) =
        output.try_extract_tensor::<f32>().map_err(|error| Error::Model(error.to_string()))?;
    if found.len() != shape.len() || found.iter().zip(shape).any(|(a, b)| *a != *b as i64) {
        return Err(Error::Model(format!("`{name}` has shape {found:?} where {shape:?} is due")));
    }
    if numbers.iter().any(|it| !it.is_finite()) {
        return Err(Error::Model(format!("`{name}` is no number")));
    }
    Ok(numbers)
}

/// Ids and attention mask, row-major `[batch, width]`; padding is masked, so its id does not matter.
fn padded(batch: &[&[u32]], width: usize) -> (Vec<i64>, Vec<i64>) {
    let mut ids = vec![0; batch.len() * width];
    let mut mask = vec![0; batch.len() * width];
    for (row, tokens) in batch.iter().enumerate() {
        for (column, token) in tokens.iter().enumerate() {
            ids[row * width + column] = i64::from(*token);
            mask[row * width + column] = 1;
        }
    }
    (ids, mask)
}

/// The process's one environment.
///
/// The runtime allows one a process and loads one library, so it cannot be a value that is passed
/// around; it is never dropped, because unloading the library while the process exits can hang.
static ENVIRONMENT: Mutex<Option<Environment>> = Mutex::new(None);

fn environment(library: &Path) -> Result<Environment, Error> {
    // The loader can hang on a path that does not exist, and takes a relative one from the binary's
    // folder: so the path is looked up first and handed over whole.
    let path = library.canonicalize().ok().filter(|it| it.is_file()).ok_or_else(|| {
        let path = library.display();
        Error::Library(format!(
            "{path} is missing: run `make setup`, or name the ONNX Runtime library as model.library"
        ))
    })?;
    let mut slot = ENVIRONMENT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(environment) = &*slot {
        return Ok(environment.clone());
    }
    let unfit = |error: &dyn std::fmt::Display| {
        Error::Library(format!("{} is no fit ONNX Runtime: {error}", path.display()))
    };
    let environment = ort::init_from(&path)
        .map_err(|error| unfit(&error))?
        .with_name("qingting")
        .with_telemetry(false)
        .build()
        .map_err(|error| unfit(&error))?;
    Ok(slot.insert(environment).clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_padded_and_masked() {
        let (ids, mask) = padded(&[&[7, 8, 9], &[5]], 3);
        assert_eq!(ids, [7, 8, 9, 5, 0, 0]);
        assert_eq!(mask, [1, 1, 1, 1, 0, 0]);
    }

    #[test]
    fn a_missing_or_foreign_library_is_named_and_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let foreign = folder.path().join("libonnxruntime.so");
        std::fs::write(&foreign, "no library").unwrap();
        for (path, expected) in [
            (folder.path().join("none.so"), "is missing: run `make setup`"),
            (folder.path().to_owned(), "is missing: run `make setup`"),
            (foreign, "is no fit ONNX Runtime"),
        ] {
            match environment(&path) {
                Ok(_) => panic!("{} is no library", path.display()),
                Err(error) => assert!(error.to_string().contains(expected), "{error}"),
            }
        }
    }
}
