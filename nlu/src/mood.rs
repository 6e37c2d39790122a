//! How the customer feels, as far as the words show it.

use serde::{Deserialize, Serialize};

/// A mood. From the first to the last it matters more to whoever answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mood {
    /// Nothing to remark.
    Calm,
    /// Worried, in a hurry, at a loss.
    Anxious,
    /// Displeased, sarcastic, losing patience.
    Annoyed,
    /// Shouts, swears, threatens.
    Angry,
}

impl Mood {
    /// Every mood.
    pub const ALL: [Self; 4] = [Self::Calm, Self::Anxious, Self::Annoyed, Self::Angry];

    /// Its id, as in the examples and on the wire.
    pub fn id(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Anxious => "anxious",
            Self::Annoyed => "annoyed",
            Self::Angry => "angry",
        }
    }

    /// The mood with this id.
    pub fn parse(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.id() == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mood_is_found_by_its_id_and_written_as_its_id() {
        for mood in Mood::ALL {
            assert_eq!(Mood::parse(mood.id()), Some(mood));
            assert_eq!(serde_json::to_string(&mood).unwrap(), format!("{:?}", mood.id()));
        }
        assert_eq!(Mood::parse("glad"), None);
    }
}
