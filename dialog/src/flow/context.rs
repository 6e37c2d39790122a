//! What wordings may name: who calls, which day it is, and the slots of a task.

use nlu::Value as Plain;
use serde_json::{Value as Json, json};

use crate::{
    catalogue::{Catalogue, Context},
    domain::{Channel, Task, Value},
};

use super::Call;

impl Call<'_> {
    /// What every wording may name, with the slots of `task`; a slot that was not said is null.
    pub(super) fn context(&self, task: Option<&Task>) -> Context {
        let today = self.state.today;
        let channel = match self.state.channel {
            Channel::Voice => "voice",
            Channel::Screen => "screen",
        };
        let mut context = Context::from([
            ("caller".into(), json!(self.state.caller.number)),
            ("today".into(), json!(today.to_string())),
            ("this_month".into(), json!(format!("{:04}-{:02}", today.year(), today.month()))),
            ("channel".into(), json!(channel)),
        ]);
        let Some(task) = task else { return context };
        if let Some(action) = self.catalogue.action(&task.action) {
            for name in action.slots.iter().chain(&action.optional) {
                context.insert(name.clone(), Json::Null);
            }
        }
        for (name, value) in &task.slots {
            context.insert(name.clone(), slot(self.catalogue, value));
        }
        context
    }
}

fn slot(catalogue: &Catalogue, value: &Value) -> Json {
    match value {
        Value::Entity { kind, id } => {
            catalogue.knowledge.entry(kind, id).map_or(Json::Null, |entry| entry.to_json())
        }
        Value::Text(text) => json!({"value": text, "text": text}),
        Value::Plain(plain) => {
            let mut object = json!({"value": plain.canonical(), "text": said(plain)});
            let fields = match plain {
                Plain::Money { fen } => json!({"fen": fen}),
                Plain::Data { mb } => json!({"mb": mb}),
                Plain::Month(month) => json!({"year": month.year, "month": month.month}),
                Plain::Count { n, unit } => json!({"n": n, "unit": unit}),
                Plain::Phone(_) | Plain::Date(_) | Plain::Digits(_) | Plain::YesNo(_) => json!({}),
            };
            if let (Some(object), Json::Object(fields)) = (object.as_object_mut(), fields) {
                object.extend(fields);
            }
            object
        }
    }
}

/// What fills a slot, as it is said.
pub(super) fn spoken(catalogue: &Catalogue, value: &Value) -> String {
    match value {
        Value::Entity { kind, id } => {
            catalogue.knowledge.entry(kind, id).map_or_else(|| id.clone(), |it| it.name.clone())
        }
        Value::Text(text) => text.clone(),
        Value::Plain(plain) => said(plain),
    }
}

/// A value as it is said.
fn said(value: &Plain) -> String {
    match value {
        Plain::Money { fen } if fen % 100 == 0 => format!("{}元", fen / 100),
        Plain::Money { fen } => {
            format!("{}.{:02}", fen / 100, fen % 100).trim_end_matches('0').to_owned() + "元"
        }
        Plain::Data { mb } if mb % 1024 == 0 && *mb > 0 => format!("{}GB", mb / 1024),
        Plain::Data { mb } => format!("{mb}MB"),
        Plain::Month(month) => format!("{}年{}月", month.year, month.month),
        Plain::Date(date) => format!("{}月{}日", date.month(), date.day()),
        Plain::Count { n, unit } => format!("{n}{unit}"),
        Plain::Phone(phone) => phone.digits.clone(),
        Plain::Digits(digits) => digits.clone(),
        Plain::YesNo(yes) => if *yes { "是" } else { "否" }.into(),
    }
}
