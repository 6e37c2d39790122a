//! Carries a task forward: asks for what is missing, asks or orders, and says what came of it.
//!
//! A costly order is placed from here only after [`super::confirm`] heard a yes.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use crate::{
    catalogue::{Action, ActionKind, Confirm, Connector, Context},
    domain::{Answer, Done, Next, Order, OrderKey, Query, Reply, Request, Stage, State, Task},
};

use super::Call;

impl Call<'_> {
    /// Takes the task under way as far as it goes without the customer.
    pub(super) fn proceed(&mut self) -> Next {
        let Some(task) = self.task().cloned() else { return Next::Listen };
        let Some(action) = self.catalogue.action(&task.action).cloned() else {
            return self.give_up(&task);
        };
        if let Some(missing) = action.slots.iter().find(|name| !task.slots.contains_key(*name)) {
            return self.ask(missing, 0);
        }
        match &action.kind {
            ActionKind::HandOff => self.hand_off("action"),
            ActionKind::Answer => {
                let reply = self.word_action(&task, "done", &[]);
                self.complete(reply, None)
            }
            ActionKind::Query(connector) => match self.request(&action, connector, &task) {
                Some(request) => {
                    self.stand_at(Stage::Waiting { key: None });
                    Next::Ask(Query { action: action.name, request })
                }
                None => self.give_up(&task),
            },
            ActionKind::Order(_) if self.needs_yes(&action, &task) => self.ask_for_yes(0),
            ActionKind::Order(_) if self.was_last_order(&task) => {
                let reply = self.word("already", 0, &[]);
                self.drop_with(reply)
            }
            ActionKind::Order(_) => self.place(),
        }
    }

    /// Whether the last order of this call was this very one.
    fn was_last_order(&self, task: &Task) -> bool {
        let last = self.state.done.iter().rev().find(|done| done.key.is_some());
        last.is_some_and(|done| done.action == task.action && done.slots == task.slots)
    }

    /// Asks a query that is no task of the customer's.
    pub(super) fn ask_operator(&mut self, action: &str) -> Next {
        let task = Task {
            action: action.into(),
            slots: BTreeMap::new(),
            stage: Stage::Waiting { key: None },
        };
        let found = self.catalogue.action(action).cloned();
        let request = found.and_then(|action| match &action.kind {
            ActionKind::Query(connector) => self.request(&action, connector, &task),
            ActionKind::Order(_) | ActionKind::Answer | ActionKind::HandOff => None,
        });
        match request {
            Some(request) => Next::Ask(Query { action: action.into(), request }),
            None => self.greet(),
        }
    }

    /// Places the order under way.
    pub(super) fn place(&mut self) -> Next {
        let Some(task) = self.task().cloned() else { return Next::Listen };
        let action = self.catalogue.action(&task.action).cloned();
        let request = action.and_then(|action| match &action.kind {
            ActionKind::Order(connector) => self.request(&action, connector, &task),
            ActionKind::Query(_) | ActionKind::Answer | ActionKind::HandOff => None,
        });
        let Some(request) = request else { return self.give_up(&task) };
        let key = self.key(&task.action, &request);
        self.stand_at(Stage::Waiting { key: Some(key.clone()) });
        Next::Place(Order { key, request })
    }

    /// Says what the operator's systems answered, and ends the task.
    pub(super) fn settle(&mut self, answer: Answer) -> Next {
        let Some(task) = self.task().cloned() else { return Next::Listen };
        let key = match &task.stage {
            Stage::Waiting { key } => key.clone(),
            Stage::Collecting { .. } | Stage::Confirming { .. } => None,
        };
        let failed_before = key.as_ref().is_some_and(|key| self.state.unsettled.contains(key));
        if let Some(key) = &key {
            self.mark(key, &answer);
        }
        match answer {
            Answer::Done(fields) => {
                let fields = Json::Object(fields.into_iter().collect());
                let reply = self.word_action(&task, "done", &[("answer", fields)]);
                self.complete(reply, key)
            }
            Answer::Refused { reason } => {
                let reply = self.word_outcome(&task, "refused", &reason);
                self.drop_with(reply)
            }
            Answer::Failed if failed_before => self.hand_off("failed"),
            Answer::Failed => self.give_up(&task),
        }
    }

    /// Whether an action needs a yes; a price that cannot be told counts as a price.
    pub(super) fn needs_yes(&self, action: &Action, task: &Task) -> bool {
        match action.confirm {
            Confirm::Never => false,
            Confirm::Always => true,
            Confirm::Costly => action.cost.as_ref().is_some_and(|cost| {
                let fen = self.catalogue.evaluate(cost, &self.context(Some(task)));
                fen.ok().and_then(|fen| fen.as_f64()).is_none_or(|fen| fen > 0.0)
            }),
        }
    }

    /// Words of an action about a task, with what they name besides its slots.
    pub(super) fn word_action(&self, task: &Task, when: &str, names: &[(&str, Json)]) -> Reply {
        let mut context = self.context(Some(task));
        context.extend(names.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        self.catalogue.say(&format!("action/{}/{when}", task.action), 0, &context)
    }

    fn word_outcome(&self, task: &Task, when: &str, reason: &str) -> Reply {
        if self.catalogue.has_words(&format!("action/{}/{when}", task.action)) {
            return self.word_action(task, when, &[("reason", reason.into())]);
        }
        let title = self.title();
        self.word(when, 0, &[("reason", reason), ("title", &title)])
    }

    fn give_up(&mut self, task: &Task) -> Next {
        let reply = self.word_outcome(task, "failed", "");
        self.drop_with(reply)
    }

    fn complete(&mut self, reply: Reply, key: Option<OrderKey>) -> Next {
        self.replies.push(reply);
        let Some(task) = self.state.tasks.pop() else { return Next::Listen };
        let ordered = key.is_some();
        self.state.done.push(Done { action: task.action, slots: task.slots, key });
        if self.state.done.len() > State::MAX_DONE {
            self.state.done.remove(0);
        }
        self.state.misses = 0;
        if !self.resume() && ordered {
            self.say("anything_else");
        }
        Next::Listen
    }

    /// Says something, drops the task under way, and goes back to the parked one.
    pub(super) fn drop_with(&mut self, reply: Reply) -> Next {
        self.replies.push(reply);
        self.state.tasks.pop();
        self.resume();
        Next::Listen
    }

    /// Goes back to the parked task with one prompt; says whether there was one.
    fn resume(&mut self) -> bool {
        let Some(question) = self.question() else { return false };
        let title = self.title();
        let prefix = self.word("resume", 0, &[("title", &title)]);
        let text = format!("{}{}", prefix.text, question.text);
        self.replies.push(Reply { key: question.key, text });
        true
    }

    fn request(&self, action: &Action, connector: &Connector, task: &Task) -> Option<Request> {
        let context = self.context(Some(task));
        let path = self.catalogue.path(&action.name, &context).ok()?;
        let body = self.body(connector, &context)?;
        Some(Request {
            method: connector.method.clone(),
            path,
            body,
            timeout: connector.timeout,
            retries: connector.retries,
            answer: connector.answer.clone(),
        })
    }

    fn body(&self, connector: &Connector, context: &Context) -> Option<Option<Json>> {
        if connector.body.is_empty() {
            return Some(None);
        }
        let mut body = serde_json::Map::new();
        for (field, expression) in &connector.body {
            body.insert(field.clone(), self.catalogue.evaluate(expression, context).ok()?);
        }
        Some(Some(Json::Object(body)))
    }

    /// The key of an order; that of the same order sent before without an answer, where there is one.
    fn key(&self, action: &str, request: &Request) -> OrderKey {
        let parameters = fingerprint(request);
        let same = |key: &&OrderKey| key.action == action && key.parameters == parameters;
        if let Some(unsettled) = self.state.unsettled.iter().find(same) {
            return unsettled.clone();
        }
        OrderKey {
            tenant: self.state.tenant.clone(),
            call: self.state.call.clone(),
            turn: self.state.turn,
            action: action.into(),
            parameters,
        }
    }

    /// Remembers an order without an answer, and forgets it once it has one.
    fn mark(&mut self, key: &OrderKey, answer: &Answer) {
        self.state.unsettled.retain(|it| it != key);
        if *answer == Answer::Failed && self.state.unsettled.len() < State::MAX_DONE {
            self.state.unsettled.push(key.clone());
        }
    }
}

fn fingerprint(request: &Request) -> String {
    let body = request.body.as_ref().map(ToString::to_string).unwrap_or_default();
    let mut hash = Sha256::new();
    for part in [&request.method, &request.path, &body] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
