//! Orders: what changes the books, each one whole or not at all.

pub(super) mod broadband;
mod money;
mod number;
mod service;
mod ticket;

use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::books::{Books, No, Outcome};

/// Fees besides what the knowledge prices, in fen; an order that names another one is refused.
const SIM_FEE: i64 = 1_000;
const SUSPENSION_FEE: i64 = 500;
const FAMILY_FEE: i64 = 1_000;
const MOVE_FEE: i64 = 5_000;

/// Carries out what was ordered for a caller.
pub(super) fn carry_out(books: &mut Books, caller: &str, what: &str, body: &Json) -> Outcome {
    let (group, act) = what.split_once('/').unwrap_or((what, ""));
    match group {
        "top-ups" | "invoices" | "points" => money::carry_out(books, caller, what, body),
        "plan" | "addons" | "family" | "roaming" | "forwarding" | "ringback" | "blocking"
        | "settings" => service::carry_out(books, caller, (group, act), body),
        "sim" | "loss" | "suspension" | "resumption" | "closure" | "lines" | "transfer"
        | "port-in" | "password" => number::carry_out(books, caller, (group, act), body),
        "broadband" => broadband::carry_out(books, caller, act, body),
        "tickets" => ticket::carry_out(books, caller, act, body),
        _ => no_order(what),
    }
}

fn no_order(what: &str) -> Outcome {
    Err(No::Bad(format!("no order `{what}`")))
}

/// The particulars of an order.
fn particulars<T: DeserializeOwned>(body: &Json) -> Result<T, No> {
    T::deserialize(body).map_err(|cause| No::Bad(cause.to_string()))
}

/// The fee that an order names must be the one that is taken.
fn agreed(fee_fen: i64, named_fen: i64) -> Result<(), No> {
    match fee_fen == named_fen {
        true => Ok(()),
        false => Err(No::Bad(format!("the fee is {fee_fen} fen, not {named_fen}"))),
    }
}

/// A mobile number as it is dialled in the country.
fn mobile(number: &str) -> Result<(), No> {
    let digits = number.len() == 11 && number.bytes().all(|byte| byte.is_ascii_digit());
    match digits && number.starts_with('1') {
        true => Ok(()),
        false => super::books::rule("这个号码不对，手机号码是十一位的。"),
    }
}
