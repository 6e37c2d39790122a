//! A turn that was cut between saving its order and hearing of it: the next event of the call finishes it.
//!
//! What came of it is told with the answer to that event, is saved until it is, and is told again to
//! whoever sends that event again.

use tracing::{Instrument, info_span};

use super::{Asked, Error, Turns, Work};
use crate::{
    domain::{Event, Input},
    session::{Outcome, Pending, Session},
};

impl Turns {
    /// Places the pending order, follows its answer and saves, as the turn would have done.
    pub(super) async fn finish_pending(
        &self,
        mut session: Session,
        pending: Pending,
        next: &Asked,
    ) -> Result<Session, Error> {
        let release = self.releases.get(&session.release).await;
        // The same request hears the record, who opens the call again its last prompt, who hung up nothing.
        let is_heir =
            pending.request != next.request && !matches!(next.event, Event::Open | Event::HangUp);
        let asked = Asked {
            call: session.key(),
            caller: session.state.caller.number.clone(),
            channel: session.state.channel,
            request: pending.request,
            event: pending.event,
        };
        let work = Work {
            asked,
            understanding: pending.understanding,
            replies: pending.replies,
            order_key: pending.order.key.to_string(),
            heir: is_heir.then(|| next.request.clone()),
        };
        let answer = self.orders.place(pending.order).instrument(info_span!("place")).await;
        self.follow(&release, &mut session, work, Input::Answered(answer)).await?;
        Ok(session)
    }
}

/// Leaves what came of a cut turn to the request that found it: as its own outcome where the call went to
/// a person or is over, since nothing can follow then, and as its first words otherwise.
pub(super) fn leave_to(session: &mut Session, heir: String, outcome: &Outcome) {
    if outcome.hand_off.is_some() || outcome.ended {
        session.record(heir, outcome.clone());
    } else {
        session.untold.clone_from(&outcome.replies);
    }
}
