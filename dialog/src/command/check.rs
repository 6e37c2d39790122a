//! `qingting check`: one line for each part, good or what is wrong and what to do.

use std::{path::PathBuf, process::ExitCode};

use super::{open, serve};
use crate::{
    backend::{Backend, http::Http},
    catalogue::Catalogue,
    clock::Clock,
    config::Settings,
    ledger::Ledger,
    session::Store,
    telemetry,
};

pub(super) const EXAMPLE: &str = "Example:
  $ qingting check
  settings  good
  pack      good: telecom, 60 intents, 75 actions, 4423 examples
  model     good: general on cpu
  sessions  good
  ledger    good
  operator  good: simulated

With --pack only that folder is checked, which needs nothing else:
  $ qingting check --pack my-pack
  my-pack: actions.toml:12: no slot `adon`: write addon, amount, ...";

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Check this pack's files and nothing else.
    #[arg(long, value_name = "FOLDER")]
    pack: Option<PathBuf>,
}

/// A part's name with what is good, or wrong, about it.
type Line = (&'static str, Result<String, String>);

pub(super) async fn run(settings: &Settings, options: Options) -> Result<ExitCode, String> {
    let lines = match options.pack {
        Some(folder) => vec![("pack", pack(&folder))],
        None => all(settings).await,
    };
    let mut code = ExitCode::SUCCESS;
    for (part, found) in lines {
        match found {
            Ok(detail) if detail.is_empty() => println!("{part:9} good"),
            Ok(detail) => println!("{part:9} good: {detail}"),
            Err(error) => {
                for line in error.lines() {
                    println!("{part:9} {line}");
                }
                code = ExitCode::FAILURE;
            }
        }
    }
    Ok(code)
}

async fn all(settings: &Settings) -> Vec<Line> {
    let good = Clock::of(&settings.serve.time_zone).and(telemetry::check(&settings.telemetry));
    let mut lines = vec![("settings", good.map(|()| String::new()))];
    lines.push(("pack", pack(&settings.pack.folder)));
    lines.push(("model", model(settings).await));
    match open::stores(&settings.stores).await {
        Ok(stores) => {
            lines.push(("sessions", sessions(settings, &stores).await));
            lines.push(("ledger", ledger(settings, &stores).await));
            stores.stop().await;
        }
        Err(error) => lines.push(("stores", Err(error))),
    }
    lines.push(("operator", operator(settings).await));
    lines
}

fn pack(folder: &std::path::Path) -> Result<String, String> {
    let pack = open::pack(folder)?;
    let catalogue = Catalogue::parse(&pack).map_err(|error| error.to_string())?;
    let (intents, actions) = (catalogue.intents().count(), catalogue.actions().count());
    let examples = catalogue.examples.len();
    Ok(format!("{}, {intents} intents, {actions} actions, {examples} examples", catalogue.name))
}

async fn model(settings: &Settings) -> Result<String, String> {
    let model = open::model(&settings.model)?;
    let text = nlu::Text::new("查话费");
    model.engine.embed(&text).await.map_err(|error| error.to_string())?;
    Ok(format!("{} on {}", model.name, model.engine.device()))
}

async fn sessions(settings: &Settings, stores: &open::Stores) -> Result<String, String> {
    let redis = stores.redis(&settings.stores).await?;
    redis.ping().await.map(|()| String::new()).map_err(|error| error.to_string())
}

async fn ledger(settings: &Settings, stores: &open::Stores) -> Result<String, String> {
    let pool = stores.pool(&settings.stores).await?;
    let ledger = crate::ledger::postgres::Postgres::new(pool, settings.stores.postgres_timeout);
    ledger.ping().await.map(|()| String::new()).map_err(|error| error.to_string())
}

async fn operator(settings: &Settings) -> Result<String, String> {
    let operator = serve::operator(settings).await?;
    Http::new(operator.url())?.ping().await?;
    Ok(match operator {
        serve::Operator::Real(url) => url,
        serve::Operator::Simulated(_) => "simulated".into(),
    })
}
