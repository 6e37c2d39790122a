//! One event of a call through everything: load, read, step, ask or place, save.
//!
//! It knows traits, never drivers. A turn runs in a task of its own and is finished even when nobody waits
//! for it any more; what was recorded under a request's id is answered again and not done again.

mod cut;
mod record;

use std::{fmt, sync::Arc};

use tokio::sync::Semaphore;
use tracing::{Instrument, info_span, warn};

use crate::{
    backend::{Backend, Orders},
    catalogue::Catalogue,
    clock::Clock,
    crash,
    domain::{
        Channel, Event, Hypothesis, Input, Next, Phase, Reply, State, Step, Summary, Understanding,
    },
    flow,
    release::{Release, Releases},
    session::{self, Outcome, Pending, Session, Store},
    telemetry,
    understand::{self, understand},
};

/// Effects that one event may lead to, before something must be wrong.
const MAX_EFFECTS: usize = 6;

/// How often a turn that lost to another begins again.
const MAX_CONFLICTS: usize = 4;

/// Why an event was not answered.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such call: open it first.
    #[error("no such call: open it first")]
    NoCall,
    /// The event was answered too long ago to know how: go on with the next one.
    #[error("this event was answered long ago and is not done again: go on with the next number")]
    Forgotten,
    /// Too much to do: come again later.
    #[error("too many turns at once: come again later")]
    Overloaded,
    /// Other turns of the same call were always faster: send the event again.
    #[error("other events of this call arrive at the same time: send them one after the other")]
    Conflict,
    /// A part is out of reach: send the event again later.
    #[error("{0}")]
    Unreachable(String),
    /// The text does not fit the model: send a shorter one.
    #[error("text: {0} tokens are more than the model takes, send a shorter one")]
    TooLong(usize),
    /// What is stored cannot be read, or the model gives nonsense: ours to mend.
    #[error("{0}")]
    Malformed(String),
}

impl From<session::Error> for Error {
    fn from(error: session::Error) -> Self {
        match error {
            session::Error::Conflict => Self::Conflict,
            session::Error::Unreachable(_) => Self::Unreachable(error.to_string()),
            session::Error::Malformed(_) => Self::Malformed(error.to_string()),
        }
    }
}

impl From<nlu::engine::Error> for Error {
    fn from(error: nlu::engine::Error) -> Self {
        match error {
            nlu::engine::Error::Overloaded => Self::Overloaded,
            nlu::engine::Error::TooLong(tokens) => Self::TooLong(tokens),
            other => Self::Unreachable(format!("the model does not answer: {other}")),
        }
    }
}

/// One event of a call.
#[derive(Clone)]
pub struct Asked {
    /// Which call.
    pub call: session::Key,
    /// The number the customer calls from; used when the call opens.
    pub caller: String,
    /// Where they are reached; used when the call opens.
    pub channel: Channel,
    /// Unique within the call: the same again is answered from the record.
    pub request: String,
    /// What happened.
    pub event: Event,
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Asked({}, {}, {:?}, ***)", self.call.call, self.request, self.event)
    }
}

/// What came of an event.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    /// What to say, and how the call stands.
    pub outcome: Outcome,
    /// It was recorded earlier; nothing was done again.
    pub replayed: bool,
}

/// Everything a turn needs.
#[derive(Clone)]
pub struct Turns {
    /// Whose catalogue in which version.
    pub releases: Arc<Releases>,
    /// Calls between turns.
    pub store: Arc<dyn Store>,
    /// The operator's systems.
    pub backend: Arc<dyn Backend>,
    /// The operator's systems, exactly once.
    pub orders: Orders,
    /// Turns at work at once.
    pub room: Arc<Semaphore>,
    /// Which day it is where the operator is.
    pub clock: Clock,
}

/// A turn under way.
struct Work {
    asked: Asked,
    understanding: Option<Understanding>,
    replies: Vec<Reply>,
    order_key: String,
    /// The request that found this turn cut, where that is another and hears what came of it.
    heir: Option<String>,
}

