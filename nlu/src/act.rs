//! What an utterance does in the dialogue, apart from what it is about.
//!
//! It leaves out how an act is recognised (`head`) and what follows from it (whoever holds the dialogue).

use serde::{Deserialize, Serialize};

/// A dialogue act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Says yes.
    Affirm,
    /// Says no.
    Deny,
    /// Says that something was misunderstood or misspoken.
    Correct,
    /// Wants to hear it again.
    Repeat,
    /// Wants a moment.
    Wait,
    /// Breaks off what is being done.
    Cancel,
    /// Greets.
    Greet,
    /// Thanks.
    Thanks,
    /// Ends the call.
    Bye,
    /// Wants a person.
    Human,
    /// Says digits and nothing else.
    Digits,
}

impl Act {
    /// Every act, in the order of their ids in messages.
    pub const ALL: [Self; 11] = [
        Self::Affirm,
        Self::Deny,
        Self::Correct,
        Self::Repeat,
        Self::Wait,
        Self::Cancel,
        Self::Greet,
        Self::Thanks,
        Self::Bye,
        Self::Human,
        Self::Digits,
    ];

    /// Its id, as in the examples and on the wire.
    pub fn id(self) -> &'static str {
        match self {
            Self::Affirm => "affirm",
            Self::Deny => "deny",
            Self::Correct => "correct",
            Self::Repeat => "repeat",
            Self::Wait => "wait",
            Self::Cancel => "cancel",
            Self::Greet => "greet",
            Self::Thanks => "thanks",
            Self::Bye => "bye",
            Self::Human => "human",
            Self::Digits => "digits",
        }
    }

    /// The act with this id.
    pub fn parse(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.id() == id)
    }

    /// All ids, for messages: `affirm, deny, ...`.
    pub fn ids() -> String {
        Self::ALL.map(Self::id).join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_act_is_found_by_its_id_and_written_as_its_id() {
        for act in Act::ALL {
            assert_eq!(Act::parse(act.id()), Some(act));
            assert_eq!(serde_json::to_string(&act).unwrap(), format!("{:?}", act.id()));
        }
        assert_eq!(Act::parse("none"), None);
        assert!(Act::ids().starts_with("affirm, deny, ") && Act::ids().ends_with(", digits"));
    }
}
