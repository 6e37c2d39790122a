//! Utterances with their labels: examples to fit and to measure, and acts.

use std::collections::BTreeMap;

use super::{Reader, one_of};
use crate::catalogue::{
    Example, Intent, Problem, Slot, Split,
    examples::{self, Line},
    file,
};

/// Where the files of examples lie, and how their names end.
const FOLDER: &str = "examples/";
const SUFFIX: &str = ".tsv";

impl Reader<'_> {
    /// Which files are not fitted, each with what it is used for instead.
    pub(super) fn splits(&mut self, named: &file::Examples) -> BTreeMap<String, Split> {
        let mut splits = BTreeMap::new();
        for (split, names) in [(Split::Dev, &named.dev), (Split::Test, &named.test)] {
            for name in names {
                let path = format!("{FOLDER}{}", name.as_ref());
                if !self.pack.files.contains_key(&path) || !path.ends_with(SUFFIX) {
                    let have = one_of(self.voices().map(|(short, _, _)| short));
                    self.at("pack.toml", name.span(), format!("no {path}: write one of {have}"));
                } else if splits.insert(name.as_ref().clone(), split).is_some() {
                    let message = format!(
                        "`{}` is there twice: write it once, in dev or in test",
                        name.as_ref()
                    );
                    self.at("pack.toml", name.span(), message);
                }
            }
        }
        splits
    }

    /// Name below the folder of examples, name within the pack, and text of every examples file.
    fn voices(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.pack.files.iter().filter_map(|(path, text)| {
            let short = path.strip_prefix(FOLDER).filter(|it| it.ends_with(SUFFIX))?;
            Some((short, path.as_str(), text.as_str()))
        })
    }

    pub(super) fn examples(
        &mut self,
        intents: &BTreeMap<String, Intent>,
        slots: &BTreeMap<String, Slot>,
        splits: &BTreeMap<String, Split>,
    ) -> Vec<Example> {
        let known = Known { intents, slots };
        let mut all = Vec::new();
        let mut problems = Vec::new();
        for (short, path, text) in self.voices() {
            let split = splits.get(short).copied().unwrap_or(Split::Train);
            for line in examples::lines(path, text, &mut problems) {
                match known.example(&line, split, path) {
                    Ok(example) => all.push(example),
                    Err(messages) => problems.extend(messages.into_iter().map(|message| Problem {
                        file: path.into(),
                        line: line.number,
                        message,
                    })),
                }
            }
        }
        self.problems.append(&mut problems);
        all
    }

    pub(super) fn acts(&mut self) -> Vec<(String, String)> {
        let file = "acts.tsv";
        let Some(text) = self.pack.files.get(file) else {
            self.at(file, 0..0, "this file is missing from the pack: write act<TAB>text lines");
            return Vec::new();
        };
        let mut acts = Vec::new();
        for (line, act, said) in examples::pairs(file, text, &mut self.problems) {
            if act != "none" && nlu::Act::parse(act).is_none() {
                let message = format!("no act `{act}`: write one of {}, or none", nlu::Act::ids());
                self.problems.push(Problem { file: file.into(), line, message });
            }
            acts.push((act.to_owned(), said.to_owned()));
        }
        acts
    }
}

/// What an example may name.
struct Known<'a> {
    intents: &'a BTreeMap<String, Intent>,
    slots: &'a BTreeMap<String, Slot>,
}

impl Known<'_> {
    /// The utterance of a line, or all that is wrong with it.
    fn example(&self, line: &Line<'_>, split: Split, path: &str) -> Result<Example, Vec<String>> {
        let label = examples::label(line.label, |it| self.intents.contains_key(it));
        let said = examples::strip(line.said).and_then(|(text, marks)| {
            match marks.iter().find(|(slot, _)| !self.slots.contains_key(slot)) {
                Some((slot, _)) => {
                    Err(format!("no slot `{slot}`: write {}", one_of(self.slots.keys())))
                }
                None => Ok((text, marks)),
            }
        });
        match (label, said) {
            (Ok((label, also)), Ok((text, slots))) => Ok(Example {
                label,
                also,
                text,
                slots,
                mood: line.mood,
                split,
                origin: (path.into(), line.number),
            }),
            (label, said) => Err(label.err().into_iter().chain(said.err()).collect()),
        }
    }
}
