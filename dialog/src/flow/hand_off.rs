//! Handing over: a person gets the call, with a summary they can use in five seconds.

use crate::domain::{Done, Next, Phase, Summary};

use super::{Call, context::spoken};

impl Call<'_> {
    /// Hands the call to a person.
    pub(super) fn hand_off(&mut self, reason: &str) -> Next {
        let summary = self.summary(reason);
        self.state.phase = Phase::HandedOff;
        self.state.tasks.clear();
        let variant = match reason {
            "asked" => 0,
            "failed" => 2,
            _ => 1,
        };
        self.say_variant("hand_off", variant, &[]);
        Next::HandOff(summary)
    }

    fn summary(&self, reason: &str) -> Summary {
        let task = self.state.tasks.last();
        let wanted = task.map(|it| self.title_of(&it.action)).unwrap_or_default();
        let done: Vec<String> =
            self.state.done.iter().map(|it| self.title_of(&it.action)).collect();
        let filled = task.into_iter().flat_map(|it| &it.slots);
        let slots = filled.map(|(name, value)| (name.clone(), value.canonical())).collect();
        let key = |it: &Done| it.key.as_ref().map(ToString::to_string);
        let unsettled = self.state.unsettled.iter().map(ToString::to_string);
        let mut summary = Summary {
            caller: self.state.caller.number.clone(),
            reason: reason.into(),
            wanted,
            slots,
            done,
            order_keys: self.state.done.iter().filter_map(key).chain(unsettled).collect(),
            last_words: self.state.last_words.clone(),
            text: String::new(),
        };
        summary.text = self.in_words(&summary);
        summary
    }

    fn in_words(&self, summary: &Summary) -> String {
        let title = |name: &String| {
            self.catalogue.slot(name).map_or_else(|| name.clone(), |slot| slot.title.clone())
        };
        let last = self.state.done.last();
        let slots = self.task().map(|it| &it.slots).or(last.map(|it| &it.slots));
        let said = |(name, value)| title(name) + &spoken(self.catalogue, value);
        let filled: Vec<String> = slots.into_iter().flatten().map(said).collect();
        let names = [
            ("wanted", summary.wanted.as_str()),
            ("slots", &filled.join("、")),
            ("done", &summary.done.join("、")),
            ("reason", summary.reason.as_str()),
            ("last_words", summary.last_words.as_str()),
        ];
        self.word("summary", 0, &names).text
    }

    fn title_of(&self, action: &str) -> String {
        self.catalogue.action(action).map_or_else(|| action.to_owned(), |it| it.title.clone())
    }
}
