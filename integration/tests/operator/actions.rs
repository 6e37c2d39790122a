//! Every action of the pack, filled and sent as a call would, against the operator.

use std::collections::BTreeMap;

use jiff::{ToSpan, civil::Date};
use minijinja::{Environment, UndefinedBehavior, escape_formatter, value::Serde};
use reqwest::StatusCode;
use serde_json::{Value as Json, json};

use super::{CALLER, Desk, pack, read};

fn today() -> Date {
    let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(8));
    zone.to_datetime(jiff::Timestamp::now()).date()
}

/// The actions of the pack, and what fills their slots.
pub(super) struct Pack {
    actions: Vec<Json>,
    entries: Vec<Json>,
}

impl Pack {
    pub(super) fn read() -> Self {
        let list = |file: &str, name: &str| {
            let text = std::fs::read_to_string(pack().join(file)).expect(file);
            let table: toml::Table = text.parse().expect(file);
            let json = serde_json::to_value(&table[name]).expect(file);
            json.as_array().expect("a list").clone()
        };
        Self { actions: list("actions.toml", "action"), entries: list("knowledge.toml", "entry") }
    }

    /// The order that must have been placed before `name` can take it back.
    fn undone_by(&self, name: &str) -> Option<&Json> {
        self.actions.iter().find(|it| it["undo"] == name)
    }

    pub(super) fn entry(&self, id: &str) -> Json {
        let mut entry = self.entries.iter().find(|it| it["id"] == id).expect(id).clone();
        entry["value"] = json!(id);
        entry["text"] = entry["name"].clone();
        entry
    }

    /// A slot as templates see it.
    fn slot(&self, name: &str, phone: &str) -> Json {
        let month = today().first_of_month().saturating_sub(1.month());
        let visit = today().saturating_add(3.days()).to_string();
        match name {
            "addon" => self.entry("music_member"),
            "plan" => self.entry("stream_89"),
            "broadband" => self.entry("bb_1000"),
            "zone" => self.entry("jp"),
            "gift" => self.entry("credit_10"),
            "phone" => json!({"value": phone, "text": phone}),
            "amount" => json!({"value": "5000", "text": "50元", "fen": 5000}),
            "data" => json!({"value": "20480", "text": "20GB", "mb": 20480}),
            "month" => json!({"value": month.strftime("%Y-%m").to_string(), "text": "上个月"}),
            "date" => json!({"value": visit, "text": visit}),
            "place" => json!({"value": "清河区文昌路8号", "text": "清河区文昌路8号"}),
            "code" => json!({"value": "100001", "text": "100001"}),
            other => panic!("no sample for the slot `{other}`: add one here"),
        }
    }
}

/// Who calls for an action, and which number they say: the customer whose affairs allow it.
fn who(action: &str) -> (&'static str, &'static str) {
    match action {
        "broadband_new" | "cancel_number" => ("18600004455", "18600004455"),
        "broadband_cancel" | "ringback_tone" => ("18600005566", "18600005566"),
        "family_plan" => (CALLER, "18600005566"),
        "port_in" => (CALLER, "13900001111"),
        _ => (CALLER, "18600005678"),
    }
}

/// What a call sends for an action: method, path and body.
fn filled(
    pack: &Pack,
    action: &Json,
    (caller, phone): (&str, &str),
    with_optional: bool,
) -> (String, String, Json) {
    let mut context = BTreeMap::from([("caller".to_owned(), json!(caller))]);
    context.insert("this_month".into(), json!(today().strftime("%Y-%m").to_string()));
    for (list, is_said) in [("slots", true), ("optional", with_optional)] {
        for name in action[list].as_array().into_iter().flatten().filter_map(Json::as_str) {
            let slot = if is_said { pack.slot(name, phone) } else { Json::Null };
            context.insert(name.into(), slot);
        }
    }
    let mut paths = Environment::new();
    paths.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    paths.set_formatter(|out, state, value| {
        let encoded: String = value.to_string().bytes().map(|it| format!("%{it:02X}")).collect();
        escape_formatter(out, state, &minijinja::Value::from_safe_string(encoded))
    });
    let source = action["path"].as_str().expect("a path");
    let path = paths.render_str(source, Serde(&context)).expect(source);
    let mut body = json!({});
    for (field, source) in action["body"].as_object().into_iter().flatten() {
        let source = source.as_str().expect("an expression");
        let expression = paths.compile_expression(source).expect(source);
        let value = expression.eval(Serde(&context)).expect(source);
        body[field] = serde_json::to_value(value).expect(source);
    }
    (action["method"].as_str().expect("a method").into(), path, body)
}

/// Places an action, after what must have been placed before it, and returns the answer.
async fn place(desk: &Desk, pack: &Pack, action: &Json, with_optional: bool) -> (StatusCode, Json) {
    let mut chain = vec![action];
    while let Some(before) = pack.undone_by(chain[0]["name"].as_str().expect("a name")) {
        chain.insert(0, before);
    }
    let who = who(chain[0]["name"].as_str().expect("a name"));
    let mut last = (StatusCode::OK, Json::Null);
    for (at, action) in chain.into_iter().enumerate() {
        let (method, path, body) = filled(pack, action, who, with_optional);
        let request = desk.request(&method, &path).header("idempotency-key", format!("key/{at}"));
        last = read(if method == "GET" { request } else { request.json(&body) }).await;
    }
    last
}

#[tokio::test]
async fn every_action_of_the_pack_gets_the_answer_that_it_maps() {
    let pack = Pack::read();
    let calls =
        |action: &&Json| ["query", "order"].contains(&action["kind"].as_str().unwrap_or(""));
    let actions: Vec<_> = pack.actions.iter().filter(calls).collect();
    assert!(actions.len() >= 40, "only {} actions call the operator", actions.len());
    for action in actions {
        for with_optional in [false, true] {
            let desk = Desk::open().await;
            let (status, answer) = place(&desk, &pack, action, with_optional).await;
            let name = &action["name"];
            assert_eq!(status, StatusCode::OK, "{name}, optional slots {with_optional}: {answer}");
            for (field, pointer) in action["answer"].as_object().into_iter().flatten() {
                let pointer = pointer.as_str().expect("a pointer");
                assert!(answer.pointer(pointer).is_some(), "{name} lacks {field} in {answer}");
            }
            desk.operator.stop().await;
        }
    }
}
