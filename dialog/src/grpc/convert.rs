//! Messages to the words of the business and back; whatever breaks a limit is refused here, before any work.

use std::time::Duration;

use proto::v1::{
    self, CallAction, Digits, HandOff, Hypothesis, Ranked, TurnReply, TurnRequest, call_action,
    turn_request,
};
use tonic::Status;

use super::{Service, is_retryable};
use crate::{
    config::Limits,
    domain::{self, Channel, Event, Summary, Understanding},
    session::Outcome,
    turn::{Asked, Heard},
};

/// A turn as it was asked for.
pub(super) fn turn(request: TurnRequest, service: &Service) -> Result<Asked, Status> {
    id("request_id", &request.request_id)?;
    id("call", &request.call)?;
    let event = match request.input {
        Some(turn_request::Input::Open(_)) => {
            caller(&request.caller)?;
            Event::Open
        }
        Some(turn_request::Input::Heard(heard)) => speech(&heard.hypotheses, &service.limits)?,
        Some(turn_request::Input::Digits(keys)) => digits(&keys, &service.limits)?,
        Some(turn_request::Input::Silence(_)) => Event::Silence,
        None => return Err(Status::invalid_argument("input: set heard, digits, silence or open")),
    };
    Ok(Asked {
        call: service.key(&request.call),
        caller: request.caller,
        channel: channel(request.channel),
        request: request.request_id,
        event,
    })
}

/// Checks an id of a call or a request.
pub(super) fn id(name: &str, id: &str) -> Result<(), Status> {
    let fits = (1..=64).contains(&id.len())
        && id.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-' || it == b'_');
    if fits {
        return Ok(());
    }
    Err(Status::invalid_argument(format!("{name}: 1 to 64 characters of A-Z a-z 0-9 - _")))
}

/// Checks the number that a customer calls from.
pub(super) fn caller(number: &str) -> Result<(), Status> {
    if (5..=15).contains(&number.len()) && number.bytes().all(|it| it.is_ascii_digit()) {
        return Ok(());
    }
    Err(Status::invalid_argument("caller: 5 to 15 digits"))
}

/// The channel that a message names; voice where it names none.
pub(super) fn channel(channel: i32) -> Channel {
    match v1::Channel::try_from(channel) {
        Ok(v1::Channel::Screen) => Channel::Screen,
        Ok(v1::Channel::Voice | v1::Channel::Unspecified) | Err(_) => Channel::Voice,
    }
}

/// Speech within the limits.
pub(super) fn speech(hypotheses: &[Hypothesis], limits: &Limits) -> Result<Event, Status> {
    if hypotheses.is_empty() || hypotheses.len() > limits.hypotheses {
        let most = limits.hypotheses;
        return Err(Status::invalid_argument(format!("hypotheses: 1 to {most}, best first")));
    }
    let mut checked = Vec::with_capacity(hypotheses.len());
    for it in hypotheses {
        text(&it.text, limits)?;
        if !(0.0..=1.0).contains(&it.confidence) {
            return Err(Status::invalid_argument("confidence: 0 to 1"));
        }
        // No database keeps U+0000 as text.
        let text = it.text.replace('\0', "\u{fffd}");
        checked.push(domain::Hypothesis { text, confidence: it.confidence });
    }
    Ok(Event::Speech(checked))
}

/// Keys within the limits.
pub(super) fn digits(digits: &Digits, limits: &Limits) -> Result<Event, Status> {
    let keys = &digits.keys;
    let good = keys.bytes().all(|it| it.is_ascii_digit() || it == b'*' || it == b'#');
    if good && (1..=limits.keys).contains(&keys.len()) {
        return Ok(Event::Digits(keys.clone()));
    }
    Err(Status::invalid_argument(format!("keys: 1 to {} of 0-9 * #", limits.keys)))
}

/// Texts of `Parse` within the limits.
pub(super) fn texts(texts: &[String], limits: &Limits) -> Result<(), Status> {
    if texts.is_empty() || texts.len() > limits.texts {
        return Err(Status::invalid_argument(format!("texts: 1 to {}", limits.texts)));
    }
    texts.iter().try_for_each(|it| text(it, limits))
}

fn text(text: &str, limits: &Limits) -> Result<(), Status> {
    if text.chars().count() <= limits.text_chars {
        return Ok(());
    }
    let most = limits.text_chars;
    Err(Status::invalid_argument(format!("text: at most {most} characters, send a shorter one")))
}

/// The reply to a turn.
pub(super) fn reply(heard: Heard, took: Duration) -> TurnReply {
    let outcome = heard.outcome;
    TurnReply {
        understanding: outcome.understanding.as_ref().map(|it| understanding(it, took)),
        hand_off: outcome.hand_off.map(summary),
        ended: outcome.ended,
        replayed: heard.replayed,
        replies: outcome.replies.into_iter().map(|it| it.text).collect(),
    }
}

/// The action that follows from a turn.
pub(super) fn action(outcome: Outcome, listen_ms: u32) -> call_action::Action {
    let replies = outcome.replies.into_iter().map(|it| it.text).collect();
    match outcome.hand_off {
        Some(it) => call_action::Action::HandOff(HandOff { replies, summary: Some(summary(it)) }),
        None if outcome.ended => call_action::Action::Ended(v1::Ended { replies }),
        None => call_action::Action::Say(v1::Say { replies, allow_interrupt: true, listen_ms }),
    }
}

/// A failure within a stream: the call goes on.
pub(crate) fn failed(sequence: u64, call: &str, status: &Status) -> CallAction {
    let failed = v1::Failed {
        code: i32::from(status.code()),
        message: status.message().into(),
        retryable: is_retryable(status.code()),
    };
    CallAction {
        sequence,
        call: call.into(),
        action: Some(call_action::Action::Failed(failed)),
        understanding: None,
    }
}

fn summary(it: Summary) -> v1::Summary {
    v1::Summary {
        caller: it.caller,
        reason: it.reason,
        wanted: it.wanted,
        slots: it.slots.into_iter().collect(),
        done: it.done,
        order_keys: it.order_keys,
        last_words: it.last_words,
        text: it.text,
    }
}

/// What was understood, and how long it took.
pub(super) fn understanding(it: &Understanding, took: Duration) -> v1::Understanding {
    let ranked =
        |it: &nlu::Ranked| Ranked { intent: it.intent.clone(), confidence: it.probability };
    v1::Understanding {
        text: it.text.clone(),
        intent: it.intent.clone(),
        confidence: it.confidence,
        ranking: it.ranking.iter().map(ranked).collect(),
        in_scope: it.in_scope,
        reason: it.reason.map_or("", |it| it.id()).into(),
        act: it.act.map_or("", |(act, _)| act.id()).into(),
        mood: it.mood.map_or("", |(mood, _)| mood.id()).into(),
        slots: it.slots.iter().map(slot).collect(),
        micros: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
    }
}

fn slot(slot: &domain::Slot) -> v1::Slot {
    v1::Slot {
        name: slot.name.clone(),
        text: slot.text.clone(),
        start: u32::try_from(slot.start).unwrap_or(u32::MAX),
        end: u32::try_from(slot.end).unwrap_or(u32::MAX),
        value: slot.value.canonical(),
    }
}
