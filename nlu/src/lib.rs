//! Reads one utterance: which intent, which act, which values, how sure, or why not.
//!
//! It knows no network, no session and no telecom word: labels are strings out of the examples a head
//! is fitted from, and what an operator sells is linked by whoever knows the catalogue.

pub mod act;
pub mod artifact;
pub mod batch;
pub mod decode;
pub mod encoder;
pub mod engine;
mod hash;
pub mod head;
pub mod mood;
pub mod reading;
pub mod text;
pub mod tokens;
pub mod values;

pub use act::Act;
pub use artifact::Artifact;
pub use engine::Engine;
pub use head::Head;
pub use mood::Mood;
pub use reading::{Ranked, Reading, Refusal, Tagged};
pub use text::Text;
pub use values::{Found, Value};
