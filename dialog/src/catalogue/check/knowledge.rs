//! What the operator sells, and the slots that it and other values fill.

use std::collections::BTreeMap;

use toml::Spanned;

use super::{Reader, one_of};
use crate::catalogue::{Entry, Knowledge, Slot, SlotKind, file};

impl Reader<'_> {
    pub(super) fn knowledge(&mut self) -> Knowledge {
        let file = "knowledge.toml";
        let Some(read) = self.toml::<file::KnowledgeFile>(file) else {
            return Knowledge::default();
        };
        let mut knowledge = Knowledge::default();
        knowledge.kinds.extend(read.kind.into_iter().map(|kind| (kind.id.clone(), kind)));
        for entry in read.entry {
            let (kind, id) = (entry.kind.as_ref(), entry.id.as_ref());
            let Some(known) = knowledge.kinds.get(kind) else {
                let kinds = one_of(knowledge.kinds.keys());
                self.at(file, entry.kind.span(), format!("no kind `{kind}`: write {kinds}"));
                continue;
            };
            let strange = entry
                .attributes
                .keys()
                .find(|name| *name != "attributes" && !known.attributes.contains_key(*name));
            if let Some(name) = strange {
                let have = one_of(known.attributes.keys());
                let message = format!("kind `{kind}` has no attribute `{name}`: write {have}");
                self.at(file, entry.id.span(), message);
            }
            if knowledge.entry(kind, id).is_some() {
                self.at(
                    file,
                    entry.id.span(),
                    format!("`{id}` is there twice: give it another id"),
                );
            }
            knowledge.entries.push(Entry {
                kind: kind.clone(),
                id: id.clone(),
                name: entry.name,
                aliases: entry.aliases,
                attributes: entry.attributes,
            });
        }
        knowledge
    }

    pub(super) fn slots(&mut self, knowledge: &Knowledge) -> BTreeMap<String, Slot> {
        let file = "slots.toml";
        let read = self.toml::<file::SlotsFile>(file).map(|it| it.slot).unwrap_or_default();
        let mut slots = BTreeMap::new();
        for slot in read {
            let name = slot.name.as_ref().clone();
            let Some(kind) = self.slot_kind(&slot.kind, knowledge) else { continue };
            if slot.ask.len() < 2 {
                self.at(file, slot.name.span(), "write at least two wordings in `ask`");
            }
            for wording in &slot.ask {
                self.wording(file, &format!("slot/{name}"), wording, &|_| false);
            }
            let place = slots.len();
            let parsed = Slot { name: name.clone(), title: slot.title, kind, place };
            if slots.insert(name.clone(), parsed).is_some() {
                self.at(file, slot.name.span(), format!("`{name}` is there twice: rename one"));
            }
        }
        slots
    }

    fn slot_kind(&mut self, kind: &Spanned<String>, knowledge: &Knowledge) -> Option<SlotKind> {
        let text = kind.as_ref();
        let entity = text.strip_prefix("entity:");
        let parsed = match entity {
            Some(id) => knowledge.kinds.contains_key(id).then(|| SlotKind::Entity(id.into())),
            None if text == "text" => Some(SlotKind::Text),
            None => nlu::values::Kind::parse(text).map(SlotKind::Value),
        };
        if parsed.is_none() {
            let message = format!(
                "no kind `{text}`: write text, phone, money, data, month, date, count, digits, \
                 yes_no, or entity: and one of {}",
                one_of(knowledge.kinds.keys())
            );
            self.at("slots.toml", kind.span(), message);
        }
        parsed
    }
}
