//! Wordings of the catalogue: minijinja templates, compiled once, rendered with what a call knows.

use std::collections::BTreeMap;

use minijinja::{Environment, ErrorKind, UndefinedBehavior, Value, escape_formatter, value::Serde};
use serde_json::Value as Json;

use crate::domain::Reply;

/// What templates may name.
pub type Context = BTreeMap<String, Json>;

/// Compiled templates by key.
#[derive(Debug)]
pub(super) struct Words {
    says: Environment<'static>,
    paths: Environment<'static>,
    variants: BTreeMap<String, usize>,
}

impl Words {
    pub(super) fn new() -> Self {
        let mut says = Environment::new();
        says.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        says.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        for (name, filter) in FILTERS {
            says.add_filter(*name, *filter);
        }
        let mut paths = Environment::new();
        paths.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        paths.set_formatter(|out, state, value| {
            let plain = value.to_string();
            let encoded: String = plain.bytes().map(percent).collect();
            escape_formatter(out, state, &Value::from_safe_string(encoded))
        });
        Self { says, paths, variants: BTreeMap::new() }
    }

    /// Adds the next wording of `key` and returns what it names: `addon.name`, `caller`, ...
    pub(super) fn add(&mut self, key: &str, source: &str) -> Result<Vec<String>, minijinja::Error> {
        let variant = self.variants.entry(key.into()).or_default();
        let name = format!("{key}/{variant}");
        *variant += 1;
        for code in blocks(source) {
            known_filters(&self.says, code)?;
        }
        self.says.add_template_owned(name.clone(), source.to_owned())?;
        Ok(self.says.get_template(&name)?.undeclared_variables(true).into_iter().collect())
    }

    pub(super) fn add_path(
        &mut self,
        action: &str,
        source: &str,
    ) -> Result<Vec<String>, minijinja::Error> {
        for code in blocks(source) {
            known_filters(&self.paths, code)?;
        }
        self.paths.add_template_owned(action.to_owned(), source.to_owned())?;
        Ok(self.paths.get_template(action)?.undeclared_variables(true).into_iter().collect())
    }

    /// What an expression names.
    pub(super) fn names_in(&self, expression: &str) -> Result<Vec<String>, minijinja::Error> {
        known_filters(&self.says, expression)?;
        let compiled = self.says.compile_expression(expression)?;
        Ok(compiled.undeclared_variables(true).into_iter().collect())
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.variants.contains_key(key)
    }

    pub(super) fn say(&self, key: &str, variant: usize, context: &Context) -> Reply {
        let last = self.variants.get(key).map_or(0, |count| count.saturating_sub(1));
        let name = format!("{key}/{}", variant.min(last));
        match self.says.get_template(&name).and_then(|template| template.render(Serde(context))) {
            Ok(text) if !text.trim().is_empty() => {
                Reply { key: key.to_owned(), text: text.trim().to_owned() }
            }
            Ok(_) | Err(_) if key != FAILED => self.say(FAILED, 0, &Context::new()),
            Ok(_) | Err(_) => Reply { key: FAILED.into(), text: LAST_RESORT.into() },
        }
    }

    pub(super) fn path(&self, action: &str, context: &Context) -> Result<String, minijinja::Error> {
        self.paths.get_template(action)?.render(Serde(context))
    }

    pub(super) fn evaluate(
        &self,
        expression: &str,
        context: &Context,
    ) -> Result<Json, minijinja::Error> {
        let value = self.says.compile_expression(expression)?.eval(Serde(context))?;
        serde_json::to_value(value)
            .map_err(|error| minijinja::Error::new(ErrorKind::BadSerialization, error.to_string()))
    }
}

/// What stands between `{{` and `}}`, or `{%` and `%}`.
fn blocks(source: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = source;
    while let Some(at) = rest.find("{{").into_iter().chain(rest.find("{%")).min() {
        let close = if rest[at..].starts_with("{{") { "}}" } else { "%}" };
        let Some((code, after)) = rest[at + 2..].split_once(close) else { break };
        found.push(code);
        rest = after;
    }
    found
}

/// Whether every filter in the code is known. Templates would find out only on the line.
fn known_filters(words: &Environment<'_>, code: &str) -> Result<(), minijinja::Error> {
    let mut quote = None;
    for (at, c) in code.char_indices() {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            (None, '|') => {
                let name = code[at + 1..].trim_start();
                let end = name.find(|c: char| !c.is_alphanumeric() && c != '_');
                let name = &name[..end.unwrap_or(name.len())];
                let tried = words.compile_expression(&format!("none | {name}"))?.eval(());
                if let Err(error) = tried
                    && error.kind() == ErrorKind::UnknownFilter
                {
                    return Err(error);
                }
            }
            _ => {}
        }
    }
    Ok(())
}

const FAILED: &str = "reply/failed";

/// Said only when even `reply/failed` cannot be rendered, which the check of a pack excludes.
const LAST_RESORT: &str = "抱歉，系统出了点问题，请您稍后再拨。";

