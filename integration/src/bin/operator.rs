//! `qingting-operator`: the simulated operator as a program.

use std::{io::Write, net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::Parser;
use integration::operator::Operator;
use tokio::{io::AsyncReadExt, signal::unix};

/// A simulated telecom operator over HTTP: customers, balances, plans, orders and tickets, in memory.
///
/// Example: qingting-operator --knowledge packs/telecom/knowledge.toml --listen 127.0.0.1:7420
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// What it sells: the knowledge of a pack.
    #[arg(long, default_value = "packs/telecom/knowledge.toml")]
    knowledge: PathBuf,
    /// Where it listens; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Stops when standard input ends, so that it does not outlive the program that started it.
    #[arg(long)]
    until_eof: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("qingting-operator: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let mut terminated = unix::signal(unix::SignalKind::terminate())?;
    let operator = Operator::start(&arguments.knowledge, arguments.listen).await?;
    let mut out = std::io::stdout();
    writeln!(out, "listening on {}", operator.url())?;
    out.flush()?;
    tokio::select! {
        _ = terminated.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
        () = end_of_input(), if arguments.until_eof => {}
    }
    operator.stop().await;
    Ok(())
}

/// Waits until standard input ends.
async fn end_of_input() {
    let (mut input, mut bytes) = (tokio::io::stdin(), [0; 256]);
    while input.read(&mut bytes).await.is_ok_and(|read| read > 0) {}
}
