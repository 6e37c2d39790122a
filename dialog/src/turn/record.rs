//! What a turn leaves behind: its journal entry.

use crate::{
    domain::{Event, Phase},
    journal::{Entry, mask},
    session::{Outcome, Session},
};

/// The kind of an event, as it stands in the journal and in traces.
pub(super) fn kind(event: &Event) -> &'static str {
    match event {
        Event::Open => "open",
        Event::Speech(_) => "speech",
        Event::Digits(_) => "digits",
        Event::Silence => "silence",
        Event::HangUp => "hang_up",
    }
}

/// The journal entry of a turn, numbers masked.
pub(super) fn entry(
    session: &Session,
    event: &Event,
    outcome: &Outcome,
    order_key: String,
) -> Entry {
    let heard = outcome.understanding.as_ref();
    let said = match event {
        // Of several hypotheses the one that was understood.
        Event::Speech(_) => heard.map(|it| it.text.as_str()),
        Event::Digits(keys) => Some(keys.as_str()),
        Event::Open | Event::Silence | Event::HangUp => None,
    };
    Entry {
        tenant: session.state.tenant.clone(),
        call: session.state.call.clone(),
        turn: session.state.turn,
        at: jiff::Timestamp::now(),
        release: session.release.clone(),
        event: kind(event).into(),
        text: mask(said.unwrap_or_default()),
        intent: heard.map(|it| it.intent.clone()).unwrap_or_default(),
        confidence: heard.map_or(0.0, |it| it.confidence),
        act: heard.and_then(|it| it.act).map_or("", |(act, _)| act.id()).into(),
        reason: heard.and_then(|it| it.reason).map_or("", |it| it.id()).into(),
        replies: outcome.replies.iter().map(|it| mask(&it.text)).collect(),
        order_key,
        outcome: match session.state.phase {
            Phase::Opening | Phase::Running => "listening",
            Phase::HandedOff => "handed_off",
            Phase::Ended => "ended",
        }
        .into(),
    }
}

/// What a call that is opened again hears: its last prompt, and that it goes to a person where it does.
pub(super) fn again(session: &Session) -> Outcome {
    let handed_off = session.state.phase == Phase::HandedOff;
    let last = session.recent.iter().rev().filter(|_| handed_off);
    Outcome {
        replies: session.state.last.clone(),
        understanding: None,
        hand_off: last.filter_map(|it| it.outcome.hand_off.clone()).next(),
        ended: session.state.phase == Phase::Ended,
    }
}
