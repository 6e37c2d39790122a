//! What is understood of one utterance, before anybody looks at the catalogue.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::{Act, Found, Mood, Text};

/// One utterance, read.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The utterance, normalised, with the way back to the customer's characters.
    pub text: Text,
    /// In-scope intents, most probable first, at most ten. The probabilities of all of them and of
    /// being out of scope sum to one.
    pub ranking: Vec<Ranked>,
    /// Calibrated probability that the utterance means one of the known intents, 0 to 1.
    pub in_scope: f32,
    /// Why the intent should not be believed; `None` when it should.
    pub refusal: Option<Refusal>,
    /// What the utterance does in the dialogue, with its calibrated probability.
    pub act: Option<(Act, f32)>,
    /// Values in order of appearance; spans of different kinds may overlap.
    pub values: Vec<Found>,
    /// What the network marks as said for a slot, in order; spans do not overlap. Empty where it marks none.
    pub tagged: Vec<Tagged>,
    /// The mood with its probability; `None` where the network does not tell moods.
    pub mood: Option<(Mood, f32)>,
}

/// Words that are said for a slot.
#[derive(Debug, Clone, PartialEq)]
pub struct Tagged {
    /// The name of the slot.
    pub slot: String,
    /// Where the words lie in the normal text, in characters.
    pub span: Range<usize>,
    /// How sure the network is of the slot, on the mean over its tokens, 0 to 1.
    pub probability: f32,
}

/// An intent and how probable it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ranked {
    /// The id of the intent.
    pub intent: String,
    /// Calibrated probability, 0 to 1.
    #[serde(rename = "confidence")]
    pub probability: f32,
}

/// Why an utterance was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// Not a matter of this domain at all.
    OffDomain,
    /// Near the domain, but nothing that is served.
    Unsupported,
    /// It presupposes what does not exist.
    FalsePremise,
    /// No words of a customer: fragments, background, gibberish.
    Noise,
    /// Of the domain, but which intent is open.
    Unclear,
}

impl Refusal {
    /// Every reason.
    pub const ALL: [Self; 5] =
        [Self::OffDomain, Self::Unsupported, Self::FalsePremise, Self::Noise, Self::Unclear];

    /// Its id, as in the examples and on the wire.
    pub fn id(self) -> &'static str {
        match self {
            Self::OffDomain => "off_domain",
            Self::Unsupported => "unsupported",
            Self::FalsePremise => "false_premise",
            Self::Noise => "noise",
            Self::Unclear => "unclear",
        }
    }

    /// The refusal with this id.
    pub fn parse(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.id() == id)
    }
}
