//! `qingting parse`: reads utterances line by line, at full batch speed, in order.

use std::{
    io::{self, BufRead, Write},
    process::ExitCode,
    sync::atomic::{AtomicUsize, Ordering},
    time::Instant,
};

use futures::StreamExt;
use serde::Serialize;

use super::open::{self, Model};
use crate::{
    clock::Clock,
    config::Settings,
    domain::{Expects, OUT_OF_SCOPE, Understanding},
    release::Release,
    understand::understand,
};

pub(super) const EXAMPLE: &str = "Example:
  $ echo 给我退了那个视频会员 | qingting parse
  {\"text\":\"给我退了那个视频会员\",\"intent\":\"cancel_addon\",\"confidence\":0.95,...}

Every line gives exactly one line, in order. A line that cannot be read (longer than limits.text_chars,
not UTF-8) gives `out_of_scope` with an `error`. Where the model failed on a line the exit status is 1.";

/// Lines read ahead of the model, so that every batch is full.
const AHEAD: usize = 256;

#[derive(Debug, clap::Args)]
pub(super) struct Options {}

/// What was understood of one line.
#[derive(Debug, Serialize)]
struct Line<'a> {
    text: &'a str,
    intent: &'a str,
    confidence: f32,
    ranking: &'a [nlu::Ranked],
    in_scope: f32,
    reason: Option<&'static str>,
    act: Option<&'static str>,
    mood: Option<&'static str>,
    slots: Vec<Slot<'a>>,
    size: &'a str,
    micros: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Debug, Serialize)]
struct Slot<'a> {
    name: &'a str,
    text: &'a str,
    start: usize,
    end: usize,
    value: String,
}

pub(super) async fn run(settings: &Settings, _: Options) -> Result<ExitCode, String> {
    let clock = Clock::of(&settings.serve.time_zone)?;
    let model = open::model(&settings.model)?;
    let release = open::release(&open::pack(&settings.pack.folder)?, &model).await?;
    let reader = Reader { settings, clock, model, release, failed: AtomicUsize::new(0) };
    let (send, lines) = tokio::sync::mpsc::channel(AHEAD);
    std::thread::spawn(move || {
        for line in io::stdin().lock().split(b'\n') {
            if send.blocking_send(line).is_err() {
                return;
            }
        }
    });
    let mut out = io::BufWriter::new(io::stdout().lock());
    let lines = tokio_stream::wrappers::ReceiverStream::new(lines);
    let mut written = Box::pin(lines.map(|line| reader.line(line)).buffered(AHEAD));
    let mut count = 0_usize;
    loop {
        // What is finished is written out before waiting, so that a pipe can be talked to line by line.
        let next = match futures::poll!(written.next()) {
            std::task::Poll::Ready(next) => next,
            std::task::Poll::Pending => {
                out.flush().map_err(|error| format!("standard output: {error}"))?;
                written.next().await
            }
        };
        let Some(line) = next else { break };
        writeln!(out, "{}", line?).map_err(|error| format!("standard output: {error}"))?;
        count += 1;
    }
    out.flush().map_err(|error| format!("standard output: {error}"))?;
    if count == 0 {
        eprintln!("qingting parse: standard input was empty: write one utterance a line");
    }
    match reader.failed.load(Ordering::Relaxed) {
        0 => Ok(ExitCode::SUCCESS),
        failed => Err(format!("the model failed on {failed} of {count} lines: see their `error`")),
    }
}

struct Reader<'a> {
    settings: &'a Settings,
    clock: Clock,
    model: Model,
    release: Release,
    /// Lines on which the model failed: ours to mend, not the line's.
    failed: AtomicUsize,
}

impl Reader<'_> {
    async fn line(&self, line: io::Result<Vec<u8>>) -> Result<String, String> {
        let bytes = line.map_err(|error| format!("standard input: {error}"))?;
        let said = String::from_utf8_lossy(&bytes);
        let said = said.strip_suffix('\r').unwrap_or(&said);
        let most = self.settings.limits.text_chars;
        let error = if std::str::from_utf8(&bytes).is_err() {
            Some("not UTF-8: save the text as UTF-8".to_owned())
        } else if said.chars().count() > most {
            Some(format!("more than {most} characters: send a shorter one"))
        } else {
            None
        };
        let since = Instant::now();
        let read = match error {
            Some(error) => Err(error),
            None => self.read(said).await,
        };
        let micros = u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.written(said, &read, micros).map_err(|error| error.to_string())
    }

    async fn read(&self, said: &str) -> Result<Understanding, String> {
        let today = self.clock.today();
        let reading = self.release.read_patiently(&self.model.engine, said, today).await;
        let reading = reading.map_err(|error| {
            if !matches!(error, nlu::engine::Error::TooLong(_)) {
                self.failed.fetch_add(1, Ordering::Relaxed);
            }
            error.to_string()
        })?;
        let (catalogue, linker) = (&self.release.catalogue, &self.release.linker);
        Ok(understand(catalogue, linker, &reading, Expects::Anything, today))
    }

    fn written(
        &self,
        said: &str,
        read: &Result<Understanding, String>,
        micros: u64,
    ) -> serde_json::Result<String> {
        let size = self.model.name.as_str();
        let line = match read {
            Ok(it) => Line {
                text: said,
                intent: &it.intent,
                confidence: it.confidence,
                ranking: &it.ranking,
                in_scope: it.in_scope,
                reason: it.reason.map(nlu::Refusal::id),
                act: it.act.map(|(act, _)| act.id()),
                mood: it.mood.map(|(mood, _)| mood.id()),
                slots: it.slots.iter().map(Slot::of).collect(),
                size,
                micros,
                error: None,
            },
            Err(error) => Line {
                text: said,
                intent: OUT_OF_SCOPE,
                confidence: 0.0,
                ranking: &[],
                in_scope: 0.0,
                reason: Some(nlu::Refusal::Noise.id()),
                act: None,
                mood: None,
                slots: Vec::new(),
                size,
                micros,
                error: Some(error.clone()),
            },
        };
        serde_json::to_string(&line)
    }
}

impl<'a> Slot<'a> {
    fn of(slot: &'a crate::domain::Slot) -> Self {
        let value = slot.value.canonical();
        Self { name: &slot.name, text: &slot.text, start: slot.start, end: slot.end, value }
    }
}
