//! Filling: gives what was said to the slots of the task under way, and says what stays in doubt.

use nlu::{
    Value as Plain,
    values::{Part, Phone},
};

use crate::domain::{Answer, Slot, Value};

use super::Call;

/// Numbers of one customer that a call remembers.
const MAX_NUMBERS: usize = 32;

/// What became of the slots that were said.
pub(super) struct Taken {
    /// The task is another than before.
    pub(super) changed: bool,
    /// What has to be asked before it goes on.
    pub(super) doubt: Option<Doubt>,
}

/// Why a slot stays open though something was said for it.
pub(super) enum Doubt {
    /// Several things go by this name.
    Which {
        /// The slot.
        slot: String,
        /// What they are.
        between: Vec<Value>,
    },
    /// A part of a number that fits none, or several, of the customer's numbers.
    PartOfNumber {
        /// The slot.
        slot: String,
    },
}

impl Call<'_> {
    /// Fills the slots that the task under way uses; what is said last of one slot counts.
    pub(super) fn take(&mut self, slots: &[Slot]) -> Taken {
        let before = self.task().map(|task| task.slots.clone());
        let mut doubt = None;
        for slot in slots.iter().filter(|slot| self.uses(&slot.name)).collect::<Vec<_>>() {
            let twins = slots.iter().filter(|it| it.name == slot.name && it.start == slot.start);
            let between: Vec<Value> = twins.map(|it| it.value.clone()).collect();
            let name = slot.name.clone();
            match self.whole(&slot.value) {
                _ if between.len() > 1 => doubt = Some(Doubt::Which { slot: name, between }),
                None => doubt = Some(Doubt::PartOfNumber { slot: name }),
                Some(value) => self.fill(&name, value),
            }
        }
        Taken { changed: before != self.task().map(|task| task.slots.clone()), doubt }
    }

    /// Fills one slot of the task under way.
    pub(super) fn fill(&mut self, slot: &str, value: Value) {
        if let Some(task) = self.state.tasks.last_mut() {
            task.slots.insert(slot.into(), value);
        }
    }

    fn uses(&self, slot: &String) -> bool {
        let action = self.task().and_then(|task| self.catalogue.action(&task.action));
        action.is_some_and(|it| it.slots.contains(slot) || it.optional.contains(slot))
    }

    /// A part of a number becomes the one number of the customer's that it fits.
    fn whole(&self, value: &Value) -> Option<Value> {
        let Value::Plain(Plain::Phone(Phone { digits, part })) = value else {
            return Some(value.clone());
        };
        let fits = |number: &&String| match part {
            Part::Whole => *number == digits,
            Part::Head => number.starts_with(digits.as_str()),
            Part::Tail => number.ends_with(digits.as_str()),
        };
        if *part == Part::Whole {
            return Some(value.clone());
        }
        let mut fitting = self.state.caller.numbers.iter().filter(fits);
        match (fitting.next(), fitting.next()) {
            (Some(number), None) => Some(Value::Plain(Plain::Phone(Phone {
                digits: number.clone(),
                part: Part::Whole,
            }))),
            _ => None,
        }
    }

    /// Learns from the opening query which numbers are the customer's.
    pub(super) fn learn_numbers(&mut self, answer: &Answer) {
        let Answer::Done(fields) = answer else { return };
        let numbers = fields.get("numbers").and_then(|it| it.as_array());
        for number in numbers.into_iter().flatten().filter_map(|it| it.as_str()) {
            let numbers = &mut self.state.caller.numbers;
            if numbers.len() < MAX_NUMBERS && !numbers.iter().any(|it| it == number) {
                numbers.push(number.into());
            }
        }
    }
}
