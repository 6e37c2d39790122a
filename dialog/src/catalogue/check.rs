//! Parses a pack into a catalogue and checks that everything it names exists.
//!
//! All problems are collected, so that an author mends a pack in one go. Where a file cannot be read at all,
//! only that is said: thousands of examples that name an intent of an unread file would bury it.

mod actions;
mod knowledge;
mod utterances;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
    ops::Range,
};

use serde::de::DeserializeOwned;
use toml::Spanned;

use super::{
    Action, ActionKind, Catalogue, Intent, Pack, Problem, Problems, file,
    pack::line_of,
    words::{Words, filter_names},
};

/// The pack format that is read.
const FORMAT: u32 = 1;

/// What every template may name besides slots.
const ALWAYS: &[&str] = &["caller", "today", "this_month", "channel", "knowledge"];

/// Replies that conversations use, each with what its wording may name.
const REPLIES: &[(&str, &[&str])] = &[
    ("greet", &[]),
    ("anything_else", &[]),
    ("no_match", &[]),
    ("silence", &[]),
    ("refuse_off_domain", &[]),
    ("refuse_unsupported", &[]),
    ("refuse_false_premise", &[]),
    ("refuse_noise", &[]),
    ("unclear", &["first", "second"]),
    ("repeat_nothing", &[]),
    ("wait", &[]),
    ("greet_back", &[]),
    ("thanks_back", &[]),
    ("bye", &[]),
    ("cancelled", &["title"]),
    ("declined", &["title"]),
    ("nothing_to_cancel", &[]),
    ("confirm_again", &["question"]),
    ("ask_again", &["question"]),
    ("correct_what", &["title"]),
    ("corrected", &[]),
    ("resume", &["title"]),
    ("not_sold", &["said", "kind"]),
    ("no_attribute", &["thing", "attribute"]),
    ("choose", &["first", "second"]),
    ("number_which", &[]),
    ("hand_off", &[]),
    ("failed", &[]),
    ("refused", &["reason", "title"]),
    ("already", &[]),
    ("summary", &["wanted", "slots", "done", "reason", "last_words"]),
    ("unavailable", &[]),
];

pub(super) fn catalogue(pack: &Pack) -> Result<Catalogue, Problems> {
    let mut reader =
        Reader { pack, problems: Vec::new(), unread: BTreeSet::new(), words: Words::new() };
    let parsed = reader.read();
    if !reader.unread.is_empty() {
        reader.problems.retain(|problem| reader.unread.contains(&problem.file));
    }
    reader.problems.sort();
    match parsed {
        Some(catalogue) if reader.problems.is_empty() => {
            Ok(Catalogue { words: reader.words, ..catalogue })
        }
        _ => Err(Problems(reader.problems)),
    }
}

struct Reader<'a> {
    pack: &'a Pack,
    problems: Vec<Problem>,
    /// Files that cannot be read; each has one problem.
    unread: BTreeSet<String>,
    words: Words,
}

