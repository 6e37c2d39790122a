//! Tickets: fault reports, complaints and requests that people work on.

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::{no_order, particulars};
use crate::operator::{
    books::{Books, Line, No, Outcome, Status, Ticket, already, rule, today, unknown},
    market::yuan,
};

/// Kind, title, and within how many hours the customer hears of it.
const KINDS: &[(&str, &str, u8)] = &[
    ("dispute_charge", "扣费核查", 48),
    ("top_up_missing", "充值核查", 24),
    ("unwanted_subscription", "业务开通核查", 48),
    ("mobile_signal", "信号报修", 48),
    ("mobile_data_fault", "手机上网报修", 24),
    ("sms_fault", "短信报修", 24),
    ("report_fraud", "诈骗举报", 24),
    ("broadband_fault", "宽带报修", 24),
    ("iptv", "电视报修", 24),
    ("complain_service", "服务投诉", 24),
    ("complain_marketing", "营销投诉", 48),
    ("app_issue", "App 问题", 48),
    ("praise_suggest", "表扬和建议", 72),
];

const WITHDRAWN: &str = "已经撤回";

pub(super) fn carry_out(books: &mut Books, caller: &str, act: &str, body: &Json) -> Outcome {
    match act {
        "" => open(books, caller, &particulars(body)?),
        "withdraw" => withdraw(books, caller),
        _ => no_order(act),
    }
}

/// What people need to know; all but the kind may be unsaid.
#[expect(dead_code, reason = "only its types are checked here; the order list shows it to people")]
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Report {
    kind: String,
    number: Option<String>,
    addon: Option<String>,
    amount_fen: Option<i64>,
    month: Option<String>,
    date: Option<String>,
    place: Option<String>,
    suspect: Option<String>,
    contact: Option<String>,
}

fn open(books: &mut Books, caller: &str, report: &Report) -> Outcome {
    let Some((kind, title, hours)) = KINDS.iter().find(|(kind, _, _)| *kind == report.kind) else {
        return Err(No::Bad(format!("no kind of ticket `{}`", report.kind)));
    };
    let owner = books.customer(caller)?;
    let line = books.line(caller, report.number.as_deref().unwrap_or(caller))?.clone();
    if let Some(addon) = &report.addon
        && books.market.addon(addon).is_none()
    {
        return unknown("没有查到这项业务。");
    }
    let finding = finding(books, owner, kind, &line)?;
    if *kind == "complain_marketing" {
        books.customers[owner].is_quiet = true;
    }
    let id = books.serial();
    let ticket = Ticket { id, customer: owner, title, status: "正在处理", opened: today() };
    books.tickets.push(ticket.clone());
    Ok(json!({"ticket": ticket.id, "hours": hours, "finding": finding}))
}

/// What can be seen at once; empty when nothing is wrong on the operator's side.
fn finding(books: &Books, owner: usize, kind: &str, line: &Line) -> Result<String, No> {
    match kind {
        "mobile_data_fault" if is_used_up(books, line) => Ok("本月的流量已经用完了".into()),
        "mobile_signal" | "mobile_data_fault" | "sms_fault" => Ok(status(line)),
        "broadband_fault" | "iptv" => {
            let Some(home) = &books.customers[owner].home else {
                return rule("您名下没有宽带，要报修别人家的，请用那家登记的号码打来。");
            };
            if kind == "iptv" && !home.has_tv {
                return rule("您家的宽带没有开通电视。");
            }
            let offline = "光猫现在不在线，可能断电了，或者光纤松了";
            Ok(if home.is_online { String::new() } else { offline.into() })
        }
        _ => Ok(String::new()),
    }
}

fn status(line: &Line) -> String {
    match line.status {
        Status::Active => String::new(),
        Status::Stopped => format!("这个号码欠费 {}，已经停机", yuan(-line.balance_fen)),
        Status::Lost | Status::Suspended | Status::Closing | Status::Shipping => {
            format!("这个号码现在是{}状态", line.status.words())
        }
    }
}

fn is_used_up(books: &Books, line: &Line) -> bool {
    let packs = line.subscriptions.iter().filter_map(|it| books.market.addon(&it.addon));
    let more: i64 = packs.map(|addon| addon.data_mb).sum();
    let plan = books.market.plan(&line.plan).map_or(0, |plan| plan.data_mb);
    line.used_mb >= plan + more
}

/// Withdraws the customer's last ticket.
fn withdraw(books: &mut Books, caller: &str) -> Outcome {
    let owner = books.customer(caller)?;
    match books.tickets.iter_mut().rev().find(|it| it.customer == owner) {
        Some(ticket) if ticket.status != WITHDRAWN => {
            ticket.status = WITHDRAWN;
            Ok(json!({"ticket": ticket.id, "title": ticket.title}))
        }
        Some(_) | None => already("没有可以撤回的单子。"),
    }
}
