//! `qingting call`: one call in the terminal, with memory stores and a simulated operator.

use std::{
    io::{self, BufRead, IsTerminal, Write},
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use rustyline::{DefaultEditor, error::ReadlineError};
use tokio::sync::Semaphore;

use super::{open, serve};
use crate::{
    backend::{Backend, Orders, http::Http},
    clock::Clock,
    config::Settings,
    domain::{Channel, Event, Hypothesis, Summary, Understanding},
    ledger,
    release::Releases,
    session::{self, Outcome},
    turn::{Asked, Turns},
};

pub(super) const EXAMPLE: &str = "Example:
  $ qingting call
  您好，这里是清听演示营业厅，请问有什么可以帮您？
  > 呃那个帮我看下我这个月还剩多少流量啊
    [query_data_usage 0.97 · month=2026-11 · 6 ms]
  您本月还剩 12.4 GB。

Type what the customer says. An empty line is silence, /123# are keys of the phone, /q hangs up.
Without a terminal the lines come from standard input and the call ends with it.";

const HELP: &str = "（输入客户说的话；直接回车表示沉默，/123# 表示按键，/q 挂机）";

/// How the greyed line with the understanding begins and ends on a terminal.
const DIM: (&str, &str) = ("\x1b[2m", "\x1b[0m");

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Number the customer calls from; the simulated operator knows several.
    #[arg(long, default_value = "18600001234", value_parser = number)]
    caller: String,
}

fn number(text: &str) -> Result<String, String> {
    let good = (5..=15).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_digit());
    good.then(|| text.to_owned()).ok_or_else(|| "5 to 15 digits, such as 18600001234".into())
}

pub(super) async fn run(settings: &Settings, options: Options) -> Result<ExitCode, String> {
    let operator = serve::operator(settings).await?;
    let model = open::model(&settings.model)?;
    let release = open::release(&open::pack(&settings.pack.folder)?, &model).await?;
    let backend: Arc<dyn Backend> = Arc::new(Http::new(operator.url())?);
    let ledger = Arc::new(ledger::memory::Memory::default());
    let turns = Turns {
        releases: Arc::new(Releases::new(model.engine.clone(), release, None)),
        store: Arc::new(session::memory::Memory::default()),
        orders: Orders::new(ledger, Arc::clone(&backend)),
        backend,
        room: Arc::new(Semaphore::new(1)),
        clock: Clock::of(&settings.serve.time_zone)?,
    };
    let call = session::Key { tenant: settings.serve.tenant.clone(), call: "terminal".into() };
    Terminal::new(turns, call, options.caller, settings.limits.text_chars).talk().await?;
    Ok(ExitCode::SUCCESS)
}

/// A call, as a terminal shows it.
struct Terminal {
    turns: Turns,
    call: session::Key,
    caller: String,
    text_chars: usize,
    events: u64,
    colours: bool,
}

impl Terminal {
    fn new(turns: Turns, call: session::Key, caller: String, text_chars: usize) -> Self {
        let colours = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { turns, call, caller, text_chars, events: 0, colours }
    }

    async fn talk(&mut self) -> Result<(), String> {
        let mut lines = Lines::new()?;
        if lines.are_typed() {
            println!("{HELP}");
        }
        if self.hear(Event::Open).await {
            return Ok(());
        }
        while let Some(line) = lines.next()? {
            match self.event(line.trim()) {
                Ok(event) => {
                    let hang_up = event == Event::HangUp;
                    if self.hear(event).await || hang_up {
                        return Ok(());
                    }
                }
                Err(message) => println!("  （{message}）"),
            }
        }
        self.hear(Event::HangUp).await;
        Ok(())
    }

