//! Links words to knowledge entries: by name, by alias, and by how they sound.
//!
//! Recognisers write homophones and callers mix n with l, zh with z, h with f; so what is no exact match
//! is compared by pinyin without tones in which those are one.

use std::{collections::BTreeSet, ops::Range};

use nlu::Text;
use pinyin::ToPinyin;

use crate::catalogue::Knowledge;

/// Names shorter than this are linked only as they are written: two syllables sound like too much.
const MIN_SOUNDED: usize = 3;

/// Characters of numbers: a name that begins or ends with one is not part of a longer number.
const NUMERALS: &str = "0123456789零一二两三四五六七八九十百千万";

/// Words that name a knowledge entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    /// Kind of the entry.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Where the words lie in [`Text::normal`], in characters.
    pub span: Range<usize>,
}

/// Finds knowledge entries in texts.
#[derive(Debug, Default)]
pub struct Linker {
    names: Vec<Name>,
}

#[derive(Debug)]
struct Name {
    kind: String,
    id: String,
    chars: Vec<char>,
    sounds: Vec<String>,
}

impl Linker {
    /// Takes in the names and aliases of all entries.
    pub fn new(knowledge: &Knowledge) -> Self {
        let mut names = Vec::new();
        for entry in &knowledge.entries {
            for said in entry.aliases.iter().chain([&entry.name]) {
                let chars = Text::new(said).chars().to_vec();
                let sounds = sounds(&chars);
                names.push(Name { kind: entry.kind.clone(), id: entry.id.clone(), chars, sounds });
            }
        }
        names.retain(|name| !name.chars.is_empty());
        names.sort_by_key(|name| std::cmp::Reverse(name.chars.len()));
        Self { names }
    }

    /// All entries that `text` names. Within one kind the longest words win; entries that share a name
    /// come back on the same span. Written matches go before sounded ones.
    pub fn find(&self, text: &Text) -> Vec<Linked> {
        let chars = text.chars();
        let mut found = Vec::new();
        self.scan(&mut found, |name| {
            let mut spans = matches(chars, &name.chars);
            spans.retain(|span| !cuts_number(chars, span));
            spans
        });
        let heard = sounds(chars);
        self.scan(&mut found, |name| {
            let mut spans = matches(&heard, &name.sounds);
            spans.retain(|span| is_written(&chars[span.clone()], &name.chars));
            spans.retain(|span| !cuts_number(chars, span));
            spans
        });
        found.sort_by_key(|link| (link.span.start, link.span.end));
        found
    }

    fn scan(&self, found: &mut Vec<Linked>, spans: impl Fn(&Name) -> Vec<Range<usize>>) {
        let mut seen = BTreeSet::new();
        for name in &self.names {
            for span in spans(name) {
                let covered = found.iter().any(|it| {
                    it.kind == name.kind && it.span != span && overlap(&it.span, &span)
                        || it.kind == name.kind && it.id == name.id && it.span == span
                        || it.kind == name.kind && it.span == span && !seen.contains(&span.start)
                });
                if !covered {
                    seen.insert(span.start);
                    found.push(Linked { kind: name.kind.clone(), id: name.id.clone(), span });
                }
            }
        }
    }
}

/// Whether enough of a name is written as it is for the rest to be taken as misheard: every third character,
/// and one at least, and every numeral. "了那个视" sounds like 拉各斯 and shares nothing with it, and "把套餐"
/// is not the plan for eight yuan.
fn is_written(heard: &[char], name: &[char]) -> bool {
    if heard.iter().zip(name).any(|(a, b)| a != b && NUMERALS.contains(*b)) {
        return false;
    }
    let same = heard.iter().zip(name).filter(|(a, b)| a == b).count();
    name.len() >= MIN_SOUNDED && same >= (name.len() / 3).max(1)
}

/// Whether a span begins or ends within a number: "8块的套餐" in "88块的套餐".
fn cuts_number(chars: &[char], span: &Range<usize>) -> bool {
    let numeral =
        |at: Option<usize>| at.and_then(|at| chars.get(at)).is_some_and(|c| NUMERALS.contains(*c));
    let cuts = |inner: usize, outer: Option<usize>| numeral(Some(inner)) && numeral(outer);
    cuts(span.start, span.start.checked_sub(1)) || cuts(span.end - 1, Some(span.end))
}

fn overlap(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

fn matches<T: PartialEq>(text: &[T], name: &[T]) -> Vec<Range<usize>> {
    if name.is_empty() || name.len() > text.len() {
        return Vec::new();
    }
    let at = text.windows(name.len()).enumerate().filter(|(_, window)| *window == name);
    at.map(|(start, _)| start..start + name.len()).collect()
}

/// How each character sounds; one that is no Chinese character sounds as itself.
fn sounds(chars: &[char]) -> Vec<String> {
    let one = |c: &char| c.to_pinyin().map_or_else(|| c.to_string(), |it| merged(it.plain()));
    chars.iter().map(one).collect()
}

/// A syllable in which what callers mix up is one: zh/z, ch/c, sh/s, n/l, h/f, -ng/-n.
fn merged(syllable: &str) -> String {
    let (initial, rest) = [("zh", "z"), ("ch", "c"), ("sh", "s"), ("n", "l"), ("f", "h")]
        .iter()
        .find_map(|(from, to)| syllable.strip_prefix(from).map(|rest| (*to, rest)))
        .unwrap_or(("", syllable));
    let rest = rest.strip_suffix("ng").map_or_else(|| rest.to_owned(), |stem| format!("{stem}n"));
    format!("{initial}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Entry;

    fn linker() -> Linker {
        let entry = |kind: &str, id: &str, name: &str, aliases: &[&str]| Entry {
            kind: kind.into(),
            id: id.into(),
            name: name.into(),
            aliases: aliases.iter().map(|it| (*it).to_owned()).collect(),
            attributes: Default::default(),
        };
        Linker::new(&Knowledge {
            kinds: Default::default(),
            entries: vec![
                entry("addon", "video", "视频畅享会员", &["视频会员", "视频VIP"]),
                entry("addon", "night", "夜间流量包", &["夜间包"]),
                entry("addon", "data10", "10GB流量包", &["流量包"]),
                entry("addon", "data5", "5GB流量包", &["流量包"]),
                entry("addon", "data8", "8GB包", &["8G包", "八G包"]),
                entry("zone", "th", "泰国", &[]),
                entry("zone", "ng", "尼日利亚", &["拉各斯"]),
                entry("zone", "ng", "尼日利亚", &["拉各斯"]),
            ],
        })
    }

    fn check(said: &str, expected: &[&str]) {
        let found: Vec<_> = linker().find(&Text::new(said)).into_iter().map(|it| it.id).collect();
        assert_eq!(found, expected, "{said}");
    }

    #[test]
    fn entries_are_found_by_name_alias_and_sound() {
        check("给我退了那个视频会员", &["video"]);
        check("退掉視頻會員", &["video"]);
        check("开个视频vip", &["video"]);
        check("开个夜间流量包", &["night"]);
        check("开个夜见流亮包", &["night"]);
        check("退了那个思频会员", &["video"]);
        check("开个流量包", &["data10", "data5"]);
        check("开个8G包", &["data8"]);
        check("开个88G包", &[]);
        check("开个八G包", &["data8"]);
        check("开个十八G包", &[]);
        check("去泰国用", &["th"]);
        check("太过分了", &[]);
        check("给我退了那个视频", &[]);
        check("", &[]);
    }
}
