//! When an intent is not to be believed.
//!
//! Two thresholds, chosen so that what was said of unseen examples would have cost least.

use serde::{Deserialize, Serialize};

/// Answering with the wrong intent, or answering what is none: it costs the customer the turn and a second
/// one to say so. All other costs are in this unit.
const WRONG: f64 = 1.0;
/// Refusing what is served: the customer says it again, or hangs up.
const LOST: f64 = 1.0;
/// Asking which intent is meant although the first was right: most of a turn, and it sounds slow.
const ASKED_RIGHT: f64 = 0.6;
/// Asking when the first was wrong: half of what a wrong answer costs, for the right one is mostly offered.
const ASKED_WRONG: f64 = 0.5;
/// Asking which intent is meant when it is none: no harm is done, but nothing is gained.
const ASKED_NONE: f64 = 0.6;
/// How far the thresholds may move from where calibrated probabilities ask for them, in steps of
/// [`STEP`]: farther off, few examples would be believed too much.
const STEPS: i8 = 10;
const STEP: f32 = 0.025;

/// One unseen example.
#[derive(Debug, Clone, Copy)]
pub(super) struct Case {
    /// Its probability of being in scope.
    pub(super) in_scope: f32,
    /// The probability of its first intent, out of scope counted in.
    pub(super) top: f32,
    /// What it really was.
    pub(super) truth: Truth,
    /// How much it counts.
    pub(super) weight: f32,
}

/// What an example really was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Truth {
    /// In scope, and the first intent was the right one.
    Right,
    /// In scope, and another intent was the right one.
    Wrong,
    /// Out of scope.
    None,
}

/// What is done with an utterance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The first intent is believed.
    Believe,
    /// Of the domain, but which intent is open.
    Ask,
    /// Out of scope.
    Refuse,
}

/// Below which probabilities an utterance is refused.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Thresholds {
    in_scope: f32,
    top: f32,
}

impl Thresholds {
    /// The cheapest thresholds; of equally cheap ones those nearest to what calibrated probabilities
    /// would ask for.
    pub(super) fn fit(cases: &[Case]) -> Self {
        let expected = Self::expected();
        if cases.is_empty() {
            return expected;
        }
        let cost = |it: &Self| {
            cases.iter().map(|case| f64::from(case.weight) * it.cost(case)).sum::<f64>()
        };
        let off =
            |it: &Self| (it.in_scope - expected.in_scope).abs() + (it.top - expected.top).abs();
        let moved = |from: f32, steps: i8| from + f32::from(steps) * STEP;
        let all = (-STEPS..=STEPS).flat_map(|scope| {
            (-STEPS..=STEPS).map(move |top| Self {
                in_scope: moved(expected.in_scope, scope),
                top: moved(expected.top, top),
            })
        });
        let mut all: Vec<(f64, f32, Self)> = all.map(|it| (cost(&it), off(&it), it)).collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        all[0].2
    }

    /// Where the costs of believing and asking, and of asking and refusing, are even if the
    /// probabilities are true.
    fn expected() -> Self {
        let top = (WRONG - ASKED_WRONG) / (WRONG - ASKED_WRONG + ASKED_RIGHT);
        Self { in_scope: 0.5, top: top as f32 }
    }

    /// What to do at these probabilities.
    pub(super) fn verdict(self, in_scope: f32, top: f32) -> Verdict {
        if in_scope < self.in_scope {
            Verdict::Refuse
        } else if top < self.top {
            Verdict::Ask
        } else {
            Verdict::Believe
        }
    }

    fn cost(self, case: &Case) -> f64 {
        match (self.verdict(case.in_scope, case.top), case.truth) {
            (Verdict::Believe, Truth::Right) | (Verdict::Refuse, Truth::None) => 0.0,
            (Verdict::Believe, Truth::Wrong | Truth::None) => WRONG,
            (Verdict::Refuse, Truth::Right | Truth::Wrong) => LOST,
            (Verdict::Ask, Truth::Right) => ASKED_RIGHT,
            (Verdict::Ask, Truth::Wrong) => ASKED_WRONG,
            (Verdict::Ask, Truth::None) => ASKED_NONE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_go_where_mistakes_cost_least() {
        let case = |in_scope, top, truth| Case { in_scope, top, truth, weight: 1.0 };
        let cases = [
            case(0.9, 0.8, Truth::Right),
            case(0.9, 0.55, Truth::Right),
            case(0.9, 0.35, Truth::Wrong),
            case(0.9, 0.30, Truth::Wrong),
            case(0.35, 0.3, Truth::None),
            case(0.45, 0.4, Truth::Right),
        ];
        let found = Thresholds::fit(&cases);
        for (it, expected) in cases.iter().zip([
            Verdict::Believe,
            Verdict::Believe,
            Verdict::Ask,
            Verdict::Ask,
            Verdict::Refuse,
            Verdict::Believe,
        ]) {
            assert_eq!(found.verdict(it.in_scope, it.top), expected, "{it:?} under {found:?}");
        }
        assert_eq!(Thresholds::fit(&[]), Thresholds::expected());
    }
}
