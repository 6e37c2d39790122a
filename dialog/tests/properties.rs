//! What holds for every call: random customers and a random operator over the real pack.
//!
//! A [`Move`] is a few numbers that are read against where the call stands, so that random calls get far:
//! they mostly fill slots that are asked for and say yes or no where a yes is waited for.

mod telecom;

use std::collections::BTreeMap;

use dialog::{
    catalogue::{Catalogue, Confirm, SlotKind},
    domain::{
        Answer, Channel, Input, Next, OUT_OF_SCOPE, OrderKey, Phase, Premise, Reply, Request, Slot,
        Stage, State, Step, Understanding, Value,
    },
    flow,
};
use nlu::{
    Act, Ranked, Refusal,
    values::{Kind, Month, Part, Phone},
};
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use telecom::telecom;

/// Replies that put a question about what is under way.
const PROMPTS: &[&str] = &[
    "reply/choose",
    "reply/unclear",
    "reply/number_which",
    "reply/ask_again",
    "reply/confirm_again",
    "reply/correct_what",
];

/// Bytes of a stored call, at most: one round trip to Redis stays cheap.
const MAX_STATE: usize = 48 * 1024;

/// One move of the customer and how the operator answers to it.
#[derive(Debug, Clone, Copy)]
struct Move {
    kind: u8,
    choice: u16,
    slots: u16,
    probability: u8,
    answer: u8,
}

fn moves(at_most: usize) -> impl Strategy<Value = Vec<Move>> {
    let one =
        any::<(u8, u16, u16, u8, u8)>().prop_map(|(kind, choice, slots, probability, answer)| {
            Move { kind, choice, slots, probability, answer }
        });
    prop::collection::vec(one, 1..at_most)
}

/// What the move is, given where the call stands.
fn input(catalogue: &Catalogue, state: &State, it: Move) -> Input {
    match it.kind % 20 {
        0..=7 => heard(catalogue, state, it, None, None),
        8..=10 => heard(catalogue, state, it, Some(Act::Affirm), Some(Refusal::Noise)),
        11 => heard(catalogue, state, it, Some(Act::Correct), Some(Refusal::Noise)),
        12 | 13 => {
            let act = Act::ALL[usize::from(it.choice) % Act::ALL.len()];
            let reason = (it.choice & 64 == 0).then_some(Refusal::Unclear);
            heard(catalogue, state, it, Some(act), reason)
        }
        14 => {
            let reasons = ["off_domain", "unsupported", "false_premise", "noise", "unclear"];
            let reason = Refusal::parse(reasons[usize::from(it.choice) % 5]);
            heard(catalogue, state, it, None, reason)
        }
        15 | 16 => Input::Silent,
        17 => Input::Opened,
        _ => {
            let keys = ["1", "2", "0", "*", "13900005678", "7", "5678#"];
            let keys = keys[usize::from(it.choice) % keys.len()];
            let asked = asked(state).filter(|_| keys.len() > 4);
            Input::Digits {
                keys: keys.into(),
                slot: asked.map(|name| slot(catalogue, name, it.slots)),
            }
        }
    }
}

fn asked(state: &State) -> Option<&str> {
    match &state.tasks.last()?.stage {
        Stage::Collecting { slot, .. } => Some(slot),
        Stage::Confirming { .. } | Stage::Waiting { .. } => None,
    }
}

