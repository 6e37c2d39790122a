//! Broadband: new, moved, faster, renewed, removed; the last order can be taken back until it is done.

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::{MOVE_FEE, agreed, no_order, number::booked, particulars};
use crate::operator::{
    books::{Books, Home, No, Outcome, Visit, already, rule, today, unknown},
    market::Market,
};

/// When installers come.
const SLOT: &str = "下午两点到四点";

/// Words of addresses to which no fibre goes yet.
const UNCOVERED: &[&str] = &["村", "乡", "山上", "岛"];

pub(super) fn carry_out(books: &mut Books, caller: &str, act: &str, body: &Json) -> Outcome {
    let owner = books.customer(caller)?;
    match act {
        "" => install(books, owner, &particulars(body)?),
        "move" => relocate(books, caller, owner, &particulars(body)?),
        "speed" => speed_up(books, owner, &particulars(body)?),
        "renewal" => renew(books, owner),
        "removal" => remove(books, owner, &particulars(body)?),
        "cancel" => take_back(books, caller, owner),
        _ => no_order(act),
    }
}

/// The most that goes to an address, in Mbit/s; 0 where nothing does.
pub(in crate::operator) fn most_mbps(market: &Market, place: &str) -> Result<i64, No> {
    if place.trim().chars().count() < 2 {
        return rule("地址不够清楚，请说到区和小区。");
    }
    let is_covered = !UNCOVERED.iter().any(|word| place.contains(word));
    let most = market.broadbands.iter().map(|it| it.mbps).max().unwrap_or(0);
    Ok(if is_covered { most } else { 0 })
}

fn covered(market: &Market, place: &str, mbps: i64) -> Result<(), No> {
    match most_mbps(market, place)? {
        0 => rule("那个地址还没有铺到光纤，暂时装不了。"),
        most if most < mbps => rule(format!("那个地址最高只能到 {most} 兆。")),
        _ => Ok(()),
    }
}

fn at_home(books: &mut Books, owner: usize) -> Result<&mut Home, No> {
    match &mut books.customers[owner].home {
        Some(home) => Ok(home),
        None => rule("您名下没有宽带，请用登记宽带的号码打来。"),
    }
}

/// Keeps an order as the one that can be taken back, if none is under way.
fn book(books: &mut Books, owner: usize, visit: Visit) -> Outcome {
    let answer = json!({"order": visit.order, "slot": SLOT});
    books.customers[owner].visit = Some(visit);
    Ok(answer)
}

fn nothing_pending(books: &Books, owner: usize) -> Result<(), No> {
    match &books.customers[owner].visit {
        Some(visit) => already(format!("您还有一笔{}在办，单号 {}。", visit.what, visit.order)),
        None => Ok(()),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Install {
    product: String,
    place: String,
    date: String,
}

fn install(books: &mut Books, owner: usize, order: &Install) -> Outcome {
    let market = books.market.clone();
    let Some(product) = market.broadband(&order.product) else {
        return unknown("没有这种带宽。");
    };
    if let Some(home) = &books.customers[owner].home {
        let place = &home.place;
        return already(format!("您在{place}已经有宽带了，要换带宽请说“宽带提速”。"));
    }
    nothing_pending(books, owner)?;
    covered(&market, &order.place, product.mbps)?;
    booked(&order.date)?;
    let order = books.serial();
    book(books, owner, Visit { order, what: "装宽带", paid_fen: 0, product_before: None })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Relocate {
    place: String,
    date: String,
    fee_fen: i64,
}

fn relocate(books: &mut Books, caller: &str, owner: usize, order: &Relocate) -> Outcome {
    agreed(MOVE_FEE, order.fee_fen)?;
    let market = books.market.clone();
    let product = at_home(books, owner)?.product.clone();
    nothing_pending(books, owner)?;
    covered(&market, &order.place, market.broadband(&product).map_or(0, |it| it.mbps))?;
    booked(&order.date)?;
    books.good_line(caller, caller)?.pay(MOVE_FEE, "移机费")?;
    let order = books.serial();
    book(books, owner, Visit { order, what: "宽带移机", paid_fen: MOVE_FEE, product_before: None })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SpeedUp {
    product: String,
}

fn speed_up(books: &mut Books, owner: usize, order: &SpeedUp) -> Outcome {
    let market = books.market.clone();
    let Some(product) = market.broadband(&order.product) else {
        return unknown("没有这种带宽。");
    };
    nothing_pending(books, owner)?;
    let home = at_home(books, owner)?;
    let before = market.broadband(&home.product).map_or((0, ""), |it| (it.mbps, it.name.as_str()));
    if product.mbps <= before.0 {
        return rule(format!("您家现在就是{}，要选比它快的。", before.1));
    }
    let product_before = Some(std::mem::replace(&mut home.product, product.id.clone()));
    let id = books.serial();
    let visit = Visit { order: id.clone(), what: "宽带提速", paid_fen: 0, product_before };
    books.customers[owner].visit = Some(visit);
    Ok(json!({"order": id, "from": before.1}))
}

/// Sends a link to pay by; nothing is charged before it is used.
fn renew(books: &mut Books, owner: usize) -> Outcome {
    let market = books.market.clone();
    let home = at_home(books, owner)?;
    let Some(product) = market.broadband(&home.product) else {
        return unknown("没有查到您家的宽带产品。");
    };
    let (expires, price) = (home.expires.to_string(), product.price_fen * 12);
    Ok(json!({"name": product.name, "expires": expires, "price_fen": price}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Remove {
    date: String,
}

fn remove(books: &mut Books, owner: usize, order: &Remove) -> Outcome {
    let expires = at_home(books, owner)?.expires;
    nothing_pending(books, owner)?;
    if expires > today() {
        let (year, month) = (expires.year(), expires.month());
        return rule(format!("宽带合约到{year}年{month}月期满，提前拆要付违约金，请到营业厅办。"));
    }
    booked(&order.date)?;
    let order = books.serial();
    book(books, owner, Visit { order, what: "拆宽带", paid_fen: 0, product_before: None })
}

fn take_back(books: &mut Books, caller: &str, owner: usize) -> Outcome {
    let Some(visit) = books.customers[owner].visit.take() else {
        return already("没有可以撤回的宽带业务。");
    };
    if let (Some(before), Some(home)) = (visit.product_before, &mut books.customers[owner].home) {
        home.product = before;
    }
    books.line(caller, caller)?.balance_fen += visit.paid_fen;
    Ok(json!({"order": visit.order, "what": visit.what}))
}
