//! Text -> token ids, the way the encoder was trained to read them.
//!
//! It leaves out padding (`encoder`) and normalising (`text`). The tokeniser is foreign code that can
//! panic on odd input, so the length is capped before it and panics stop here.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use tokenizers::Tokenizer;

use crate::artifact::{self, Artifact};

/// The longest piece of the XLM-R vocabulary has 16 characters: what is longer than 16 characters a
/// token cannot fit, and is refused before it costs anything.
const MAX_CHARS_PER_TOKEN: usize = 16;

/// Why a text has no tokens.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The text cannot fit the model: send a shorter one.
    #[error("{0} tokens are more than the model takes")]
    TooLong(usize),
    /// The tokeniser gave up on this text.
    #[error("the tokeniser failed: {0}")]
    Failed(String),
    /// The tokeniser's file is none: make the artifact again.
    #[error("tokenizer.json is no tokeniser: {0}: make the artifact again with `make models`")]
    Malformed(String),
    /// The artifact has no tokeniser.
    #[error(transparent)]
    Artifact(#[from] artifact::Error),
}

/// Turns text into token ids.
#[derive(Clone)]
pub struct Tokens {
    kind: Kind,
    prefix: String,
    max_tokens: usize,
}

#[derive(Clone)]
enum Kind {
    Learned(Arc<Tokenizer>),
    Characters,
}

impl Tokens {
    /// The tokeniser of an artifact.
    ///
    /// # Errors
    /// [`Error::Artifact`] or [`Error::Malformed`].
    pub fn open(artifact: &Artifact) -> Result<Self, Error> {
        let bytes = artifact.file("tokenizer.json")?;
        let mut tokenizer =
            Tokenizer::from_bytes(bytes).map_err(|error| Error::Malformed(error.to_string()))?;
        // What is too long is refused, never cut: a cut-off "不" changes the meaning.
        tokenizer.with_truncation(None).map_err(|error| Error::Malformed(error.to_string()))?;
        tokenizer.with_padding(None);
        let manifest = artifact.manifest();
        Ok(Self {
            kind: Kind::Learned(Arc::new(tokenizer)),
            prefix: manifest.prefix.clone(),
            max_tokens: manifest.max_tokens,
        })
    }

    /// One token a character, no prefix: what [`crate::encoder::Fake`] reads.
    pub fn characters(max_tokens: usize) -> Self {
        Self { kind: Kind::Characters, prefix: String::new(), max_tokens }
    }

    /// Ids of `text` with the prefix and the marks of begin and end, at most the model's `max_tokens`.
    ///
    /// # Errors
    /// [`Error::TooLong`] with the number of tokens (a lower bound of it for very long texts), or
    /// [`Error::Failed`].
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, Error> {
        let fewest = text.chars().count().div_ceil(MAX_CHARS_PER_TOKEN);
        if fewest > self.max_tokens {
            return Err(Error::TooLong(fewest));
        }
        let ids = match &self.kind {
            Kind::Learned(tokenizer) => learned(tokenizer, &[&self.prefix, text].concat())?,
            Kind::Characters => text.chars().map(u32::from).collect(),
        };
        if ids.len() > self.max_tokens {
            return Err(Error::TooLong(ids.len()));
        }
        Ok(ids)
    }
}

fn learned(tokenizer: &Tokenizer, text: &str) -> Result<Vec<u32>, Error> {
    match catch_unwind(AssertUnwindSafe(|| tokenizer.encode_fast(text, true))) {
        Ok(Ok(encoding)) => Ok(encoding.get_ids().to_vec()),
        Ok(Err(error)) => Err(Error::Failed(error.to_string())),
        Err(_) => Err(Error::Failed("it panicked".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_refused_and_not_cut() {
        let tokens = Tokens::characters(4);
        assert_eq!(tokens.encode("话费").unwrap(), [0x8bdd, 0x8d39]);
        assert_eq!(tokens.encode("").unwrap(), [0_u32; 0]);
        for (text, expected) in [("查话费啊啊", 5), (&"啊".repeat(160), 10)] {
            match tokens.encode(text) {
                Err(Error::TooLong(found)) => assert_eq!(found, expected),
                other => panic!("{other:?}"),
            }
        }
    }
}
