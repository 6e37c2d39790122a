//! Utterances with their labels: examples to fit and to measure, and acts.

use std::collections::BTreeMap;

use super::{Reader, one_of};
use crate::catalogue::{Example, Intent, Problem, Slot, examples};

impl Reader<'_> {
    pub(super) fn examples(
        &mut self,
        intents: &BTreeMap<String, Intent>,
        slots: &BTreeMap<String, Slot>,
        held_out: &[&str],
    ) -> Vec<Example> {
        let mut all = Vec::new();
        for (name, text) in &self.pack.files {
            let Some(short) = name.strip_prefix("examples/").filter(|it| it.ends_with(".tsv"))
            else {
                continue;
            };
            for (line, label, said) in examples::lines(name, text, &mut self.problems) {
                let mut wrong = |message: String| {
                    self.problems.push(Problem { file: name.clone(), line, message });
                };
                let refusal = label.strip_prefix("out_of_scope/").and_then(nlu::Refusal::parse);
                if refusal.is_none() && !intents.contains_key(label) {
                    wrong(format!(
                        "no intent `{label}` in intents.toml, and no out_of_scope/REASON"
                    ));
                }
                match examples::strip(said) {
                    Err(message) => wrong(message),
                    Ok((text, found)) => {
                        if let Some((slot, _)) = found.iter().find(|it| !slots.contains_key(&it.0))
                        {
                            wrong(format!("no slot `{slot}`: write {}", one_of(slots.keys())));
                        }
                        all.push(Example {
                            label: label.into(),
                            text,
                            slots: found,
                            held_out: held_out.contains(&short),
                            origin: (name.clone(), line),
                        });
                    }
                }
            }
        }
        all
    }

    pub(super) fn acts(&mut self) -> Vec<(String, String)> {
        let file = "acts.tsv";
        let Some(text) = self.pack.files.get(file) else {
            self.at(file, 0..0, "this file is missing from the pack: write act<TAB>text lines");
            return Vec::new();
        };
        let mut acts = Vec::new();
        for (line, act, said) in examples::lines(file, text, &mut self.problems) {
            if act != "none" && nlu::Act::parse(act).is_none() {
                let message = format!("no act `{act}`: write one of {}, or none", nlu::Act::ids());
                self.problems.push(Problem { file: file.into(), line, message });
            }
            acts.push((act.to_owned(), said.to_owned()));
        }
        acts
    }
}
