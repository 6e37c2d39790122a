//! Text -> token ids, the way the encoder was trained to read them.
//!
//! It leaves out padding (`encoder`) and normalising (`text`). The tokeniser is foreign code that can
//! panic on odd input, so the length is capped before it and panics stop here.

use std::{
    ops::Range,
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

/// A text as tokens.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cut {
    /// Ids, with the prefix and the marks of begin and end.
    pub ids: Vec<u32>,
    /// The characters of the text that each token stands for; empty for those of the prefix and the marks.
    pub places: Vec<Range<usize>>,
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

    /// The tokens of `text`, at most the model's `max_tokens`.
    ///
    /// # Errors
    /// [`Error::TooLong`] with the number of tokens (a lower bound of it for very long texts), or
    /// [`Error::Failed`].
    pub fn encode(&self, text: &str) -> Result<Cut, Error> {
        let fewest = text.chars().count().div_ceil(MAX_CHARS_PER_TOKEN);
        if fewest > self.max_tokens {
            return Err(Error::TooLong(fewest));
        }
        let cut = match &self.kind {
            Kind::Learned(tokenizer) => learned(tokenizer, &self.prefix, text)?,
            Kind::Characters => characters(text),
        };
        if cut.ids.len() > self.max_tokens {
            return Err(Error::TooLong(cut.ids.len()));
        }
        Ok(cut)
    }
}

fn learned(tokenizer: &Tokenizer, prefix: &str, text: &str) -> Result<Cut, Error> {
    let whole = [prefix, text].concat();
    let encoding =
        match catch_unwind(AssertUnwindSafe(|| tokenizer.encode_char_offsets(&*whole, true))) {
            Ok(Ok(encoding)) => encoding,
            Ok(Err(error)) => return Err(Error::Failed(error.to_string())),
            Err(_) => return Err(Error::Failed("it panicked".into())),
        };
    let before = prefix.chars().count();
    // A piece that spans both belongs to the text as far as it reaches into it.
    let place =
        |(start, end): &(usize, usize)| start.saturating_sub(before)..end.saturating_sub(before);
    let places = encoding.get_offsets().iter().map(place).collect();
    Ok(Cut { ids: encoding.get_ids().to_vec(), places })
}

fn characters(text: &str) -> Cut {
    let ids: Vec<u32> = text.chars().map(u32::from).collect();
    let places = (0..ids.len()).map(|at| at..at + 1).collect();
    Cut { ids, places }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_refused_and_not_cut() {
        let tokens = Tokens::characters(4);
        let cut = tokens.encode("话费").unwrap();
        assert_eq!((cut.ids, cut.places), (vec![0x8bdd, 0x8d39], vec![0..1, 1..2]));
        assert_eq!(tokens.encode("").unwrap(), Cut::default());
        for (text, expected) in [("查话费啊啊", 5), (&"啊".repeat(160), 10)] {
            match tokens.encode(text) {
                Err(Error::TooLong(found)) => assert_eq!(found, expected),
                other => panic!("{other:?}"),
            }
        }
    }
}
