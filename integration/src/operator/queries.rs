//! Queries: what the operator tells and what changes nothing.

use std::collections::HashMap;

use jiff::{ToSpan, civil::Date};
use serde_json::{Value as Json, json};

use super::{
    books::{Books, Line, No, Outcome, Status, rule, today, unknown},
    market::{Addon, Plan},
    orders::broadband,
};

/// Query parameters; an empty one was not said.
pub(super) type Params = HashMap<String, String>;

/// How far bills and usage go back.
const MONTHS_BACK: i32 = 6;

/// The largest amount that is asked about, in fen or MB.
const MAX_NUMBER: i64 = 1_000_000_000;

/// Stores of the fictional city: district, name, address.
const STORES: &[(&str, &str, &str)] = &[
    ("清河", "清河路营业厅", "清河区清河路百货大楼一层"),
    ("东湖", "东湖营业厅", "东湖区听涛街12号"),
    ("学府", "学府路营业厅", "学府路66号师范学院东门"),
    ("新城", "新城营业厅", "新城区云溪大道200号"),
];

/// Answers a query about a caller.
pub(super) fn of_customer(books: &mut Books, caller: &str, what: &str, params: &Params) -> Outcome {
    let owner = books.customer(caller)?;
    match what {
        "" => {
            let it = &books.customers[owner];
            Ok(json!({"numbers": it.numbers, "level": it.level, "holder": it.holder}))
        }
        "points" => {
            let (it, expires) = (&books.customers[owner], today().last_of_year());
            Ok(
                json!({"points": it.points, "expiring": it.expiring, "expires": expires.to_string()}),
            )
        }
        "real-name" => {
            let it = &books.customers[owner];
            Ok(json!({"is_registered": true, "holder": it.holder, "cards": it.numbers.len()}))
        }
        "promotions" => Ok(promotions(books, owner)),
        "tickets" => ticket(books, owner, said(params, "code").unwrap_or_default()),
        "broadband/wifi" => wifi(books, owner),
        _ => of_line(books, caller, what, params),
    }
}

fn of_line(books: &mut Books, caller: &str, what: &str, params: &Params) -> Outcome {
    let number = said(params, "number").unwrap_or(caller).to_owned();
    let line = books.line(caller, &number)?.clone();
    match what {
        "balance" => Ok(balance(books, &line)),
        "bill" => bill(books, &line, Month::of(params)?),
        "usage/data" => data(books, &line, Month::of(params)?),
        "usage/voice" => voice(books, &line, Month::of(params)?),
        "plan" => plan(books, &line),
        "addons" => Ok(addons(books, &line)),
        "contract" => Ok(contract(&line)),
        "port-out" => Ok(port_out(&line)),
        "puk" => Ok(json!({"puk": line.puk})),
        "number" => {
            let level = books.customers[line.owner].level;
            let (status, since) = (line.status.words(), line.since.to_string());
            Ok(
                json!({"number": line.number, "home": line.city, "status": status, "level": level, "since": since}),
            )
        }
        _ => Err(No::Bad(format!("no query `{what}`"))),
    }
}

/// A parameter that was said.
fn said<'a>(params: &'a Params, name: &str) -> Option<&'a str> {
    params.get(name).map(String::as_str).filter(|it| !it.is_empty())
}

/// A month that bills and usage are asked for.
struct Month {
    text: String,
    /// How many months ago it was; 0 for the present one.
    ago: i32,
}

impl Month {
    fn of(params: &Params) -> Result<Self, No> {
        let now = today().first_of_month();
        let text = match said(params, "month") {
            Some(text) => text.to_owned(),
            None => now.strftime("%Y-%m").to_string(),
        };
        Self::parse(&text, now)
    }

    fn parse(text: &str, now: Date) -> Result<Self, No> {
        let first: Date = format!("{text}-01")
            .parse()
            .map_err(|_| No::Bad(format!("no month `{text}`: write it as 2026-11")))?;
        let months = |day: Date| i32::from(day.year()) * 12 + i32::from(day.month());
        match months(now) - months(first) {
            ago if ago < 0 => rule("那个月还没有到，没有记录。"),
            ago if ago > MONTHS_BACK => rule("只能查最近半年的，再早的请到营业厅打印。"),
            ago => Ok(Self { text: text.into(), ago }),
        }
    }

    fn is_current(&self) -> bool {
        self.ago == 0
    }

    /// What was used of `full` in a month gone by: the same each time it is asked.
    fn share(&self, full: i64) -> i64 {
        full * i64::from(55 + self.ago * 7 % 40) / 100
    }
}

