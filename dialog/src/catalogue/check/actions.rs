//! Actions: what they need, how they call the operator's systems, and what their templates may name.

use std::collections::BTreeMap;

use toml::Spanned;

use super::{Reader, one_of};
use crate::catalogue::{Action, ActionKind, Confirm, Connector, Knowledge, Slot, SlotKind, file};

const FILE: &str = "actions.toml";

impl Reader<'_> {
    pub(super) fn actions(
        &mut self,
        slots: &BTreeMap<String, Slot>,
        knowledge: &Knowledge,
    ) -> BTreeMap<String, Action> {
        let read = self.toml::<file::ActionsFile>(FILE).map(|it| it.action).unwrap_or_default();
        let mut actions = BTreeMap::new();
        let mut undos = Vec::new();
        for raw in read {
            let span = raw.name.span();
            undos.extend(raw.undo.clone().map(|undo| (raw.name.as_ref().clone(), undo)));
            let Some(action) = self.action(raw, slots, knowledge) else { continue };
            let name = action.name.clone();
            if actions.insert(name.clone(), action).is_some() {
                self.at(FILE, span, format!("`{name}` is there twice: rename one"));
            }
        }
        for (name, undo) in undos {
            self.undo(&actions, &name, &undo);
        }
        actions
    }

    fn undo(&mut self, actions: &BTreeMap<String, Action>, name: &str, undo: &Spanned<String>) {
        let has = |slot: &String| actions.get(name).is_some_and(|it| it.slots.contains(slot));
        let fits = actions.get(undo.as_ref()).is_some_and(|other| {
            matches!(other.kind, ActionKind::Order(_)) && other.slots.iter().all(has)
        });
        if !fits {
            let message =
                "undo names an order of this file that needs no slot which this one lacks";
            self.at(FILE, undo.span(), message);
        } else if !self.words.has(&format!("action/{}/confirm", undo.as_ref())) {
            let message =
                format!("`{}` takes something back: write its say.confirm", undo.as_ref());
            self.at(FILE, undo.span(), message);
        }
    }

    fn action(
        &mut self,
        raw: file::Action,
        slots: &BTreeMap<String, Slot>,
        knowledge: &Knowledge,
    ) -> Option<Action> {
        for slot in raw.slots.iter().chain(&raw.optional) {
            if !slots.contains_key(slot.as_ref()) {
                let have = one_of(slots.keys());
                self.at(FILE, slot.span(), format!("no slot `{}`: write {have}", slot.as_ref()));
            }
        }
        let scope = Scope { raw: &raw, slots, knowledge };
        self.says(&raw, &scope);
        let kind = self.action_kind(&raw, &scope)?;
        if let Some(cost) = &raw.cost {
            self.expression(cost, &scope);
        }
        let confirm = raw.confirm.unwrap_or(match kind {
            ActionKind::Order(_) => Confirm::Costly,
            ActionKind::Query(_) | ActionKind::Answer | ActionKind::HandOff => Confirm::Never,
        });
        let asks = confirm == Confirm::Always || (confirm == Confirm::Costly && raw.cost.is_some());
        if asks && !raw.say.contains_key("confirm") {
            self.at(
                FILE,
                raw.name.span(),
                "write say.confirm: a question that names what and how much",
            );
        }
        Some(Action {
            name: raw.name.as_ref().clone(),
            title: raw.title.clone(),
            kind,
            slots: names(&raw.slots),
            optional: names(&raw.optional),
            confirm,
            cost: raw.cost.map(Spanned::into_inner),
            undo: raw.undo.map(Spanned::into_inner),
        })
    }

    fn says(&mut self, raw: &file::Action, scope: &Scope<'_>) {
        let name = raw.name.as_ref();
        for (when, wording) in &raw.say {
            if !["confirm", "done", "refused", "failed"].contains(&when.as_str()) {
                let message = format!("no say.{when}: write confirm, done, refused or failed");
                self.at(FILE, wording.span(), message);
            }
            let may = |path: &str| scope.has(path, when);
            self.wording(FILE, &format!("action/{name}/{when}"), wording, &may);
        }
        if !raw.say.contains_key("done") && raw.kind.as_ref() != "hand_off" {
            self.at(FILE, raw.name.span(), "write say.done: what the customer hears then");
        }
    }

    fn action_kind(&mut self, raw: &file::Action, scope: &Scope<'_>) -> Option<ActionKind> {
        match raw.kind.as_ref().as_str() {
            "query" => self.connector(raw, scope).map(ActionKind::Query),
            "order" => self.connector(raw, scope).map(ActionKind::Order),
            "answer" => Some(ActionKind::Answer),
            "hand_off" => Some(ActionKind::HandOff),
            other => {
                let message = format!("no kind `{other}`: write query, order, answer or hand_off");
                self.at(FILE, raw.kind.span(), message);
                None
            }
        }
    }

    fn connector(&mut self, raw: &file::Action, scope: &Scope<'_>) -> Option<Connector> {
        let (Some(method), Some(path)) = (&raw.method, &raw.path) else {
            self.at(
                FILE,
                raw.name.span(),
                "write method and path: how the operator's system is called",
            );
            return None;
        };
        if !["GET", "POST", "PUT", "DELETE"].contains(&method.as_ref().as_str()) {
            self.at(FILE, method.span(), "write GET, POST, PUT or DELETE");
        }
        if !path.as_ref().starts_with('/') {
            self.at(FILE, path.span(), "a path begins with `/`");
        }
        let named = self.words.add_path(raw.name.as_ref(), path.as_ref());
        self.named(FILE, path, named, &|name| scope.has(name, "path"));
        for expression in raw.body.values() {
            self.expression(expression, scope);
        }
        for pointer in raw.answer.values().filter(|it| !it.as_ref().starts_with('/')) {
            self.at(FILE, pointer.span(), "a JSON pointer begins with `/`, as in \"/balance_fen\"");
        }
        Some(Connector {
            method: method.as_ref().clone(),
            body: raw.body.iter().map(|(k, v)| (k.clone(), v.as_ref().clone())).collect(),
            timeout: raw.timeout,
            retries: raw.retries,
            answer: raw.answer.iter().map(|(k, v)| (k.clone(), v.as_ref().clone())).collect(),
        })
    }

    fn expression(&mut self, source: &Spanned<String>, scope: &Scope<'_>) {
        let named = self.words.names_in(source.as_ref());
        self.named(FILE, source, named, &|name| scope.has(name, "body"));
    }
}

