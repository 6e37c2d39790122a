//! The open floor: no question stands open, the customer may want anything.

use nlu::{Act, Refusal};

use crate::{
    catalogue::Intent,
    domain::{Next, Premise, Stage, State, Task, Understanding},
};

use super::{Call, act, collect::is_surer_than_intent};

/// A greeting, thanks or good-bye of at least this probability is nothing else, whatever intent it is near:
/// a thank-you is no praise to be put on record.
const CLEARLY_COURTESY: f32 = 0.9;

/// An intent below this probability does not turn a customer away from an open question.
const TURNS_AWAY: f32 = 0.7;

impl Call<'_> {
    /// The customer speaks while no question stands open.
    pub(super) fn on_the_floor(&mut self, heard: &Understanding) -> Next {
        if let Some(premise @ Premise::NoAttribute { .. }) = heard.premise.clone() {
            self.state.misses = 0;
            self.name_premise(&premise);
            return Next::Listen;
        }
        if act(heard) == Some(Act::Correct) && self.redo(heard) {
            return self.proceed();
        }
        if let Some(next) = self.small_act(heard) {
            return next;
        }
        match heard.reason {
            None => match self.catalogue.intent(&heard.intent).cloned() {
                Some(intent) => self.begin(&intent, heard),
                None => self.no_match("no_match"),
            },
            Some(Refusal::Unclear) => {
                self.ask_intent(heard).unwrap_or_else(|| self.no_match("no_match"))
            }
            Some(Refusal::OffDomain) => self.no_match("refuse_off_domain"),
            Some(Refusal::Unsupported) => self.no_match("refuse_unsupported"),
            Some(Refusal::FalsePremise) => self.no_match("refuse_false_premise"),
            Some(Refusal::Noise) => self.no_match("refuse_noise"),
        }
    }

    fn begin(&mut self, intent: &Intent, heard: &Understanding) -> Next {
        if let Some(premise) = heard.premise.clone() {
            self.name_premise(&premise);
        }
        self.start(intent, &heard.slots)
    }

    /// Greetings, thanks, good-bye, and a yes or no that answers nothing in particular; words that more
    /// probably want something are none of these.
    fn small_act(&mut self, heard: &Understanding) -> Option<Next> {
        if !is_surer_than_intent(heard) && !is_courtesy(heard) {
            return None;
        }
        let reply = match act(heard)? {
            Act::Greet => "greet_back",
            Act::Thanks => "thanks_back",
            Act::Bye => return Some(self.farewell()),
            Act::Cancel => return Some(self.undo()),
            Act::Deny if !self.state.done.is_empty() => return Some(self.farewell()),
            Act::Affirm => {
                self.state.misses = 0;
                self.say_variant("anything_else", 1, &[]);
                return Some(Next::Listen);
            }
            Act::Deny | Act::Correct | Act::Digits | Act::Repeat | Act::Wait | Act::Human => {
                return None;
            }
        };
        self.state.misses = 0;
        self.say(reply);
        Some(Next::Listen)
    }

    /// Begins the last action again where the customer corrects what it was done with.
    fn redo(&mut self, heard: &Understanding) -> bool {
        let Some(last) = self.state.done.last().cloned() else { return false };
        let stage = Stage::Waiting { key: None };
        self.state.tasks.push(Task { action: last.action, slots: last.slots, stage });
        let taken = self.take(&heard.slots);
        let is_another = taken.changed && taken.doubt.is_none();
        if !is_another {
            self.state.tasks.pop();
        }
        is_another
    }

    /// Takes back the last order of this call, where the catalogue knows how, after a yes.
    fn undo(&mut self) -> Next {
        let last = self.state.done.iter().rev().find(|done| done.key.is_some()).cloned();
        let undo = last.and_then(|done| {
            let undo = self.catalogue.action(&done.action)?.undo.clone()?;
            let action = self.catalogue.action(&undo)?;
            let uses =
                |name: &String| action.slots.contains(name) || action.optional.contains(name);
            let kept = done.slots.into_iter().filter(|(name, _)| uses(name)).collect();
            Some(Task { action: undo, slots: kept, stage: Stage::Confirming { tries: 0 } })
        });
        let Some(task) = undo else {
            self.say("nothing_to_cancel");
            return Next::Listen;
        };
        self.state.tasks.push(task);
        self.ask_for_yes(0)
    }

    /// The intent of another matter that the customer turns to while a question stands open.
    pub(super) fn digression(&mut self, heard: &Understanding) -> Option<Intent> {
        if heard.reason.is_some() || act(heard).is_some() || heard.confidence < TURNS_AWAY {
            return None;
        }
        let intent = self.catalogue.intent(&heard.intent)?.clone();
        let same = self.task().is_some_and(|task| task.action == intent.action);
        if same {
            return None;
        }
        if self.state.tasks.len() >= State::MAX_TASKS {
            self.state.tasks.pop();
        }
        Some(intent)
    }

    /// Names what the customer presupposed and does not exist.
    pub(super) fn name_premise(&mut self, premise: &Premise) {
        match premise {
            Premise::NoAttribute { thing, attribute } => {
                let names = [("thing", thing.as_str()), ("attribute", attribute.as_str())];
                self.say_variant("no_attribute", 0, &names);
            }
            Premise::NotSold { said, kind } => {
                self.say_variant("not_sold", 0, &[("said", said), ("kind", kind)]);
            }
        }
    }
}

fn is_courtesy(heard: &Understanding) -> bool {
    matches!(heard.act, Some((Act::Greet | Act::Thanks | Act::Bye, it)) if it >= CLEARLY_COURTESY)
}
