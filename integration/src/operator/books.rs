//! The operator's books: customers, their lines, tickets, and which order had which answer.
//!
//! One lock guards them all, taken for one request at a time, so every request sees and leaves them whole.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::Arc,
};

use jiff::{
    Timestamp,
    civil::Date,
    tz::{self, TimeZone},
};
use serde::Serialize;
use serde_json::Value as Json;

use super::{demo, market::Market, market::yuan};

/// How many answers are kept to be given again; the oldest go first.
const MAX_ANSWERS: usize = 200_000;

/// Why a request has no other answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum No {
    /// There is no such thing; said to the customer.
    Unknown(String),
    /// Things stand so that it cannot be done again; said to the customer.
    Already(String),
    /// A rule forbids it; said to the customer.
    Rule(String),
    /// The request makes no sense; for who wrote it.
    Bad(String),
}

pub(super) type Outcome = Result<Json, No>;

/// A rule's refusal, in Chinese.
pub(super) fn rule<T>(message: impl Into<String>) -> Result<T, No> {
    Err(No::Rule(message.into()))
}

/// A refusal because it was done before, or there is nothing to undo, in Chinese.
pub(super) fn already<T>(message: impl Into<String>) -> Result<T, No> {
    Err(No::Already(message.into()))
}

/// A refusal because there is no such thing, in Chinese.
pub(super) fn unknown<T>(message: impl Into<String>) -> Result<T, No> {
    Err(No::Unknown(message.into()))
}

#[derive(Debug)]
pub(super) struct Books {
    pub(super) market: Arc<Market>,
    pub(super) customers: Vec<Customer>,
    pub(super) lines: BTreeMap<String, Line>,
    pub(super) tickets: Vec<Ticket>,
    serial: u32,
    answers: HashMap<String, (String, Outcome)>,
    age: VecDeque<String>,
    placed: Vec<Placed>,
}

/// An order that had effect.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Placed {
    pub(super) key: String,
    pub(super) caller: String,
    pub(super) order: String,
    pub(super) body: Json,
    pub(super) answer: Json,
}

/// A person with one or more numbers.
#[derive(Debug, Clone, Default)]
pub(super) struct Customer {
    /// As it is said to others: 林先生.
    pub(super) holder: String,
    pub(super) level: &'static str,
    pub(super) numbers: Vec<String>,
    pub(super) points: i64,
    pub(super) expiring: i64,
    pub(super) card_tail: &'static str,
    pub(super) home: Option<Home>,
    /// The broadband order that waits for its day, or can still be taken back.
    pub(super) visit: Option<Visit>,
    pub(super) family: Vec<String>,
    pub(super) porting: BTreeMap<String, String>,
    /// Wants no marketing.
    pub(super) is_quiet: bool,
}

/// Broadband at home.
#[derive(Debug, Clone)]
pub(super) struct Home {
    pub(super) product: String,
    pub(super) place: String,
    pub(super) network: String,
    pub(super) devices: u8,
    pub(super) is_online: bool,
    pub(super) has_tv: bool,
    pub(super) expires: Date,
}

/// A broadband order under way.
#[derive(Debug, Clone)]
pub(super) struct Visit {
    pub(super) order: String,
    pub(super) what: &'static str,
    pub(super) paid_fen: i64,
    /// The product before a speed-up that took effect at once.
    pub(super) product_before: Option<String>,
}

/// A number.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) number: String,
    pub(super) owner: usize,
    pub(super) city: &'static str,
    pub(super) since: Date,
    pub(super) status: Status,
    /// Below zero: a debt.
    pub(super) balance_fen: i64,
    pub(super) plan: String,
    pub(super) next_plan: Option<String>,
    pub(super) subscriptions: Vec<Subscription>,
    pub(super) contract: Option<Contract>,
    pub(super) used_mb: i64,
    pub(super) used_minutes: i64,
    pub(super) used_messages: i64,
    pub(super) extra_fen: i64,
    pub(super) puk: String,
    pub(super) new_sim: Option<String>,
    pub(super) transfer: Option<String>,
    pub(super) forward_to: Option<String>,
    pub(super) is_guarded: bool,
    pub(super) roaming: BTreeSet<String>,
    pub(super) invoiced: BTreeSet<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Active,
    Lost,
    Suspended,
    /// Stopped for debt.
    Stopped,
    Closing,
    /// The card is on its way.
    Shipping,
}

