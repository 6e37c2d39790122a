//! Broken packs are refused where they are broken, with what to write instead.

mod telecom;

use dialog::catalogue::{Catalogue, Pack};
use telecom::pack;

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
        from: "\"voice-04.tsv\"",
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
        file: "examples/voice-01.tsv",
        from: "query_balance\t",
        to: "query_balance ",
        at: "query_balance ",
        message: "not `label<TAB>text`: write the label, one tab, then the utterance",
    },
    Broken {
        file: "examples/refused-01.tsv",
        from: "out_of_scope/off_domain\t",
        to: "out_of_scope/weather\t",
        at: "out_of_scope/weather",
        message: "no intent `out_of_scope/weather` in intents.toml, and no out_of_scope/REASON",
    },
    Broken {
        file: "examples/voice-03.tsv",
        from: "](month)",
        to: "](moon)",
        at: "](moon)",
        message: "no slot `moon`: write addon,",
    },
    Broken {
        file: "examples/voice-03.tsv",
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
        let from =
            if to.is_empty() || !to.contains(at) { 0 } else { place.saturating_sub(at.len()) };
        let stands = text.get(from..).and_then(|it| it.find(at)).map(|it| it + from);
        let stands =
            stands.or_else(|| text.find(at)).unwrap_or_else(|| panic!("{file}: no {at:?}"));
        let line = 1 + text[..stands].matches('\n').count();
        let problems = Catalogue::parse(&pack).expect_err(message).to_string();
        let expected = format!("{file}:{line}: ");
        let told = problems.lines().any(|it| it.starts_with(&expected) && it.contains(message));
        assert!(told, "expected {expected}... {message}\nfound\n{problems}");
    }
}

#[test]
fn files_that_cannot_be_read_are_said_and_not_what_follows_from_it() {
    let mut pack: Pack = pack();
    for (file, from, to) in [
        ("intents.toml", "action = ", "acton = "),
        ("actions.toml", "confirm = \"always\"", "confirm = \"sometimes\""),
    ] {
        let text = pack.files.get_mut(file).expect("a file of the pack");
        *text = text.replacen(from, to, 1);
    }
    let problems = Catalogue::parse(&pack).expect_err("two files are broken").to_string();
    let lines: Vec<&str> = problems.lines().collect();
    assert!(
        matches!(lines[..], [actions, intents]
            if actions.contains("`sometimes`") && intents.contains("`acton`")),
        "{problems}"
    );
}

#[test]
fn a_pack_without_a_file_says_which() {
    for file in
        ["pack.toml", "intents.toml", "slots.toml", "actions.toml", "replies.toml", "acts.tsv"]
    {
        let mut pack: Pack = pack();
        pack.files.remove(file);
        let problems = Catalogue::parse(&pack).expect_err(file).to_string();
        let told = format!("{file}:1: this file is missing from the pack");
        assert!(problems.contains(&told), "{problems}");
    }
}
