//! `qingting parse`: one JSON object for every line, in order, whatever stands in the line.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
    thread,
};

use integration::harness::{program, root, settings_of, words};
use serde_json::Value;

fn command() -> Command {
    let mut command = Command::new(program("qingting"));
    command.arg("parse").current_dir(root()).envs(settings_of("parse"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What comes out for these bytes, and what was said on standard error.
fn parse(input: Vec<u8>) -> (Vec<Value>, String) {
    let mut child = command().spawn().expect("it starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    let writing = thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("it ends");
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{err}");
    writing.join().expect("it writes").expect("all input is read");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let lines = text.lines().map(|it| serde_json::from_str(it).unwrap_or_else(|_| panic!("{it}")));
    (lines.collect(), err)
}

fn keys(line: &Value) -> Vec<&str> {
    let object = line.as_object().unwrap_or_else(|| panic!("no object: {line}"));
    object.keys().map(String::as_str).collect()
}

#[test]
fn every_line_has_all_fields_in_order() {
    let input = format!("{}\n{}\r\n我的脚有几只眼睛\n{}", words::ADDON, words::BALANCE, words::YES);
    let (lines, _) = parse(input.into_bytes());
    let texts: Vec<_> = lines.iter().map(|it| it["text"].as_str().unwrap_or_default()).collect();
    assert_eq!(texts, [words::ADDON, words::BALANCE, "我的脚有几只眼睛", words::YES]);
    let mut fields = [
        "text",
        "intent",
        "confidence",
        "ranking",
        "in_scope",
        "reason",
        "act",
        "mood",
        "slots",
        "size",
        "micros",
    ];
    fields.sort_unstable();
    for line in &lines {
        let mut found = keys(line);
        found.sort_unstable();
        assert_eq!(found, fields, "{line}");
        for (name, most) in [("confidence", 1.0), ("in_scope", 1.0), ("micros", 1e9)] {
            let number = line[name].as_f64().unwrap_or(-1.0);
            assert!((0.0..=most).contains(&number), "{name}: {line}");
        }
        let ranking = line["ranking"].as_array().expect("a ranking");
        assert!(ranking.iter().all(|it| keys(it) == ["confidence", "intent"]), "{line}");
        let sure: Vec<_> = ranking.iter().filter_map(|it| it["confidence"].as_f64()).collect();
        assert!(!sure.is_empty() && sure.is_sorted_by(|a, b| a >= b), "best first: {line}");
        assert_eq!(line["size"], "base", "{line}");
    }
    assert_eq!(lines[0]["intent"], "subscribe_addon", "{}", lines[0]);
    let slots = lines[0]["slots"].as_array().expect("slots");
    let addon = slots.iter().find(|it| it["name"] == "addon").expect("it names an add-on");
    let mut found = keys(addon);
    found.sort_unstable();
    assert_eq!(found, ["end", "name", "start", "text", "value"], "{addon}");
    let (start, end) = (addon["start"].as_u64(), addon["end"].as_u64());
    let (Some(start), Some(end)) = (start, end) else { panic!("{addon}") };
    let span: String =
        words::ADDON.chars().skip(start as usize).take((end - start) as usize).collect();
    assert_eq!(addon["text"], span.as_str(), "characters of the line: {addon}");
    assert_eq!(addon["value"], "data_5g", "{addon}");
    assert_eq!(lines[1]["intent"], "query_balance", "{}", lines[1]);
    assert!(lines[1]["reason"].is_null(), "{}", lines[1]);
    assert_eq!(lines[2]["intent"], "out_of_scope", "{}", lines[2]);
    assert!(lines[2]["reason"].is_string(), "{}", lines[2]);
    assert_eq!(lines[3]["act"], "affirm", "{}", lines[3]);
}

#[test]
fn nothing_in_gives_nothing_out_and_says_so() {
    let (lines, err) = parse(Vec::new());
    assert!(lines.is_empty(), "{lines:?}");
    assert!(err.contains("standard input was empty"), "{err}");
}

#[test]
fn lines_that_cannot_be_read_keep_their_place_and_say_why() {
    let mut input = format!("{}\n", words::BALANCE).into_bytes();
    input.extend([0xff, 0xfe, b'\n', b'\n']);
    input.extend("长".repeat(257).bytes().chain([b'\n']));
    input.extend("x".repeat(1_000_000).bytes().chain([b'\n']));
    input.extend(words::BALANCE.bytes().chain([b'\n']));
    let (lines, _) = parse(input);
    let errors: Vec<_> = lines.iter().map(|it| it["error"].as_str().unwrap_or_default()).collect();
    assert_eq!(lines.len(), 6, "{errors:?}");
    assert!(errors[1].contains("UTF-8"), "{errors:?}");
    assert!(errors[3].contains("256") && errors[4].contains("256"), "{errors:?}");
    assert_eq!([errors[0], errors[2], errors[5]], ["", "", ""]);
    for at in [1, 2, 3, 4] {
        assert_eq!(lines[at]["intent"], "out_of_scope", "{at}: {errors:?}");
    }
    assert_eq!(lines[0]["intent"], lines[5]["intent"]);
    assert_eq!(lines[0]["confidence"], lines[5]["confidence"]);
}

#[test]
fn two_thousand_lines_come_out_in_order() {
    let texts = [words::BALANCE, words::ADDON, words::COMPLAINT, words::YES, "你好"];
    let input: String = (0..2_000).map(|at| format!("{}{at}\n", texts[at % 5])).collect();
    let (lines, _) = parse(input.clone().into_bytes());
    let echoed: Vec<_> = lines.iter().map(|it| it["text"].as_str().unwrap_or_default()).collect();
    let sent: Vec<_> = input.lines().collect();
    assert!(echoed == sent, "{} lines for {}", echoed.len(), sent.len());
}

#[test]
fn the_same_text_is_read_the_same_whatever_is_read_beside_it() {
    let texts = [words::BALANCE, words::ADDON, words::COMPLAINT, "我想问一下积分能换点什么"];
    let (alone, _) = parse(texts.map(|it| format!("{it}\n")).concat().into_bytes());
    let fillers = ["嗯", "喂喂", "我那个宽带昨天晚上开始就一直断断续续的，路由器也重启过了"];
    let mixed: String =
        (0..400).map(|at| format!("{}\n{}\n", fillers[at % 3], texts[at % 4])).collect();
    let (mixed, _) = parse(mixed.into_bytes());
    for (at, line) in mixed.iter().skip(1).step_by(2).enumerate() {
        let expected = &alone[at % 4];
        assert_eq!(line["intent"], expected["intent"], "{line}\n{expected}");
        for score in ["confidence", "in_scope"] {
            let apart = [line, expected].map(|it| it[score].as_f64().unwrap_or(f64::NAN));
            assert!((apart[0] - apart[1]).abs() < 0.01, "{score}: {line}\n{expected}");
        }
    }
}

#[test]
fn a_line_is_answered_before_the_next_one_is_written() {
    let mut child = command().spawn().expect("it starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
    for text in [words::BALANCE, words::ADDON, words::BALANCE] {
        writeln!(stdin, "{text}").expect("it reads");
        let mut line = String::new();
        stdout.read_line(&mut line).expect("it writes");
        let line: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(line["text"], text);
    }
    drop(stdin);
    let status = child.wait().expect("it ends");
    assert!(status.success(), "{status}");
}
