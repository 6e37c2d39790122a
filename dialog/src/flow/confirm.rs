//! Confirming: an order that needs a yes is placed after a yes to the question that named it, and no sooner.

use nlu::Act;

use crate::domain::{Next, Stage, Understanding};

use super::{Call, act};

/// A yes orders something, so one that is only probable is asked for again. In tried calls "呃", "哦" and "很"
/// came in at 0.7 to 0.82, real ones at 0.89 and more.
const YES_BELIEVED: f32 = 0.85;

fn is_sure(heard: &Understanding) -> bool {
    heard.act.is_some_and(|(_, probability)| probability >= YES_BELIEVED)
}

impl Call<'_> {
    /// The customer speaks while a yes is waited for.
    pub(super) fn confirming(&mut self, heard: &Understanding, tries: u8) -> Next {
        let act = act(heard);
        if act == Some(Act::Cancel) {
            return self.cancel();
        }
        if let Some(intent) = self.digression(heard) {
            return self.start(&intent, &heard.slots);
        }
        let taken = self.take(&heard.slots);
        if let Some(doubt) = taken.doubt {
            return self.in_doubt(doubt, 0);
        }
        if taken.changed {
            self.say("corrected");
            return self.proceed();
        }
        match act {
            Some(Act::Affirm) if is_sure(heard) => self.yes(tries),
            Some(Act::Deny) => self.decline(),
            Some(Act::Correct) => self.ask_what(tries),
            Some(_) | None => self.unclear_yes(tries),
        }
    }

    /// A yes counts when the question that names the order was the last thing said.
    pub(super) fn yes(&mut self, tries: u8) -> Next {
        let question = self.question().map(|it| it.text).unwrap_or_default();
        let named = self.state.last.iter().any(|it| it.text.contains(&question));
        if named { self.place() } else { self.ask_for_yes(tries) }
    }

    /// Not a yes, not a no: asks again, and at last hands over.
    pub(super) fn unclear_yes(&mut self, tries: u8) -> Next {
        if tries + 1 >= self.catalogue.tries.confirm {
            return self.hand_off("confirm");
        }
        self.ask_for_yes(tries + 1);
        self.wrap_last("confirm_again", tries);
        Next::Listen
    }

    /// A no: nothing is ordered.
    pub(super) fn decline(&mut self) -> Next {
        let title = self.title();
        let reply = self.word("declined", 0, &[("title", &title)]);
        self.drop_with(reply)
    }

    /// Takes back what is under way.
    pub(super) fn cancel(&mut self) -> Next {
        let title = self.title();
        let reply = self.word("cancelled", 0, &[("title", &title)]);
        self.drop_with(reply)
    }

    /// Something is wrong, but not said what.
    fn ask_what(&mut self, tries: u8) -> Next {
        if tries + 1 >= self.catalogue.tries.confirm {
            return self.hand_off("confirm");
        }
        let title = self.title();
        self.say_variant("correct_what", tries, &[("title", &title)]);
        self.stand_at(Stage::Confirming { tries: tries + 1 });
        Next::Listen
    }

    /// Asks for a yes to the task as it stands now.
    pub(super) fn ask_for_yes(&mut self, tries: u8) -> Next {
        self.stand_at(Stage::Confirming { tries });
        self.replies.extend(self.question());
        Next::Listen
    }
}
