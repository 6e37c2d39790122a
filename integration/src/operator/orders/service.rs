//! What runs on a line: plan, add-ons, further cards, roaming, forwarding, blocking, settings.

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::{FAMILY_FEE, agreed, mobile, no_order, particulars};
use crate::operator::{
    books::{Books, Outcome, Subscription, already, rule, today, unknown},
    demo,
    market::{Addon, yuan},
};

pub(super) fn carry_out(
    books: &mut Books,
    caller: &str,
    (group, act): (&str, &str),
    body: &Json,
) -> Outcome {
    match (group, act) {
        ("plan", "") => change_plan(books, caller, &particulars(body)?),
        ("plan", "keep") => keep_plan(books, caller, &particulars(body)?),
        ("addons", "") => subscribe(books, caller, &particulars(body)?),
        ("addons", "cancel") => unsubscribe(books, caller, &particulars(body)?),
        ("addons", "restore") => restore(books, caller, &particulars(body)?),
        ("family", "") => add_member(books, caller, &particulars(body)?),
        ("family", "remove") => remove_member(books, caller, &particulars(body)?),
        ("roaming", "") => roam(books, caller, &particulars(body)?),
        ("roaming", "cancel") => stay(books, caller, &particulars(body)?),
        ("forwarding", "") => forward(books, caller, &particulars(body)?),
        ("forwarding", "cancel") => stop_forwarding(books, caller),
        ("blocking", "") => guard(books, caller, &particulars(body)?),
        ("blocking", "cancel") => unguard(books, caller),
        ("ringback", "") => ringback(books, caller, &particulars(body)?),
        ("settings", "") => settings(books, caller, &particulars(body)?),
        _ => no_order(&format!("{group}/{act}")),
    }
}

/// An order that needs to know the line only.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OfLine {
    pub(super) number: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangePlan {
    number: String,
    plan: String,
}

fn change_plan(books: &mut Books, caller: &str, order: &ChangePlan) -> Outcome {
    let market = books.market.clone();
    let Some(plan) = market.plan(&order.plan) else { return unknown("没有这款套餐。") };
    let line = books.good_line(caller, &order.number)?;
    if line.plan == plan.id && line.next_plan.is_none() {
        return already(format!("您现在用的就是{}。", plan.name));
    }
    if line.next_plan.as_ref() == Some(&plan.id) {
        return already(format!("已经办过了，下月一号起用{}。", plan.name));
    }
    if let Some(contract) = &line.contract
        && plan.price_fen < contract.least_fen
    {
        let (ends, least) = (contract.ends, yuan(contract.least_fen));
        return rule(format!(
            "您的{}到{}年{}月期满，在这之前套餐不能低于每月 {least}。",
            contract.name,
            ends.year(),
            ends.month()
        ));
    }
    line.next_plan = (line.plan != plan.id).then(|| plan.id.clone());
    let from = market.plan(&line.plan).map_or("", |plan| plan.name.as_str());
    Ok(json!({"from": from}))
}

