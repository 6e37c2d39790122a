//! A call as a stream: events in, actions out, in order, one at a time.
//!
//! Nothing of the call lives here: a lost stream is taken up by another one, on any server, with `start`.
//! An event's number makes its request id, so that an event sent twice is answered from the record.

use std::sync::Arc;

use futures::{Stream, StreamExt};
use proto::v1::{
    CallAction, CallEvent, Hint, Start, call_action::Action, call_event::Event as Said,
};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::{Actions, Service, convert};
use crate::{
    domain::{Channel, Event},
    session::Key,
    telemetry,
    turn::{Asked, Heard},
};

/// Actions that may wait for a slow client before its events wait too.
const MAX_WAITING: usize = 16;

/// Answers the events of one call until it ends, the client goes, or the server stops.
pub(crate) fn run<S>(service: Service, events: S, place: Arc<OwnedSemaphorePermit>) -> Actions
where
    S: Stream<Item = Result<CallEvent, Status>> + Send + Unpin + 'static,
{
    let (out, actions) = mpsc::channel(MAX_WAITING);
    tokio::spawn(async move {
        let _place = place;
        metrics::gauge!(telemetry::STREAMS).increment(1.0);
        if let Err(status) = serve(&service, events, &out).await {
            let _ = out.send(Err(status)).await;
        }
        metrics::gauge!(telemetry::STREAMS).decrement(1.0);
    });
    Box::pin(ReceiverStream::new(actions))
}

/// The call that a stream speaks of.
struct Line<'a> {
    service: &'a Service,
    key: Key,
    caller: String,
    channel: Channel,
    /// Number of the last event that was answered.
    answered: u64,
}

async fn serve<S>(
    service: &Service,
    mut events: S,
    out: &mpsc::Sender<Result<CallAction, Status>>,
) -> Result<(), Status>
where
    S: Stream<Item = Result<CallEvent, Status>> + Send + Unpin,
{
    let mut line: Option<Line<'_>> = None;
    loop {
        let event = tokio::select! {
            biased;
            () = service.stop.cancelled() => {
                return Err(Status::unavailable("this server stops: go on with another one, beginning with `start`"));
            }
            event = tokio::time::timeout(service.idle, events.next()) => match event {
                Ok(Some(event)) => event?,
                Ok(None) => return Ok(()),
                // A client that is gone without a word would keep its place for ever.
                Err(_) => return Err(Status::aborted("no event for as long as a call is kept: begin again with `start`")),
            },
        };
        let action = match &mut line {
            Some(line) => line.hear(event).await,
            None => {
                let opened = open(service, event)?;
                let action = opened.start().await;
                // A `start` that failed may be sent again.
                line = (!failed(&action)).then_some(opened);
                Some(action)
            }
        };
        let Some(action) = action else { continue };
        let ends = matches!(action.action, Some(Action::Ended(_) | Action::HandOff(_)));
        if out.send(Ok(action)).await.is_err() || ends {
            return Ok(());
        }
    }
}

fn failed(action: &CallAction) -> bool {
    matches!(action.action, Some(Action::Failed(_)))
}

fn open(service: &Service, event: CallEvent) -> Result<Line<'_>, Status> {
    let Some(Said::Start(Start { call, caller, channel })) = event.event else {
        return Err(Status::failed_precondition("the first event of a stream is `start`"));
    };
    let call = if call.is_empty() { ulid::Ulid::generate().to_string() } else { call };
    convert::id("call", &call)?;
    convert::caller(&caller)?;
    if event.sequence == 0 {
        return Err(Status::invalid_argument("sequence: events are numbered from 1"));
    }
    Ok(Line {
        service,
        key: service.key(&call),
        caller,
        channel: convert::channel(channel),
        answered: event.sequence,
    })
}

impl Line<'_> {
    async fn start(&self) -> CallAction {
        self.turn(self.answered, Event::Open).await
    }

    /// The answer to an event; `None` for one that asks for none.
    async fn hear(&mut self, event: CallEvent) -> Option<CallAction> {
        let sequence = event.sequence;
        if sequence > self.answered + 1 || sequence == 0 {
            let due = self.answered + 1;
            let status = Status::failed_precondition(format!("sequence {sequence}: {due} is due"));
            return Some(convert::failed(sequence, &self.key.call, &status));
        }
        let action = self.answer(sequence, event.event).await;
        if !action.as_ref().is_some_and(failed) {
            self.answered = self.answered.max(sequence);
        }
        action
    }

    async fn answer(&self, sequence: u64, said: Option<Said>) -> Option<CallAction> {
        let limits = &self.service.limits;
        let event = match said {
            Some(Said::Heard(heard)) => match convert::speech(&heard.hypotheses, limits) {
                Ok(Event::Speech(hypotheses)) if heard.interim => {
                    return Some(self.hint(sequence, &hypotheses).await);
                }
                other => other,
            },
            Some(Said::Digits(keys)) => convert::digits(&keys, limits),
            Some(Said::Silence(_)) => Ok(Event::Silence),
            Some(Said::HangUp(_)) => Ok(Event::HangUp),
            Some(Said::BargeIn(_)) => return None,
            Some(Said::Start(_)) => {
                Err(Status::failed_precondition("a stream has one `start`, its first event"))
            }
            None => Err(Status::invalid_argument(
                "event: set one of heard, digits, silence, barge_in, hang_up",
            )),
        };
        Some(match event {
            Ok(event) => self.turn(sequence, event).await,
            Err(status) => convert::failed(sequence, &self.key.call, &status),
        })
    }

    async fn turn(&self, sequence: u64, event: Event) -> CallAction {
        let asked = Asked {
            call: self.key.clone(),
            caller: self.caller.clone(),
            channel: self.channel,
            request: format!("event-{sequence}"),
            event,
        };
        let since = std::time::Instant::now();
        // What was answered before is never done again, however long ago that was.
        let heard = if sequence <= self.answered && asked.event != Event::Open {
            self.service.again(&asked.call, &asked.request).await
        } else {
            self.service.hear(asked, self.service.timeout).await
        };
        match heard {
            Ok(Heard { outcome, .. }) => {
                let heard = outcome.understanding.as_ref();
                let understanding = heard.map(|it| convert::understanding(it, since.elapsed()));
                let listen = self.service.listen_for.as_millis();
                let listen_ms = u32::try_from(listen).unwrap_or(u32::MAX);
                CallAction {
                    sequence,
                    call: self.key.call.clone(),
                    action: Some(convert::action(outcome, listen_ms)),
                    understanding,
                }
            }
            Err(status) => convert::failed(sequence, &self.key.call, &status),
        }
    }

    async fn hint(&self, sequence: u64, hypotheses: &[crate::domain::Hypothesis]) -> CallAction {
        let since = std::time::Instant::now();
        let reading = self.service.turns.hint(&self.key, hypotheses);
        match tokio::time::timeout(self.service.timeout, reading).await {
            Ok(Ok(read)) => CallAction {
                sequence,
                call: self.key.call.clone(),
                action: Some(Action::Hint(Hint {})),
                understanding: Some(convert::understanding(&read, since.elapsed())),
            },
            Ok(Err(error)) => convert::failed(sequence, &self.key.call, &super::status(&error)),
            Err(_) => {
                let late = Status::deadline_exceeded("the model did not answer in time");
                convert::failed(sequence, &self.key.call, &late)
            }
        }
    }
}
