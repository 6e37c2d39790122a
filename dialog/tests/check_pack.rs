//! `qingting check-pack` on small corpora: what it finds, how it says it, and with which exit status.

mod telecom;

use std::process::{Command, Output};

use dialog::{
    catalogue::{Catalogue, Pack},
    corpus::{self, Report},
};
use serde_json::Value as Json;
use telecom::pack;

/// Files of a small corpus with their texts.
type Files<'a> = &'a [(&'a str, &'a str)];

/// The telecom pack with this corpus in place of its own; `test.tsv` is measured, `dev.tsv` watched.
fn with(files: Files<'_>) -> Pack {
    let mut pack = pack();
    pack.files.retain(|name, _| !name.starts_with("examples/") && !name.starts_with("agreement/"));
    let all: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
    let named =
        |name: &str| if all.contains(&name) { format!("\"{name}\"") } else { String::new() };
    let examples =
        format!("[examples]\ndev = [{}]\ntest = [{}]\n\n", named("dev.tsv"), named("test.tsv"));
    let head = pack.files.get_mut("pack.toml").expect("a head");
    let (start, end) = (head.find("[examples]"), head.find("[limits]"));
    head.replace_range(start.expect("examples")..end.expect("limits"), &examples);
    for (name, text) in files {
        let path = if name.contains('/') { (*name).to_owned() } else { format!("examples/{name}") };
        pack.files.insert(path, (*text).to_owned());
    }
    pack
}

fn lint(pack: &Pack) -> Report {
    let catalogue = Catalogue::parse(pack).unwrap_or_else(|error| panic!("{error}"));
    corpus::lint(pack, &catalogue)
}

/// Runs the command over a pack.
fn run(pack: &Pack, arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    pack.write(folder.path()).expect("it is written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_qingting"));
    command.arg("check-pack").arg(folder.path()).args(arguments);
    command.output().expect("it starts")
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

/// A corpus with one of each: the same and nearly the same in two splits and in one, two labels for one
/// text, an amount that is not marked, and a second labeller who sees one of three otherwise.
const BROKEN: Files<'static> = &[
    (
        "train.tsv",
        "# a voice\n\
         query_bill\t帮我查一下这个月的账单\n\
         query_bill\t帮我查一下[这个月](month)的账单。\n\
         top_up\t给我充五十块钱话费\tanxious\n\
         query_balance+top_up\t还剩多少，不够就充[一百](amount)\n\
         mobile_signal\t打不了电话\n\
         out_of_scope/noise\t喂喂喂喂\n",
    ),
    (
        "dev.tsv",
        "mobile_data_fault\t打不了电话！\n\
         query_bill\t帮我查一下[这个月](month)的账单吧\n",
    ),
    ("test.tsv", "query_bill\t帮我查一下[这个月](month)的账单\n"),
    (
        "agreement/second.tsv",
        "# text, then label\n\
         给我充五十块钱话费\ttop_up\n\
         打不了电话\tmobile_data_fault\n\
         喂喂喂喂\tout_of_scope/noise\n\
         没有这句\ttop_up\n",
    ),
];

#[test]
fn a_report_says_what_is_wrong_section_by_section() {
    let output = run(&with(BROKEN), &[]);
    assert_eq!(output.status.code(), Some(1));
    let text = said(&output);
    let bill = "query_bill  帮我查一下这个月的账单";
    for expected in [
        "duplicates: 1 error, 0 warnings\n  error    the same 3 times across train and test\n",
        &format!("        examples/test.tsv:1  {bill}\n        examples/train.tsv:2  {bill}\n"),
        "near-duplicates: 1 error, 0 warnings\n  error    0.957 alike across train and dev and test\n",
        "label conflicts: 1 error, 0 warnings\n  error    the same under 2 labels\n\
         \x20       examples/dev.tsv:1  mobile_data_fault  打不了电话！\n",
        "\nbalance: 0 errors, 64 warnings\n",
        "\n  and 44 warnings more: --all shows them\n",
        "\nunmarked values: 0 errors, 2 warnings\n  amount      1 marked      1 not\n  month       3 marked      1 not\n",
        "  warning  [五十块钱](amount): 1 unmarked, 0 marked\n\
         \x20       examples/train.tsv:4  top_up  给我充五十块钱话费\n",
        "  refused: off_domain 0 (0.0 %), unsupported 0 (0.0 %), false_premise 0 (0.0 %), noise 1 (11.1 %), ",
        "agreement: 1 error, 1 warning\n  2 of 3 agreed (66.7 %), kappa 0.571\n  \
         mobile_signal: 0 of 1 agreed; else mobile_data_fault 1\n",
        "  error    no utterance of the examples is this: write one as it is there\n\
         \x20       agreement/second.tsv:5  top_up  没有这句\n",
        "corpus: 9 utterances of 3 voices: 4 errors, 67 warnings\n",
    ] {
        let found = text.contains(expected);
        assert!(found, "expected\n{expected}\nfound\n{text}");
    }
    let whole = said(&run(&with(BROKEN), &["--all"]));
    assert!(!whole.contains("more: --all") && whole.len() > text.len(), "{whole}");
}

