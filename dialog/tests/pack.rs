//! The pack of the repository: that it holds what is promised, and that broken packs are refused where
//! they are broken, with what to write instead.

mod telecom;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use dialog::{
    catalogue::{ActionKind, Catalogue, Example, Pack, SlotKind},
    understand::Linker,
};
use nlu::{Text, values};
use telecom::{pack, telecom};

/// Part of the annotated words that the linker and the values must find by themselves.
const FOUND_AT_LEAST: f64 = 0.85;

#[test]
fn the_pack_holds_what_is_promised() {
    let catalogue = &telecom().catalogue;
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for example in &catalogue.examples {
        let (fitted, held_out) = counts.entry(&example.label).or_default();
        *if example.held_out { held_out } else { fitted } += 1;
    }
    assert_eq!(catalogue.intents().count(), 60);
    for intent in catalogue.intents() {
        let (fitted, held_out) = counts.get(intent.id.as_str()).copied().unwrap_or_default();
        assert!(fitted + held_out >= 40, "{}: {fitted} + {held_out} utterances", intent.id);
        assert!(fitted >= 20 && held_out >= 5, "{}: {fitted} + {held_out}", intent.id);
    }
    let refused = counts.iter().filter(|(label, _)| label.starts_with("out_of_scope/"));
    let refused: usize = refused.map(|(_, (fitted, held_out))| fitted + held_out).sum();
    assert!(refused >= 400, "{refused} that must be refused");
    let held_out = catalogue.examples.iter().filter(|it| it.held_out).count();
    let share = held_out as f64 / catalogue.examples.len() as f64;
    assert!(share >= 0.15, "{held_out} of {} are held out", catalogue.examples.len());
    let calls = catalogue.actions().filter(|it| {
        matches!(it.kind, ActionKind::Query(_) | ActionKind::Order(_))
    });
    assert!(calls.count() >= 40, "business actions");
    let acts: BTreeSet<&str> = catalogue.acts.iter().map(|(act, _)| act.as_str()).collect();
    assert_eq!(acts.len(), nlu::Act::ALL.len() + 1, "every act and none: {acts:?}");
}

#[test]
fn whole_files_are_held_out_and_share_no_utterance_with_the_rest() {
    let examples = &telecom().catalogue.examples;
    let files = |held_out: bool| -> BTreeSet<&str> {
        examples.iter().filter(|it| it.held_out == held_out).map(|it| it.origin.0.as_str()).collect()
    };
    assert!(files(true).is_disjoint(&files(false)), "a file is held out whole or not at all");
    let normal = |it: &Example| Text::new(&it.text).normal().to_owned();
    let fitted: BTreeMap<String, &Example> =
        examples.iter().filter(|it| !it.held_out).map(|it| (normal(it), it)).collect();
    let shared: Vec<String> = examples
        .iter()
        .filter(|it| it.held_out)
        .filter_map(|it| Some((it, fitted.get(&normal(it))?)))
        .map(|(a, b)| format!("{}:{} is {}:{}", a.origin.0, a.origin.1, b.origin.0, b.origin.1))
        .collect();
    assert!(shared.is_empty(), "held out and fitted alike:\n{}", shared.join("\n"));
}

/// Whether the linker or the values find the slot where a writer marked it.
fn is_found(catalogue: &Catalogue, linker: &Linker, example: &Example, slot: &str, at: &Range<usize>) -> bool {
    let text = Text::new(&example.text);
    let today = jiff::civil::date(2026, 11, 24);
    let spans: Vec<Range<usize>> = match catalogue.slot(slot).map(|it| &it.kind) {
        Some(SlotKind::Entity(kind)) => {
            let links = linker.find(&text).into_iter().filter(|it| it.kind == *kind);
            links.map(|it| it.span).collect()
        }
        Some(SlotKind::Value(kind)) => {
            let found = values::find_all(&text, today).into_iter().filter(|it| it.value.kind() == *kind);
            found.map(|it| it.span).collect()
        }
        Some(SlotKind::Text) | None => return true,
    };
    spans.into_iter().map(|span| text.to_raw(span)).any(|it| mostly_the_same(&it, at))
}

/// Whether two spans share at least half of what they cover together: "尾号1234" and "1234" do.
fn mostly_the_same(a: &Range<usize>, b: &Range<usize>) -> bool {
    let shared = a.end.min(b.end).saturating_sub(a.start.max(b.start));
    shared * 2 >= a.end.max(b.end) - a.start.min(b.start)
}

