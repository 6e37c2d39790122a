//! `qingting-load`: how many turns a second a server answers, and how fast, at several numbers of calls.
//!
//! Closed loop: every call speaks as soon as it was answered, over its own `Converse` stream. Latency is
//! from sending an event to receiving its action, after a warm-up; one table row for each number of calls.

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use clap::Parser;
use hdrhistogram::Histogram;
use proto::v1::{
    CallAction, CallEvent, Channel, Heard, Hypothesis, Start, call_action::Action,
    call_event::Event, qingting_client::QingtingClient,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Streaming, transport};

/// What the calls say, one after the other: questions answered from the catalogue and by the operator's
/// systems, small talk, and words that are refused.
const SAID: &[&str] = &[
    "呃那个帮我看下我这个月还剩多少流量啊",
    "谢谢",
    "我想问一下五十九块的那个套餐里头都有啥",
    "话费还剩多少",
    "今天天气怎么样",
    "我现在用的是什么套餐",
    "这个月打电话的分钟数还有多少",
    "最近有什么优惠活动没有",
];

/// Calls that share one connection.
const CALLS_PER_CONNECTION: usize = 16;

#[derive(Debug, Parser)]
#[command(about = "Measures a running server: turns per second and latency, closed loop.")]
#[command(
    after_help = "Example:\n  $ qingting-load --server http://127.0.0.1:7410 --calls 1,16,64 --seconds 20"
)]
struct Options {
    /// Address of the server.
    #[arg(long, default_value = "http://127.0.0.1:7410")]
    server: String,
    /// Numbers of concurrent calls, one measurement each.
    #[arg(long, value_delimiter = ',', default_value = "1,16,64")]
    calls: Vec<usize>,
    /// Seconds of each measurement.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Seconds before each measurement that do not count.
    #[arg(long, default_value_t = 3)]
    warm_up: u64,
}

/// What one call measured.
struct Measured {
    micros: Histogram<u64>,
    failed: u64,
}

impl Measured {
    fn new() -> Result<Self, Box<dyn Error + Send + Sync>> {
        Ok(Self { micros: Histogram::new_with_bounds(1, 60_000_000, 3)?, failed: 0 })
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let options = Options::parse();
    println!("calls,turns_per_second,p50_ms,p90_ms,p99_ms,max_ms,turns,failed");
    for calls in &options.calls {
        let measured = measure(&options, *calls).await?;
        let micros = &measured.micros;
        let ms = |quantile: f64| micros.value_at_quantile(quantile) as f64 / 1000.0;
        println!(
            "{calls},{:.0},{:.1},{:.1},{:.1},{:.1},{},{}",
            micros.len() as f64 / options.seconds as f64,
            ms(0.5),
            ms(0.9),
            ms(0.99),
            micros.max() as f64 / 1000.0,
            micros.len(),
            measured.failed,
        );
    }
    Ok(())
}

async fn measure(
    options: &Options,
    calls: usize,
) -> Result<Measured, Box<dyn Error + Send + Sync>> {
    let (counting, stop) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let mut connection = None;
    let mut running = Vec::new();
    for number in 0..calls {
        if number % CALLS_PER_CONNECTION == 0 {
            let endpoint =
                transport::Endpoint::from_shared(options.server.clone())?.tcp_nodelay(true);
            connection = Some(endpoint.connect().await?);
        }
        let Some(channel) = connection.clone() else { continue };
        let call = Call { counting: Arc::clone(&counting), stop: Arc::clone(&stop), number };
        running.push(tokio::spawn(call.run(channel)));
    }
    tokio::time::sleep(Duration::from_secs(options.warm_up)).await;
    counting.store(true, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(options.seconds)).await;
    counting.store(false, Ordering::Relaxed);
    stop.store(true, Ordering::Relaxed);
    let mut all = Measured::new()?;
    for call in running {
        let one = call.await??;
        all.micros.add(&one.micros)?;
        all.failed += one.failed;
    }
    Ok(all)
}

struct Call {
    counting: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
    number: usize,
}

impl Call {
    async fn run(
        self,
        channel: transport::Channel,
    ) -> Result<Measured, Box<dyn Error + Send + Sync>> {
        let mut measured = Measured::new()?;
        let mut turn = self.number;
        while !self.stop.load(Ordering::Relaxed) {
            let mut line = Line::open(channel.clone()).await?;
            while !self.stop.load(Ordering::Relaxed) {
                let counts = self.counting.load(Ordering::Relaxed);
                let since = Instant::now();
                let action = line.say(SAID[turn % SAID.len()]).await?;
                let micros = u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX);
                turn += 1;
                let failed = matches!(action.action, Some(Action::Failed(_)) | None);
                if counts {
                    measured.micros.saturating_record(micros);
                    measured.failed += u64::from(failed);
                }
                if matches!(action.action, Some(Action::HandOff(_) | Action::Ended(_))) {
                    break;
                }
            }
        }
        Ok(measured)
    }
}

/// One streamed call.
struct Line {
    events: mpsc::Sender<CallEvent>,
    actions: Streaming<CallAction>,
    sequence: u64,
}

impl Line {
    async fn open(channel: transport::Channel) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let (events, outgoing) = mpsc::channel(4);
        let start = Start {
            call: String::new(),
            caller: "18600001234".into(),
            channel: Channel::Voice.into(),
        };
        events.send(CallEvent { sequence: 1, event: Some(Event::Start(start)) }).await?;
        let mut client = QingtingClient::new(channel);
        let mut actions = client.converse(ReceiverStream::new(outgoing)).await?.into_inner();
        actions.message().await?.ok_or("the server closed the stream")?;
        Ok(Self { events, actions, sequence: 1 })
    }

    async fn say(&mut self, text: &str) -> Result<CallAction, Box<dyn Error + Send + Sync>> {
        self.sequence += 1;
        let hypotheses = vec![Hypothesis { text: text.into(), confidence: 0.9 }];
        let heard = Event::Heard(Heard { hypotheses, interim: false });
        self.events.send(CallEvent { sequence: self.sequence, event: Some(heard) }).await?;
        Ok(self.actions.message().await?.ok_or("the server closed the stream")?)
    }
}
