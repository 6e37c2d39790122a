//! Repair: silence, repetition, waiting, and words or keys that mean nothing here.

use crate::domain::{Next, Reply, Slot, Stage};

use super::Call;

impl Call<'_> {
    /// Says the last prompt again, and no more that it was not heard.
    pub(super) fn repeat(&mut self) -> Next {
        let question = self.question();
        let is_wrapped = |key: &str| ["reply/ask_again", "reply/confirm_again"].contains(&key);
        for reply in self.state.last.clone() {
            match &question {
                Some(question) if is_wrapped(&reply.key) => self.replies.push(question.clone()),
                _ if reply.key != "reply/silence" || question.is_none() => self.replies.push(reply),
                _ => {}
            }
        }
        if self.replies.is_empty() {
            self.say("repeat_nothing");
        }
        Next::Listen
    }

    /// Lets the customer look something up; what was asked stays asked.
    pub(super) fn wait(&mut self) -> Next {
        self.say("wait");
        Next::Listen
    }

    /// Nothing was understood on the open floor: says so, and at last hands over.
    pub(super) fn no_match(&mut self, reply: &str) -> Next {
        self.state.misses = self.state.misses.saturating_add(1);
        if self.state.misses >= self.catalogue.tries.no_match {
            return self.hand_off("no_match");
        }
        let is_again = self.state.last.iter().any(|it| it.key == format!("reply/{reply}"));
        let variant = if is_again { self.state.misses - 1 } else { 0 };
        self.say_variant(reply, variant, &[]);
        Next::Listen
    }

    /// Nothing was said: asks again in other words, and at last hands over.
    pub(super) fn silent(&mut self) -> Next {
        if self.is_over() {
            return self.over();
        }
        self.state.silences = self.state.silences.saturating_add(1);
        if self.state.silences >= self.catalogue.tries.silence {
            return self.hand_off("silence");
        }
        let variant = self.state.silences - 1;
        self.say_variant("silence", variant, &[]);
        if let Some(question) = self.question() {
            self.replies.push(question);
        }
        Next::Listen
    }

    /// Keys were pressed: an answer to the open question, or 0 for a person and * for once more.
    pub(super) fn keys(&mut self, keys: &str, slot: Option<Slot>) -> Next {
        self.state.silences = 0;
        if self.is_over() {
            return self.over();
        }
        let keys = keys.strip_suffix('#').filter(|it| !it.is_empty()).unwrap_or(keys);
        match (self.task().map(|task| task.stage.clone()), keys, slot) {
            (Some(Stage::Collecting { tries, .. }), _, Some(slot)) => self.keyed(slot, tries),
            (_, "0", _) => self.hand_off("asked"),
            (_, "*", _) => self.repeat(),
            (Some(Stage::Confirming { tries }), "1", _) => self.yes(tries),
            (Some(Stage::Confirming { .. }), "2", _) => self.decline(),
            (Some(Stage::Confirming { tries }), _, _) => self.unclear_yes(tries),
            (Some(Stage::Collecting { slot, tries, between }), "1" | "2", None)
                if !between.is_empty() =>
            {
                self.keyed_thing(&slot, &between, usize::from(keys == "2"), tries)
            }
            (Some(Stage::Collecting { slot, tries, .. }), _, None) => self.misheard(&slot, tries),
            (Some(Stage::Waiting { .. }) | None, "1", _) => self.keyed_intent(0),
            (Some(Stage::Waiting { .. }) | None, "2", _) => self.keyed_intent(1),
            (Some(Stage::Waiting { .. }) | None, _, _) => self.no_match("no_match"),
        }
    }

    /// The question that stands open, in the wording for this try.
    pub(super) fn question(&self) -> Option<Reply> {
        let Some(task) = self.task() else { return self.which_intent() };
        match &task.stage {
            Stage::Collecting { between, .. } if !between.is_empty() => self.which_thing(between),
            Stage::Collecting { slot, tries, .. } => Some(self.catalogue.say(
                &format!("slot/{slot}"),
                usize::from(*tries),
                &self.context(Some(task)),
            )),
            Stage::Confirming { .. } => Some(self.word_action(task, "confirm", &[])),
            Stage::Waiting { .. } => None,
        }
    }
}
