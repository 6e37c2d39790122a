//! The lint of a pack's corpus: what its utterances repeat, contradict, lack and leave unmarked.
//!
//! It is pure, and leaves out what a pack may not be at all: that is refused where a catalogue is parsed. A
//! finding is an error where it would make a measurement false, and else a warning.

pub mod agreement;
mod alike;
mod balance;
pub mod near;
mod text;
mod unmarked;
mod voices;

use std::collections::BTreeSet;

use nlu::Text;
use serde::Serialize;

use crate::{
    catalogue::{Catalogue, Example, Pack, Split},
    understand::Linker,
};

pub use agreement::Agreement;
pub use balance::{Balance, Count};
pub use unmarked::{Marked, Unmarked};
pub use voices::{Lengths, Share, Voice, Voices};

/// All that was found in a corpus.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Same letters and same label: an error across splits.
    pub duplicates: Vec<Finding>,
    /// Similarity above 0.9 ([`near`]): an error across splits.
    pub near_duplicates: Vec<Finding>,
    /// Other labels for the same letters, an error, or for nearly the same.
    pub conflicts: Vec<Finding>,
    /// How many utterances each intent has.
    pub balance: Balance,
    /// Values and things sold that no mark covers.
    pub unmarked: Unmarked,
    /// Who speaks, and how.
    pub voices: Voices,
    /// How far a second labeller agrees; `None` where there was none.
    pub agreement: Option<Agreement>,
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What it is.
    pub message: String,
    /// The lines it is about.
    pub places: Vec<Place>,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It makes a measurement false.
    Error,
    /// It is worth a look.
    Warning,
}

/// A line of the corpus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Its file within the pack.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// Its label as written; empty where it is a fault that it has none.
    pub label: String,
    /// Its text without marks.
    pub text: String,
}

/// An utterance with what several parts of the lint need of it.
struct Said<'a> {
    example: &'a Example,
    text: Text,
    /// The normalised text without punctuation; with it where nothing else is there.
    letters: Vec<char>,
}

/// Lints the corpus of a pack; `catalogue` is what was parsed from it.
pub fn lint(pack: &Pack, catalogue: &Catalogue) -> Report {
    let said: Vec<Said<'_>> = catalogue.examples.iter().map(Said::new).collect();
    let linker = Linker::new(&catalogue.knowledge);
    let alike::Alike { duplicates, near_duplicates, conflicts } = alike::find(&said);
    Report {
        duplicates,
        near_duplicates,
        conflicts,
        balance: balance::count(catalogue),
        unmarked: unmarked::find(catalogue, &linker, &said),
        voices: voices::count(&catalogue.examples),
        agreement: agreement::measure(pack, catalogue),
    }
}

impl Report {
    /// Everything that was found, section by section.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        let agreement = self.agreement.iter().flat_map(|it| &it.findings);
        let counted = [&self.balance.findings, &self.unmarked.findings, &self.voices.findings];
        [&self.duplicates, &self.near_duplicates, &self.conflicts]
            .into_iter()
            .chain(counted)
            .flatten()
            .chain(agreement)
    }

    /// Everything that makes a measurement false.
    pub fn errors(&self) -> impl Iterator<Item = &Finding> {
        self.findings().filter(|it| it.severity == Severity::Error)
    }

    /// The report to be read; at most `most` warnings a section, each with at most [`FEW`] of its lines, or
    /// everything.
    pub fn text(&self, most: Option<usize>) -> String {
        text::write(self, most)
    }
}

/// How many lines a warning shows where not everything is asked for.
pub const FEW: usize = 3;

impl Finding {
    fn new<'a>(
        severity: Severity,
        message: String,
        examples: impl IntoIterator<Item = &'a Example>,
    ) -> Self {
        Self { severity, message, places: examples.into_iter().map(Place::of).collect() }
    }
}

impl Place {
    fn of(example: &Example) -> Self {
        let (file, line) = example.origin.clone();
        Self { file, line, label: example.written_label(), text: example.text.clone() }
    }
}

impl<'a> Said<'a> {
    fn new(example: &'a Example) -> Self {
        let text = Text::new(&example.text);
        let letters = letters(&text);
        Self { example, text, letters }
    }
}

/// What is compared of a text: its characters without punctuation, or all of them where nothing else is
/// there.
fn letters(text: &Text) -> Vec<char> {
    let letters: Vec<char> = text.chars().iter().copied().filter(|c| c.is_alphanumeric()).collect();
    if letters.is_empty() { text.chars().to_vec() } else { letters }
}

/// "train", or "train and test".
fn names(splits: &BTreeSet<Split>) -> String {
    splits.iter().map(|it| it.id()).collect::<Vec<_>>().join(" and ")
}
