//! The few-shot classifier over an embedding: which intent, how sure, whether in scope, why not, which act.
//!
//! It is fitted from examples in a second or two and is nothing but numbers afterwards: a release keeps
//! its own. Fitting and scoring are pure; the same examples in the same order give the same head on any
//! number of cores. It leaves out how an embedding is made (`engine`).

mod acts;
mod classifier;
mod decide;
mod grams;
mod jobs;
mod lbfgs;
mod linear;
mod matrix;
mod near;
mod scope;
mod space;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{Act, Ranked, Refusal, Text};

use acts::Acts;
use classifier::{Classifier, Lesson, Unseen};
use decide::{Case, Thresholds, Truth, Verdict};
pub(crate) use linear::softmax;
use near::Near;
use scope::Scope;
use space::Space;

/// Before the reason of an example that shall be refused.
const REFUSED: &str = "out_of_scope/";
/// The label of an act example that is no act.
const NO_ACT: &str = "none";
/// Most of the calls that are taken to be out of scope, however many refused examples there are: with few
/// examples of intents, five hundred refused ones would else make every utterance improbable.
const MOST_REFUSED: f32 = 0.2;
/// Most intents in a ranking.
const RANKED: usize = 10;

/// Why no head was fitted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no example of any intent: add some.
    #[error("there is no example of any intent: write some")]
    Empty,
    /// The label is neither an intent nor a reason to refuse.
    #[error(
        "no reason `{0}`: write out_of_scope/off_domain, unsupported, false_premise, noise or unclear"
    )]
    Refusal(String),
    /// The label of an act example is no act.
    #[error("no act `{0}`: write one of {acts}, or none", acts = Act::ids())]
    Act(String),
    /// Embeddings have different lengths, or numbers that are none: embed all with one model.
    #[error("embedding {0} has another length than the first, or is no number")]
    Embedding(usize),
}

/// One example.
#[derive(Debug, Clone, Copy)]
pub struct Sample<'a> {
    /// An intent's id or `out_of_scope/REASON`; of act examples an act's id or `none`.
    pub label: &'a str,
    /// What is said.
    pub text: &'a Text,
    /// Its embedding.
    pub embedding: &'a [f32],
}

/// What is said of one utterance.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// In-scope intents, most probable first, at most ten; with all others and out of scope their
    /// probabilities sum to one.
    pub ranking: Vec<Ranked>,
    /// Calibrated probability of meaning one of the intents.
    pub in_scope: f32,
    /// Why the first intent should not be believed.
    pub refusal: Option<Refusal>,
    /// The dialogue act with its calibrated probability, at least one half.
    pub act: Option<(Act, f32)>,
}

/// A fitted head. It can be kept and read again by the code that fitted it ([`Head::FITTED_BY`]).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Head {
    /// Classes below their number are intents, those above are `refusals`.
    intents: Vec<String>,
    refusals: Vec<Refusal>,
    classifier: Classifier,
    near: Near,
    scope: Scope,
    thresholds: Thresholds,
    acts: Acts,
    dims: usize,
}

impl Head {
    /// Which code fits heads: another one has its own to keep.
    pub const FITTED_BY: &'static str = env!("QINGTING_HEAD_CODE");

    /// Fits to examples, and calibrates on what models that did not see an example say of it.
    ///
    /// Order examples writer by writer: examples of one label are held out in runs, so that they stand
    /// for new speakers. One example an intent is enough to begin with, refused ones and acts may be
    /// missing. It takes all cores; 2,000 examples of 61 intents take under two seconds on two.
    ///
    /// # Errors
    /// [`Error`], when a label or an embedding is none, or no intent has an example.
    pub fn fit(intents: &[Sample<'_>], acts: &[Sample<'_>]) -> Result<Self, Error> {
        check(intents, acts)?;
        let labels = intents.iter().map(label).collect::<Result<Vec<_>, _>>()?;
        let names: BTreeSet<&str> = labels.iter().filter_map(|it| it.ok()).collect();
        let names: Vec<&str> = names.into_iter().collect();
        let refusals: Vec<Refusal> =
            Refusal::ALL.into_iter().filter(|it| labels.contains(&Err(*it))).collect();
        let open = names.len();
        if open == 0 {
            return Err(Error::Empty);
        }
        let class = |label: &Result<&str, Refusal>| match label {
            Ok(name) => names.binary_search(name).expect("all names were gathered"),
            Err(why) => open + refusals.iter().take_while(|it| *it != why).count(),
        };
        let lesson = Lesson {
            samples: intents.iter().collect(),
            labels: labels.iter().map(class).collect(),
            weights: vec![1.0; intents.len()],
            classes: open + refusals.len(),
        };
        let (classifier, unseen) = Classifier::fit(&lesson, open);
        let near = Near::new(classifier.space(), &lesson.samples, &lesson.labels, open);
        let (scope, thresholds) = judge(&lesson, &unseen, classifier.space(), &near, open);
        let acts = acts.iter().map(|it| Ok((it, act(it)?))).collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            acts: Acts::fit(&acts, &lesson.samples),
            intents: names.into_iter().map(str::to_owned).collect(),
            refusals,
            classifier,
            near,
            scope,
            thresholds,
            dims: intents[0].embedding.len(),
        })
    }

    /// Scores one utterance.
    ///
    /// # Panics
    /// When the embedding has another length than those the head was fitted to.
    pub fn score(&self, text: &Text, embedding: &[f32]) -> Scores {
        assert_eq!(embedding.len(), self.dims, "the head was fitted to another model");
        let view = View::new(self.classifier.scores(text, embedding), self.intents.len());
        let direction = self.classifier.space().direction(embedding);
        let sight = self.near.see(&direction, view.guess);
        let in_scope = self.scope.probability(&view.signs(&sight));
        let mut ranking: Vec<(usize, f32)> =
            view.intents.iter().map(|it| it * in_scope).enumerate().collect();
        ranking.sort_by(|a, b| b.1.total_cmp(&a.1));
        ranking.truncate(RANKED);
        let refusal = match self.thresholds.verdict(in_scope, ranking[0].1) {
            Verdict::Believe => None,
            Verdict::Ask => Some(Refusal::Unclear),
            Verdict::Refuse => Some(self.reason(&view)),
        };
        let ranked = |(class, probability): (usize, f32)| Ranked {
            intent: self.intents[class].clone(),
            probability,
        };
        let ranking: Vec<Ranked> = ranking.into_iter().map(ranked).collect();
        let act = self.acts.of(text, embedding, &ranking[0]);
        Scores { ranking, in_scope, refusal, act }
    }

    /// The ids of the intents, sorted.
    pub fn intents(&self) -> &[String] {
        &self.intents
    }

    /// The most probable reason among those there are examples of.
    fn reason(&self, view: &View) -> Refusal {
        let reasons = self.refusals.iter().zip(&view.all[self.intents.len()..]);
        let top = reasons.max_by(|a, b| a.1.total_cmp(b.1));
        top.map_or(Refusal::OffDomain, |(why, _)| *why)
    }
}

