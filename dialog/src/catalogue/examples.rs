//! Utterances with their labels: `intent<TAB>text`, slots annotated inline as `[text](slot)`.

use std::ops::Range;

use super::Problem;

/// Slots of an utterance: name, and where its words lie in the text, in characters.
pub type Marks = Vec<(String, Range<usize>)>;

/// An utterance and what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// Intent id, or `out_of_scope/REASON`.
    pub label: String,
    /// The text without annotation.
    pub text: String,
    /// Annotated slots in order.
    pub slots: Marks,
    /// Never fitted, only measured.
    pub held_out: bool,
    /// Where it stands: file within the pack and line.
    pub origin: (String, usize),
}

/// Label and text of every line; lines that begin with `#` and empty ones are passed over.
pub(super) fn lines<'a>(
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
            Some((label, said)) if !said.trim().is_empty() && !said.contains('\t') => {
                found.push((at + 1, label, said));
            }
            _ => problems.push(Problem {
                file: file.into(),
                line: at + 1,
                message: "not `label<TAB>text`: write the label, one tab, then the utterance"
                    .into(),
            }),
        }
    }
    found
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
}
