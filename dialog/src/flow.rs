//! Decides: given where a call stands and what came in, what is said and which one effect follows.
//!
//! It is pure and cannot fail: an outage comes in as [`Answer::Failed`] and goes out as words. It knows no
//! intent by name; all it names are the wordings of `reply/...` that `catalogue` demands of every pack.

mod collect;
mod confirm;
mod context;
mod disambiguate;
mod effect;
mod fill;
mod floor;
mod hand_off;
mod repair;

use nlu::Act;

use crate::{
    catalogue::Catalogue,
    domain::{Answer, Input, Next, Phase, Reply, Stage, State, Step, Task, Understanding},
};

/// An act below this probability is not believed.
const ACT_BELIEVED: f32 = 0.5;

/// Takes one step of a conversation.
pub fn step(catalogue: &Catalogue, state: State, input: Input) -> Step {
    let mut call = Call { catalogue, state, replies: Vec::new() };
    let next = match input {
        Input::Opened => call.opened(),
        Input::Heard(heard) => call.heard(&heard),
        Input::Digits { keys, slot } => call.keys(&keys, slot),
        Input::Silent => call.silent(),
        Input::Answered(answer) => call.answered(answer),
    };
    call.finish(next)
}

/// A call during one step.
struct Call<'a> {
    catalogue: &'a Catalogue,
    state: State,
    replies: Vec<Reply>,
}

impl Call<'_> {
    fn opened(&mut self) -> Next {
        match self.state.phase {
            Phase::Opening => {}
            Phase::Running => return self.repeat(),
            Phase::HandedOff | Phase::Ended => return self.over(),
        }
        match self.catalogue.opening.clone() {
            Some(action) => self.ask_operator(&action),
            None => self.greet(),
        }
    }

    fn greet(&mut self) -> Next {
        self.state.phase = Phase::Running;
        self.say("greet");
        Next::Listen
    }

    fn heard(&mut self, heard: &Understanding) -> Next {
        self.state.silences = 0;
        self.state.last_words.clone_from(&heard.text);
        if self.is_over() {
            return self.over();
        }
        match act(heard) {
            Some(Act::Human) => return self.hand_off("asked"),
            Some(Act::Repeat) => return self.repeat(),
            Some(Act::Wait) => return self.wait(),
            Some(_) | None => {}
        }
        match self.state.tasks.last().map(|task| task.stage.clone()) {
            Some(Stage::Collecting { slot, tries, .. }) => self.collecting(heard, &slot, tries),
            Some(Stage::Confirming { tries }) => self.confirming(heard, tries),
            Some(Stage::Waiting { .. }) | None if !self.state.choosing.is_empty() => {
                self.choosing(heard)
            }
            Some(Stage::Waiting { .. }) | None => self.on_the_floor(heard),
        }
    }

    fn answered(&mut self, answer: Answer) -> Next {
        if self.state.phase == Phase::Opening {
            self.learn_numbers(&answer);
            return self.greet();
        }
        self.settle(answer)
    }

    fn is_over(&self) -> bool {
        matches!(self.state.phase, Phase::HandedOff | Phase::Ended)
    }

    /// Something comes in after the end: a customer who waits for a person hears that they do.
    fn over(&mut self) -> Next {
        if self.state.phase == Phase::Ended {
            return self.farewell();
        }
        self.say("hand_off");
        Next::End
    }

    fn farewell(&mut self) -> Next {
        self.say("bye");
        self.state.phase = Phase::Ended;
        Next::End
    }

    /// Says a general reply in its first wording.
    fn say(&mut self, name: &str) {
        self.say_variant(name, 0, &[]);
    }

    /// Says a general reply, the `variant`-th wording, with what it names.
    fn say_variant(&mut self, name: &str, variant: u8, names: &[(&str, &str)]) {
        let reply = self.word(name, variant, names);
        self.replies.push(reply);
    }

    fn word(&self, name: &str, variant: u8, names: &[(&str, &str)]) -> Reply {
        let mut context = self.context(None);
        context.extend(names.iter().map(|(key, value)| ((*key).to_owned(), (*value).into())));
        self.catalogue.say(&format!("reply/{name}"), usize::from(variant), &context)
    }

    /// The title of what is under way.
    fn title(&self) -> String {
        let action = self.task().and_then(|task| self.catalogue.action(&task.action));
        action.map(|it| it.title.clone()).unwrap_or_default()
    }

    fn task(&self) -> Option<&Task> {
        self.state.tasks.last()
    }

    fn stand_at(&mut self, stage: Stage) {
        if let Some(task) = self.state.tasks.last_mut() {
            task.stage = stage;
        }
    }

    fn finish(mut self, next: Next) -> Step {
        if next == Next::Listen && self.replies.is_empty() {
            self.say("no_match");
        }
        if !self.replies.iter().all(passes) {
            self.state.last.clone_from(&self.replies);
        }
        Step { state: self.state, replies: self.replies, next }
    }
}

/// Whether a reply leaves standing what was said before it: that we wait, or that we heard nothing.
fn passes(reply: &Reply) -> bool {
    ["reply/wait", "reply/silence"].contains(&reply.key.as_str())
}

/// The act of an utterance, where it is believed.
fn act(heard: &Understanding) -> Option<Act> {
    heard.act.filter(|(_, probability)| *probability >= ACT_BELIEVED).map(|(act, _)| act)
}
