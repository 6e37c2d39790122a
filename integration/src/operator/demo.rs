//! The customers that the operator begins with: each stands in another place that callers may stand in.
//!
//! Plans and add-ons are chosen by price and kind from what is for sale. Besides them every number that
//! begins with [`CROWD`] is a plain customer, made when they first call, for load.

use jiff::ToSpan;

use super::books::{Books, Contract, Customer, Home, Line, Status, Subscription, Ticket, today};

/// Numbers that begin so, eleven digits in all, belong to one plain customer each.
pub(super) const CROWD: &str = "1860001";

/// A line as it begins.
struct Start<'a> {
    number: &'a str,
    plan_fen: i64,
    balance_fen: i64,
    /// Below zero: used beyond the plan.
    left_mb: i64,
    status: Status,
}

fn active(number: &str, plan_fen: i64, balance_fen: i64, left_mb: i64) -> Start<'_> {
    Start { number, plan_fen, balance_fen, left_mb, status: Status::Active }
}

pub(super) fn fill(books: &mut Books) {
    family(books);
    in_debt(books);
    under_contract(books);
    elderly(books);
    student(books);
}

/// Makes the customer of a crowd number on the first call.
pub(super) fn open(books: &mut Books, caller: &str) {
    let digits = caller.len() == 11 && caller.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || !caller.starts_with(CROWD) || books.lines.contains_key(caller) {
        return;
    }
    let owner = customer(books, "清听用户", "三星用户", 1_500);
    add(books, owner, active(caller, 5_900, 10_000, 8_192));
}

/// Several numbers, broadband, add-ons; the second number is the mother's, the third nearly out of money.
fn family(books: &mut Books) {
    let owner = customer(books, "林女士", "五星用户", 2_680);
    add(books, owner, active("18600001234", 5_900, 8_640, 12_698));
    add(books, owner, active("18600005678", 1_900, 4_350, 3_072));
    add(books, owner, active("13700002468", 2_900, 120, 512));
    subscribe(books, "18600001234", "video_member");
    subscribe(books, "18600001234", "missed_call");
    subscribe(books, "18600005678", "paper");
    books.customers[owner].expiring = 300;
    home(books, owner, 300, "清河区文昌路18号", 14);
    let id = books.serial();
    let opened = today().saturating_sub(3.days());
    books.tickets.push(Ticket {
        id,
        customer: owner,
        title: "信号报修",
        status: "已经派给网络部门",
        opened,
    });
}

fn in_debt(books: &mut Books) {
    let owner = customer(books, "陈先生", "三星用户", 420);
    let start = active("18600002233", 4_900, -2_350, 0);
    add(books, owner, Start { status: Status::Stopped, ..start });
}

/// Months to go on the line and on the broadband; one number is reported lost.
fn under_contract(books: &mut Books) {
    let owner = customer(books, "赵女士", "四星用户", 5_200);
    add(books, owner, active("18600003344", 12_900, 15_800, 61_440));
    let start = active("18600003355", 2_900, 1_000, 2_048);
    add(books, owner, Start { status: Status::Lost, ..start });
    home(books, owner, 500, "东湖区听涛苑3栋", 9);
    let ends = today().saturating_add(9.months());
    let contract =
        Contract { name: "两年购机合约", ends, least_fen: 8_900, penalty_fen: 54_000 };
    if let Some(line) = books.lines.get_mut("18600003344") {
        line.contract = Some(contract);
    }
}

fn elderly(books: &mut Books) {
    let owner = customer(books, "孙女士", "二星用户", 120);
    add(books, owner, active("18600004455", 800, 500, 150));
}

/// All data used, broadband past its contract and off line, a number suspended.
fn student(books: &mut Books) {
    let owner = customer(books, "周先生", "三星用户", 7_300);
    add(books, owner, active("18600005566", 3_900, 6_000, -1_024));
    let start = active("18600005577", 800, 3_000, 200);
    add(books, owner, Start { status: Status::Suspended, ..start });
    subscribe(books, "18600005566", "ringback");
    home(books, owner, 200, "学府路66号", -1);
    if let Some(home) = &mut books.customers[owner].home {
        home.is_online = false;
    }
}

fn customer(books: &mut Books, holder: &str, level: &'static str, points: i64) -> usize {
    let customer =
        Customer { holder: holder.into(), level, points, card_tail: "8866", ..Customer::default() };
    books.customers.push(customer);
    books.customers.len() - 1
}

fn add(books: &mut Books, owner: usize, start: Start<'_>) {
    let plan = books.market.plan_near(start.plan_fen).clone();
    let line = Line {
        balance_fen: start.balance_fen,
        status: start.status,
        used_mb: (plan.data_mb - start.left_mb).max(0),
        used_minutes: plan.minutes / 3,
        used_messages: plan.messages / 5,
        ..plain(owner, start.number, &plan.id)
    };
    books.customers[owner].numbers.push(start.number.into());
    books.lines.insert(start.number.into(), line);
}

/// A line of which nothing is used yet.
pub(super) fn plain(owner: usize, number: &str, plan: &str) -> Line {
    let tail: u64 = number.bytes().fold(7, |sum, byte| (sum * 31 + u64::from(byte)) % 99_999_989);
    Line {
        number: number.into(),
        owner,
        city: "清河",
        since: today().saturating_sub(4.years()),
        status: Status::Active,
        balance_fen: 0,
        plan: plan.into(),
        next_plan: None,
        subscriptions: Vec::new(),
        contract: None,
        used_mb: 0,
        used_minutes: 0,
        used_messages: 0,
        extra_fen: 0,
        puk: format!("{tail:08}"),
        new_sim: None,
        transfer: None,
        forward_to: None,
        is_guarded: false,
        roaming: Default::default(),
        invoiced: Default::default(),
    }
}

fn subscribe(books: &mut Books, number: &str, addon: &str) {
    let is_sold = books.market.addon(addon).is_some();
    let since = today().saturating_sub(2.months());
    if let (true, Some(line)) = (is_sold, books.lines.get_mut(number)) {
        let addon = addon.into();
        line.subscriptions.push(Subscription { addon, since, ends: false, is_fresh: false });
    }
}

fn home(books: &mut Books, owner: usize, mbps: i64, place: &str, months_left: i64) {
    let product = books.market.broadband_near(mbps).id.clone();
    books.customers[owner].home = Some(Home {
        product,
        place: place.into(),
        network: format!("QingTing-{}", 1_000 + owner),
        devices: 6,
        is_online: true,
        has_tv: true,
        expires: today().saturating_add(months_left.months()),
    });
}
