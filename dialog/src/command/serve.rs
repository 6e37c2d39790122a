//! `qingting serve`: everything real, until SIGTERM, and then nothing lost.

use std::{net::SocketAddr, process::ExitCode, sync::Arc, time::Duration};

use sqlx::PgPool;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::Semaphore,
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic_health::{ServingStatus, server::HealthReporter};
use tracing::{info, warn};

use super::open::{self, Model, Simulated};
use crate::{
    backend::{Orders, http::Http},
    catalogue::{Catalogue, Pack, postgres},
    clock::Clock,
    config::Settings,
    grpc::Service,
    health, http,
    journal::drain,
    ledger,
    release::{Archive, Releases},
    session::redis::Redis,
    telemetry,
    turn::Turns,
};

pub(super) const EXAMPLE: &str = "Example:
  $ qingting serve
  $ REDIS_URL=redis://127.0.0.1/ DATABASE_URL=postgres://me@127.0.0.1/calls qingting serve --listen 0.0.0.0:7410

Without REDIS_URL or DATABASE_URL a private store is started beside, whose data lie in stores.folder.
gRPC (qingting.v1, health, reflection), JSON (/v1/turn, /v1/parse, /v1/converse), /healthz, /readyz and
/metrics share one port.";

/// Between two looks at the parts' health.
const HEALTH_PERIOD: Duration = Duration::from_secs(5);

/// Name under which gRPC health speaks of the whole service.
const SERVICE: &str = "qingting.v1.Qingting";

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Address to listen on, instead of serve.listen of the settings.
    #[arg(long)]
    listen: Option<SocketAddr>,
}

pub(super) async fn run(settings: &Settings, options: Options) -> Result<ExitCode, String> {
    let telemetry = telemetry::start(&settings.telemetry)?;
    let listen = options.listen.unwrap_or(settings.serve.listen);
    let listener = TcpListener::bind(listen).await.map_err(|error| {
        format!("cannot listen on {listen}: {error}: name another address with --listen")
    })?;
    let stores = open::stores(&settings.stores).await?;
    let done = with_stores(settings, &stores, listener, &telemetry).await;
    stores.stop().await;
    done.map(|()| ExitCode::SUCCESS)
}

