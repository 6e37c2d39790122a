//! Collecting: asks for the slots an action lacks, one at a time, and takes what the customer says for them.

use nlu::Act;

use crate::{
    catalogue::{ActionKind, Intent},
    domain::{Next, Slot, Stage, Task, Understanding, Value},
};

use super::{Call, act, fill::Doubt};

/// Words that point at a thing; a language's words, not an operator's.
const POINTING: &[&str] = &["这个", "那个", "这款", "那款", "这边", "那边", "它"];

impl Call<'_> {
    /// Begins what an intent wants, with the slots that were said along with it; a parked task of the
    /// same action goes on instead.
    pub(super) fn start(&mut self, intent: &Intent, said: &[Slot]) -> Next {
        let same = self.state.tasks.iter().position(|task| task.action == intent.action);
        match same {
            Some(parked) => self.state.tasks.truncate(parked + 1),
            None => self.state.tasks.push(Task {
                action: intent.action.clone(),
                slots: Default::default(),
                stage: Stage::Waiting { key: None },
            }),
        }
        self.state.misses = 0;
        self.state.choosing.clear();
        let mut slots = std::mem::take(&mut self.state.named);
        slots.extend_from_slice(said);
        match self.take(&slots).doubt {
            Some(doubt) => self.in_doubt(doubt, 0),
            None => {
                self.recall();
                self.proceed()
            }
        }
    }

    /// "就换这个吧": a thing that is pointed at and was not named is the one just spoken of. An order that
    /// needs no yes does not guess.
    fn recall(&mut self) {
        let points = POINTING.iter().any(|word| self.state.last_words.contains(word));
        let (Some(task), Some(last), true) = (self.task(), self.state.done.last(), points) else {
            return;
        };
        let Some(action) = self.catalogue.action(&task.action) else { return };
        if matches!(action.kind, ActionKind::Order(_)) && !self.needs_yes(action, task) {
            return;
        }
        let meant = action.slots.iter().filter(|name| !task.slots.contains_key(*name));
        let meant = meant.filter_map(|name| Some((name.clone(), last.slots.get(name)?.clone())));
        let meant: Vec<_> = meant.filter(|(_, it)| matches!(it, Value::Entity { .. })).collect();
        for (name, value) in meant {
            self.fill(&name, value);
        }
    }

    /// Asks for a slot, in the wording for this try.
    pub(super) fn ask(&mut self, slot: &str, tries: u8) -> Next {
        self.stand_at(Stage::Collecting { slot: slot.into(), tries, between: Vec::new() });
        if let Some(question) = self.question() {
            self.replies.push(question);
        }
        Next::Listen
    }

    /// The customer speaks while a slot was asked for.
    pub(super) fn collecting(&mut self, heard: &Understanding, slot: &str, tries: u8) -> Next {
        let act = act(heard);
        let fits = |it: &&Slot| act.is_none() || !matches!(it.value, Value::Text(_));
        let slots: Vec<Slot> = heard.slots.iter().filter(fits).cloned().collect();
        let answers = slots.iter().any(|it| it.name == slot && is_most_of(heard, it));
        if !answers && let Some(intent) = self.digression(heard) {
            return self.start(&intent, &heard.slots);
        }
        let is_named = slots.iter().any(|it| it.name == slot);
        match act {
            Some(Act::Cancel) if !is_named || is_surer_than_intent(heard) => return self.cancel(),
            Some(Act::Deny) if !is_named => return self.decline(),
            Some(Act::Bye) if !is_named => return self.leave(),
            Some(_) | None => {}
        }
        if let Some(value) = self.pointed_at(heard, slot) {
            self.fill(slot, value);
            return self.proceed();
        }
        let taken = self.take(&slots);
        match taken.doubt {
            Some(doubt) => self.in_doubt(doubt, tries),
            None if taken.changed || is_named => self.proceed(),
            None => self.not_a_value(heard, slot, tries),
        }
    }

    /// The customer says good-bye instead of answering: nothing is done, and the call ends.
    fn leave(&mut self) -> Next {
        let title = self.title();
        self.say_variant("declined", 0, &[("title", &title)]);
        self.state.tasks.clear();
        self.farewell()
    }

    /// Takes a key press for the slot that was asked.
    pub(super) fn keyed(&mut self, slot: Slot, tries: u8) -> Next {
        match self.take(&[slot]).doubt {
            Some(doubt) => self.in_doubt(doubt, tries),
            None => self.proceed(),
        }
    }

    /// What was said for a slot does not settle it: asks which is meant.
    pub(super) fn in_doubt(&mut self, doubt: Doubt, tries: u8) -> Next {
        match doubt {
            Doubt::Which { slot, between } => self.ask_which(slot, between, tries),
            Doubt::PartOfNumber { slot } => {
                let next = self.misheard(&slot, tries);
                if next == Next::Listen {
                    self.replies.pop();
                    self.say("number_which");
                }
                next
            }
        }
    }

    fn not_a_value(&mut self, heard: &Understanding, slot: &str, tries: u8) -> Next {
        let Some(premise) = heard.premise.clone() else { return self.misheard(slot, tries) };
        let at = self.replies.len();
        let next = self.misheard(slot, tries);
        if next == Next::Listen {
            self.replies.truncate(at);
            self.name_premise(&premise);
            self.replies.extend(self.question());
        }
        next
    }

    /// Asks for a slot once more, and at last hands over.
    pub(super) fn misheard(&mut self, slot: &str, tries: u8) -> Next {
        let tries = tries + 1;
        if tries >= self.catalogue.tries.slot {
            return self.hand_off("slot");
        }
        match self.task().map(|task| task.stage.clone()) {
            Some(Stage::Collecting { slot: asked, between, .. })
                if asked == slot && !between.is_empty() =>
            {
                self.ask_which(asked, between, tries);
            }
            _ => {
                self.ask(slot, tries);
            }
        }
        self.wrap_last("ask_again", tries - 1);
        Next::Listen
    }

    /// Puts the last reply into another as its `question`, so that the customer hears one prompt.
    pub(super) fn wrap_last(&mut self, wrapper: &str, variant: u8) {
        if let Some(question) = self.replies.pop() {
            self.say_variant(wrapper, variant, &[("question", &question.text)]);
        }
    }
}

/// Whether a slot's words make up at least half of the utterance: then it answers the question, whatever
/// else it may sound like. An address is always the whole utterance and says nothing of the sort.
fn is_most_of(heard: &Understanding, slot: &Slot) -> bool {
    let is_text = matches!(slot.value, Value::Text(_));
    !is_text && slot.end.saturating_sub(slot.start) * 2 >= heard.text.trim().chars().count()
}

/// Whether the act is more probable than the intent, where there is one.
pub(super) fn is_surer_than_intent(heard: &Understanding) -> bool {
    heard.reason.is_some() || heard.act.is_some_and(|(_, it)| it >= heard.confidence)
}