    fn event(&self, line: &str) -> Result<Event, String> {
        let speech =
            |text: &str| Event::Speech(vec![Hypothesis { text: text.into(), confidence: 0.0 }]);
        match line.strip_prefix('/') {
            None if line.is_empty() => Ok(Event::Silence),
            None if line.chars().count() > self.text_chars => {
                Err(format!("一句话最多 {} 个字，请分开说", self.text_chars))
            }
            None => Ok(speech(line)),
            Some("q") => Ok(Event::HangUp),
            Some(keys)
                if !keys.is_empty()
                    && keys.len() <= 32
                    && keys.bytes().all(|it| it.is_ascii_digit() || b"*#".contains(&it)) =>
            {
                Ok(Event::Digits(keys.into()))
            }
            Some(_) => Err("按键只有 0-9、* 和 #，比如 /1；挂机是 /q".into()),
        }
    }

    /// Takes one event and shows what came of it; says whether the call is over.
    async fn hear(&mut self, event: Event) -> bool {
        self.events += 1;
        let asked = Asked {
            call: self.call.clone(),
            caller: self.caller.clone(),
            channel: Channel::Voice,
            request: format!("event-{}", self.events),
            event,
        };
        let since = Instant::now();
        match self.turns.hear(asked).await {
            Ok(heard) => self.show(&heard.outcome, since.elapsed()),
            Err(error) => {
                println!("  （{error}）");
                false
            }
        }
    }

    fn show(&self, outcome: &Outcome, took: Duration) -> bool {
        if let Some(read) = &outcome.understanding {
            let (dim, plain) = if self.colours { DIM } else { ("", "") };
            println!("{dim}  [{}]{plain}", understood(read, took));
        }
        for reply in &outcome.replies {
            println!("{}", reply.text);
        }
        if let Some(summary) = &outcome.hand_off {
            self.show_summary(summary);
        }
        let _ = io::stdout().flush();
        outcome.ended || outcome.hand_off.is_some()
    }

    fn show_summary(&self, summary: &Summary) {
        let (dim, plain) = if self.colours { DIM } else { ("", "") };
        println!("{dim}  [转人工 · {}]{plain}", summary.text);
    }
}

/// "query_data_usage 0.97 · month=2026-11 · 6 ms"
fn understood(read: &Understanding, took: Duration) -> String {
    let mut parts = match (read.reason, read.act) {
        (Some(_), Some((act, sure))) => vec![format!("{} {sure:.2}", act.id())],
        (None, Some((act, sure))) if sure >= read.confidence => {
            vec![format!("{} {sure:.2}", act.id())]
        }
        (None, Some((act, _))) => {
            vec![format!("{} {:.2}", read.intent, read.confidence), act.id().to_owned()]
        }
        (None, None) => vec![format!("{} {:.2}", read.intent, read.confidence)],
        (Some(reason), None) => vec![format!("{} · {}", read.intent, reason.id())],
    };
    parts.extend(read.slots.iter().map(|slot| format!("{}={}", slot.name, slot.value.canonical())));
    parts.push(format!("{} ms", took.as_millis()));
    parts.join(" · ")
}

/// Lines from a terminal, with editing and history, or from a pipe.
enum Lines {
    Typed(Box<DefaultEditor>),
    Piped(io::Lines<io::BufReader<io::Stdin>>),
}

impl Lines {
    fn new() -> Result<Self, String> {
        if io::stdin().is_terminal() {
            let editor = DefaultEditor::new().map_err(|error| error.to_string())?;
            return Ok(Self::Typed(Box::new(editor)));
        }
        Ok(Self::Piped(io::BufReader::new(io::stdin()).lines()))
    }

    fn are_typed(&self) -> bool {
        matches!(self, Self::Typed(_))
    }

    /// The next line; `None` when the caller has gone.
    fn next(&mut self) -> Result<Option<String>, String> {
        match self {
            Self::Typed(editor) => match tokio::task::block_in_place(|| editor.readline("> ")) {
                Ok(line) => {
                    let _ = editor.add_history_entry(&line);
                    Ok(Some(line))
                }
                Err(ReadlineError::Eof | ReadlineError::Interrupted) => Ok(None),
                Err(error) => Err(error.to_string()),
            },
            Self::Piped(lines) => {
                let line = tokio::task::block_in_place(|| lines.next()).transpose();
                let line = line.map_err(|error| format!("standard input: {error}"))?;
                if let Some(line) = &line {
                    println!("> {line}");
                }
                Ok(line)
            }
        }
    }
}
