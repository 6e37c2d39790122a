//! `qingting check-pack`: whether a pack is whole, and what its corpus repeats, contradicts and lacks.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use serde_json::json;

use super::open;
use crate::{
    catalogue::{Catalogue, Problems},
    config::Settings,
    corpus,
};

pub(super) const EXAMPLE: &str = "Example:
  $ qingting check-pack packs/telecom
  near-duplicates: 1 error, 0 warnings
    error    0.952 alike across train and test
          examples/voice-01.tsv:12  query_bill  帮我查一下这个月话费
          examples/voice-04.tsv:40  query_bill  请帮我查一下这个月话费
  ...

An error makes a measurement false: the same, or nearly the same, in two splits, or one text under two labels.
Nearly the same is a similarity above 0.9: twice the length of the longest common subsequence over the length of
both texts, normalised and without punctuation. The exit status is 1 where the pack is broken or has an error.";

/// Warnings of a section that are shown where not all are asked for.
const MOST: usize = 20;

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Folder of the pack; without it the one of the settings.
    folder: Option<PathBuf>,
    /// Show every warning, not only the first 20 of each section.
    #[arg(long)]
    all: bool,
    /// Write one JSON object with everything instead.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(settings: &Settings, options: &Options) -> Result<ExitCode, String> {
    let pack = open::pack(options.folder.as_ref().unwrap_or(&settings.pack.folder))?;
    let report = match Catalogue::parse(&pack) {
        Ok(catalogue) => corpus::lint(&pack, &catalogue),
        Err(problems) => {
            write(if options.json { as_json(&problems) } else { as_text(&problems) })?;
            return Ok(ExitCode::FAILURE);
        }
    };
    write(if options.json {
        serde_json::to_string(&report).map_err(|error| error.to_string())? + "\n"
    } else {
        report.text((!options.all).then_some(MOST))
    })?;
    let is_good = report.errors().next().is_none();
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// As `qingting check` writes them.
fn as_text(problems: &Problems) -> String {
    problems.0.iter().map(|it| format!("{:9} {it}\n", "pack")).collect()
}

fn as_json(problems: &Problems) -> String {
    let list = problems.0.iter();
    let list: Vec<_> =
        list.map(|it| json!({ "file": it.file, "line": it.line, "message": it.message })).collect();
    json!({ "problems": list }).to_string() + "\n"
}

fn write(text: String) -> Result<(), String> {
    match io::stdout().write_all(text.as_bytes()) {
        // Whoever reads only the head of the report has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done.map_err(|error| format!("standard output: {error}")),
    }
}
