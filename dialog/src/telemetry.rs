//! Logs, metrics and traces, and every name in them, once.
//!
//! Customers' words never go into any of them.

use std::{
    io::IsTerminal as _,
    time::{Duration, Instant},
};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::WithExportConfig as _;
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use tracing_subscriber::{
    EnvFilter, Layer as _, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use crate::config::Telemetry;

/// Seconds of one turn, from event to outcome. Histogram.
pub const TURN_SECONDS: &str = "qingting_turn_seconds";
/// Turns that lost to another turn of the same call and began again. Counter.
pub const CONFLICTS: &str = "qingting_turn_conflicts_total";
/// Turns by `outcome`: `listening`, `handed_off`, `ended`, `replayed`, `overloaded`, `failed`. Counter.
pub const TURNS: &str = "qingting_turns_total";
/// Calls streamed now. Gauge.
pub const STREAMS: &str = "qingting_streams";
/// The live release, by `release`: 1. Gauge.
pub const RELEASE: &str = "qingting_release_info";
/// Whether a part of [`crate::health::PARTS`] works, by `part`: 1 or 0. Gauge.
pub const PART_UP: &str = "qingting_part_up";

/// Measures until it is dropped, into a histogram of seconds.
pub struct Stopwatch {
    name: &'static str,
    since: Instant,
}

impl Stopwatch {
    /// Begins now.
    pub fn new(name: &'static str) -> Self {
        Self { name, since: Instant::now() }
    }
}

impl Drop for Stopwatch {
    fn drop(&mut self) {
        metrics::histogram!(self.name).record(self.since.elapsed().as_secs_f64());
    }
}

/// What must live as long as the process, so that nothing measured is lost.
pub struct Guard {
    /// Renders `/metrics`.
    pub metrics: PrometheusHandle,
    traces: Option<SdkTracerProvider>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(traces) = &self.traces {
            let _ = traces.shutdown();
        }
    }
}

/// Begins logging to standard error, measuring, and tracing where a collector is named. It is called on
/// the runtime.
///
/// # Errors
/// What is wrong with the settings, in one line.
pub fn start(settings: &Telemetry) -> Result<Guard, String> {
    let filter = filter(&settings.log)?;
    let traces = match settings.otlp.as_str() {
        "" => None,
        endpoint => Some(exporter(endpoint)?),
    };
    let layer = traces.as_ref().map(|provider| {
        tracing_opentelemetry::layer().with_tracer(provider.tracer("qingting")).with_filter(
            tracing_subscriber::filter::Targets::new().with_target("dialog", tracing::Level::INFO),
        )
    });
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .with_filter(filter);
    tracing_subscriber::registry()
        .with(layer)
        .with(lines)
        .try_init()
        .map_err(|error| error.to_string())?;
    std::panic::set_hook(Box::new(|panic| {
        // A formatted message may quote what a customer said; one that stands in the source cannot.
        let message = panic.payload().downcast_ref::<&'static str>().copied().unwrap_or("***");
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, message, "a task broke off");
    }));
    let metrics = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), BUCKETS)
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(|error| format!("metrics: {error}"))?;
    let kept = metrics.clone();
    tokio::spawn(async move {
        let mut due = tokio::time::interval(UPKEEP);
        loop {
            due.tick().await;
            kept.run_upkeep();
        }
    });
    Ok(Guard { metrics, traces })
}

/// How often samples are counted into their buckets: those of a server that nobody scrapes would pile up.
const UPKEEP: Duration = Duration::from_secs(5);

/// Upper bounds in seconds: a turn takes milliseconds, an operator's system seconds.
const BUCKETS: &[f64] =
    &[0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Says what is wrong with the settings, and begins nothing. It is called on the runtime.
///
/// # Errors
/// What is wrong with the settings, in one line.
pub fn check(settings: &Telemetry) -> Result<(), String> {
    filter(&settings.log)?;
    if !settings.otlp.is_empty() {
        exporter(&settings.otlp)?;
    }
    Ok(())
}

fn filter(log: &str) -> Result<EnvFilter, String> {
    EnvFilter::try_new(log).map_err(|error| format!("telemetry.log `{log}`: {error}"))
}

fn exporter(endpoint: &str) -> Result<SdkTracerProvider, String> {
    if !endpoint.starts_with("http://") {
        return Err(format!("telemetry.otlp `{endpoint}`: write http://HOST:PORT of a collector"));
    }
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .build()
        .map_err(|error| format!("telemetry.otlp `{endpoint}`: {error}"))?;
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(Resource::builder().with_service_name("qingting").build())
        .build())
}
