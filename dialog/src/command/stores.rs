//! `qingting stores`: a private Valkey and Postgres for whoever wants to look into them or test with them.

use std::{path::PathBuf, process::ExitCode};

use super::{open, serve::stopped};
use crate::config::Settings;

pub(super) const EXAMPLE: &str = "Example:
  $ qingting stores --folder /tmp/stores
  REDIS_URL=redis://:...@127.0.0.1:40123/
  DATABASE_URL=postgres://qingting:...@127.0.0.1:40124/postgres
  PIDS=4711 4712

They run until this command is ended.";

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Where they keep their data; without it stores.folder of the settings.
    #[arg(long)]
    folder: Option<PathBuf>,
}

pub(super) async fn run(settings: &Settings, options: Options) -> Result<ExitCode, String> {
    let mut stores = settings.stores.clone();
    stores.folder = options.folder.unwrap_or(stores.folder);
    let running = open::private(&stores).await?;
    println!("REDIS_URL={}", running.redis_url);
    println!("DATABASE_URL={}", running.postgres_url);
    let pids: Vec<String> = running.pids().iter().map(ToString::to_string).collect();
    println!("PIDS={}", pids.join(" "));
    stopped().await;
    running.stop().await;
    Ok(ExitCode::SUCCESS)
}
