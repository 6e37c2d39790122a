//! Conversations as text: every file of `transcripts/` is played and must come out as it is written.
//!
//! What the customer does and what the operator answers is read from the file; what is said, asked,
//! ordered and handed over is decided by `flow` over the real pack and compared line by line. Intents,
//! acts and reasons stand in brackets, so no model is needed; slots come from the real linker and values.
//! `transcripts/README.md` explains the lines. `QINGTING_BLESS=1` writes the files anew: read every line.

mod telecom;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    str::FromStr,
};

use dialog::{
    domain::{Answer, Channel, Input, Next, Request, State, Step},
    flow,
    understand::{self, understand},
};
use jiff::civil::Date;
use nlu::{Act, Ranked, Reading, Refusal, Text, values};
use serde_json::Value as Json;
use telecom::{Telecom, telecom};

/// Probability of what stands in brackets without one.
const SURE: f32 = 0.95;

/// A call that is played from its file.
struct Play<'a> {
    telecom: &'a Telecom,
    state: State,
    /// What the operator was called for and has not answered yet.
    waiting: Option<Request>,
    /// The call's lines so far, as they should be written.
    lines: Vec<String>,
}

impl Play<'_> {
    /// Plays one line of a file; lines that `flow` answers with are passed over.
    fn line(&mut self, line: &str) -> Result<(), String> {
        let (kind, rest) = line.split_once(": ").unwrap_or((line.trim_end_matches(':'), ""));
        if kind.starts_with("系统")
            || kind.starts_with("下单")
            || ["查询", "转人工", "摘要", "结束"].contains(&kind)
        {
            return Ok(());
        }
        self.lines.push(line.to_owned());
        if self.waiting.is_some() {
            let answer = self.answer(kind, rest)?;
            self.step(Input::Answered(answer));
            return Ok(());
        }
        self.state.turn += 1;
        let input = match kind {
            "接通" => Input::Opened,
            "沉默" => Input::Silent,
            "按键" => {
                let (expects, today) = (self.state.expects(), self.state.today);
                let slot = understand::keys(&self.telecom.catalogue, rest, expects, today);
                Input::Digits { keys: rest.into(), slot }
            }
            "客户" => Input::Heard(self.heard(rest)?),
            _ => return Err(format!("neither the customer nor the operator does this: {line}")),
        };
        self.step(input);
        Ok(())
    }

    /// The operator's answer, with the fields that the action names.
    fn answer(&mut self, kind: &str, rest: &str) -> Result<Answer, String> {
        let request = self.waiting.take().ok_or("nobody asked the operator")?;
        match kind {
            "拒绝" => Ok(Answer::Refused { reason: rest.into() }),
            "故障" => Ok(Answer::Failed),
            "运营" => {
                let json = Json::from_str(rest).map_err(|it| format!("{it} in {rest}"))?;
                let fields = request.answer.iter().map(|(name, pointer)| {
                    let field = json.pointer(pointer).cloned();
                    field.map(|it| (name.clone(), it)).ok_or(format!("the answer lacks {pointer}"))
                });
                Ok(Answer::Done(fields.collect::<Result<_, _>>()?))
            }
            _ => Err("the operator must answer now: 运营, 拒绝 or 故障".into()),
        }
    }

    /// "给我退了那个视频会员 [cancel_addon]" -> what is understood of it.
    fn heard(&self, rest: &str) -> Result<dialog::domain::Understanding, String> {
        let (said, labels) = rest
            .strip_suffix(']')
            .and_then(|it| it.rsplit_once(" ["))
            .ok_or("write what it means in brackets, as in [cancel_addon]")?;
        let text = Text::new(said);
        let values = values::find_all(&text, self.state.today);
        let mut reading = Reading {
            text,
            ranking: Vec::new(),
            in_scope: SURE,
            refusal: None,
            act: None,
            values,
            tagged: Vec::new(),
            mood: None,
        };
        for label in labels.split(", ") {
            let (id, probability) = match label.split_once(' ') {
                Some((id, number)) => (id, f32::from_str(number).map_err(|it| it.to_string())?),
                None => (label, SURE),
            };
            if let Some(act) = Act::parse(id) {
                reading.act = Some((act, probability));
            } else if let Some(reason) = Refusal::parse(id) {
                reading.refusal = Some(reason);
            } else if self.telecom.catalogue.intent(id).is_some() {
                reading.ranking.push(Ranked { intent: id.into(), probability });
            } else {
                return Err(format!("[{id}] is no intent, no act and no reason"));
            }
        }
        // Words that are an act and nothing else are no matter of their own.
        if reading.ranking.is_empty() && reading.refusal.is_none() {
            reading.refusal = Some(Refusal::Noise);
        }
        if reading.refusal.is_some() {
            reading.in_scope = 1.0 - SURE;
        }
        let Telecom { catalogue, linker } = self.telecom;
        Ok(understand(catalogue, linker, &reading, self.state.expects(), self.state.today))
    }

    fn step(&mut self, input: Input) {
        let Step { state, replies, next } =
            flow::step(&self.telecom.catalogue, self.state.clone(), input);
        self.state = state;
        self.lines.extend(replies.iter().map(|it| format!("系统: {}", it.text)));
        match next {
            Next::Listen => {}
            Next::Ask(query) => {
                self.lines.push(format!("查询: {}", shown(&query.request)));
                self.waiting = Some(query.request);
            }
            Next::Place(order) => {
                let turn = order.key.turn;
                self.lines.push(format!("下单({turn}): {}", shown(&order.request)));
                self.waiting = Some(order.request);
            }
            Next::HandOff(summary) => {
                self.lines.push(format!("转人工: {}", summary.reason));
                self.lines.push(format!("摘要: {}", summary.text));
            }
            Next::End => self.lines.push("结束".into()),
        }
    }
}