/// What the templates of one action may name.
struct Scope<'a> {
    raw: &'a file::Action,
    slots: &'a BTreeMap<String, Slot>,
    knowledge: &'a Knowledge,
}

impl Scope<'_> {
    fn has(&self, path: &str, when: &str) -> bool {
        let (root, rest) = path.split_once('.').unwrap_or((path, ""));
        match root {
            "answer" => when == "done" && self.raw.answer.contains_key(first(rest)),
            "reason" => when == "refused",
            _ => {
                let used = self.raw.slots.iter().chain(&self.raw.optional);
                used.into_iter().any(|name| name.as_ref() == root) && self.slot_has(root, rest)
            }
        }
    }

    fn slot_has(&self, slot: &str, field: &str) -> bool {
        use nlu::values::Kind as Value;
        let field = first(field);
        if ["", "text", "value"].contains(&field) {
            return true;
        }
        let Some(slot) = self.slots.get(slot) else { return false };
        match &slot.kind {
            SlotKind::Text => false,
            SlotKind::Entity(kind) => {
                let kind = self.knowledge.kinds.get(kind);
                ["id", "name"].contains(&field)
                    || kind.is_some_and(|it| it.attributes.contains_key(field))
            }
            SlotKind::Value(Value::Money) => field == "fen",
            SlotKind::Value(Value::Data) => field == "mb",
            SlotKind::Value(Value::Month) => ["year", "month"].contains(&field),
            SlotKind::Value(Value::Count) => ["n", "unit"].contains(&field),
            SlotKind::Value(Value::Phone | Value::Date | Value::Digits | Value::YesNo) => false,
        }
    }
}

fn first(path: &str) -> &str {
    path.split('.').next().unwrap_or(path)
}

fn names(list: &[Spanned<String>]) -> Vec<String> {
    list.iter().map(|it| it.as_ref().clone()).collect()
}
