//! Accepts connections for gRPC, HTTP and WebSockets on one port, and drains them.
//!
//! hyper serves; what is ours is the loop: connections go on until the server stops, are then asked to end
//! after the requests under way, and are cut when the drain deadline passes (hyper 4170: some never end).

use std::time::Duration;

use axum::Router;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// A client that answers no ping for this long is gone.
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// Serves until `stop`, then lets requests under way finish, no longer than `drain`.
pub async fn serve(
    listener: TcpListener,
    routes: Router,
    streams: usize,
    stop: CancellationToken,
    drain: Duration,
) {
    let builder = builder(streams);
    let open = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let connection = match accepted {
            Ok((connection, _)) => connection,
            Err(error) => {
                // Out of file descriptors, mostly: others end soon.
                warn!(%error, "connection not accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let _ = connection.set_nodelay(true);
        let service = TowerToHyperService::new(routes.clone());
        let serving = builder.serve_connection_with_upgrades(TokioIo::new(connection), service);
        let watched = open.watch(serving.into_owned());
        tokio::spawn(async move {
            let _ = watched.await;
        });
    }
    drop(listener);
    if tokio::time::timeout(drain, open.shutdown()).await.is_err() {
        warn!("connections cut: they did not end in serve.drain_timeout");
    }
}

fn builder(streams: usize) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(KEEP_ALIVE);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE)
        .max_concurrent_streams(u32::try_from(streams).unwrap_or(u32::MAX));
    builder
}
