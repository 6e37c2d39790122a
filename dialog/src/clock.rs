//! Which day it is, where the operator is.

use jiff::{Timestamp, civil::Date, tz::TimeZone};

/// Tells the day.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The day in this time zone.
    Zone(TimeZone),
    /// Always this day, so that a conversation can be replayed.
    Fixed(Date),
}

impl Clock {
    /// The clock of a time zone, such as `Asia/Shanghai`.
    ///
    /// # Errors
    /// What is wrong with the name, in one line.
    pub fn of(zone: &str) -> Result<Self, String> {
        let found = TimeZone::get(zone);
        found.map(Self::Zone).map_err(|error| format!("serve.time_zone `{zone}`: {error}"))
    }

    /// Today.
    pub fn today(&self) -> Date {
        match self {
            Self::Zone(zone) => zone.to_datetime(Timestamp::now()).date(),
            Self::Fixed(date) => *date,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_known_without_the_systems_database_and_others_are_refused() {
        assert!(Clock::of("Asia/Shanghai").is_ok());
        let error = Clock::of("Mars/Olympus").expect_err("no such zone");
        assert!(error.contains("serve.time_zone `Mars/Olympus`"), "{error}");
    }
}
