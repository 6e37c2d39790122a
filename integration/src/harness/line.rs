//! A customer on the line, over a stream of events and actions.

use proto::v1::{
    BargeIn, CallAction, CallEvent, Digits, HangUp, Heard, Hypothesis, Silence, Start,
    call_action::Action, call_event::Event, qingting_client::QingtingClient,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming, transport::Channel};

use super::{server::PATIENCE, words};

/// A stream of one call; dropping it drops the connection's stream without hanging up.
pub struct Line {
    events: mpsc::Sender<CallEvent>,
    actions: Streaming<CallAction>,
}

/// The first event of a call.
pub fn start(call: &str) -> Event {
    let (call, caller) = (call.into(), words::number_of(call));
    Event::Start(Start { call, caller, ..Start::default() })
}

/// What the recogniser is sure to have heard, for good or so far.
pub fn speech(text: &str, interim: bool) -> Event {
    let hypotheses = vec![Hypothesis { text: text.into(), confidence: 0.9 }];
    Event::Heard(Heard { hypotheses, interim })
}

/// Keys of the phone.
pub fn keys(keys: &str) -> Event {
    Event::Digits(Digits { keys: keys.into() })
}

/// Nothing was said.
pub fn silence() -> Event {
    Event::Silence(Silence {})
}

/// The customer spoke into the prompt after so many milliseconds of it.
pub fn barge_in(played_ms: u32) -> Event {
    Event::BargeIn(BargeIn { played_ms })
}

/// The customer has gone.
pub fn hang_up() -> Event {
    Event::HangUp(HangUp {})
}

impl Line {
    /// Opens a stream, whose first event is this one.
    ///
    /// # Errors
    /// The status with which the server refuses the stream itself.
    pub async fn open(
        mut client: QingtingClient<Channel>,
        sequence: u64,
        first: Event,
    ) -> Result<Self, Status> {
        let (events, sent) = mpsc::channel(64);
        let first = CallEvent { sequence, event: Some(first) };
        events.send(first).await.expect("the channel is new");
        let actions = client.converse(ReceiverStream::new(sent)).await?.into_inner();
        Ok(Self { events, actions })
    }

    /// Sends an event and waits for nothing.
    pub async fn send(&self, sequence: u64, event: Event) {
        // A server that has ended the stream says so in its next action.
        let _ = self.events.send(CallEvent { sequence, event: Some(event) }).await;
    }

    /// The next action; `None` when the server has ended the stream.
    ///
    /// # Errors
    /// The status with which it ended.
    pub async fn next(&mut self) -> Result<Option<CallAction>, Status> {
        match tokio::time::timeout(PATIENCE, self.actions.message()).await {
            Ok(next) => next,
            Err(_) => Err(Status::cancelled("silence: no action came in time")),
        }
    }

    /// Sends an event and gives its answer.
    pub async fn ask(&mut self, sequence: u64, event: Event) -> CallAction {
        self.send(sequence, event).await;
        self.answer().await
    }

    /// The next action, which must come.
    pub async fn answer(&mut self) -> CallAction {
        match self.next().await {
            Ok(Some(action)) => action,
            other => panic!("no action but {other:?}"),
        }
    }
}

/// What an action says, if it says something.
pub fn replies(action: &CallAction) -> String {
    match &action.action {
        Some(Action::Say(it)) => it.replies.concat(),
        Some(Action::HandOff(it)) => it.replies.concat(),
        Some(Action::Ended(it)) => it.replies.concat(),
        Some(Action::Hint(_) | Action::Failed(_)) | None => String::new(),
    }
}