impl Turns {
    /// Takes one event of a call.
    ///
    /// # Errors
    /// [`Error`]; nothing is lost, and the same event may be sent again.
    pub async fn hear(&self, asked: Asked) -> Result<Heard, Error> {
        let room = Arc::clone(&self.room).try_acquire_owned().map_err(|_| Error::Overloaded)?;
        let this = self.clone();
        let span = info_span!("turn", call = %asked.call.call, event = record::kind(&asked.event));
        let work = async move {
            let _room = room;
            let _time = telemetry::Stopwatch::new(telemetry::TURN_SECONDS);
            this.hear_here(asked).await
        };
        match tokio::spawn(work.instrument(span)).await {
            Ok(done) => done,
            Err(_) => {
                Err(Error::Malformed("the turn broke off: the server's log says where".into()))
            }
        }
    }

    /// Reads an utterance as the call would, and changes nothing.
    ///
    /// # Errors
    /// [`Error`] when the model does not answer.
    pub async fn hint(
        &self,
        call: &session::Key,
        hypotheses: &[Hypothesis],
    ) -> Result<Understanding, Error> {
        let session = self.store.load(call).await?.ok_or(Error::NoCall)?;
        let release = self.releases.get(&session.release).await;
        self.read(&release, &session.state, hypotheses).await
    }

    /// What was recorded of an event that was answered before; nothing is done.
    ///
    /// # Errors
    /// [`Error::Forgotten`] when it is not among the last [`Session::MAX_RECENT`] turns.
    pub async fn recorded(&self, call: &session::Key, request: &str) -> Result<Heard, Error> {
        let session = self.store.load(call).await?.ok_or(Error::NoCall)?;
        let outcome = session.recorded(request).cloned().ok_or(Error::Forgotten)?;
        Ok(Heard { outcome, replayed: true })
    }

    async fn hear_here(&self, asked: Asked) -> Result<Heard, Error> {
        for _ in 0..MAX_CONFLICTS {
            match self.try_once(asked.clone()).await {
                Err(Error::Conflict) => metrics::counter!(telemetry::CONFLICTS).increment(1),
                done => return done,
            }
        }
        Err(Error::Conflict)
    }

    async fn try_once(&self, asked: Asked) -> Result<Heard, Error> {
        let loading = self.store.load(&asked.call).instrument(info_span!("load"));
        let session = match loading.await? {
            Some(mut session) => match session.pending.take() {
                Some(pending) => self.finish_pending(session, pending, &asked).await?,
                None => session,
            },
            None if asked.event == Event::Open => self.new_session(&asked),
            None => return Err(Error::NoCall),
        };
        crash::point("turn_loaded");
        if let Some(outcome) = session.recorded(&asked.request) {
            return Ok(Heard { outcome: outcome.clone(), replayed: true });
        }
        if asked.event == Event::Open && session.state.phase != Phase::Opening {
            return Ok(Heard { outcome: record::again(&session), replayed: true });
        }
        let outcome = self.take(session, asked).await?;
        Ok(Heard { outcome, replayed: false })
    }

    fn new_session(&self, asked: &Asked) -> Session {
        let session::Key { tenant, call } = &asked.call;
        Session {
            version: 0,
            release: self.releases.live().id.clone(),
            state: State::new(tenant, call, &asked.caller, asked.channel),
            pending: None,
            recent: Vec::new(),
            untold: Vec::new(),
        }
    }

    async fn take(&self, mut session: Session, asked: Asked) -> Result<Outcome, Error> {
        let release = self.releases.get(&session.release).await;
        session.state.turn += 1;
        session.state.today = self.clock.today();
        let mut work = Work {
            asked,
            understanding: None,
            replies: std::mem::take(&mut session.untold),
            order_key: String::new(),
            heir: None,
        };
        let input = match &work.asked.event {
            Event::Open => Input::Opened,
            Event::Silence => Input::Silent,
            Event::Speech(hypotheses) => {
                let heard = self.read(&release, &session.state, hypotheses).await?;
                work.understanding = Some(heard.clone());
                Input::Heard(heard)
            }
            Event::Digits(keys) => Input::Digits {
                keys: keys.clone(),
                slot: understand::keys(
                    &release.catalogue,
                    keys,
                    session.state.expects(),
                    session.state.today,
                ),
            },
            Event::HangUp => {
                session.state.phase = Phase::Ended;
                return self.close(&mut session, work, &Next::End).await;
            }
        };
        self.follow(&release, &mut session, work, input).await
    }