#[test]
fn what_writers_marked_is_found_without_a_model() {
    let all = telecom();
    let mut slots: BTreeMap<&str, (usize, Vec<String>)> = BTreeMap::new();
    for example in &all.catalogue.examples {
        for (slot, at) in &example.slots {
            if matches!(all.catalogue.slot(slot).map(|it| &it.kind), Some(SlotKind::Text) | None) {
                continue;
            }
            let (count, missed) = slots.entry(slot).or_default();
            *count += 1;
            if !is_found(&all.catalogue, &all.linker, example, slot, at) {
                let words: String = example.text.chars().skip(at.start).take(at.len()).collect();
                let (file, line) = &example.origin;
                missed.push(format!("{file}:{line}: [{words}] in {}", example.text));
            }
        }
    }
    let count: usize = slots.values().map(|(count, _)| count).sum();
    let missed: usize = slots.values().map(|(_, missed)| missed.len()).sum();
    let mut report = String::new();
    for (slot, (count, missed)) in &slots {
        report += &format!("{slot}: {} of {count} found\n", count - missed.len());
        report += &missed.iter().take(40).map(|it| format!("    {it}\n")).collect::<String>();
    }
    let share = 1.0 - missed as f64 / count as f64;
    println!("{share:.4} of {count} marked words are found\n{report}");
    assert!(count > 300, "{count} marked words");
    assert!(share >= FOUND_AT_LEAST, "{share:.3} of {count} marked words are found\n{report}");
}

/// A breakage: a file, what to replace in it by what, and what is said at which line of that file. The
/// line is that of the text `at`, after the breakage.
struct Broken {
    file: &'static str,
    from: &'static str,
    to: &'static str,
    at: &'static str,
    message: &'static str,
}

const BROKEN: &[Broken] = &[
    Broken {
        file: "pack.toml",
        from: "format = 1",
        to: "format = 7",
        at: "format = 7",
        message: "format is 1",
    },
    Broken {
        file: "pack.toml",
        from: "opening = \"caller_profile\"",
        to: "opening = \"top_up\"",
        at: "opening = ",
        message: "opening names a query of actions.toml without slots",
    },
    Broken {
        file: "pack.toml",
        from: "\"voice-4.tsv\"",
        to: "\"voice-9.tsv\"",
        at: "voice-9.tsv",
        message: "no examples/voice-9.tsv",
    },
    Broken {
        file: "pack.toml",
        from: "no_match = 3",
        to: "no_match = 3\npatience = 4",
        at: "patience",
        message: "unknown field `patience`",
    },
    Broken {
        file: "pack.toml",
        from: "operator = ",
        to: "operator ",
        at: "operator ",
        message: "expected",
    },
    Broken {
        file: "intents.toml",
        from: "action = \"query_balance\"",
        to: "action = \"query_balence\"",
        at: "query_balence",
        message: "no action `query_balence` in actions.toml: add it there",
    },
    Broken {
        file: "intents.toml",
        from: "id = \"query_bill\"",
        to: "id = \"query_balance\"",
        at: "id = \"query_balance\"\nname = \"查账单\"",
        message: "`query_balance` is there twice: ids are fixed and unique",
    },
    Broken {
        file: "slots.toml",
        from: "kind = \"month\"",
        to: "kind = \"moon\"",
        at: "kind = \"moon\"",
        message: "no kind `moon`: write text, phone, money,",
    },
    Broken {
        file: "slots.toml",
        from: "ask = [\"您要多少流量？\", \"请说一下大小，比如五个 GB。\"]",
        to: "ask = [\"您要多少流量？\"]",
        at: "name = \"data\"",
        message: "write at least two wordings in `ask`",
    },
    Broken {
        file: "slots.toml",
        from: "name = \"count\"",
        to: "name = \"data\"",
        at: "name = \"data\"\nkind = \"count\"",
        message: "`data` is there twice: rename one",
    },
    Broken {
        file: "actions.toml",
        from: "slots = [\"gift\"]",
        to: "slots = [\"present\"]",
        at: "slots = [\"present\"]",
        message: "no slot `present`: write addon, amount,",
    },
    Broken {
        file: "actions.toml",
        from: "kind = \"hand_off\"",
        to: "kind = \"handoff\"",
        at: "kind = \"handoff\"",
        message: "no kind `handoff`: write query, order, answer or hand_off",
    },
    Broken {
        file: "actions.toml",
        from: "method = \"GET\"",
        to: "method = \"FETCH\"",
        at: "method = \"FETCH\"",
        message: "write GET, POST, PUT or DELETE",
    },
    Broken {
        file: "actions.toml",
        from: "path = \"/v1/customers/{{ caller }}/points\"",
        to: "path = \"v1/customers/{{ caller }}/points\"",
        at: "path = \"v1/",
        message: "a path begins with `/`",
    },
    Broken {
        file: "actions.toml",
        from: "answer.points = \"/points\"",
        to: "answer.points = \"points\"",
        at: "answer.points = \"points\"",
        message: "a JSON pointer begins with `/`, as in \"/balance_fen\"",
    },
    Broken {
        file: "actions.toml",
        from: "您还剩 {{ answer.left }} 积分",
        to: "您还剩 {{ answer.rest }} 积分",
        at: "{{ answer.rest }}",
        message: "nothing is called `answer.rest` here: name a slot of the action,",
    },
    Broken {
        file: "actions.toml",
        from: "用 {{ gift.points }} 积分",
        to: "用 {{ gift.points | points }} 积分",
        at: "gift.points | points",
        message: "filters of our own: yuan, gb, month, date, tail",
    },
    Broken {
        file: "actions.toml",
        from: "say.confirm = \"用 {{ gift.points }} 积分换{{ gift.worth }}，换好就不能退了，确认吗？\"\n",
        to: "",
        at: "name = \"redeem_points\"",
        message: "write say.confirm: a question that names what and how much",
    },
    Broken {
        file: "actions.toml",
        from: "undo = \"restore_addon\"",
        to: "undo = \"query_points\"",
        at: "undo = \"query_points\"",
        message: "undo names an order of this file that needs no slot which this one lacks",
    },
    Broken {
        file: "actions.toml",
        from: "say.confirm = \"恢复开机，套餐费照常收，确认吗？\"\n",
        to: "",
        at: "undo = \"resume_service\"",
        message: "`resume_service` takes something back: write its say.confirm",
    },
    Broken {
        file: "actions.toml",
        from: "body.gift = \"gift.id\"",
        to: "body.gift = \"gift.colour\"",
        at: "gift.colour",
        message: "nothing is called `gift.colour` here",
    },
    Broken {
        file: "replies.toml",
        from: "greet_back = ",
        to: "greet_bakc = ",
        at: "greet_bakc = ",
        message: "no reply is called `greet_bakc`: write greet,",
    },
    Broken {
        file: "replies.toml",
        from: "bye = [\"感谢您来电，再见。\"]",
        to: "",
        at: "",
        message: "no `bye`: write bye = [\"...\"] under [reply]",
    },
    Broken {
        file: "replies.toml",
        from: "还是{{ second }}？\",\n    \"我再问准",
        to: "还是{{ third }}？\",\n    \"我再问准",
        at: "{{ third }}",
        message: "nothing is called `third` here",
    },
    Broken {
        file: "knowledge.toml",
        from: "kind = \"gift\"\nid = \"data_gift\"",
        to: "kind = \"present\"\nid = \"data_gift\"",
        at: "kind = \"present\"",
        message: "no kind `present`: write addon,",
    },
    Broken {
        file: "knowledge.toml",
        from: "worth = \"十元话费\"",
        to: "wroth = \"十元话费\"",
        at: "id = \"credit_10\"",
        message: "kind `gift` has no attribute `wroth`: write points, worth",
    },
    Broken {
        file: "knowledge.toml",
        from: "id = \"sms_100\"",
        to: "id = \"voice_300\"",
        at: "id = \"voice_300\"\nname = \"100条短信包\"",
        message: "`voice_300` is there twice: give it another id",
    },
    Broken {
        file: "acts.tsv",
        from: "affirm\t对对\n",
        to: "affirmation\t对对\n",
        at: "affirmation",
        message: "no act `affirmation`: write one of affirm, deny,",
    },
    Broken {
        file: "examples/voice-1.tsv",
        from: "query_balance\t",
        to: "query_balance ",
        at: "query_balance ",
        message: "not `label<TAB>text`: write the label, one tab, then the utterance",
    },
    Broken {
        file: "examples/refused-1.tsv",
        from: "out_of_scope/off_domain\t",
        to: "out_of_scope/weather\t",
        at: "out_of_scope/weather",
        message: "no intent `out_of_scope/weather` in intents.toml, and no out_of_scope/REASON",
    },
    Broken {
        file: "examples/voice-3.tsv",
        from: "](month)",
        to: "](moon)",
        at: "](moon)",
        message: "no slot `moon`: write addon,",
    },
    Broken {
        file: "examples/voice-3.tsv",
        from: "](month)",
        to: "](month",
        at: "](month",
        message: "broken annotation after `[`: write [",
    },
];