/// What the classifier says, from two sides.
struct View {
    /// Probabilities of all classes.
    all: Vec<f32>,
    /// Probabilities of the intents, if it is one of them.
    intents: Vec<f32>,
    /// The most probable intent.
    guess: usize,
}

impl View {
    fn new(mut scores: Vec<f32>, open: usize) -> Self {
        let mut intents = scores[..open].to_vec();
        softmax(&mut intents);
        softmax(&mut scores);
        let guess = (0..open).max_by(|a, b| intents[*a].total_cmp(&intents[*b])).unwrap_or(0);
        Self { all: scores, intents, guess }
    }

    fn signs(&self, sight: &near::Sight) -> scope::Signs {
        let (open, refused) = self.all.split_at(self.intents.len());
        scope::signs(open, refused, sight)
    }
}

/// Fits the score of being in scope and the thresholds to what was said of unseen examples.
fn judge(
    lesson: &Lesson<'_>,
    unseen: &Unseen,
    space: &Space,
    near: &Near,
    open: usize,
) -> (Scope, Thresholds) {
    let views: Vec<View> =
        unseen.scores.iter().map(|scores| View::new(scores.clone(), open)).collect();
    let guesses: Vec<usize> = views.iter().map(|it| it.guess).collect();
    let sights = near.unseen(space, &lesson.samples, &guesses, &unseen.folds);
    let signs: Vec<scope::Signs> =
        views.iter().zip(&sights).map(|(view, sight)| view.signs(sight)).collect();
    let weight = refused_weight(&lesson.labels, open);
    let inside = lesson.labels.iter().map(|label| *label < open);
    let scope = Scope::fit(&signs.iter().copied().zip(inside).collect::<Vec<_>>(), weight);
    let case = |number: usize| {
        let (view, label) = (&views[number], lesson.labels[number]);
        let in_scope = scope.probability(&signs[number]);
        let truth = match label {
            label if label >= open => Truth::None,
            label if label == view.guess => Truth::Right,
            _ => Truth::Wrong,
        };
        let weight = if truth == Truth::None { weight } else { 1.0 };
        Case { in_scope, top: in_scope * view.intents[view.guess], truth, weight }
    };
    let cases: Vec<Case> = (0..views.len()).map(case).collect();
    let thresholds = Thresholds::fit(&cases);
    (scope, thresholds)
}

/// How much each refused example counts, so that they do not stand for more calls than there are.
fn refused_weight(labels: &[usize], open: usize) -> f32 {
    let inside = labels.iter().filter(|label| **label < open).count() as f32;
    let refused = labels.len() as f32 - inside;
    (inside * MOST_REFUSED / (1.0 - MOST_REFUSED) / refused.max(1.0)).min(1.0)
}

fn check(intents: &[Sample<'_>], acts: &[Sample<'_>]) -> Result<(), Error> {
    let dims = intents.first().ok_or(Error::Empty)?.embedding.len();
    let is_sound = |it: &[f32]| it.len() == dims && dims > 0 && it.iter().all(|x| x.is_finite());
    match intents.iter().chain(acts).position(|it| !is_sound(it.embedding)) {
        Some(number) => Err(Error::Embedding(number)),
        None => Ok(()),
    }
}

/// The intent of an example, or why it shall be refused.
fn label<'a>(sample: &Sample<'a>) -> Result<Result<&'a str, Refusal>, Error> {
    match sample.label.strip_prefix(REFUSED) {
        Some(why) => Refusal::parse(why).map(Err).ok_or_else(|| Error::Refusal(why.into())),
        None => Ok(Ok(sample.label)),
    }
}

fn act(sample: &Sample<'_>) -> Result<Option<Act>, Error> {
    match sample.label {
        NO_ACT => Ok(None),
        id => Act::parse(id).map(Some).ok_or_else(|| Error::Act(id.into())),
    }
}