fn heard(
    catalogue: &Catalogue,
    state: &State,
    it: Move,
    act: Option<Act>,
    reason: Option<Refusal>,
) -> Input {
    let intents: Vec<&str> = catalogue.intents().map(|it| it.id.as_str()).collect();
    let pick = |at: usize| intents[at % intents.len()].to_owned();
    let probability = f32::from(it.probability) / 255.0;
    let ranked = |at: usize, probability: f32| Ranked { intent: pick(at), probability };
    let first = usize::from(it.choice);
    let ranking = vec![ranked(first, probability), ranked(first + 1, (1.0 - probability) / 2.0)];
    let not_sold = Premise::NotSold { said: "至尊套餐".into(), kind: "套餐".into() };
    Input::Heard(Understanding {
        text: format!("话{}", it.slots),
        intent: if reason.is_some() { OUT_OF_SCOPE.into() } else { pick(first) },
        confidence: probability,
        ranking,
        in_scope: probability,
        reason,
        act: act.map(|act| (act, 0.4 + f32::from(it.probability) / 425.0)),
        mood: None,
        slots: named(catalogue, state, it.slots),
        premise: it.slots.is_multiple_of(23).then_some(not_sold),
    })
}

/// None to three slots: mostly the one that was asked for, and now and then two things of one name.
fn named(catalogue: &Catalogue, state: &State, seed: u16) -> Vec<Slot> {
    let all: Vec<&str> = catalogue.slots().map(|it| it.name.as_str()).collect();
    let mut slots = Vec::new();
    if let Some(name) = asked(state).filter(|_| !seed.is_multiple_of(4)) {
        slots.push(slot(catalogue, name, seed));
    }
    if seed.is_multiple_of(3) {
        slots.push(slot(catalogue, all[usize::from(seed / 3) % all.len()], seed / 7));
    }
    if seed.is_multiple_of(11)
        && let Some(one) = slots.first().cloned()
    {
        slots.push(Slot { value: slot(catalogue, &one.name, seed / 5).value, ..one });
    }
    slots
}

fn slot(catalogue: &Catalogue, name: &str, seed: u16) -> Slot {
    let n = i64::from(seed);
    let day = jiff::civil::date(2026, 12, 1 + (n % 28) as i8);
    let phones = [
        ("18600001234", Part::Whole),
        ("13900005678", Part::Whole),
        ("5678", Part::Tail),
        ("9999", Part::Tail),
        ("186", Part::Head),
    ];
    let (digits, part) = phones[usize::from(seed) % phones.len()];
    let value = match &catalogue.slot(name).expect("a slot of the pack").kind {
        SlotKind::Text => Value::Text(format!("幸福里{n}号")),
        SlotKind::Entity(kind) => {
            let entries: Vec<_> = catalogue.knowledge.of(kind).collect();
            let entry = entries[usize::from(seed) % entries.len()];
            Value::Entity { kind: kind.clone(), id: entry.id.clone() }
        }
        SlotKind::Value(kind) => Value::Plain(match kind {
            Kind::Phone => nlu::Value::Phone(Phone { digits: digits.into(), part }),
            Kind::Money => nlu::Value::Money { fen: 100 * n },
            Kind::Data => nlu::Value::Data { mb: n },
            Kind::Month => nlu::Value::Month(Month { year: 2026, month: 1 + (n % 12) as i8 }),
            Kind::Date => nlu::Value::Date(day),
            Kind::Count => nlu::Value::Count { n, unit: "个".into() },
            Kind::Digits => nlu::Value::Digits(n.to_string()),
            Kind::YesNo => nlu::Value::YesNo(n % 2 == 0),
        }),
    };
    Slot { name: name.into(), text: "话".into(), start: 0, end: 1, value }
}

fn answer(request: &Request, seed: u8) -> Answer {
    match seed % 5 {
        0 => Answer::Refused { reason: "余额不够。".into() },
        1 => Answer::Failed,
        _ => Answer::Done(request.answer.keys().map(|it| (it.clone(), field(it))).collect()),
    }
}

fn field(name: &str) -> Json {
    match name {
        "numbers" => json!(["18600001234", "13900005678"]),
        "addons" | "plans" | "offers" | "obstacles" => json!([]),
        _ if ["is_", "has_", "can_"].iter().any(|it| name.starts_with(it)) => json!(true),
        _ if ["_fen", "_mb", "left", "days", "points"].iter().any(|it| name.contains(it)) => {
            json!(12)
        }
        _ => json!("2026-12-03"),
    }
}

