//! Disambiguation: of two intents that are close, or two things of one name, the customer is asked which.

use nlu::{Act, Text};

use crate::domain::{Next, Reply, Stage, Understanding, Value};

use super::{Call, act, context::spoken};

/// How people point at the first and at the second of two; a language's words, not an operator's.
const FIRST: &[&str] = &["第一", "前面", "前者", "头一个", "前一个"];
const SECOND: &[&str] = &["第二", "后面", "后者", "后一个"];

/// An option is meant when it is half as probable again as the other.
const AHEAD: f32 = 1.5;

/// More things of one name than this are not read out.
const MOST_NAMED: usize = 4;

/// Characters that must agree with a name for it to be meant.
const MIN_SHARED: usize = 2;

impl Call<'_> {
    /// Asks which of the two most probable intents is meant, and at last hands over; `None` when there
    /// are no two.
    pub(super) fn ask_intent(&mut self, heard: &Understanding) -> Option<Next> {
        let near = heard.ranking.iter().filter_map(|it| self.catalogue.intent(&it.intent));
        let near: Vec<String> = near.take(2).map(|it| it.id.clone()).collect();
        if near.len() < 2 {
            return None;
        }
        self.state.choosing = near;
        self.state.named.clone_from(&heard.slots);
        Some(self.ask_intent_again())
    }

    fn ask_intent_again(&mut self) -> Next {
        self.state.misses = self.state.misses.saturating_add(1);
        if self.state.misses >= self.catalogue.tries.no_match {
            return self.hand_off("no_match");
        }
        self.replies.extend(self.which_intent());
        Next::Listen
    }

    /// The question which intent is meant, where it stands open.
    pub(super) fn which_intent(&self) -> Option<Reply> {
        let named = self.state.choosing.iter().filter_map(|id| self.catalogue.intent(id));
        let names: Vec<&str> = named.map(|it| it.name.as_str()).collect();
        let [first, second] = names[..] else { return None };
        let is_again = self.state.last.iter().any(|it| it.key == "reply/unclear");
        let variant = if is_again { self.state.misses.saturating_sub(1) } else { 0 };
        Some(self.word("unclear", variant, &[("first", first), ("second", second)]))
    }

    /// The customer speaks while they were asked which of two they want.
    pub(super) fn choosing(&mut self, heard: &Understanding) -> Next {
        let options = self.state.choosing.clone();
        let ranked = heard.ranking.iter().map(|it| &it.intent).find(|it| options.contains(it));
        let chosen = match pointed(&heard.text) {
            Some(place) => options.get(place),
            None if heard.reason.is_none() && !options.contains(&heard.intent) => None,
            None => ranked.filter(|id| is_ahead(heard, id, &options)),
        };
        match chosen.and_then(|id| self.catalogue.intent(id)).cloned() {
            Some(intent) => self.start(&intent, &heard.slots),
            None if act(heard) == Some(Act::Affirm) => self.ask_intent_again(),
            None => {
                self.state.choosing.clear();
                self.state.named.clear();
                self.on_the_floor(heard)
            }
        }
    }

    /// Takes a key for the first or the second intent.
    pub(super) fn keyed_intent(&mut self, place: usize) -> Next {
        let chosen = self.state.choosing.get(place).and_then(|id| self.catalogue.intent(id));
        match chosen.cloned() {
            Some(intent) => self.start(&intent, &[]),
            None => self.no_match("no_match"),
        }
    }

    /// Takes a key for the first or the second thing.
    pub(super) fn keyed_thing(
        &mut self,
        slot: &str,
        between: &[Value],
        place: usize,
        tries: u8,
    ) -> Next {
        match between.get(place) {
            Some(value) => {
                self.fill(slot, value.clone());
                self.proceed()
            }
            None => self.misheard(slot, tries),
        }
    }

    /// Asks which of the things that go by one name is meant.
    pub(super) fn ask_which(&mut self, slot: String, between: Vec<Value>, tries: u8) -> Next {
        if between.len() > MOST_NAMED {
            return self.ask(&slot, tries);
        }
        self.stand_at(Stage::Collecting { slot, tries, between });
        self.replies.extend(self.question());
        Next::Listen
    }

    /// The question which thing is meant.
    pub(super) fn which_thing(&self, between: &[Value]) -> Option<Reply> {
        let names: Vec<String> = between.iter().map(|it| spoken(self.catalogue, it)).collect();
        match &names[..] {
            [first, second] => {
                Some(self.word("choose", 0, &[("first", first), ("second", second)]))
            }
            [first @ .., last] if !first.is_empty() => {
                let first = first.join("、");
                Some(self.word("choose", 1, &[("first", &first), ("second", last)]))
            }
            _ => None,
        }
    }

    /// The thing that the customer points at, where they were asked which: by its place, or by words
    /// that only its name has.
    pub(super) fn pointed_at(&self, heard: &Understanding, asked: &str) -> Option<Value> {
        let Some(Stage::Collecting { slot, between, .. }) = self.task().map(|it| &it.stage) else {
            return None;
        };
        let [first, second] = &between[..] else { return None };
        if slot != asked {
            return None;
        }
        if let Some(place) = pointed(&heard.text) {
            return between.get(place).cloned();
        }
        let said = Text::new(&heard.text);
        let (a, b) = (self.shared(&said, first), self.shared(&said, second));
        match a.cmp(&b) {
            std::cmp::Ordering::Greater if a >= MIN_SHARED => Some(first.clone()),
            std::cmp::Ordering::Less if b >= MIN_SHARED => Some(second.clone()),
            _ => None,
        }
    }

    /// Characters in a row that the words share with a name of the thing.
    fn shared(&self, said: &Text, thing: &Value) -> usize {
        let Value::Entity { kind, id } = thing else { return 0 };
        let Some(entry) = self.catalogue.knowledge.entry(kind, id) else { return 0 };
        let names = entry.aliases.iter().chain([&entry.name]).map(|it| Text::new(it));
        names.map(|name| longest_common(said.chars(), name.chars())).max().unwrap_or(0)
    }
}

/// The place of the one of two that words point at.
fn pointed(said: &str) -> Option<usize> {
    let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
    match (says(FIRST), says(SECOND)) {
        (true, false) => Some(0),
        (false, true) => Some(1),
        _ => None,
    }
}

/// Whether one option is clearly more probable than every other.
fn is_ahead(heard: &Understanding, id: &str, options: &[String]) -> bool {
    let of =
        |id: &str| heard.ranking.iter().find(|it| it.intent == id).map_or(0.0, |it| it.probability);
    options.iter().all(|other| other == id || of(id) >= AHEAD * of(other))
}

/// Length of the longest run of characters that both have.
fn longest_common(a: &[char], b: &[char]) -> usize {
    let mut best = 0;
    let mut ends = vec![0; b.len() + 1];
    for x in a {
        for at in (0..b.len()).rev() {
            ends[at + 1] = if *x == b[at] { ends[at] + 1 } else { 0 };
            best = best.max(ends[at + 1]);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointing_and_sharing() {
        for (said, place) in
            [("第一个", Some(0)), ("要后面那个", Some(1)), ("第一第二都要", None), ("嗯", None)]
        {
            assert_eq!(pointed(said), place, "{said}");
        }
        for (a, b, shared) in [("三百的", "三百分钟", 2), ("", "三百", 0), ("一百", "三百", 1)]
        {
            let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
            assert_eq!(longest_common(&a, &b), shared);
        }
    }
}
