//! `qingting call`: a whole call in a terminal that is a pipe, with nothing else running.

use std::{
    io::Write,
    process::{Command, Output, Stdio},
};

use integration::harness::{program, root, settings_of, words};

fn call(arguments: &[&str], lines: &[&str]) -> Output {
    let mut command = Command::new(program("qingting"));
    command.arg("call").args(arguments).current_dir(root()).envs(settings_of("terminal"));
    command.env_remove("REDIS_URL").env_remove("DATABASE_URL");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut input = child.stdin.take().expect("it is piped");
    // A call that ends before its last line is written does not read it.
    let _ =
        input.write_all(lines.iter().map(|it| format!("{it}\n")).collect::<String>().as_bytes());
    drop(input);
    child.wait_with_output().expect("it ends")
}

fn said(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    let [out, err] = [out, err].map(|it| String::from_utf8_lossy(it).into_owned());
    assert!(output.status.success(), "{:?}\n{out}\n{err}", output.status);
    out
}

/// Fails unless the parts stand in the transcript in this order.
fn in_order(transcript: &str, parts: &[&str]) {
    let mut rest = transcript;
    for part in parts {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => panic!("`{part}` is not where it should be in:\n{transcript}"),
        }
    }
}

#[test]
fn a_customer_is_greeted_asks_orders_confirms_and_hangs_up() {
    let transcript =
        said(&call(&[], &[words::BALANCE, words::ADDON, words::YES, "/q", "没人听了"]));
    in_order(
        &transcript,
        &[
            words::GREETING,
            &format!("> {}", words::BALANCE),
            "[query_balance ",
            " ms]",
            "话费还剩",
            &format!("> {}", words::ADDON),
            "[subscribe_addon ",
            "addon=data_5g",
            "5GB流量包",
            "确认吗",
            &format!("> {}", words::YES),
            "开好了",
            "> /q",
        ],
    );
    assert!(!transcript.contains("没人听了"), "the call was over:\n{transcript}");
    assert!(!transcript.contains('\x1b'), "no colours into a pipe:\n{transcript:?}");
}

#[test]
fn silence_keys_and_lines_that_cannot_be_said_are_answered_and_the_end_of_input_hangs_up() {
    let long = "长".repeat(257);
    let transcript = said(&call(&[], &[words::ADDON, "", "/x", &long, "/1"]));
    in_order(
        &transcript,
        &["确认吗", "> \n", "> /x", "按键只有", "最多 256 个字", "> /1", "开好了"],
    );
}

#[test]
fn a_customer_who_asks_for_a_person_is_handed_over_with_a_summary() {
    let transcript = said(&call(&[], &[words::ADDON, "转人工"]));
    in_order(&transcript, &["确认吗", "> 转人工", "[转人工 · "]);
    let summary = transcript.split_once("[转人工 · ").expect("checked").1;
    assert!(summary.contains("订购业务"), "it names what was wanted:\n{transcript}");
}

#[test]
fn a_number_that_is_none_is_refused_in_one_line_with_an_example() {
    let output = call(&["--caller", "abc"], &[]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{error}");
    assert!(error.contains("18600001234"), "{error}");
}

#[test]
fn every_command_shows_an_example_in_its_help() {
    for command in ["call", "serve", "check", "import", "export", "parse", "stores"] {
        let output = Command::new(program("qingting")).args([command, "--help"]).output();
        let help = output.expect("it starts").stdout;
        let help = String::from_utf8_lossy(&help);
        let example = format!("$ qingting {command}");
        let shown = help.contains(&example) || help.contains(&format!("| qingting {command}"));
        assert!(help.contains("Example:") && shown, "{command}:\n{help}");
    }
}
