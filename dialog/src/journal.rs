//! The record of turns: appended with the save of the session, drained into Postgres.
//!
//! Draining is idempotent by tenant, call and turn, so it may be repeated and cut at any point. Numbers of
//! customers are masked before an entry is made.

pub mod drain;

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// One turn, as it is remembered.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Whose catalogue.
    pub tenant: String,
    /// The call.
    pub call: String,
    /// The turn, from 1.
    pub turn: u64,
    /// When it ended.
    pub at: jiff::Timestamp,
    /// The release that understood it.
    pub release: String,
    /// Kind of event: `open`, `speech`, `digits`, `silence`, `hang_up`.
    pub event: String,
    /// What the customer said, digits masked.
    pub text: String,
    /// Intent id; empty when nothing was said.
    pub intent: String,
    /// Its probability.
    pub confidence: f32,
    /// Dialogue act id, or empty.
    pub act: String,
    /// Why it was refused, or empty.
    pub reason: String,
    /// What the customer heard, digits masked.
    pub replies: Vec<String>,
    /// Key of the order placed in this turn, or empty.
    pub order_key: String,
    /// How the turn left the call: `listening`, `handed_off`, `ended`.
    pub outcome: String,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { call, turn, event, intent, order_key, outcome, .. } = self;
        write!(f, "Entry({call}/{turn}, {event}, ***, {intent}, {order_key}, {outcome})")
    }
}

/// Why the journal was not drained.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Redis or Postgres does not answer: entries stay where they are, try again later.
    #[error("the journal cannot be drained now: {0}")]
    Unreachable(String),
}

/// Where entries go for good.
#[async_trait]
pub trait Archive: Send + Sync {
    /// Stores entries that are not stored yet; says how many were new.
    async fn keep(&self, entries: &[Entry]) -> Result<u64, Error>;
}

/// Replaces every run of four or more digits, written or spoken, by asterisks. U+0000, which no database
/// keeps as text, becomes U+FFFD: one such entry would stop all behind it.
pub fn mask(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut run = String::new();
    for c in text.chars().chain(['\0']) {
        if is_digit(c) || (!run.is_empty() && matches!(c, ' ' | '-' | ',' | '，') && run.len() < 64)
        {
            run.push(c);
            continue;
        }
        flush(&mut out, &run);
        run.clear();
        out.push(if c == '\0' { char::REPLACEMENT_CHARACTER } else { c });
    }
    out.pop();
    out
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
        || matches!(c, '０'..='９')
        || "零〇一二三四五六七八九幺两壹贰叁肆伍陆柒捌玖洞拐".contains(c)
}

fn flush(out: &mut String, run: &str) {
    let hide = run.chars().filter(|c| is_digit(*c)).count() >= 4;
    out.extend(run.chars().map(|c| if hide && is_digit(c) { '*' } else { c }));
}

#[cfg(test)]
mod tests {
    use super::mask;

    #[test]
    fn numbers_of_customers_are_masked_written_and_spoken() {
        for (said, kept) in [
            ("我是18612345678", "我是***********"),
            ("幺八六 零零幺二 三四五六。", "*** **** ****。"),
            ("尾号１２３４", "尾号****"),
            ("三十九块的套餐", "三十九块的套餐"),
            ("1234", "****"),
            ("查\0话费", "查\u{fffd}话费"),
            ("", ""),
        ] {
            assert_eq!(mask(said), kept, "{said}");
        }
    }
}
