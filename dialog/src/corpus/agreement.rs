//! How far a second labeller, who saw only the texts, agrees with those who wrote them.
//!
//! The second labels stand in `agreement/second.tsv` of the pack, `text<TAB>label` a line. They teach
//! nothing: what they show is mended in the examples by hand.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use nlu::Text;
use serde::Serialize;

use super::{Finding, Place, Severity};
use crate::catalogue::{Catalogue, Example, Pack, examples};

/// Where the second labels stand in a pack.
pub const FILE: &str = "agreement/second.tsv";

/// How far two labellers agree.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Agreement {
    /// Utterances that both labelled.
    pub rows: usize,
    /// Of them, those with one label from both.
    pub agreed: usize,
    /// Cohen's kappa: agreement beyond what chance would give, 1 at most; `None` where both know one label
    /// only, or there are no rows.
    pub kappa: Option<f64>,
    /// What was confused, by the writers' label.
    pub confused: Vec<Confused>,
    /// Every disagreement, and lines that cannot be used.
    pub findings: Vec<Finding>,
}

/// One label of the writers beside those that the second labeller gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Confused {
    /// The writers' label.
    pub label: String,
    /// Rows that have it.
    pub rows: usize,
    /// Of them, those with one label from both.
    pub agreed: usize,
    /// What the second labeller said else, with how often.
    pub others: BTreeMap<String, usize>,
}

/// `None` where the pack has no second labels.
pub(super) fn measure(pack: &Pack, catalogue: &Catalogue) -> Option<Agreement> {
    let text = pack.files.get(FILE)?;
    let mut first: HashMap<String, &Example> = HashMap::new();
    for example in &catalogue.examples {
        first.entry(Text::new(&example.text).normal().to_owned()).or_insert(example);
    }
    let (mut pairs, mut findings, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    for (at, line) in text.lines().enumerate() {
        if line.starts_with('#') || line.trim().is_empty() {
            continue;
        }
        match second(catalogue, &first, line) {
            Ok((example, label)) if seen.insert(&example.origin) => pairs.push((example, label)),
            Ok(_) => findings.push(fault(at, line, "this text was labelled before: take one out")),
            Err(message) => findings.push(fault(at, line, &message)),
        }
    }
    let labels: Vec<_> =
        pairs.iter().map(|(example, label)| (example.written_label(), label.clone())).collect();
    findings.extend(
        pairs.iter().zip(&labels).filter(|(_, (a, b))| a != b).map(|((it, _), (a, b))| {
            Finding::new(Severity::Warning, format!("{a}, or {b}"), [*it])
        }),
    );
    let agreed = labels.iter().filter(|(a, b)| a == b).count();
    let (kappa, confused) = (kappa(&labels), confused(&labels));
    Some(Agreement { rows: labels.len(), agreed, kappa, confused, findings })
}

/// The utterance that a line labels, and its label there.
fn second<'a>(
    catalogue: &Catalogue,
    first: &HashMap<String, &'a Example>,
    line: &str,
) -> Result<(&'a Example, String), String> {
    let (text, label) = line
        .split_once('\t')
        .ok_or("not `text<TAB>label`: write the utterance, one tab, then its label")?;
    examples::label(label, |it| catalogue.intent(it).is_some())?;
    let example = first.get(Text::new(text).normal());
    let example =
        example.ok_or("no utterance of the examples is this: write one as it is there")?;
    Ok((example, label.into()))
}

fn fault(at: usize, line: &str, message: &str) -> Finding {
    let (text, label) = line.split_once('\t').unwrap_or((line, ""));
    let (text, label) = (text.to_owned(), label.to_owned());
    let place = Place { file: FILE.into(), line: at + 1, label, text };
    Finding { severity: Severity::Error, message: message.into(), places: vec![place] }
}

/// Cohen's kappa of pairs of labels: `(seen - chance) / (1 - chance)`.
///
/// Source: Cohen (1960).
fn kappa(pairs: &[(String, String)]) -> Option<f64> {
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (a, b) in pairs {
        counts.entry(a).or_default().0 += 1;
        counts.entry(b).or_default().1 += 1;
    }
    let all = pairs.len() as f64;
    let chance: f64 = counts.values().map(|(a, b)| (*a as f64 / all) * (*b as f64 / all)).sum();
    let seen = pairs.iter().filter(|(a, b)| a == b).count() as f64 / all;
    (counts.len() > 1).then(|| (seen - chance) / (1.0 - chance))
}

fn confused(pairs: &[(String, String)]) -> Vec<Confused> {
    let mut labels: BTreeMap<&str, Confused> = BTreeMap::new();
    for (label, other) in pairs {
        let entry = labels.entry(label).or_insert_with(|| Confused {
            label: label.clone(),
            rows: 0,
            agreed: 0,
            others: BTreeMap::new(),
        });
        entry.rows += 1;
        if label == other {
            entry.agreed += 1;
        } else {
            *entry.others.entry(other.clone()).or_default() += 1;
        }
    }
    labels.into_values().filter(|it| !it.others.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(rows: &[(&str, &str, usize)]) -> Vec<(String, String)> {
        let row = |(a, b, count): &(&str, &str, usize)| {
            std::iter::repeat_n(((*a).to_owned(), (*b).to_owned()), *count).collect::<Vec<_>>()
        };
        rows.iter().flat_map(row).collect()
    }

    #[test]
    fn kappa_is_agreement_beyond_chance() {
        for (rows, expected) in [
            // The worked example of Cohen's kappa in most textbooks: 0.7 seen, 0.5 by chance.
            (&[("y", "y", 20), ("y", "n", 5), ("n", "y", 10), ("n", "n", 15)][..], Some(0.4)),
            (&[("a", "a", 3), ("b", "b", 4)], Some(1.0)),
            (&[("a", "b", 5), ("b", "a", 5)], Some(-1.0)),
            (&[("a", "b", 5)], Some(0.0)),
            (&[("a", "a", 5)], None),
            (&[], None),
        ] {
            let found = kappa(&pairs(rows));
            let close = match (found, expected) {
                (Some(found), Some(expected)) => f64::abs(found - expected) < 1e-9,
                (found, expected) => found == expected,
            };
            assert!(close, "{rows:?}: {found:?}");
        }
    }

    #[test]
    fn confusions_are_counted_by_the_writers_label() {
        let found = confused(&pairs(&[("a", "a", 3), ("a", "b", 2), ("a", "c", 1), ("b", "b", 9)]));
        let expected = Confused {
            label: "a".into(),
            rows: 6,
            agreed: 3,
            others: BTreeMap::from([("b".into(), 2), ("c".into(), 1)]),
        };
        assert_eq!(found, [expected]);
    }
}