fn keep_plan(books: &mut Books, caller: &str, order: &OfLine) -> Outcome {
    let market = books.market.clone();
    let line = books.line(caller, &order.number)?;
    if line.next_plan.take().is_none() {
        return already("没有等着生效的新套餐。");
    }
    Ok(json!({"name": market.plan(&line.plan).map_or("", |plan| plan.name.as_str())}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfAddon {
    number: String,
    addon: String,
}

/// The add-on that an order names.
fn addon(books: &Books, id: &str) -> Result<Addon, crate::operator::books::No> {
    match books.market.addon(id) {
        Some(addon) => Ok(addon.clone()),
        None => unknown("没有这项业务。"),
    }
}

fn subscribe(books: &mut Books, caller: &str, order: &OfAddon) -> Outcome {
    let addon = addon(books, &order.addon)?;
    let line = books.good_line(caller, &order.number)?;
    match line.subscription(&addon.id).filter(|_| addon.is_monthly()) {
        Some(it) if it.ends => {
            it.ends = false;
            return Ok(json!({"balance_fen": line.balance_fen}));
        }
        Some(_) => return already(format!("“{}”已经订过了，正在用。", addon.name)),
        None => {}
    }
    line.pay(addon.price_fen, &format!("“{}”", addon.name))?;
    let new = Subscription { addon: addon.id, since: today(), ends: false, is_fresh: true };
    line.subscriptions.push(new);
    Ok(json!({"balance_fen": line.balance_fen}))
}

/// What is charged every month goes on till the month's end; what was bought once is paid back if unused.
fn unsubscribe(books: &mut Books, caller: &str, order: &OfAddon) -> Outcome {
    let addon = addon(books, &order.addon)?;
    let line = books.line(caller, &order.number)?;
    let Some(it) = line.subscription(&addon.id) else {
        return already(format!("您没有订“{}”。", addon.name));
    };
    if addon.is_monthly() {
        if std::mem::replace(&mut it.ends, true) {
            return already(format!("“{}”已经退过了，用到这个月底。", addon.name));
        }
        return Ok(json!({"refund_fen": 0}));
    }
    if !it.is_fresh {
        return rule(format!("“{}”已经开始用了，不能退，到期自动失效。", addon.name));
    }
    let last = line.subscriptions.iter().rposition(|it| it.addon == addon.id);
    last.map(|at| line.subscriptions.remove(at));
    line.balance_fen += addon.price_fen;
    Ok(json!({"refund_fen": addon.price_fen}))
}

fn restore(books: &mut Books, caller: &str, order: &OfAddon) -> Outcome {
    let addon = addon(books, &order.addon)?;
    if !addon.is_monthly() {
        subscribe(books, caller, order)?;
        return Ok(json!({"name": addon.name}));
    }
    let line = books.line(caller, &order.number)?;
    match line.subscription(&addon.id) {
        Some(it) if it.ends => {
            it.ends = false;
            Ok(json!({"name": addon.name}))
        }
        Some(_) | None => already(format!("“{}”没有在退订。", addon.name)),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AddMember {
    member: String,
    fee_fen: i64,
}

fn add_member(books: &mut Books, caller: &str, order: &AddMember) -> Outcome {
    agreed(FAMILY_FEE, order.fee_fen)?;
    mobile(&order.member)?;
    let market = books.market.clone();
    let line = books.good_line(caller, caller)?;
    let (owner, plan) = (line.owner, market.plan(&line.plan));
    let (cards, name) = plan.map_or((0, ""), |plan| (plan.cards, plan.name.as_str()));
    demo::open(books, &order.member);
    if order.member == caller {
        return rule("这就是您打来的号码，副卡要说另外一个号码。");
    }
    if !books.lines.contains_key(&order.member) {
        return unknown("这个号码不是清听的，要先转网进来才能做副卡。");
    }
    let family = &mut books.customers[owner].family;
    if family.contains(&order.member) {
        return already("这个号码已经是您的副卡了。");
    }
    if family.len() >= cards {
        return rule(format!("您的{name}最多带 {cards} 张副卡，已经带满了。"));
    }
    family.push(order.member.clone());
    Ok(json!({"left": cards - family.len()}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RemoveMember {
    member: String,
}

fn remove_member(books: &mut Books, caller: &str, order: &RemoveMember) -> Outcome {
    let market = books.market.clone();
    let line = books.line(caller, caller)?;
    let (owner, cards) = (line.owner, market.plan(&line.plan).map_or(0, |plan| plan.cards));
    let family = &mut books.customers[owner].family;
    let Some(at) = family.iter().position(|it| *it == order.member) else {
        return already("这个号码不是您的副卡。");
    };
    family.remove(at);
    Ok(json!({"left": cards.saturating_sub(family.len())}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfZone {
    number: String,
    zone: String,
}

fn roam(books: &mut Books, caller: &str, order: &OfZone) -> Outcome {
    let market = books.market.clone();
    let Some(zone) = market.zone(&order.zone) else { return unknown("那里还不能漫游。") };
    let line = books.good_line(caller, &order.number)?;
    if line.balance_fen < zone.day_fen {
        let (has, day) = (yuan(line.balance_fen), yuan(zone.day_fen));
        return rule(format!("话费余额只有 {has}，不够{}一天的 {day}，请先充值。", zone.name));
    }
    if !line.roaming.insert(zone.id.clone()) {
        return already(format!("到{}的漫游已经开着了。", zone.name));
    }
    Ok(json!({"number": line.number}))
}

fn stay(books: &mut Books, caller: &str, order: &OfZone) -> Outcome {
    let line = books.line(caller, &order.number)?;
    match line.roaming.remove(&order.zone) {
        true => Ok(json!({"number": line.number})),
        false => already("那里的漫游没有开着。"),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Forward {
    to: String,
}

fn forward(books: &mut Books, caller: &str, order: &Forward) -> Outcome {
    mobile(&order.to)?;
    let line = books.good_line(caller, caller)?;
    if order.to == line.number {
        return rule("不能转到您自己这个号码。");
    }
    if line.forward_to.as_ref() == Some(&order.to) {
        return already("来电已经转到这个号码了。");
    }
    line.forward_to = Some(order.to.clone());
    Ok(json!({"to": order.to}))
}

fn stop_forwarding(books: &mut Books, caller: &str) -> Outcome {
    match books.line(caller, caller)?.forward_to.take() {
        Some(to) => Ok(json!({"to": to})),
        None => already("您没有设呼叫转移。"),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Guard {
    blocked: Option<String>,
}

fn guard(books: &mut Books, caller: &str, order: &Guard) -> Outcome {
    let line = books.line(caller, caller)?;
    if std::mem::replace(&mut line.is_guarded, true) && order.blocked.is_none() {
        return already("骚扰拦截已经开着了，是哪个号码骚扰您，把号码告诉我，我单独拦。");
    }
    Ok(json!({"blocked": order.blocked.as_deref().unwrap_or("")}))
}

fn unguard(books: &mut Books, caller: &str) -> Outcome {
    match std::mem::replace(&mut books.line(caller, caller)?.is_guarded, false) {
        true => Ok(json!({"is_on": false})),
        false => already("骚扰拦截没有开着。"),
    }
}

fn ringback(books: &mut Books, caller: &str, order: &OfLine) -> Outcome {
    let market = books.market.clone();
    let line = books.good_line(caller, &order.number)?;
    let has = line.subscriptions.iter().any(|it| it.addon.contains("ring"));
    match market.addons.iter().find(|addon| addon.id.contains("ring")) {
        Some(tone) if !has => rule(format!(
            "您还没有开通彩铃。开通每月 {}，要的话说“订{}”。",
            yuan(tone.price_fen),
            tone.name
        )),
        Some(_) | None => Ok(json!({"number": line.number})),
    }
}

fn settings(books: &mut Books, caller: &str, order: &OfLine) -> Outcome {
    let line = books.good_line(caller, &order.number)?;
    Ok(json!({"number": line.number, "apn": "qtnet", "generation": "5G"}))
}
