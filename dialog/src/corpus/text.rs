//! The report of the lint as text, section by section: what was counted, errors, then warnings.

use std::fmt::Write as _;

use nlu::{Mood, Refusal};

use super::{Agreement, Balance, FEW, Finding, Report, Severity, Share, Unmarked, Voices};

pub(super) fn write(report: &Report, most: Option<usize>) -> String {
    let Report { duplicates, near_duplicates, conflicts, balance, unmarked, voices, agreement } =
        report;
    let second = agreement.as_ref().map_or(&[][..], |it| &it.findings);
    let sections = [
        ("duplicates", Vec::new(), duplicates.as_slice()),
        ("near-duplicates", Vec::new(), near_duplicates),
        ("label conflicts", Vec::new(), conflicts),
        ("balance", of_intents(balance), &balance.findings),
        ("unmarked values", of_slots(unmarked), &unmarked.findings),
        ("voices", of_voices(voices), &voices.findings),
        ("agreement", of_agreement(agreement.as_ref()), second),
    ];
    let mut out = String::new();
    for (name, facts, findings) in sections {
        line(&mut out, 0, &format!("{name}: {}", verdict(findings)));
        facts.iter().for_each(|fact| line(&mut out, 1, fact));
        section(&mut out, findings, most);
        out.push('\n');
    }
    let (files, lines) = (voices.files.len(), voices.all.lines);
    let verdict = verdict(report.findings());
    line(&mut out, 0, &format!("corpus: {lines} utterances of {files} voices: {verdict}"));
    out
}

fn line(out: &mut String, depth: usize, text: &str) {
    // A String takes everything.
    let _ = writeln!(out, "{:1$}{2}", "", depth * 2, text.trim_end());
}

fn verdict<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> String {
    let (errors, warnings): (Vec<_>, Vec<_>) =
        findings.into_iter().partition(|it| it.severity == Severity::Error);
    match (errors.len(), warnings.len()) {
        (0, 0) => "good".into(),
        (errors, warnings) => format!("{}, {}", many(errors, "error"), many(warnings, "warning")),
    }
}

fn many(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn section(out: &mut String, findings: &[Finding], most: Option<usize>) {
    let of = |severity| findings.iter().filter(move |it| it.severity == severity);
    for finding in of(Severity::Error) {
        show(out, "error", finding, usize::MAX);
    }
    let warnings = of(Severity::Warning).count();
    let shown = most.unwrap_or(warnings);
    for finding in of(Severity::Warning).take(shown) {
        show(out, "warning", finding, if most.is_some() { FEW } else { usize::MAX });
    }
    if warnings > shown {
        line(out, 1, &format!("and {} more: --all shows them", many(warnings - shown, "warning")));
    }
}

fn show(out: &mut String, severity: &str, finding: &Finding, most: usize) {
    line(out, 1, &format!("{severity:8} {}", finding.message));
    for place in finding.places.iter().take(most) {
        let text = format!("{}:{}  {}  {}", place.file, place.line, place.label, place.text);
        line(out, 4, &text);
    }
    if finding.places.len() > most {
        line(out, 4, &format!("and {} more", many(finding.places.len() - most, "line")));
    }
}

fn of_intents(balance: &Balance) -> Vec<String> {
    let width = balance.intents.iter().map(|it| it.intent.len()).max().unwrap_or_default();
    let median = format!("median {}", balance.median);
    let mut facts = vec![format!("{median:width$}  train    dev   test    all  of two")];
    facts.extend(balance.intents.iter().map(|it| {
        let [train, dev, test] = it.alone;
        let (id, all) = (&it.intent, it.total());
        format!("{id:width$} {train:6} {dev:6} {test:6} {all:6} {:7}", it.of_two)
    }));
    facts
}

fn of_slots(unmarked: &Unmarked) -> Vec<String> {
    let width = unmarked.slots.iter().map(|it| it.slot.len()).max().unwrap_or_default();
    let slots = unmarked
        .slots
        .iter()
        .map(|it| format!("{:width$} {:6} marked {:6} not", it.slot, it.marked, it.unmarked));
    slots.collect()
}

fn of_voices(voices: &Voices) -> Vec<String> {
    let width = voices.files.iter().map(|it| it.file.len()).max().unwrap_or_default();
    let moods: String = Mood::ALL.map(|it| format!(" {:>7}", it.id())).concat();
    let head = format!("{:width$}  split  lines doubles refused{moods}  characters", "voice");
    let row = |name: &str, split: &str, share: &Share| {
        let refused: usize = share.refused.values().sum();
        let moods: String = Mood::ALL.map(|it| format!(" {:7}", share.of_mood(it))).concat();
        let it = share.lengths;
        format!(
            "{name:width$}  {split:5} {:6} {:7} {refused:7}{moods}  {} {} {} {} {}",
            share.lines, share.doubles, it.least, it.lower, it.median, it.upper, it.most
        )
    };
    let mut facts = vec![head];
    facts.extend(voices.files.iter().map(|it| row(&it.file, it.split, &it.share)));
    facts.push(row("all", "", &voices.all));
    let reasons = Refusal::ALL.map(|it| {
        let count = voices.all.of_reason(it);
        format!("{} {count} ({})", it.id(), percent(count, voices.all.lines))
    });
    facts.push(format!("refused: {}", reasons.join(", ")));
    facts
}

fn of_agreement(agreement: Option<&Agreement>) -> Vec<String> {
    let Some(it) = agreement else {
        return vec![format!(
            "no second labels: write text<TAB>label lines in {}",
            super::agreement::FILE
        )];
    };
    let kappa = it.kappa.map_or_else(|| "none".to_owned(), |kappa| format!("{kappa:.3}"));
    let share = percent(it.agreed, it.rows);
    let mut facts = vec![format!("{} of {} agreed ({share}), kappa {kappa}", it.agreed, it.rows)];
    facts.extend(it.confused.iter().map(|it| {
        let others: Vec<String> =
            it.others.iter().map(|(other, count)| format!("{other} {count}")).collect();
        format!("{}: {} of {} agreed; else {}", it.label, it.agreed, it.rows, others.join(", "))
    }));
    facts
}

fn percent(part: usize, of: usize) -> String {
    format!("{:.1} %", 100.0 * part as f64 / of.max(1) as f64)
}
