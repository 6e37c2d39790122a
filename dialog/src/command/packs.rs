//! `qingting import` and `qingting export`: packs between files and Postgres.

use std::{path::PathBuf, process::ExitCode};

use super::open;
use crate::{
    catalogue::{Catalogue, postgres},
    config::Settings,
};

pub(super) const IMPORT_EXAMPLE: &str = "Example:
  $ qingting import packs/telecom
  telecom: 60 intents, 75 actions, 4423 examples
  live for tenant demo: 5b1f0c7e9a...

A broken pack is refused with file, line and what to write instead; nothing is imported then. Servers take
the new pack when they start; calls under way keep theirs.";

pub(super) const EXPORT_EXAMPLE: &str = "Example:
  $ qingting export /tmp/telecom && diff -r packs/telecom /tmp/telecom";

#[derive(Debug, clap::Args)]
pub(super) struct Import {
    /// Folder of the pack.
    #[arg(default_value = "packs/telecom")]
    folder: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(super) struct Export {
    /// Folder to write to; it must be empty or missing.
    folder: PathBuf,
    /// Id of the release; without it the live one.
    #[arg(long)]
    release: Option<String>,
}

pub(super) async fn import(settings: &Settings, options: Import) -> Result<ExitCode, String> {
    let pack = open::pack(&options.folder)?;
    let catalogue = Catalogue::parse(&pack).map_err(|error| error.to_string())?;
    let (intents, actions) = (catalogue.intents().count(), catalogue.actions().count());
    let examples = catalogue.examples.len();
    println!("{}: {intents} intents, {actions} actions, {examples} examples", catalogue.name);
    let stores = open::postgres(&settings.stores).await?;
    let tenant = &settings.serve.tenant;
    let done = match stores.pool(&settings.stores).await {
        Ok(pool) => postgres::import(&pool, tenant, &catalogue.name, &pack)
            .await
            .map_err(|error| error.to_string()),
        Err(error) => Err(error),
    };
    stores.stop().await;
    println!("live for tenant {tenant}: {}", done?);
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn export(settings: &Settings, options: Export) -> Result<ExitCode, String> {
    let folder = &options.folder;
    if folder.read_dir().is_ok_and(|mut it| it.next().is_some()) {
        return Err(format!("{} is not empty: name another folder", folder.display()));
    }
    let stores = open::postgres(&settings.stores).await?;
    let done = match stores.pool(&settings.stores).await {
        Ok(pool) => postgres::export(&pool, &settings.serve.tenant, options.release.as_deref())
            .await
            .map_err(|error| error.to_string()),
        Err(error) => Err(error),
    };
    stores.stop().await;
    let pack = done?;
    pack.write(folder).map_err(|error| error.to_string())?;
    println!("{} files in {}", pack.files.len(), folder.display());
    Ok(ExitCode::SUCCESS)
}