impl Reader<'_> {
    fn read(&mut self) -> Option<Catalogue> {
        let head: Option<file::PackFile> = self.toml("pack.toml");
        let knowledge = self.knowledge();
        let slots = self.slots(&knowledge);
        let actions = self.actions(&slots, &knowledge);
        let intents = self.intents(&actions);
        self.replies();
        let head = head?;
        if *head.format.as_ref() != FORMAT {
            self.at("pack.toml", head.format.span(), format!("format is {FORMAT}"));
        }
        let splits = self.splits(&head.examples);
        let examples = self.examples(&intents, &slots, &splits);
        let acts = self.acts();
        let opening = head.opening.as_ref().and_then(|name| self.opening(name, &actions));
        Some(Catalogue {
            name: head.name,
            operator: head.operator,
            fingerprint: self.pack.fingerprint(),
            opening,
            tries: head.limits,
            knowledge,
            examples,
            acts,
            intents,
            slots,
            actions,
            words: Words::new(),
        })
    }

    fn at(&mut self, file: &str, span: Range<usize>, message: impl Display) {
        let text = self.pack.files.get(file).map_or("", String::as_str);
        let line = line_of(text, span.start);
        self.problems.push(Problem { file: file.into(), line, message: message.to_string() });
    }

    fn toml<T: DeserializeOwned>(&mut self, file: &str) -> Option<T> {
        let Some(text) = self.pack.files.get(file) else {
            self.at(file, 0..0, "this file is missing from the pack: write it");
            self.unread.insert(file.into());
            return None;
        };
        match toml::from_str(text) {
            Ok(parsed) => Some(parsed),
            Err(error) => {
                self.at(file, error.span().unwrap_or(0..0), error.message());
                self.unread.insert(file.into());
                None
            }
        }
    }

    fn opening(
        &mut self,
        name: &Spanned<String>,
        actions: &BTreeMap<String, Action>,
    ) -> Option<String> {
        let action = actions.get(name.as_ref());
        let fits =
            action.is_some_and(|it| matches!(it.kind, ActionKind::Query(_)) && it.slots.is_empty());
        if !fits {
            self.at(
                "pack.toml",
                name.span(),
                "opening names a query of actions.toml without slots",
            );
        }
        fits.then(|| name.as_ref().clone())
    }

    fn wording(
        &mut self,
        file: &str,
        key: &str,
        source: &Spanned<String>,
        may: &dyn Fn(&str) -> bool,
    ) {
        let named = self.words.add(key, source.as_ref());
        self.named(file, source, named, may);
    }

    fn named(
        &mut self,
        file: &str,
        source: &Spanned<String>,
        named: Result<Vec<String>, minijinja::Error>,
        may: &dyn Fn(&str) -> bool,
    ) {
        match named {
            Err(error) => {
                let message = format!("{error}; filters of our own: {}", filter_names());
                self.at(file, source.span(), message);
            }
            Ok(mut names) => {
                names.sort();
                let strange = names.iter().find(|name| {
                    let root = name.split('.').next().unwrap_or(name);
                    !ALWAYS.contains(&root) && !may(name)
                });
                if let Some(name) = strange {
                    let message = format!(
                        "nothing is called `{name}` here: name a slot of the action, \
                        one of its `answer` fields as answer.X, or {}",
                        one_of(ALWAYS)
                    );
                    self.at(file, source.span(), message);
                }
            }
        }
    }

    fn intents(&mut self, actions: &BTreeMap<String, Action>) -> BTreeMap<String, Intent> {
        let file = "intents.toml";
        let read = self.toml::<file::IntentsFile>(file).map(|it| it.intent).unwrap_or_default();
        let mut intents = BTreeMap::new();
        for raw in read {
            let (id, action) = (raw.id.as_ref().clone(), raw.action.as_ref().clone());
            if !actions.contains_key(&action) {
                self.at(
                    file,
                    raw.action.span(),
                    format!("no action `{action}` in actions.toml: add it there"),
                );
            }
            let intent = Intent { id: id.clone(), name: raw.name, covers: raw.covers, action };
            if intents.insert(id.clone(), intent).is_some() {
                self.at(
                    file,
                    raw.id.span(),
                    format!("`{id}` is there twice: ids are fixed and unique"),
                );
            }
        }
        intents
    }

    fn replies(&mut self) {
        let file = "replies.toml";
        let Some(read) = self.toml::<file::RepliesFile>(file) else { return };
        for (name, wordings) in &read.reply {
            let known = REPLIES.iter().find(|(known, _)| known == name);
            if let (None, Some(first)) = (known, wordings.first()) {
                let names = one_of(REPLIES.iter().map(|(name, _)| name));
                self.at(file, first.span(), format!("no reply is called `{name}`: write {names}"));
            }
            for wording in wordings {
                let may = |path: &str| known.is_some_and(|(_, has)| has.contains(&path));
                self.wording(file, &format!("reply/{name}"), wording, &may);
            }
        }
        for (name, _) in REPLIES {
            if read.reply.get(*name).is_none_or(Vec::is_empty) {
                self.at(file, 0..0, format!("no `{name}`: write {name} = [\"...\"] under [reply]"));
            }
        }
    }
}

fn one_of(names: impl IntoIterator<Item = impl Display>) -> String {
    names.into_iter().map(|name| name.to_string()).collect::<Vec<_>>().join(", ")
}
