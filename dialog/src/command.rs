//! The command line: `qingting call`, `serve`, `check`, `check-pack`, `import`, `export`, `parse`, `stores`.
//!
//! It wires the parts and says in one line what went wrong; it decides nothing about calls.

mod call;
mod check;
mod check_pack;
mod open;
mod packs;
mod parse;
mod serve;
mod stores;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::config::Settings;

/// Understands what a telecom operator's customers say on the phone, and gets it done.
#[derive(Debug, Parser)]
#[command(name = "qingting", version, propagate_version = true)]
struct Arguments {
    /// Settings file; without it every setting has its default.
    #[arg(long, global = true, env = "QINGTING_SETTINGS", value_name = "FILE")]
    settings: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Opens a call in the terminal, with nothing else needed.
    #[command(after_help = call::EXAMPLE)]
    Call(call::Options),
    /// Serves calls over gRPC and HTTP until SIGTERM.
    #[command(after_help = serve::EXAMPLE)]
    Serve(serve::Options),
    /// Says in one line for each part whether settings, pack, model and stores are good.
    #[command(after_help = check::EXAMPLE)]
    Check(check::Options),
    /// Says what a pack's corpus repeats, contradicts, lacks and leaves unmarked.
    #[command(after_help = check_pack::EXAMPLE)]
    CheckPack(check_pack::Options),
    /// Puts the files of a pack into Postgres and makes it live.
    #[command(after_help = packs::IMPORT_EXAMPLE)]
    Import(packs::Import),
    /// Writes the pack that lies in Postgres as files, byte for byte what was imported.
    #[command(after_help = packs::EXPORT_EXAMPLE)]
    Export(packs::Export),
    /// Reads utterances from standard input, one a line; writes one JSON object a line.
    #[command(after_help = parse::EXAMPLE)]
    Parse(parse::Options),
    /// Runs a private Valkey and Postgres and prints their addresses.
    #[command(after_help = stores::EXAMPLE)]
    Stores(stores::Options),
}

/// Runs what the command line asks for.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = Settings::load(arguments.settings.as_deref(), std::env::vars())
        .map_err(|error| error.to_string())
        .and_then(|settings| run(arguments.command, settings));
    match done {
        Ok(code) => code,
        Err(message) => {
            eprintln!("qingting: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command, settings: Settings) -> Result<ExitCode, String> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("no threads to run on: {error}"))?;
    // Private stores end with the thread that spawned them, so everything is spawned from this one.
    let code = runtime.block_on(async {
        match command {
            Command::Call(options) => call::run(&settings, options).await,
            Command::Serve(options) => serve::run(&settings, options).await,
            Command::Check(options) => check::run(&settings, options).await,
            Command::CheckPack(options) => check_pack::run(&settings, &options),
            Command::Import(options) => packs::import(&settings, options).await,
            Command::Export(options) => packs::export(&settings, options).await,
            Command::Parse(options) => parse::run(&settings, options).await,
            Command::Stores(options) => stores::run(&settings, options).await,
        }
    });
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    code
}