impl Status {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Active => "正常使用",
            Self::Lost => "已经挂失",
            Self::Suspended => "停机保号",
            Self::Stopped => "欠费停机",
            Self::Closing => "等待销户",
            Self::Shipping => "等待激活",
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Subscription {
    pub(super) addon: String,
    pub(super) since: Date,
    /// Not charged any more from next month on.
    pub(super) ends: bool,
    /// Ordered since the operator started, so certainly not used up.
    pub(super) is_fresh: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Contract {
    pub(super) name: &'static str,
    pub(super) ends: Date,
    pub(super) least_fen: i64,
    pub(super) penalty_fen: i64,
}

/// A fault report, complaint or request that people work on.
#[derive(Debug, Clone)]
pub(super) struct Ticket {
    pub(super) id: String,
    pub(super) customer: usize,
    pub(super) title: &'static str,
    pub(super) status: &'static str,
    pub(super) opened: Date,
}

/// The day in China, which has one time zone without summer time.
pub(super) fn today() -> Date {
    TimeZone::fixed(tz::offset(8)).to_datetime(Timestamp::now()).date()
}

impl Books {
    pub(super) fn new(market: Arc<Market>) -> Self {
        let mut books = Self {
            market,
            customers: Vec::new(),
            lines: BTreeMap::new(),
            tickets: Vec::new(),
            serial: 100_000,
            answers: HashMap::new(),
            age: VecDeque::new(),
            placed: Vec::new(),
        };
        demo::fill(&mut books);
        books
    }

    /// A number that no other order or ticket has.
    pub(super) fn serial(&mut self) -> String {
        self.serial += 1;
        self.serial.to_string()
    }

    /// Whose number the caller's is.
    pub(super) fn customer(&mut self, caller: &str) -> Result<usize, No> {
        demo::open(self, caller);
        match self.lines.get(caller) {
            Some(line) => Ok(line.owner),
            None => unknown("没有查到您这个号码的资料，请用清听的号码打来，或者说“转人工”。"),
        }
    }

    /// The line that a caller may act on: one of the same customer's.
    pub(super) fn line(&mut self, caller: &str, number: &str) -> Result<&mut Line, No> {
        let owner = self.customer(caller)?;
        match self.lines.get_mut(number) {
            Some(line) if line.owner == owner => Ok(line),
            Some(_) | None => rule("这个号码不在您名下，要机主本人打来才能办。"),
        }
    }

    /// The same, where it must be in use and without debt.
    pub(super) fn good_line(&mut self, caller: &str, number: &str) -> Result<&mut Line, No> {
        let line = self.line(caller, number)?;
        if line.balance_fen < 0 {
            return rule(format!("这个号码还欠费 {}，交清以后才能办。", yuan(-line.balance_fen)));
        }
        match line.status {
            Status::Active => Ok(line),
            Status::Lost
            | Status::Suspended
            | Status::Stopped
            | Status::Closing
            | Status::Shipping => {
                rule(format!("这个号码现在是{}状态，恢复以后才能办。", line.status.words()))
            }
        }
    }

    /// Carries an order out once: a key seen before gives the answer it gave then.
    pub(super) fn once(
        &mut self,
        key: &str,
        (caller, order, body): (&str, &str, &Json),
        act: impl FnOnce(&mut Self) -> Outcome,
    ) -> Outcome {
        let asked = format!("{caller} {order} {body}");
        if let Some((before, outcome)) = self.answers.get(key) {
            return match *before == asked {
                true => outcome.clone(),
                false => Err(No::Bad("this idempotency-key was used for another order".into())),
            };
        }
        let outcome = act(self);
        if matches!(outcome, Err(No::Bad(_))) {
            return outcome;
        }
        self.remember(key, asked, outcome.clone());
        if let Ok(answer) = &outcome {
            self.placed.push(Placed {
                key: key.into(),
                caller: caller.into(),
                order: order.into(),
                body: body.clone(),
                answer: answer.clone(),
            });
        }
        outcome
    }

    fn remember(&mut self, key: &str, asked: String, outcome: Outcome) {
        if self.age.len() >= MAX_ANSWERS
            && let Some(oldest) = self.age.pop_front()
        {
            self.answers.remove(&oldest);
        }
        self.age.push_back(key.into());
        self.answers.insert(key.into(), (asked, outcome));
    }

    /// All orders that had effect, oldest first.
    pub(super) fn placed(&self) -> &[Placed] {
        &self.placed
    }
}

impl Line {
    /// Takes a price off the balance, where there is enough.
    pub(super) fn pay(&mut self, fen: i64, thing: &str) -> Result<(), No> {
        if self.balance_fen < fen {
            let has = yuan(self.balance_fen.max(0));
            return rule(format!("话费余额只有 {has}，不够付{thing}的 {}，请先充值。", yuan(fen)));
        }
        self.balance_fen -= fen;
        Ok(())
    }

    pub(super) fn subscription(&mut self, addon: &str) -> Option<&mut Subscription> {
        self.subscriptions.iter_mut().rev().find(|it| it.addon == addon)
    }
}