/// Total of a month's bill that is final, in fen; `None` for a month that is not over.
pub(super) fn final_bill(books: &Books, line: &Line, month: &str) -> Result<Option<i64>, No> {
    let month = Month::parse(month, today().first_of_month())?;
    let bill = bill(books, line, Month { ..month })?;
    Ok(bill["total_fen"].as_i64().filter(|_| bill["is_current"] == false))
}

fn balance(books: &Books, line: &Line) -> Json {
    let spent = month_price(books, line) + line.extra_fen;
    let (balance, owed) = (line.balance_fen.max(0), (-line.balance_fen).max(0));
    json!({"balance_fen": balance, "owed_fen": owed, "spent_fen": spent})
}

fn month_price(books: &Books, line: &Line) -> i64 {
    let plan = books.market.plan(&line.plan).map_or(0, |plan| plan.price_fen);
    plan + subscribed(books, line).map(|(addon, _)| addon.price_fen).sum::<i64>()
}

/// What a line subscribed to, with whether it ends.
fn subscribed<'a>(books: &'a Books, line: &'a Line) -> impl Iterator<Item = (&'a Addon, bool)> {
    let known =
        |it: &'a super::books::Subscription| Some((books.market.addon(&it.addon)?, it.ends));
    line.subscriptions.iter().filter_map(known)
}

fn bill(books: &Books, line: &Line, month: Month) -> Outcome {
    let plan = books.market.plan(&line.plan).map_or(0, |plan| plan.price_fen);
    let first: Date = format!("{}-01", month.text).parse().unwrap_or_else(|_| today());
    let bought = line.subscriptions.iter().filter(|it| it.since <= first.last_of_month());
    let prices = bought.filter_map(|it| Some(books.market.addon(&it.addon)?.price_fen));
    let addons: i64 = prices.sum();
    let extra = if month.is_current() { line.extra_fen } else { i64::from(month.ago % 3) * 150 };
    Ok(json!({
        "month": month.text,
        "is_current": month.is_current(),
        "total_fen": plan + addons + extra,
        "plan_fen": plan,
        "addons_fen": addons,
        "extra_fen": extra,
    }))
}

fn data(books: &Books, line: &Line, month: Month) -> Outcome {
    let total = the_plan(books, line)?.data_mb
        + subscribed(books, line).map(|(addon, _)| addon.data_mb).sum::<i64>();
    let used = if month.is_current() { line.used_mb } else { month.share(total) };
    Ok(json!({
        "month": month.text,
        "is_current": month.is_current(),
        "left_mb": (total - used).max(0),
        "used_mb": used,
        "over_mb": (used - total).max(0),
    }))
}

fn voice(books: &Books, line: &Line, month: Month) -> Outcome {
    let plan = the_plan(books, line)?;
    let more = |of: fn(&Addon) -> i64| subscribed(books, line).map(|(it, _)| of(it)).sum::<i64>();
    let minutes = plan.minutes + more(|it| it.minutes);
    let messages = plan.messages + more(|it| it.messages);
    let (used_minutes, used_messages) = match month.is_current() {
        true => (line.used_minutes, line.used_messages),
        false => (month.share(minutes), month.share(messages)),
    };
    Ok(json!({
        "month": month.text,
        "is_current": month.is_current(),
        "left_minutes": (minutes - used_minutes).max(0),
        "used_minutes": used_minutes,
        "left_messages": (messages - used_messages).max(0),
        "used_messages": used_messages,
    }))
}

fn the_plan<'a>(books: &'a Books, line: &Line) -> Result<&'a Plan, No> {
    match books.market.plan(&line.plan) {
        Some(plan) => Ok(plan),
        None => unknown("没有查到这个号码的套餐。"),
    }
}

fn plan(books: &Books, line: &Line) -> Outcome {
    let plan = the_plan(books, line)?;
    let next = line.next_plan.as_ref().and_then(|id| books.market.plan(id));
    let mut answer = json!(plan);
    answer["next"] = json!(next.map_or("", |plan| plan.name.as_str()));
    Ok(answer)
}

fn addons(books: &Books, line: &Line) -> Json {
    let list: Vec<_> = subscribed(books, line)
        .map(|(it, ends)| json!({"name": it.name, "price_fen": it.price_fen, "ends": ends}))
        .collect();
    let goes_on = subscribed(books, line).filter(|(it, ends)| it.is_monthly() && !ends);
    let monthly: i64 = goes_on.map(|(it, _)| it.price_fen).sum();
    json!({"addons": list, "monthly_fen": monthly})
}

fn contract(line: &Line) -> Json {
    match &line.contract {
        Some(it) => json!({
            "has_contract": true,
            "name": it.name,
            "ends": it.ends.to_string(),
            "least_fen": it.least_fen,
            "penalty_fen": it.penalty_fen,
        }),
        None => {
            json!({"has_contract": false, "name": "", "ends": "", "least_fen": 0, "penalty_fen": 0})
        }
    }
}