#[test]
fn the_report_is_there_as_json_with_everything() {
    let output = run(&with(BROKEN), &["--json"]);
    assert_eq!(output.status.code(), Some(1));
    let report: Json = serde_json::from_str(&said(&output)).expect("JSON");
    let at =
        |pointer: &str| report.pointer(pointer).unwrap_or_else(|| panic!("{pointer}: {report:#}"));
    for (pointer, expected) in [
        ("/duplicates/0/severity", Json::from("error")),
        ("/near_duplicates/0/places/0/file", "examples/dev.tsv".into()),
        ("/conflicts/0/places/1/label", "mobile_signal".into()),
        ("/unmarked/slots/0/unmarked", 1.into()),
        ("/voices/files/2/moods/anxious", 1.into()),
        ("/voices/files/2/doubles", 1.into()),
        ("/voices/files/0/split", "dev".into()),
        ("/voices/all/lengths/most", 12.into()),
        ("/agreement/agreed", 2.into()),
    ] {
        assert_eq!(*at(pointer), expected, "{pointer}");
    }
    assert_eq!(at("/balance/findings").as_array().map(Vec::len), Some(64));
}

#[test]
fn a_corpus_without_errors_is_good_and_one_that_is_no_pack_is_not_linted() {
    let good =
        with(&[("train.tsv", "query_bill\t查账单\n"), ("test.tsv", "query_bill\t话费花哪去了\n")]);
    let output = run(&good, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let broken = with(&[("train.tsv", "query_bil\t查账单\nquery_bill\t查账单\tsad\n")]);
    let output = run(&broken, &[]);
    assert_eq!(output.status.code(), Some(1));
    let text = said(&output);
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        matches!(lines[..], [label, mood]
            if label.starts_with("pack      examples/train.tsv:1: no intent `query_bil`")
                && mood.starts_with("pack      examples/train.tsv:2: no mood `sad`")),
        "{text}"
    );
    let problems: Json = serde_json::from_str(&said(&run(&broken, &["--json"]))).expect("JSON");
    assert_eq!(problems["problems"][0]["line"], 1, "{problems}");
}

#[test]
fn a_voice_belongs_to_one_split_that_names_it_as_it_is() {
    for (from, to, told) in [
        (
            "dev = []",
            "dev = [\"test.tsv\"]",
            "`test.tsv` is there twice: write it once, in dev or in test",
        ),
        (
            "dev = []",
            "dev = [\"voice.tsv\"]",
            "no examples/voice.tsv: write one of test.tsv, train.tsv",
        ),
        ("dev = []", "", "missing field `dev`"),
        (
            "dev = []",
            "dev = []\nheld_out = []",
            "unknown field `held_out`, expected `dev` or `test`",
        ),
    ] {
        let mut pack =
            with(&[("train.tsv", "query_bill\t查账单\n"), ("test.tsv", "query_bill\t话费呢\n")]);
        let head = pack.files.get_mut("pack.toml").expect("a head");
        *head = head.replacen(from, to, 1);
        let problems = Catalogue::parse(&pack).expect_err(told).to_string();
        assert!(problems.contains(told), "{problems}");
    }
}

#[test]
fn what_an_intent_asks_for_is_marked_wherever_it_is_said() {
    let check = |line: &str, expected: &[&str]| {
        let mut pack = with(&[("train.tsv", line)]);
        let actions = pack.files.get_mut("actions.toml").expect("actions");
        *actions = actions.replacen("slots = [\"gift\"]", "slots = [\"gift\", \"count\"]", 1);
        let report = lint(&pack);
        let found: Vec<&str> =
            report.unmarked.findings.iter().map(|it| it.message.as_str()).collect();
        assert_eq!(found, expected, "{line}");
    };
    check("top_up\t给我充[五十块](amount)\n", &[]);
    check("top_up\t给我充五十块\n", &["[五十块](amount): 1 unmarked, 0 marked"]);
    // A mark of another slot is a mark: the writer saw the words.
    check("top_up\t给我充[五十块](gift)\n", &[]);
    // The intent asks for no money.
    check("query_contract\t违约金是不是五十块\n", &[]);
    check("out_of_scope/noise\t五十块\n", &[]);
    check("cancel_addon\t把视频会员退了\n", &["[视频会员](addon): 1 unmarked, 0 marked"]);
    check(
        "cancel_addon\t把[视频会员](addon)退了\ncancel_addon\t視頻會員不要了\ncancel_addon\t视频会员停掉\n",
        &["[视频会员](addon): 1 unmarked, 1 marked", "[視頻會員](addon): 1 unmarked, 0 marked"],
    );
    // The second matter asks as well.
    check(
        "query_contract+top_up\t合约到期没有，再充一百块\n",
        &["[一百块](amount): 1 unmarked, 0 marked"],
    );
    check("redeem_points\t积分给我换一个吧，看一下\n", &[]);
    check("redeem_points\t积分给我换三个吧\n", &["[三个](count): 1 unmarked, 0 marked"]);
}