async fn with_stores(
    settings: &Settings,
    stores: &open::Stores,
    listener: TcpListener,
    telemetry: &telemetry::Guard,
) -> Result<(), String> {
    let pool = stores.pool(&settings.stores).await?;
    let redis = stores.redis(&settings.stores).await?;
    let model = open::model(&settings.model)?;
    let operator = operator(settings).await?;
    let releases = releases(settings, &pool, &model).await?;
    let turns = turns(settings, releases, &pool, &redis, operator.url())?;
    let stop = CancellationToken::new();
    let drained = CancellationToken::new();
    let archive = drain::Postgres { pool, timeout: settings.stores.postgres_timeout };
    let draining = tokio::spawn(drain::run(redis, archive, drained.clone()));

    let (reporter, health_service) = tonic_health::server::health_reporter();
    let watching = tokio::spawn(watch_health(turns.clone(), reporter.clone(), stop.clone()));
    let service = Service::new(turns.clone(), settings, stop.clone());
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(proto::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()
        .map_err(|error| format!("reflection: {error}"))?;
    let routes = Routes::new(service.clone().into_server())
        .add_service(health_service)
        .add_service(reflection)
        .prepare()
        .into_axum_router()
        .merge(http::routes(service.clone(), telemetry.metrics.clone()))
        // tonic's own fallback answers every unknown path with 200.
        .fallback(http::nowhere);
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    println!("serving on {address}");
    let (streams, patience) = (settings.limits.streams, settings.serve.drain_timeout);
    let serving = tokio::spawn(http::serve(listener, routes, streams, stop.clone(), patience));

    stopped().await;
    info!("draining");
    let until = Instant::now() + patience;
    stop.cancel();
    stops_serving(&reporter).await;
    let _ = serving.await;
    finish_turns(&turns, settings, until).await;
    if tokio::time::timeout_at(until, service.streams_ended()).await.is_err() {
        warn!("streams cut: their clients go on with another server");
    }
    drained.cancel();
    let _ = tokio::join!(draining, watching);
    info!("stopped");
    Ok(())
}

/// Waits for turns that go on although nobody waits for them any more.
async fn finish_turns(turns: &Turns, settings: &Settings, until: Instant) {
    let all = u32::try_from(settings.limits.turns).unwrap_or(u32::MAX);
    let finished = turns.room.acquire_many(all);
    if tokio::time::timeout_at(until, finished).await.is_err() {
        warn!("turns cut: they go on with the next event of their call");
    }
}

/// Until SIGTERM or SIGINT.
pub(super) async fn stopped() {
    let (Ok(mut term), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// Where the operator's systems are; a simulated one lives as long as this.
pub(super) enum Operator {
    Real(String),
    Simulated(Simulated),
}

impl Operator {
    pub(super) fn url(&self) -> &str {
        match self {
            Self::Real(url) => url,
            Self::Simulated(simulated) => &simulated.url,
        }
    }
}

pub(super) async fn operator(settings: &Settings) -> Result<Operator, String> {
    if settings.operator.url.is_empty() {
        info!("operator.url is not set: a simulated operator is started beside");
        return open::operator(&settings.pack.folder).await.map(Operator::Simulated);
    }
    Ok(Operator::Real(settings.operator.url.clone()))
}

/// The release that is live in Postgres; the pack's files the first time.
async fn releases(settings: &Settings, pool: &PgPool, model: &Model) -> Result<Releases, String> {
    let tenant = &settings.serve.tenant;
    let pack = match postgres::export(pool, tenant, None).await {
        Ok(pack) => pack,
        Err(postgres::Error::Missing(_)) => {
            let pack = open::pack(&settings.pack.folder)?;
            let name = Catalogue::parse(&pack).map_err(|error| error.to_string())?.name;
            let kept = postgres::import(pool, tenant, &name, &pack).await;
            kept.map_err(|error| error.to_string())?;
            info!(folder = %settings.pack.folder.display(), "pack imported: it was the first");
            pack
        }
        Err(error) => return Err(error.to_string()),
    };
    warn_of_other_files(settings, &pack);
    let live = open::release(&pack, model).await?;
    metrics::gauge!(telemetry::RELEASE, "release" => live.id.clone()).set(1.0);
    info!(release = live.id, device = model.engine.device(), "ready to understand");
    let archive =
        Archive { pool: pool.clone(), tenant: tenant.clone(), cache: model.cache.clone() };
    Ok(Releases::new(model.engine.clone(), live, Some(archive)))
}

/// Who edited the files and forgot to import them is told so.
fn warn_of_other_files(settings: &Settings, live: &Pack) {
    let folder = &settings.pack.folder;
    if Pack::read(folder).is_ok_and(|files| files.fingerprint() != live.fingerprint()) {
        warn!(folder = %folder.display(), "these files are not what is live: `qingting import` makes them live");
    }
}

fn turns(
    settings: &Settings,
    releases: Releases,
    pool: &PgPool,
    redis: &Redis,
    operator: &str,
) -> Result<Turns, String> {
    let ledger = ledger::postgres::Postgres::new(pool.clone(), settings.stores.postgres_timeout);
    let backend: Arc<dyn crate::backend::Backend> = Arc::new(Http::new(operator)?);
    Ok(Turns {
        releases: Arc::new(releases),
        store: Arc::new(redis.clone()),
        orders: Orders::new(Arc::new(ledger), Arc::clone(&backend)),
        backend,
        room: Arc::new(Semaphore::new(settings.limits.turns)),
        clock: Clock::of(&settings.serve.time_zone)?,
    })
}

/// Keeps gRPC health and the metrics true, part by part.
async fn watch_health(turns: Turns, reporter: HealthReporter, stop: CancellationToken) {
    let mut ill: Vec<&'static str> = Vec::new();
    while !stop.is_cancelled() {
        let parts = health::probe(&turns).await;
        if stop.is_cancelled() {
            break;
        }
        let well = parts.iter().all(|part| part.error.is_none());
        for part in &parts {
            let up = part.error.is_none();
            metrics::gauge!(telemetry::PART_UP, "part" => part.name).set(f64::from(u8::from(up)));
            reporter.set_service_status(part.name, serving(up)).await;
            match &part.error {
                Some(error) if !ill.contains(&part.name) => {
                    warn!(part = part.name, error, "a part is ill");
                }
                None if ill.contains(&part.name) => info!(part = part.name, "a part is well again"),
                Some(_) | None => {}
            }
        }
        reporter.set_service_status("", serving(well)).await;
        reporter.set_service_status(SERVICE, serving(well)).await;
        ill = parts.iter().filter(|it| it.error.is_some()).map(|it| it.name).collect();
        let _ = tokio::time::timeout(HEALTH_PERIOD, stop.cancelled()).await;
    }
    // A look that was under way when the server stopped may have called it well.
    stops_serving(&reporter).await;
}

async fn stops_serving(reporter: &HealthReporter) {
    reporter.set_service_status("", ServingStatus::NotServing).await;
    reporter.set_service_status(SERVICE, ServingStatus::NotServing).await;
}

fn serving(up: bool) -> ServingStatus {
    if up { ServingStatus::Serving } else { ServingStatus::NotServing }
}
