//! How tables of spoken forms are checked: one line a case, all failures at once.

use jiff::civil::{Date, date};

use super::{Found, Kind, find_all, find_kind};
use crate::Text;

/// A Wednesday.
pub(super) const TODAY: Date = date(2026, 11, 18);

/// Each line: what is said, then for each value in it ` | canonical words`.
pub(super) fn strict(kind: Kind, table: &str) {
    check(table, |text| {
        find_all(text, TODAY).into_iter().filter(|it| it.value.kind() == kind).collect()
    });
}

/// As [`strict`], for a kind that was asked for.
pub(super) fn lenient(kind: Kind, table: &str) {
    check(table, |text| find_kind(text, kind, TODAY));
}

fn check(table: &str, find: impl Fn(&Text) -> Vec<Found>) {
    let mut wrong = String::new();
    let lines: Vec<&str> = table.lines().map(str::trim).filter(|it| !it.is_empty()).collect();
    assert!(!lines.is_empty(), "an empty table shows nothing");
    for line in lines {
        let said = line.split('|').next().unwrap_or_default().trim();
        let text = Text::new(said);
        let mut got = said.to_owned();
        for Found { value, span } in find(&text) {
            got += &format!(" | {} {}", value.canonical(), text.raw_slice(span));
        }
        if got != line {
            wrong += &format!("\nwanted {line}\n   got {got}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