/// A call that is watched while it goes on.
struct Watch {
    state: State,
    /// Action and slots that the last thing said named, where that was a question for a yes.
    named: Option<(String, BTreeMap<String, Value>)>,
    /// Order -> the turn that placed it last, and whether it was answered.
    orders: BTreeMap<OrderKey, (u64, bool)>,
    /// All that was said, to compare two runs.
    said: Vec<Reply>,
}

impl Watch {
    fn new() -> Self {
        let mut state = State::new("demo", "c1", "18600001234", Channel::Voice);
        state.today = jiff::civil::date(2026, 11, 24);
        Self { state, named: None, orders: BTreeMap::new(), said: Vec::new() }
    }

    /// Makes a move and checks every step it leads to.
    fn go(&mut self, catalogue: &Catalogue, it: Move) -> Result<(), TestCaseError> {
        self.state.turn += 1;
        let mut input = match self.state.phase {
            Phase::Opening => Input::Opened,
            Phase::Running | Phase::HandedOff | Phase::Ended => input(catalogue, &self.state, it),
        };
        let mut said_in_turn = false;
        for _ in 0..6 {
            let before = self.state.clone();
            let step = flow::step(catalogue, before.clone(), input.clone());
            said_in_turn |= !step.replies.is_empty();
            self.check(catalogue, &before, &input, &step)?;
            self.remember(&step);
            self.state = step.state;
            let (request, key) = match step.next {
                Next::Ask(query) => (query.request, None),
                Next::Place(order) => (order.request, Some(order.key)),
                Next::Listen | Next::HandOff(_) | Next::End => {
                    prop_assert!(said_in_turn, "silence after {input:?}");
                    return Ok(());
                }
            };
            let answer = answer(&request, it.answer);
            if let Some(key) = key {
                self.orders.insert(key, (self.state.turn, answer != Answer::Failed));
            }
            input = Input::Answered(answer);
        }
        Err(TestCaseError::fail("a turn that does not end"))
    }

    fn check(
        &self,
        catalogue: &Catalogue,
        before: &State,
        input: &Input,
        step: &Step,
    ) -> Result<(), TestCaseError> {
        for reply in &step.replies {
            prop_assert!(!reply.text.trim().is_empty(), "{} says nothing", reply.key);
        }
        prop_assert!(step.state.tasks.len() <= State::MAX_TASKS, "{:?}", step.state.tasks);
        let stored = serde_json::to_string(&step.state).expect("a state is JSON");
        prop_assert!(stored.len() <= MAX_STATE, "{} bytes", stored.len());
        let loaded: State = serde_json::from_str(&stored).expect("and comes back");
        prop_assert_eq!(&loaded, &step.state);
        self.check_prompts(input, step)?;
        if let Next::Place(order) = &step.next {
            self.check_yes(catalogue, before, input, &order.key)?;
            if let Some((turn, answered)) = self.orders.get(&order.key) {
                prop_assert!(!answered, "{} was placed and answered in turn {turn}", order.key);
                prop_assert!(*turn < step.state.turn, "{} is placed twice in a turn", order.key);
            }
        }
        Ok(())
    }

    /// Where a question stands open it is put exactly once, unless the customer asked us to wait.
    fn check_prompts(&self, input: &Input, step: &Step) -> Result<(), TestCaseError> {
        let prompts = step.replies.iter().filter(|it| {
            let asks = it.key.starts_with("slot/") || it.key.ends_with("/confirm");
            asks || PROMPTS.contains(&it.key.as_str())
        });
        let prompts: Vec<_> = prompts.collect();
        let waits = step.replies.iter().any(|it| it.key == "reply/wait");
        let open = step.state.tasks.iter().any(|it| !matches!(it.stage, Stage::Waiting { .. }));
        if step.next == Next::Listen && open && !waits {
            prop_assert_eq!(prompts.len(), 1, "{:?} after {:?}", &step.replies, input);
        }
        if step.next == Next::Listen {
            let stuck = step.state.tasks.iter().any(|it| matches!(it.stage, Stage::Waiting { .. }));
            prop_assert!(!stuck, "listens while a call is awaited: {:?}", step.state.tasks);
        }
        Ok(())
    }

