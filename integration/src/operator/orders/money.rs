//! Money and points: top-ups, invoices, gifts.

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::{no_order, particulars};
use crate::operator::{
    books::{Books, Outcome, Status, already, rule, unknown},
    market::yuan,
    queries,
};

/// What one top-up may be, in fen.
const TOP_UP: std::ops::RangeInclusive<i64> = 100..=50_000;

pub(super) fn carry_out(books: &mut Books, caller: &str, what: &str, body: &Json) -> Outcome {
    match what {
        "top-ups" => top_up(books, caller, &particulars(body)?),
        "invoices" => invoice(books, caller, &particulars(body)?),
        "points/redemptions" => redeem(books, caller, &particulars(body)?),
        _ => no_order(what),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TopUp {
    number: String,
    amount_fen: i64,
}

/// Anybody's number may be topped up; only the owner hears its balance.
fn top_up(books: &mut Books, caller: &str, order: &TopUp) -> Outcome {
    let owner = books.customer(caller)?;
    if !TOP_UP.contains(&order.amount_fen) {
        let (least, most) = (yuan(*TOP_UP.start()), yuan(*TOP_UP.end()));
        return rule(format!("一次可以充 {least}到 {most}，请换个金额。"));
    }
    crate::operator::demo::open(books, &order.number);
    let card_tail = books.customers[owner].card_tail;
    let Some(line) = books.lines.get_mut(&order.number) else {
        return unknown("没有查到要充值的这个号码，请核对一下。");
    };
    line.balance_fen += order.amount_fen;
    if line.status == Status::Stopped && line.balance_fen >= 0 {
        line.status = Status::Active;
    }
    let balance = (line.owner == owner).then_some(line.balance_fen);
    Ok(json!({"balance_fen": balance, "card_tail": card_tail}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Invoice {
    number: String,
    month: Option<String>,
}

fn invoice(books: &mut Books, caller: &str, order: &Invoice) -> Outcome {
    let line = books.line(caller, &order.number)?.clone();
    let month = order.month.clone().unwrap_or_else(queries::last_month);
    let Some(total) = queries::final_bill(books, &line, &month)? else {
        return rule("这个月还没出账，下月一号以后才能开发票。");
    };
    let line = books.line(caller, &order.number)?;
    if !line.invoiced.insert(month.clone()) {
        return already("这个月的发票开过了，链接在之前的短信里。");
    }
    Ok(json!({"month": month, "total_fen": total}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Redemption {
    gift: String,
}

fn redeem(books: &mut Books, caller: &str, order: &Redemption) -> Outcome {
    let owner = books.customer(caller)?;
    let Some(gift) = books.market.gift(&order.gift).cloned() else {
        return unknown("没有这样东西可以换。");
    };
    let customer = &mut books.customers[owner];
    if customer.points < gift.points {
        let has = customer.points;
        return rule(format!("您只有 {has} 积分，换{}要 {} 积分。", gift.worth, gift.points));
    }
    customer.points -= gift.points;
    customer.expiring = (customer.expiring - gift.points).max(0);
    let left = customer.points;
    // A point is worth a fen where it is exchanged for credit; only things are sent by post.
    let days = match gift.id.split('_').next() {
        Some("credit") => {
            books.line(caller, caller)?.balance_fen += gift.points;
            0
        }
        Some("data") => {
            books.line(caller, caller)?.used_mb -= 1_024;
            0
        }
        Some("video") => 0,
        Some(_) | None => 7,
    };
    Ok(json!({"left": left, "days": days}))
}