    /// Steps until the customer is to be listened to, and saves.
    async fn follow(
        &self,
        release: &Release,
        session: &mut Session,
        mut work: Work,
        mut input: Input,
    ) -> Result<Outcome, Error> {
        for _ in 0..MAX_EFFECTS {
            let Step { state, replies, next } =
                flow::step(&release.catalogue, session.state.clone(), input);
            session.state = state;
            work.replies.extend(replies);
            input = Input::Answered(match next {
                Next::Listen | Next::HandOff(_) | Next::End => {
                    return self.close(session, work, &next).await;
                }
                Next::Ask(query) => {
                    let asking = self.backend.send(&query.request, None);
                    asking.instrument(info_span!("ask", action = query.action)).await
                }
                Next::Place(order) => {
                    work.order_key = order.key.to_string();
                    session.pending = Some(work.pending(order.clone()));
                    self.save(session, None).await?;
                    crash::point("order_saved");
                    let placing = self.orders.place(order);
                    let answer = placing.instrument(info_span!("place")).await;
                    session.pending = None;
                    answer
                }
            });
        }
        warn!("a turn did not come to an end");
        Err(Error::Malformed("the catalogue leads a turn in circles".into()))
    }

    async fn close(
        &self,
        session: &mut Session,
        work: Work,
        next: &Next,
    ) -> Result<Outcome, Error> {
        let hand_off: Option<Summary> = match next {
            Next::HandOff(summary) => Some(summary.clone()),
            Next::Listen | Next::End | Next::Ask(_) | Next::Place(_) => None,
        };
        let outcome = Outcome {
            replies: work.replies.clone(),
            understanding: work.understanding.clone(),
            hand_off,
            ended: *next == Next::End,
        };
        session.record(work.asked.request, outcome.clone());
        if let Some(heir) = work.heir {
            cut::leave_to(session, heir, &outcome);
        }
        let entry = record::entry(session, &work.asked.event, &outcome, work.order_key);
        self.save(session, Some(&entry)).await?;
        crash::point("turn_saved");
        Ok(outcome)
    }

    async fn save(
        &self,
        session: &mut Session,
        entry: Option<&crate::journal::Entry>,
    ) -> Result<(), Error> {
        self.store.save(session, entry).instrument(info_span!("save")).await?;
        session.version += 1;
        Ok(())
    }

    /// Reads all hypotheses in one batch and takes the best the catalogue serves, or else the first.
    async fn read(
        &self,
        release: &Release,
        state: &State,
        hypotheses: &[Hypothesis],
    ) -> Result<Understanding, Error> {
        let today = self.clock.today();
        let reads = hypotheses.iter().map(|it| self.releases.read(release, &it.text, today));
        let readings = futures::future::try_join_all(reads).instrument(info_span!("read")).await?;
        let mut best: Option<Understanding> = None;
        for reading in &readings {
            let catalogue: &Catalogue = &release.catalogue;
            let heard = understand(catalogue, &release.linker, reading, state.expects(), today);
            let served = heard.reason.is_none() || heard.act.is_some();
            if served && best.as_ref().is_none_or(|it| it.reason.is_some() && it.act.is_none()) {
                best = Some(heard);
            } else {
                best.get_or_insert(heard);
            }
        }
        best.ok_or_else(|| Error::Malformed("an utterance without hypotheses".into()))
    }
}

impl Work {
    fn pending(&self, order: crate::domain::Order) -> Pending {
        Pending {
            request: self.asked.request.clone(),
            event: self.asked.event.clone(),
            understanding: self.understanding.clone(),
            replies: self.replies.clone(),
            order,
        }
    }
}
