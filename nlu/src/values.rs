//! Values in a text: numbers, money, data volume, months, dates, phone numbers, digits, yes and no.
//!
//! [`find_all`] reads free speech and is strict: a value needs its unit or its cue, so that the "一" of
//! 一下 is none. [`find_kind`] reads the answer to a question and is lenient. Both are pure; what an
//! operator sells is linked elsewhere, and a correction inside one utterance ("不对，是三十") is left to
//! whoever knows the question: all values come back.

mod count;
mod data;
mod date;
mod digits;
mod idioms;
mod money;
mod month;
mod numbers;
mod phone;
mod scene;
mod yes_no;

use std::{fmt, ops::Range};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub use month::Month;
pub use phone::{Part, Phone};

use crate::Text;
use scene::Scene;

/// What a value is a value of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A phone number or a part of one.
    Phone,
    /// An amount of money.
    Money,
    /// A volume of data.
    Data,
    /// A calendar month.
    Month,
    /// A day.
    Date,
    /// How many, or how long.
    Count,
    /// Digits that mean nothing but themselves.
    Digits,
    /// Yes or no.
    YesNo,
}

impl Kind {
    const ALL: [(Self, &str); 8] = [
        (Self::Phone, "phone"),
        (Self::Money, "money"),
        (Self::Data, "data"),
        (Self::Month, "month"),
        (Self::Date, "date"),
        (Self::Count, "count"),
        (Self::Digits, "digits"),
        (Self::YesNo, "yes_no"),
    ];

    /// The kind with this id.
    pub fn parse(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, it)| *it == id).map(|(kind, _)| kind)
    }
}

/// A value. Numbers that may be a customer's print as `***`.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// A phone number or a part of one.
    Phone(Phone),
    /// An amount of money.
    Money {
        /// In hundredths of a yuan.
        fen: i64,
    },
    /// A volume of data.
    Data {
        /// In megabytes, 1,024 to a gigabyte.
        mb: i64,
    },
    /// A calendar month.
    Month(Month),
    /// A day.
    Date(Date),
    /// How many, or how long.
    Count {
        /// How many; always above zero.
        n: i64,
        /// Of what: a measure word or a unit of time (个, 张, 次, 个月, 天, 分钟).
        unit: String,
    },
    /// Digits that mean nothing but themselves.
    Digits(String),
    /// Yes or no.
    YesNo(bool),
}

impl Value {
    /// What it is a value of.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Phone(_) => Kind::Phone,
            Self::Money { .. } => Kind::Money,
            Self::Data { .. } => Kind::Data,
            Self::Month(_) => Kind::Month,
            Self::Date(_) => Kind::Date,
            Self::Count { .. } => Kind::Count,
            Self::Digits(_) => Kind::Digits,
            Self::YesNo(_) => Kind::YesNo,
        }
    }

    /// The one way to write it: "18600001234", "186*", "*1234", fen, megabytes, "2026-11",
    /// "2026-11-03", "3个", digits, "yes".
    pub fn canonical(&self) -> String {
        match self {
            Self::Phone(phone) => phone.canonical(),
            Self::Money { fen } => fen.to_string(),
            Self::Data { mb } => mb.to_string(),
            Self::Month(month) => month.to_string(),
            Self::Date(date) => date.to_string(),
            Self::Count { n, unit } => format!("{n}{unit}"),
            Self::Digits(digits) => digits.clone(),
            Self::YesNo(yes) => if *yes { "yes" } else { "no" }.into(),
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind();
        match kind {
            Kind::Phone | Kind::Digits => write!(f, "{kind:?}(***)"),
            Kind::Money | Kind::Data | Kind::Month | Kind::Date | Kind::Count | Kind::YesNo => {
                write!(f, "{kind:?}({})", self.canonical())
            }
        }
    }
}

/// A value and the words for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// What was said.
    pub value: Value,
    /// Where, in characters of [`Text::normal`]; never empty.
    pub span: Range<usize>,
}

