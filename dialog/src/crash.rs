//! Points at which a test may kill the process, to show that nothing is lost there.
//!
//! `QINGTING_CRASH_AT=order_sent` aborts at that point. The points are `turn_loaded`, `order_saved`,
//! `order_opened`, `order_sent`, `order_closed` and `turn_saved`.

use std::sync::LazyLock;

static AT: LazyLock<Option<String>> = LazyLock::new(|| std::env::var("QINGTING_CRASH_AT").ok());

/// Aborts the process when the environment names this point.
pub fn point(name: &str) {
    if AT.as_deref() == Some(name) {
        std::process::abort();
    }
}
