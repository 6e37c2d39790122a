//! A customer on the line, over gRPC.

use std::time::Duration;

use proto::v1::{
    Heard, Hypothesis, Open, TurnReply, TurnRequest, qingting_client::QingtingClient,
    turn_request::Input,
};
use tonic::{Code, Request, Status, transport::Channel};

use super::{Server, eventually, server::PATIENCE, words};

/// A customer whose call is open.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The connection, which may be exchanged for one to another server.
    pub client: QingtingClient<Channel>,
    /// The call's id.
    pub call: String,
    turns: u32,
}

/// What a recogniser is sure to have heard.
pub fn heard(text: &str) -> Input {
    let hypotheses = vec![Hypothesis { text: text.into(), confidence: 0.9 }];
    Input::Heard(Heard { hypotheses, interim: false })
}

impl Caller {
    /// A customer whose call has been opened and greeted.
    pub async fn greeted(server: &Server, call: &str) -> Self {
        Self::greeted_over(server.grpc().await, call).await
    }

    /// The same over a connection that several customers share.
    pub async fn greeted_over(client: QingtingClient<Channel>, call: &str) -> Self {
        let mut caller = Self { client, call: call.into(), turns: 0 };
        let greeting = caller.turn("open", Input::Open(Open {})).await;
        let greeting = greeting.unwrap_or_else(|status| panic!("{call} not opened: {status}"));
        let greets = greeting.replies.iter().any(|it| it.contains(words::GREETING));
        assert!(greets, "{call} not greeted: {greeting:?}");
        caller
    }

    /// One turn under a request id of the caller's choice.
    pub async fn turn(&mut self, request_id: &str, input: Input) -> Result<TurnReply, Status> {
        let request = self.request(request_id, input);
        self.send(request).await
    }

    /// The same with a deadline, which travels with it.
    pub async fn turn_within(
        &mut self,
        within: Duration,
        request_id: &str,
        input: Input,
    ) -> Result<TurnReply, Status> {
        let mut request = Request::new(self.request(request_id, input));
        request.set_timeout(within);
        self.client.turn(request).await.map(tonic::Response::into_inner)
    }

    /// Says something under a new request id, and is answered.
    pub async fn say(&mut self, text: &str) -> TurnReply {
        self.turns += 1;
        let id = format!("say-{}", self.turns);
        let reply = self.turn(&id, heard(text)).await;
        reply.unwrap_or_else(|status| panic!("{} said {text}: {status:?}", self.call))
    }

    /// Repeats one turn until it is answered, as a client does that heard a retryable status.
    pub async fn insist(&mut self, request_id: &str, text: &str) -> TurnReply {
        let this = self.clone();
        eventually("the turn is answered", PATIENCE, async || {
            this.clone().turn(request_id, heard(text)).await.map_err(|status| format!("{status:?}"))
        })
        .await
    }

    fn request(&self, request_id: &str, input: Input) -> TurnRequest {
        TurnRequest {
            request_id: request_id.into(),
            call: self.call.clone(),
            caller: words::number_of(&self.call),
            input: Some(input),
            ..TurnRequest::default()
        }
    }

    async fn send(&mut self, request: TurnRequest) -> Result<TurnReply, Status> {
        let turn = self.client.turn(request);
        match tokio::time::timeout(PATIENCE, turn).await {
            Ok(done) => done.map(tonic::Response::into_inner),
            Err(_) => Err(Status::new(Code::Cancelled, "silence: nothing came back in time")),
        }
    }
}