fn port_out(line: &Line) -> Json {
    let mut obstacles = Vec::new();
    if line.balance_fen < 0 {
        obstacles.push("还有欠费没交清".to_owned());
    }
    if let Some(contract) = &line.contract {
        let ends = contract.ends;
        obstacles.push(format!("{}要到{}年{}月才到期", contract.name, ends.year(), ends.month()));
    }
    if !matches!(line.status, Status::Active | Status::Stopped) {
        obstacles.push(format!("号码现在是{}状态", line.status.words()));
    }
    json!({"can_leave": obstacles.is_empty(), "obstacles": obstacles})
}

/// Offers that the customer can really take: gifts for their points, cards in their plan.
fn promotions(books: &Books, owner: usize) -> Json {
    let customer = &books.customers[owner];
    let gifts = books.market.gifts.iter().filter(|gift| gift.points <= customer.points);
    let mut offers: Vec<_> =
        gifts.take(2).map(|gift| format!("{} 积分换{}", gift.points, gift.worth)).collect();
    let line = customer.numbers.first().and_then(|number| books.lines.get(number));
    let plan = line.and_then(|line| books.market.plan(&line.plan));
    if let Some(plan) = plan.filter(|plan| plan.cards > customer.family.len()) {
        let left = plan.cards - customer.family.len();
        offers.push(format!("您的{}还能带 {left} 张副卡，一起用流量", plan.name));
    }
    json!({"offers": offers})
}

fn ticket(books: &Books, owner: usize, code: &str) -> Outcome {
    let mut own = books.tickets.iter().rev().filter(|it| it.customer == owner);
    match own.find(|it| code.is_empty() || it.id == code) {
        Some(it) => Ok(json!({
            "ticket": it.id,
            "title": it.title,
            "status": it.status,
            "opened": it.opened.to_string(),
        })),
        None if code.is_empty() => unknown("您最近没有报修、投诉或者预约。"),
        None => unknown("没有查到这个单号，请核对一下。"),
    }
}

fn wifi(books: &Books, owner: usize) -> Outcome {
    let Some(home) = &books.customers[owner].home else {
        return rule("您名下没有宽带。");
    };
    Ok(json!({"network": home.network, "devices": home.devices, "is_online": home.is_online}))
}

/// Plans that fit: the one named, or those nearest to a price or big enough, or the middle of the list.
pub(super) fn plans(books: &Books, params: &Params) -> Outcome {
    let all = &books.market.plans;
    let mut fit: Vec<&Plan> = all.iter().collect();
    if let Some(id) = said(params, "plan") {
        fit.retain(|plan| plan.id == id);
    } else if let Some(fen) = number(params, "budget_fen")? {
        fit.sort_by_key(|plan| (plan.price_fen - fen).abs());
        fit.truncate(2);
    } else if let Some(mb) = number(params, "data_mb")? {
        fit.retain(|plan| plan.data_mb >= mb);
        fit.truncate(2);
    } else {
        let first = (all.len() / 2).saturating_sub(1);
        fit = all.iter().skip(first).take(3).collect();
    }
    if fit.is_empty() {
        return unknown("没有这样的套餐。");
    }
    let price = |plan: Option<&Plan>| plan.map_or(0, |it| it.price_fen);
    Ok(json!({"plans": fit, "least_fen": price(all.first()), "most_fen": price(all.last())}))
}

fn number(params: &Params, name: &str) -> Result<Option<i64>, No> {
    let Some(text) = said(params, name) else { return Ok(None) };
    match text.parse() {
        Ok(number) if (0..=MAX_NUMBER).contains(&number) => Ok(Some(number)),
        Ok(_) | Err(_) => Err(No::Bad(format!("{name} is a whole number from 0 to {MAX_NUMBER}"))),
    }
}

pub(super) fn coverage(books: &Books, params: &Params) -> Outcome {
    let place = said(params, "place").ok_or_else(|| No::Bad("say `place`".into()))?;
    let most = broadband::most_mbps(&books.market, place)?;
    Ok(json!({"is_covered": most > 0, "most_mbps": most}))
}

pub(super) fn store(params: &Params) -> Outcome {
    let place = said(params, "place").unwrap_or_default();
    let near = STORES.iter().find(|(district, _, _)| place.contains(district));
    let (_, name, address) = near.unwrap_or(&STORES[0]);
    Ok(json!({"name": name, "address": address, "hours": "早上九点到晚上六点"}))
}

/// The last month that is over, as `2026-10`.
pub(super) fn last_month() -> String {
    today().first_of_month().saturating_sub(1.month()).strftime("%Y-%m").to_string()
}
