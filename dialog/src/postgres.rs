//! The connection to Postgres, the schema, and the one way statements run.

use std::{future::Future, time::Duration};

use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

/// Opens a pool and brings the schema up to date.
///
/// # Errors
/// What failed, in one line.
pub async fn connect(url: &str, connections: u32, timeout: Duration) -> Result<PgPool, String> {
    let options: PgConnectOptions =
        url.parse().map_err(|error: sqlx::Error| format!("DATABASE_URL is no address: {error}"))?;
    let address = format!("{}:{}", options.get_host(), options.get_port());
    let pool = PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(timeout)
        .connect_with(options)
        .await
        .map_err(|error| match error {
            sqlx::Error::PoolTimedOut => format!("{address}: no connection in time"),
            other => format!("{address}: {other}"),
        })
        .map_err(|why| format!("Postgres cannot be reached: {why}"))?;
    sqlx::migrate!("../migrations")
        .run(&pool)
        .await
        .map_err(|error| format!("the schema cannot be brought up to date: {error}"))?;
    Ok(pool)
}

/// Runs a statement in a task of its own, so that a cancelled caller does not cut it, and waits for it
/// no longer than `timeout`.
///
/// # Errors
/// What failed; after a time-out the statement may still take effect.
pub async fn in_time<T: Send + 'static>(
    timeout: Duration,
    work: impl Future<Output = Result<T, sqlx::Error>> + Send + 'static,
) -> Result<T, String> {
    match tokio::time::timeout(timeout, tokio::spawn(work)).await {
        Ok(Ok(done)) => done.map_err(|error| error.to_string()),
        Ok(Err(_)) => Err("the statement broke off".into()),
        Err(_) => Err("no answer in time".into()),
    }
}
