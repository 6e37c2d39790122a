//! The card and the number: loss, suspension, closure, new and replaced cards, ownership, porting.

use jiff::{ToSpan, civil::Date};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::{SIM_FEE, SUSPENSION_FEE, agreed, mobile, no_order, particulars, service::OfLine};
use crate::operator::{
    books::{Books, Line, No, Outcome, Status, already, rule, today, unknown},
    demo,
    market::yuan,
};

/// Cards that one person may have.
const MAX_CARDS: usize = 5;

/// Days until a closed number is given up.
const CLOSING_DAYS: i64 = 7;

/// Days within which appointments are made.
pub(super) const BOOKING_DAYS: i64 = 30;

pub(super) fn carry_out(
    books: &mut Books,
    caller: &str,
    (group, act): (&str, &str),
    body: &Json,
) -> Outcome {
    match (group, act) {
        ("sim", "") => replace_sim(books, caller, &particulars(body)?),
        ("sim", "cancel") => keep_sim(books, caller, &particulars(body)?),
        ("loss", "") => lose(books, caller, &particulars(body)?),
        ("loss", "cancel") => find(books, caller, &particulars(body)?),
        ("suspension", "") => suspend(books, caller, &particulars(body)?),
        ("resumption", "") => resume(books, caller, &particulars(body)?),
        ("closure", "") => close(books, caller, &particulars(body)?),
        ("closure", "cancel") => keep_open(books, caller, &particulars(body)?),
        ("lines", "") => add_line(books, caller, &particulars(body)?),
        ("lines", "cancel") => drop_line(books, caller),
        ("transfer", "") => transfer(books, caller, &particulars(body)?),
        ("transfer", "cancel") => keep_ownership(books, caller, &particulars(body)?),
        ("port-in", "") => port_in(books, caller, &particulars(body)?),
        ("port-in", "cancel") => stay_out(books, caller, &particulars(body)?),
        ("password", "") => password(books, caller, &particulars(body)?),
        _ => no_order(&format!("{group}/{act}")),
    }
}

/// An order on a line for a fee.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ForFee {
    number: String,
    fee_fen: i64,
}

fn replace_sim(books: &mut Books, caller: &str, order: &ForFee) -> Outcome {
    agreed(SIM_FEE, order.fee_fen)?;
    let id = books.serial();
    let line = books.line(caller, &order.number)?;
    if line.new_sim.is_some() {
        return already("新卡已经在寄了，收到就能用。");
    }
    line.pay(SIM_FEE, "工本费")?;
    line.new_sim = Some(id.clone());
    Ok(json!({"order": id, "days": 3}))
}

fn keep_sim(books: &mut Books, caller: &str, order: &OfLine) -> Outcome {
    let line = books.line(caller, &order.number)?;
    if line.new_sim.take().is_none() {
        return already("没有在寄的新卡。");
    }
    line.balance_fen += SIM_FEE;
    Ok(json!({"refund_fen": SIM_FEE}))
}

/// Takes a line from one status to another and names it.
fn turn(line: &mut Line, to: Status) -> Outcome {
    line.status = to;
    Ok(json!({"number": line.number}))
}

fn lose(books: &mut Books, caller: &str, order: &OfLine) -> Outcome {
    let line = books.line(caller, &order.number)?;
    match line.status {
        Status::Lost => already("这个号码已经挂失了，不用再挂。"),
        Status::Closing | Status::Shipping => {
            rule(format!("这个号码现在是{}状态，不用挂失。", line.status.words()))
        }
        Status::Active | Status::Suspended | Status::Stopped => turn(line, Status::Lost),
    }
}

fn find(books: &mut Books, caller: &str, order: &OfLine) -> Outcome {
    let line = books.line(caller, &order.number)?;
    match line.status {
        Status::Lost => turn(line, Status::Active),
        Status::Active
        | Status::Suspended
        | Status::Stopped
        | Status::Closing
        | Status::Shipping => already("这个号码没有挂失。"),
    }
}

fn suspend(books: &mut Books, caller: &str, order: &ForFee) -> Outcome {
    agreed(SUSPENSION_FEE, order.fee_fen)?;
    if books.line(caller, &order.number)?.status == Status::Suspended {
        return already("这个号码已经办了停机保号。");
    }
    let line = books.good_line(caller, &order.number)?;
    if let Some(contract) = &line.contract {
        let ends = contract.ends;
        return rule(format!(
            "{}到{}年{}月期满，期满以前不能停机保号。",
            contract.name,
            ends.year(),
            ends.month()
        ));
    }
    turn(line, Status::Suspended)
}

fn resume(books: &mut Books, caller: &str, order: &OfLine) -> Outcome {
    let line = books.line(caller, &order.number)?;
    if line.balance_fen < 0 {
        return rule(format!("这个号码欠费 {}，交清以后自动开机。", yuan(-line.balance_fen)));
    }
    match line.status {
        Status::Suspended | Status::Stopped => turn(line, Status::Active),
        Status::Active => already("这个号码没有停机，重启一下手机试试。"),
        Status::Lost => rule("这个号码挂失了，找到卡要先解挂，找不到请补卡。"),
        Status::Closing => rule("这个号码在等销户，要先撤回销户。"),
        Status::Shipping => rule("新卡还没有激活，收到以后按卡上的提示激活。"),
    }
}