/// All values in free speech, in order of appearance; spans of different kinds may overlap.
///
/// A month without a year is the latest such month not after `today`; a day without a month the next
/// such day from `today` on; a day with its month but no year the nearest such day.
pub fn find_all(text: &Text, today: Date) -> Vec<Found> {
    let scene = Scene::new(text, today);
    let mut found: Vec<Found> = Kind::ALL
        .into_iter()
        .filter(|(kind, _)| *kind != Kind::Digits)
        .flat_map(|(kind, _)| strict(&scene, kind))
        .collect();
    found.sort_by_key(|it| (it.span.start, std::cmp::Reverse(it.span.end)));
    let digits = scene::without_overlaps(digits::strict(&scene), &found);
    found.extend(digits);
    found.sort_by_key(|it| (it.span.start, std::cmp::Reverse(it.span.end)));
    found
}

/// Values of a kind that was asked for, best first: those that free speech would show, then those that
/// only the question makes sense of ("十一" for a month, "186" for a number, "五十" for money).
pub fn find_kind(text: &Text, kind: Kind, today: Date) -> Vec<Found> {
    let scene = Scene::new(text, today);
    let mut found = strict(&scene, kind);
    let more = scene::without_overlaps(lenient(&scene, kind), &found);
    found.extend(more);
    found
}

fn strict(scene: &Scene<'_>, kind: Kind) -> Vec<Found> {
    match kind {
        Kind::Phone => phone::strict(scene),
        Kind::Money => money::strict(scene),
        Kind::Data => data::strict(scene),
        Kind::Month => month::strict(scene),
        Kind::Date => date::strict(scene),
        Kind::Count => count::strict(scene),
        Kind::Digits => digits::strict(scene),
        Kind::YesNo => yes_no::strict(scene),
    }
}

fn lenient(scene: &Scene<'_>, kind: Kind) -> Vec<Found> {
    match kind {
        Kind::Phone => phone::lenient(scene),
        Kind::Money => money::lenient(scene),
        Kind::Data => data::lenient(scene),
        Kind::Month => month::lenient(scene),
        Kind::Date => date::lenient(scene),
        Kind::Count => count::lenient(scene),
        Kind::Digits => digits::lenient(scene),
        Kind::YesNo => yes_no::lenient(scene),
    }
}

#[cfg(test)]
mod table;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_found_by_its_id_and_no_other() {
        for (kind, id) in Kind::ALL {
            assert_eq!(Kind::parse(id), Some(kind));
            assert_eq!(serde_json::to_value(kind).expect("a kind is a string"), id);
        }
        assert_eq!(Kind::parse("Phone"), None);
    }

    #[test]
    fn values_survive_serde() {
        let text = Text::new("尾号1234的，上个月三号，两百块，五个g，九月，三张，验证码4271，对");
        let found = find_all(&text, table::TODAY);
        assert!(found.len() >= 7, "{found:?}");
        for Found { value, .. } in found {
            let json = serde_json::to_string(&value).expect("it serialises");
            assert_eq!(serde_json::from_str::<Value>(&json).expect("it reads back"), value);
        }
    }

    #[test]
    fn numbers_of_customers_are_not_printed() {
        for found in find_all(&Text::new("18600001234，验证码427193"), table::TODAY) {
            let printed = format!("{found:?}");
            assert!(printed.contains("***") && !printed.contains("1234"), "{printed}");
        }
    }

    #[test]
    fn kinds_do_not_take_each_others_words() {
        let said = "我186那个号十一月扣了五十块，流量还剩300兆，给我充两百块办一张副卡，三号生效";
        let text = Text::new(said);
        let found: Vec<String> = find_all(&text, table::TODAY)
            .into_iter()
            .map(|it| format!("{:?} {}", it.value.kind(), text.raw_slice(it.span)))
            .collect();
        let expected = [
            "Phone 186",
            "Month 十一月",
            "Money 五十块",
            "Data 300兆",
            "Money 两百块",
            "Count 一张",
            "Date 三号",
        ];
        assert_eq!(found, expected);
    }
}
