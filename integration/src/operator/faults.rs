//! Slowness and faults on purpose, switched over HTTP while the operator runs.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};

/// The longest delay that may be asked for, in milliseconds.
const MAX_DELAY_MS: u64 = 600_000;

/// What goes wrong, and for which paths.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Faults {
    /// Every matching request waits so long before anything is done.
    delay_ms: u64,
    /// How many matching requests go wrong; all of them when unsaid.
    fail_next: Option<u32>,
    /// Refused with this status, before any effect; 503 where only `fail_next` is said.
    status: Option<u16>,
    /// The connection is cut, before any effect.
    drop_connection: bool,
    /// The order takes effect, and the answer never comes.
    hang_after_effect: bool,
    /// Only paths that begin so; `/admin` never goes wrong.
    path_prefix: String,
}

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Served,
    Refused(u16),
    Cut,
    Hung,
}

impl Faults {
    /// What is wrong with these faults, if anything.
    pub(super) fn problem(&self) -> Option<String> {
        if self.delay_ms > MAX_DELAY_MS {
            return Some(format!("delay_ms is at most {MAX_DELAY_MS}"));
        }
        if self.status.is_some_and(|status| !(400..=599).contains(&status)) {
            return Some("status is between 400 and 599".into());
        }
        let ways = [self.status.is_some(), self.drop_connection, self.hang_after_effect];
        (ways.iter().filter(|way| **way).count() > 1)
            .then(|| "write one of status, drop_connection and hang_after_effect".into())
    }

    fn fate(&mut self) -> Fate {
        let fate = match (self.drop_connection, self.hang_after_effect, self.status) {
            (true, _, _) => Fate::Cut,
            (_, true, _) => Fate::Hung,
            (_, _, Some(status)) => Fate::Refused(status),
            (_, _, None) if self.fail_next.is_some() => Fate::Refused(503),
            (_, _, None) => Fate::Served,
        };
        match &mut self.fail_next {
            None => fate,
            Some(0) => Fate::Served,
            Some(left) => {
                *left -= 1;
                fate
            }
        }
    }
}

/// The faults in force.
#[derive(Debug, Default)]
pub(super) struct Switch(Mutex<Faults>);

impl Switch {
    pub(super) fn set(&self, faults: Faults) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = faults;
    }

    pub(super) fn get(&self) -> Faults {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What happens to the next request for `path`, and how long it waits before.
    pub(super) fn take(&self, path: &str) -> (Duration, Fate) {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if path.starts_with("/admin") || !path.starts_with(&faults.path_prefix) {
            return (Duration::ZERO, Fate::Served);
        }
        (Duration::from_millis(faults.delay_ms), faults.fate())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(faults: &str, expected: &[Fate]) {
        let switch = Switch::default();
        switch.set(serde_json::from_str(faults).expect(faults));
        let fates: Vec<_> = expected.iter().map(|_| switch.take("/v1/plans").1).collect();
        assert_eq!(fates, expected, "{faults}");
        assert_eq!(switch.take("/admin/orders").1, Fate::Served, "{faults}");
    }

    #[test]
    fn faults_befall_as_many_requests_as_were_asked_for() {
        check("{}", &[Fate::Served, Fate::Served]);
        check(r#"{"fail_next":1}"#, &[Fate::Refused(503), Fate::Served]);
        check(r#"{"status":429}"#, &[Fate::Refused(429), Fate::Refused(429)]);
        check(r#"{"drop_connection":true,"fail_next":1}"#, &[Fate::Cut, Fate::Served]);
        check(r#"{"hang_after_effect":true}"#, &[Fate::Hung, Fate::Hung]);
        check(r#"{"status":500,"path_prefix":"/v1/customers"}"#, &[Fate::Served]);
    }

    #[test]
    fn impossible_faults_are_named() {
        for wrong in [
            r#"{"status":200}"#,
            r#"{"delay_ms":99999999999}"#,
            r#"{"status":500,"drop_connection":true}"#,
        ] {
            let faults: Faults = serde_json::from_str(wrong).expect(wrong);
            assert!(faults.problem().is_some(), "{wrong}");
        }
    }
}