    /// A costly order follows a yes to the question that named this action with these slots.
    fn check_yes(
        &self,
        catalogue: &Catalogue,
        before: &State,
        input: &Input,
        key: &OrderKey,
    ) -> Result<(), TestCaseError> {
        let action = catalogue.action(&key.action).expect("an action of the pack");
        let is_free = match action.confirm {
            Confirm::Never => true,
            Confirm::Always => false,
            Confirm::Costly => action.cost.is_none(),
        };
        let yes = match input {
            Input::Heard(heard) => heard.act.is_some_and(|(act, p)| act == Act::Affirm && p >= 0.5),
            Input::Digits { keys, .. } => keys == "1",
            Input::Opened | Input::Silent | Input::Answered(_) => false,
        };
        let task = before.tasks.last().map(|it| (it.action.clone(), it.slots.clone()));
        let named = task.is_some()
            && task == self.named
            && self.named.as_ref().is_some_and(|it| it.0 == key.action);
        prop_assert!(is_free || (yes && named), "{key} without a yes: {input:?}, {:?}", self.named);
        Ok(())
    }

    fn remember(&mut self, step: &Step) {
        self.said.extend(step.replies.iter().cloned());
        let asks = |it: &Reply| it.key.ends_with("/confirm") || it.key == "reply/confirm_again";
        let waits = step.replies.iter().all(|it| it.key == "reply/wait");
        if step.replies.iter().any(asks) {
            let task = step.state.tasks.last();
            self.named = task.map(|it| (it.action.clone(), it.slots.clone()));
        } else if !waits {
            self.named = None;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn calls_keep_what_must_stay_true(moves in moves(40)) {
        let catalogue = &telecom().catalogue;
        let mut call = Watch::new();
        for it in moves {
            call.go(catalogue, it)?;
        }
    }

    #[test]
    fn the_same_inputs_give_the_same_call(moves in moves(20)) {
        let catalogue = &telecom().catalogue;
        let (mut one, mut other) = (Watch::new(), Watch::new());
        for it in moves {
            one.go(catalogue, it)?;
            other.go(catalogue, it)?;
        }
        prop_assert_eq!(one.state, other.state);
        prop_assert_eq!(one.said, other.said);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn a_call_of_300_turns_stays_small(moves in moves(300)) {
        let catalogue = &telecom().catalogue;
        let mut call = Watch::new();
        let mut longest = moves.iter().copied().cycle();
        for _ in 0..300 {
            // A call that ended goes on as if it had not: what it remembers must not grow either.
            if call.state.phase != Phase::Opening {
                call.state.phase = Phase::Running;
            }
            call.go(catalogue, longest.next().expect("a cycle"))?;
        }
    }
}

#[test]
fn random_calls_get_far() {
    let catalogue = &telecom().catalogue;
    let mut orders = 0;
    let mut actions = std::collections::BTreeSet::new();
    let mut seed = 1_u64;
    for _ in 0..200 {
        let mut call = Watch::new();
        for _ in 0..40 {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let [a, b, c, d, e, f, g, _] = seed.to_be_bytes();
            let it = Move {
                kind: a,
                choice: u16::from_be_bytes([b, c]),
                slots: u16::from_be_bytes([d, e]),
                probability: f,
                answer: g,
            };
            call.go(catalogue, it).unwrap_or_else(|error| panic!("{error}"));
        }
        orders += call.orders.len();
        actions.extend(call.orders.into_keys().map(|it| it.action));
    }
    assert!(orders > 100 && actions.len() > 15, "{orders} orders of {} actions", actions.len());
}