#[test]
fn broken_packs_are_refused_where_they_are_broken() {
    let whole = pack();
    for broken in BROKEN {
        let Broken { file, from, to, at, message } = broken;
        let mut pack = whole.clone();
        let text = pack.files.get_mut(*file).expect("a file of the pack");
        let place = text.find(from).unwrap_or_else(|| panic!("{file} has no {from:?} to break"));
        text.replace_range(place..place + from.len(), to);
        // The first `at` that the breakage brought in, or the first there is.
        let from = if to.is_empty() || !to.contains(at) { 0 } else { place.saturating_sub(at.len()) };
        let stands = text.get(from..).and_then(|it| it.find(at)).map(|it| it + from);
        let stands = stands.or_else(|| text.find(at)).unwrap_or_else(|| panic!("{file}: no {at:?}"));
        let line = 1 + text[..stands].matches('\n').count();
        let problems = Catalogue::parse(&pack).expect_err(message).to_string();
        let expected = format!("{file}:{line}: ");
        let told = problems.lines().any(|it| it.starts_with(&expected) && it.contains(message));
        assert!(told, "expected {expected}... {message}\nfound\n{problems}");
    }
}

#[test]
fn a_pack_without_a_file_says_which() {
    for file in ["pack.toml", "intents.toml", "slots.toml", "actions.toml", "replies.toml", "acts.tsv"] {
        let mut pack: Pack = pack();
        pack.files.remove(file);
        let problems = Catalogue::parse(&pack).expect_err(file).to_string();
        let told = format!("{file}:1: this file is missing from the pack");
        assert!(problems.contains(&told), "{problems}");
    }
}
