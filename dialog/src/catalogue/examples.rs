//! Utterances with their labels: `label<TAB>text[<TAB>mood]`, slots annotated inline as `[text](slot)`.
//!
//! A label is an intent, two joined by `+` in the order in which they are said, or `out_of_scope/REASON`.

use std::ops::Range;

use nlu::Mood;

use super::Problem;

/// What begins the label of an utterance that must be refused.
const REFUSED: &str = "out_of_scope/";

/// Slots of an utterance: name, and where its words lie in the text, in characters.
pub type Marks = Vec<(String, Range<usize>)>;

/// An utterance and what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// Intent id, or `out_of_scope/REASON`.
    pub label: String,
    /// The intent that is wanted after the first, where two are.
    pub also: Option<String>,
    /// The text without annotation.
    pub text: String,
    /// Annotated slots in order.
    pub slots: Marks,
    /// How the customer feels.
    pub mood: Mood,
    /// What it is used for.
    pub split: Split,
    /// Where it stands: file within the pack and line.
    pub origin: (String, usize),
}

impl Example {
    /// Whether it is only measured, never fitted.
    pub fn is_held_out(&self) -> bool {
        match self.split {
            Split::Train => false,
            Split::Dev | Split::Test => true,
        }
    }

    /// The label as it is written: "a", "a+b" or "out_of_scope/REASON".
    pub fn written_label(&self) -> String {
        match &self.also {
            Some(also) => format!("{}+{also}", self.label),
            None => self.label.clone(),
        }
    }

    /// Why it must be refused; `None` where it is a matter of the domain.
    pub fn refusal(&self) -> Option<nlu::Refusal> {
        self.label.strip_prefix(REFUSED).and_then(nlu::Refusal::parse)
    }
}

/// What a voice is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Split {
    /// Fits heads and networks.
    Train,
    /// Watched while they are fitted, and chosen by.
    Dev,
    /// Measured at the end.
    Test,
}

impl Split {
    /// Every split.
    pub const ALL: [Self; 3] = [Self::Train, Self::Dev, Self::Test];

    /// Its id.
    pub fn id(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Dev => "dev",
            Self::Test => "test",
        }
    }
}

/// What a label names: an intent, or `out_of_scope/REASON`, and the intent that is wanted after it.
///
/// # Errors
/// What is wrong with it and what to write.
pub fn label(
    written: &str,
    is_intent: impl Fn(&str) -> bool,
) -> Result<(String, Option<String>), String> {
    let refusal = |it: &str| it.strip_prefix(REFUSED).and_then(nlu::Refusal::parse).is_some();
    let unknown = |it: &str| {
        let reasons = nlu::Refusal::ALL.map(nlu::Refusal::id).join(", ");
        format!("no intent `{it}` in intents.toml, and no {REFUSED}REASON, which may be {reasons}")
    };
    let Some((first, second)) = written.split_once('+') else {
        let known = is_intent(written) || refusal(written);
        return if known { Ok((written.into(), None)) } else { Err(unknown(written)) };
    };
    let wrong = "write two intents of intents.toml at most, such as query_a+query_b";
    match [first, second].into_iter().find(|it| !is_intent(it)) {
        Some(it) if refusal(it) || it.contains('+') => Err(format!("`{written}`: {wrong}")),
        Some(it) => Err(unknown(it)),
        None if first == second => Err(format!("`{written}`: {wrong}; one of them is there twice")),
        None => Ok((first.into(), Some(second.into()))),
    }
}

/// One line of an examples file.
pub(super) struct Line<'a> {
    /// From 1.
    pub(super) number: usize,
    pub(super) label: &'a str,
    /// With its annotation.
    pub(super) said: &'a str,
    pub(super) mood: Mood,
}

/// Every line with its label, text and mood; lines that begin with `#` and empty ones are passed over.
pub(super) fn lines<'a>(file: &str, text: &'a str, problems: &mut Vec<Problem>) -> Vec<Line<'a>> {
    let mut found = Vec::new();
    for (number, label, rest) in labelled(file, text, problems) {
        let (said, mood) = match rest.split_once('\t') {
            Some((said, id)) => (said, Mood::parse(id).filter(|it| *it != Mood::Calm)),
            None => (rest, Some(Mood::Calm)),
        };
        if said.trim().is_empty() {
            problems.push(no_text(file, number));
        } else if let Some(mood) = mood {
            found.push(Line { number, label, said, mood });
        } else {
            let id = rest.rsplit('\t').next().unwrap_or_default();
            let message = format!(
                "no mood `{id}`: write anxious, annoyed or angry after the second tab, or neither \
                 tab nor mood"
            );
            problems.push(Problem { file: file.into(), line: number, message });
        }
    }
    found
}

/// Line number, label and text of every line of two columns.
pub(super) fn pairs<'a>(
    file: &str,
    text: &'a str,
    problems: &mut Vec<Problem>,
) -> Vec<(usize, &'a str, &'a str)> {
    let mut found = labelled(file, text, problems);
    found.retain(|(number, _, said)| {
        let good = !said.contains('\t');
        if !good {
            problems.push(no_text(file, *number));
        }
        good
    });
    found
}