fn percent(byte: u8) -> String {
    match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    }
}

/// A filter takes one value and gives words for it.
type Filter = fn(&Value) -> Result<String, minijinja::Error>;

const FILTERS: &[(&str, Filter)] =
    &[("yuan", yuan), ("gb", gb), ("month", month), ("date", date), ("tail", tail)];

/// Names of the filters of our own, for messages.
pub(super) fn filter_names() -> String {
    FILTERS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

fn integer(value: &Value) -> Result<i64, minijinja::Error> {
    i64::try_from(value.clone())
}

/// Fen -> "15 元", "8.5 元", "0.85 元".
fn yuan(value: &Value) -> Result<String, minijinja::Error> {
    Ok(format!("{} 元", decimal(integer(value)?, 100)))
}

/// Megabytes -> "300 MB", "12.4 GB".
fn gb(value: &Value) -> Result<String, minijinja::Error> {
    let mb = integer(value)?;
    if mb.abs() < 1024 {
        return Ok(format!("{mb} MB"));
    }
    let tenths = (mb * 10 + mb.signum() * 512) / 1024;
    Ok(format!("{} GB", decimal(tenths * 10, 100)))
}

/// `units` hundredths without trailing zeros.
fn decimal(units: i64, per: i64) -> String {
    let sign = if units < 0 { "-" } else { "" };
    let (whole, rest) = (units.abs() / per, units.abs() % per);
    let text = format!("{sign}{whole}.{rest:02}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// "2026-11" -> "11月".
fn month(value: &Value) -> Result<String, minijinja::Error> {
    let text = value.to_string();
    let number = text.split('-').nth(1).and_then(|m| m.parse::<u8>().ok());
    Ok(number.map_or(text, |m| format!("{m}月")))
}

/// "2026-11-03" -> "11月3日".
fn date(value: &Value) -> Result<String, minijinja::Error> {
    let text = value.to_string();
    let day = text.get(..10).and_then(|day| day.parse::<jiff::civil::Date>().ok());
    Ok(day.map_or(text, |day| format!("{}月{}日", day.month(), day.day())))
}

/// The last four characters.
fn tail(value: &Value) -> Result<String, minijinja::Error> {
    let text = value.to_string();
    let skip = text.chars().count().saturating_sub(4);
    Ok(text.chars().skip(skip).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(template: &str, expected: &str) {
        let mut words = Words::new();
        words.add("reply/x", template).expect("compiles");
        let context = Context::from([
            ("fen".into(), json!(1500)),
            ("jiao".into(), json!(850)),
            ("mb".into(), json!(12698)),
            ("m".into(), json!("2026-11")),
            ("d".into(), json!("2026-11-03")),
            ("caller".into(), json!("18600001234")),
            ("none".into(), json!(null)),
        ]);
        assert_eq!(words.say("reply/x", 0, &context).text, expected, "{template}");
    }

    #[test]
    fn filters_give_what_people_say() {
        check("{{ fen | yuan }}", "15 元");
        check("{{ jiao | yuan }}", "8.5 元");
        check("{{ mb | gb }}", "12.4 GB");
        check("{{ 300 | gb }}", "300 MB");
        check("{{ m | month }}{{ d | date }}", "11月11月3日");
        check("尾号{{ caller | tail }}", "尾号1234");
        check("{{ none.text if none else '本月' }}", "本月");
    }

    #[test]
    fn unknown_filters_are_seen_before_a_customer_hears_them() {
        let mut words = Words::new();
        for known in ["{{ a | yuan }} | x", "{{ '|x' }}", "{% if a|length > 1 %}x{% endif %}"] {
            words.add("reply/x", known).expect(known);
        }
        for unknown in ["{{ a | yaun }}", "{% if a %}{{ a|gb|tial }}{% endif %}"] {
            let error = words.add("reply/x", unknown).expect_err(unknown).to_string();
            assert!(error.contains("filter"), "{error}");
        }
        assert!(words.names_in("a | fen").is_err());
    }

    #[test]
    fn a_wording_that_cannot_be_rendered_still_says_something() {
        let mut words = Words::new();
        words.add("reply/x", "{{ missing.thing }}").expect("compiles");
        assert_eq!(words.say("reply/x", 0, &Context::new()).text, LAST_RESORT);
        assert_eq!(words.say("reply/nowhere", 3, &Context::new()).text, LAST_RESORT);
    }

    #[test]
    fn hostile_values_cannot_leave_their_place_in_a_path() {
        let mut words = Words::new();
        words.add_path("a", "/v1/{{ id }}/x?m={{ m }}").expect("compiles");
        let context =
            Context::from([("id".into(), json!("../../admin?x=1#")), ("m".into(), json!("上&月"))]);
        let path = words.path("a", &context).expect("renders");
        assert_eq!(path, "/v1/..%2F..%2Fadmin%3Fx%3D1%23/x?m=%E4%B8%8A%26%E6%9C%88");
    }
}