fn close(books: &mut Books, caller: &str, order: &OfLine) -> Outcome {
    let owner = books.customer(caller)?;
    let has_home = books.customers[owner].home.is_some();
    let is_first = books.customers[owner].numbers.first() == Some(&order.number);
    let line = books.line(caller, &order.number)?;
    if line.status == Status::Closing {
        return already("销户已经登记过了。");
    }
    free(line)?;
    if has_home && is_first {
        return rule("这个号码绑着您家的宽带，要先拆宽带。");
    }
    line.status = Status::Closing;
    let closes = today().saturating_add(CLOSING_DAYS.days());
    Ok(json!({"refund_fen": line.balance_fen, "closes": closes.to_string()}))
}

/// A line without debt or contract, which may leave its owner.
fn free(line: &Line) -> Result<(), No> {
    if line.balance_fen < 0 {
        return rule(format!("还欠费 {}，要先交清。", yuan(-line.balance_fen)));
    }
    match &line.contract {
        Some(it) => rule(format!(
            "{}到{}年{}月期满，现在办要付违约金 {}，请到营业厅。",
            it.name,
            it.ends.year(),
            it.ends.month(),
            yuan(it.penalty_fen)
        )),
        None => Ok(()),
    }
}

fn keep_open(books: &mut Books, caller: &str, order: &OfLine) -> Outcome {
    let line = books.line(caller, &order.number)?;
    match line.status {
        Status::Closing => turn(line, Status::Active),
        Status::Active | Status::Lost | Status::Suspended | Status::Stopped | Status::Shipping => {
            already("这个号码没有在销户。")
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AddLine {
    plan: String,
}

fn add_line(books: &mut Books, caller: &str, order: &AddLine) -> Outcome {
    let owner = books.customer(caller)?;
    let Some(plan) = books.market.plan(&order.plan).map(|plan| plan.id.clone()) else {
        return unknown("没有这款套餐。");
    };
    if books.customers[owner].numbers.len() >= MAX_CARDS {
        return rule(format!("一个人最多办 {MAX_CARDS} 张卡，您已经办满了。"));
    }
    let number = format!("19900{}", books.serial());
    let line =
        Line { status: Status::Shipping, since: today(), ..demo::plain(owner, &number, &plan) };
    books.lines.insert(number.clone(), line);
    books.customers[owner].numbers.push(number.clone());
    Ok(json!({"number": number, "days": 3}))
}

/// Takes back the customer's last card that is not yet in use.
fn drop_line(books: &mut Books, caller: &str) -> Outcome {
    let owner = books.customer(caller)?;
    let lines = &books.lines;
    let ships = |number: &String| lines.get(number).is_some_and(|it| it.status == Status::Shipping);
    let Some(at) = books.customers[owner].numbers.iter().rposition(ships) else {
        return already("没有在寄的新卡。");
    };
    let number = books.customers[owner].numbers.remove(at);
    books.lines.remove(&number);
    Ok(json!({"number": number}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Transfer {
    number: String,
    date: String,
}

fn transfer(books: &mut Books, caller: &str, order: &Transfer) -> Outcome {
    booked(&order.date)?;
    let id = books.serial();
    let line = books.line(caller, &order.number)?;
    free(line)?;
    if line.transfer.is_some() {
        return already("这个号码已经约过一次过户了。");
    }
    line.transfer = Some(id.clone());
    Ok(json!({"order": id, "store": "清河路营业厅"}))
}

/// A day on which an appointment can be.
pub(super) fn booked(date: &str) -> Result<Date, No> {
    let day: Date =
        date.parse().map_err(|_| No::Bad(format!("no day `{date}`: write it as 2026-12-03")))?;
    let (first, last) =
        (today().saturating_add(1.day()), today().saturating_add(BOOKING_DAYS.days()));
    match (first..=last).contains(&day) {
        true => Ok(day),
        false => rule(format!("只能约明天起 {BOOKING_DAYS} 天以内的，请换一天。")),
    }
}

fn keep_ownership(books: &mut Books, caller: &str, order: &OfLine) -> Outcome {
    match books.line(caller, &order.number)?.transfer.take() {
        Some(id) => Ok(json!({"order": id})),
        None => already("没有过户的预约。"),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PortIn {
    number: String,
    plan: Option<String>,
}

fn port_in(books: &mut Books, caller: &str, order: &PortIn) -> Outcome {
    let owner = books.customer(caller)?;
    mobile(&order.number)?;
    demo::open(books, &order.number);
    if books.lines.contains_key(&order.number) {
        return already("这个号码已经是清听的了。");
    }
    if order.plan.as_ref().is_some_and(|plan| books.market.plan(plan).is_none()) {
        return unknown("没有这款套餐。");
    }
    let id = books.serial();
    let porting = &mut books.customers[owner].porting;
    if porting.contains_key(&order.number) {
        return already("这个号码的转入已经登记过了。");
    }
    porting.insert(order.number.clone(), id.clone());
    Ok(json!({"order": id, "hours": 24}))
}

fn stay_out(books: &mut Books, caller: &str, order: &OfLine) -> Outcome {
    let owner = books.customer(caller)?;
    match books.customers[owner].porting.remove(&order.number) {
        Some(id) => Ok(json!({"order": id})),
        None => already("这个号码没有登记转入。"),
    }
}

fn password(books: &mut Books, caller: &str, order: &OfLine) -> Outcome {
    let line = books.good_line(caller, &order.number)?;
    Ok(json!({"number": line.number}))
}