/// What stands before and after the first tab.
fn labelled<'a>(
    file: &str,
    text: &'a str,
    problems: &mut Vec<Problem>,
) -> Vec<(usize, &'a str, &'a str)> {
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        if line.starts_with('#') || line.trim().is_empty() {
            continue;
        }
        match line.split_once('\t') {
            Some((label, rest)) if !rest.trim().is_empty() => found.push((at + 1, label, rest)),
            _ => problems.push(no_text(file, at + 1)),
        }
    }
    found
}

fn no_text(file: &str, line: usize) -> Problem {
    let message = "not `label<TAB>text`: write the label, one tab, then the utterance".into();
    Problem { file: file.into(), line, message }
}

/// Takes the annotation out of a text.
///
/// # Errors
/// What is wrong with it and how to write it.
pub fn strip(annotated: &str) -> Result<(String, Marks), String> {
    let mut text = String::new();
    let mut length = 0;
    let mut slots = Vec::new();
    let mut rest = annotated;
    while let Some((before, after)) = rest.split_once('[') {
        let broken = || format!("broken annotation after `[`: write [{}](slot)", first(after));
        let (words, tail) = after.split_once("](").ok_or_else(broken)?;
        let (slot, next) = tail.split_once(')').ok_or_else(broken)?;
        if words.is_empty() || words.contains('[') || slot.is_empty() {
            return Err(broken());
        }
        length += before.chars().count();
        let end = length + words.chars().count();
        slots.push((slot.to_owned(), length..end));
        length = end;
        text.push_str(before);
        text.push_str(words);
        rest = next;
    }
    text.push_str(rest);
    Ok((text, slots))
}

fn first(text: &str) -> String {
    text.chars().take(4).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annotations_are_taken_out_and_kept_as_spans() {
        let (text, slots) = strip("给[尾号1234](phone)充[五十块](amount)吧").expect("well formed");
        assert_eq!(text, "给尾号1234充五十块吧");
        assert_eq!(slots, [("phone".to_owned(), 1..7), ("amount".to_owned(), 8..11)]);
        assert_eq!(strip("").expect("empty"), (String::new(), vec![]));
    }

    #[test]
    fn broken_annotations_say_how_to_write_them() {
        for broken in
            ["查[上个月", "查[上个月]账", "查[](month)", "查[上[个](x)", "查[上个月](month"]
        {
            let message = strip(broken).expect_err(broken);
            assert!(message.contains("](slot)"), "{message}");
        }
    }

    #[test]
    fn labels_name_one_intent_or_two_or_a_reason_to_refuse() {
        let is_intent = |id: &str| ["a", "b", "c"].contains(&id);
        let two = |first: &str, second: &str| (first.to_owned(), Some(second.to_owned()));
        assert_eq!(label("a", is_intent), Ok(("a".into(), None)));
        assert_eq!(label("b+a", is_intent), Ok(two("b", "a")));
        assert_eq!(
            label("out_of_scope/unclear", is_intent),
            Ok(("out_of_scope/unclear".into(), None))
        );
        for (wrong, told) in [
            ("d", "no intent `d`"),
            ("", "no intent ``"),
            ("a+d", "no intent `d`"),
            ("a+", "no intent ``"),
            ("a+a", "twice"),
            ("a+b+c", "two intents of intents.toml at most"),
            ("a+out_of_scope/noise", "two intents of intents.toml at most"),
            (
                "out_of_scope/weather",
                "may be off_domain, unsupported, false_premise, noise, unclear",
            ),
            ("out_of_scope/", "no intent `out_of_scope/`"),
        ] {
            let message = label(wrong, is_intent).expect_err(wrong);
            assert!(message.contains(told), "{wrong}: {message}");
        }
    }

    #[test]
    fn a_line_may_name_a_mood_and_nothing_more() {
        let text = "# voice\n\na\t你好\na\t凭什么\tangry\r\na\t怎么办\tanxious\n";
        let mut problems = Vec::new();
        let read = lines("f", text, &mut problems);
        let read: Vec<_> = read.iter().map(|it| (it.number, it.said, it.mood)).collect();
        let expected =
            [(3, "你好", Mood::Calm), (4, "凭什么", Mood::Angry), (5, "怎么办", Mood::Anxious)];
        assert_eq!((read.as_slice(), problems.as_slice()), (&expected[..], &[][..]));
        for (broken, told) in [
            ("a", "not `label<TAB>text`"),
            ("a\t ", "not `label<TAB>text`"),
            ("a\t\tangry", "not `label<TAB>text`"),
            ("a\tb\tcalm", "no mood `calm`: write anxious, annoyed or angry"),
            ("a\tb\tangry\tsad", "no mood `sad`"),
            ("a\tb\t", "no mood ``"),
        ] {
            let mut problems = Vec::new();
            assert!(lines("f", broken, &mut problems).is_empty(), "{broken}");
            let message = &problems.first().expect(broken).message;
            assert!(message.contains(told), "{broken}: {message}");
        }
        let mut problems = Vec::new();
        assert_eq!(pairs("f", "a\tb\tangry\na\tb", &mut problems), [(2, "a", "b")]);
        assert_eq!(problems.len(), 1, "acts have no mood");
    }
}