/// "POST /v1/customers/18600001234/addons {...}", with the characters of the path readable.
fn shown(request: &Request) -> String {
    let body = request.body.as_ref().map(|it| format!(" {it}")).unwrap_or_default();
    format!("{} {}{body}", request.method, decoded(&request.path))
}

fn decoded(path: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = path.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex =
            tail.get(..2).filter(|_| *first == b'%').and_then(|it| std::str::from_utf8(it).ok());
        match hex.and_then(|it| u8::from_str_radix(it, 16).ok()) {
            Some(byte) => (bytes.push(byte), rest = &tail[2..]).1,
            None => (bytes.push(*first), rest = tail).1,
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// "今天: 2026-11-24   主叫: 18600001234   名下: 18600001234 13900005678" -> a call that begins then.
fn begin(header: &str) -> Result<State, String> {
    let mut fields = BTreeMap::new();
    for field in header.split("   ") {
        let (name, value) = field.split_once(": ").ok_or(format!("no `name: value`: {field}"))?;
        fields.insert(name.trim(), value.trim());
    }
    let field = |name: &str| fields.get(name).copied().ok_or(format!("the head lacks {name}"));
    let mut state = State::new("demo", "c1", field("主叫")?, Channel::Voice);
    state.today = Date::from_str(field("今天")?).map_err(|it| it.to_string())?;
    Ok(state)
}

/// Plays a whole file; what comes back is the file as it should be.
fn play(text: &str) -> Result<String, String> {
    let mut lines = text.lines();
    let mut whole = String::new();
    let head = loop {
        let line = lines.next().ok_or("no head: write 今天: ...   主叫: ...")?;
        whole += line;
        whole += "\n";
        if !line.starts_with('#') && !line.trim().is_empty() {
            break line;
        }
    };
    let mut call =
        Play { telecom: telecom(), state: begin(head)?, waiting: None, lines: Vec::new() };
    for line in lines {
        match line.trim() {
            "" => call.lines.push(String::new()),
            line if line.starts_with('#') => call.lines.push(line.to_owned()),
            line => call.line(line)?,
        }
    }
    if call.waiting.is_some() {
        return Err(format!("the operator must answer at the end:\n{}", call.lines.join("\n")));
    }
    Ok(whole + &call.lines.join("\n") + "\n")
}

/// Both texts side by side with the first difference marked.
fn difference(written: &str, played: &str) -> String {
    let mut shown = String::new();
    let (mut left, mut right) = (written.lines(), played.lines());
    loop {
        match (left.next(), right.next()) {
            (Some(a), Some(b)) if a == b => shown += &format!("    {a}\n"),
            (None, None) => return shown,
            (a, b) => {
                shown += &format!("written  {}\n", a.unwrap_or("(nothing more)"));
                shown += &format!("played   {}\n", b.unwrap_or("(nothing more)"));
                let rest: Vec<String> = right.map(|it| format!("       > {it}\n")).collect();
                return shown + &rest.concat();
            }
        }
    }
}

#[test]
fn conversations_go_as_they_are_written() {
    check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts"), 40);
}

#[test]
fn the_calls_of_the_pack_go_as_they_are_written() {
    let calls = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packs/telecom/calls");
    check(&calls, 400);
    for path in files(&calls) {
        let text = fs::read_to_string(&path).expect("UTF-8");
        let turns = text.lines().filter(|line| {
            ["客户: ", "按键: "].iter().any(|it| line.starts_with(it)) || *line == "沉默"
        });
        let turns = turns.count();
        assert!((6..=20).contains(&turns), "{}: {turns} turns", path.display());
    }
}

/// The calls of a folder, by name.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("calls").map(|it| it.expect("an entry").path());
    let mut paths: Vec<_> =
        entries.filter(|it| it.extension().is_some_and(|e| e == "txt")).collect();
    paths.sort();
    paths
}

/// Plays all calls of a folder that holds at least `least`.
fn check(folder: &Path, least: usize) {
    let bless = std::env::var_os("QINGTING_BLESS").is_some();
    let paths = files(folder);
    assert!(paths.len() >= least, "{} calls in {}", paths.len(), folder.display());
    let mut broken = Vec::new();
    for path in paths {
        let written = fs::read_to_string(&path).expect("UTF-8");
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match play(&written) {
            Ok(played) if played == written => {}
            Ok(played) if bless => fs::write(&path, played).expect("writes"),
            Ok(played) => broken.push(format!("== {name}\n{}", difference(&written, &played))),
            Err(error) => broken.push(format!("== {name}\n{error}\n")),
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn a_wrong_line_is_seen() {
    let head = "# x\n今天: 2026-11-24   主叫: 18600001234\n";
    let silent = format!("{head}沉默\n");
    let played = play(&silent).expect("plays");
    assert_ne!(played, silent, "the silence is answered, and no line says so");
    let shown = difference(&silent, &played);
    assert!(shown.contains("written  (nothing more)\nplayed   系统: "), "{shown}");
    for (line, complaint) in [
        ("客户: 你好", "brackets"),
        ("客户: 你好 [nothing_known]", "no intent, no act and no reason"),
        ("运营: {}", "neither the customer nor the operator"),
    ] {
        let error = play(&format!("{head}{line}\n")).expect_err(line);
        assert!(error.contains(complaint), "{error}");
    }
}
