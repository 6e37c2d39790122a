//! False premises that the knowledge shows: a thing without that attribute, a thing that is not sold.

use nlu::{Text, Value as Plain};

use crate::{
    catalogue::{Catalogue, Entry, SlotKind},
    domain::{Premise, Slot, Value},
};

use super::Linked;

/// Words between a thing and an attribute of it.
const OF: &[&str] =
    &["", "的", "里的", "里面的", "还剩多少", "还有多少", "有多少", "还有几", "有几"];

/// What may stand before the name of something without being part of it.
const BEFORE: &str = "的了个这那一办订开退换成要把给我你他款种改来点想查号是用套";

/// Words that describe instead of naming; what they make up with a noun is no name.
const DESCRIBING: &str = "便宜贵好大小多少新老旧别其他她它什么哪最低高原现在以前你们各种当前有没所全部手机流量宽带视频夜间免费";

/// "流量的分钟数": the first thing named with an attribute that its kind, or the entry, does not have.
pub(super) fn no_attribute(
    catalogue: &Catalogue,
    text: &Text,
    linked: &[Linked],
) -> Option<Premise> {
    let normal: String = text.chars().iter().collect();
    let after = |at: usize| normal.chars().skip(at).collect::<String>();
    for link in linked {
        let entry = catalogue.knowledge.entry(&link.kind, &link.id)?;
        let rest = after(link.span.end);
        let has = words_of(catalogue, entry);
        for of in OF {
            let Some(attribute) = rest.strip_prefix(of) else { continue };
            let own = has.iter().any(|word| attribute.starts_with(word));
            let foreign = all_words(catalogue).filter(|word| attribute.starts_with(word));
            if let (false, Some(word)) = (own, foreign.max_by_key(|word| word.len())) {
                return Some(Premise::NoAttribute {
                    thing: text.raw_slice(link.span.clone()).to_owned(),
                    attribute: word.to_owned(),
                });
            }
        }
    }
    None
}

/// Words for the attributes that make sense for an entry: those it lists, or those of its kind.
fn words_of<'a>(catalogue: &'a Catalogue, entry: &'a Entry) -> Vec<&'a str> {
    if let Some(list) = entry.attributes.get("attributes").and_then(|it| it.as_array()) {
        return list.iter().filter_map(|it| it.as_str()).collect();
    }
    let kind = catalogue.knowledge.kinds.get(&entry.kind);
    let attributes = kind.into_iter().flat_map(|kind| kind.attributes.values());
    attributes.flat_map(|it| it.words.iter().map(String::as_str)).collect()
}

fn all_words(catalogue: &Catalogue) -> impl Iterator<Item = &str> {
    let attributes = catalogue.knowledge.kinds.values().flat_map(|kind| kind.attributes.values());
    attributes.flat_map(|attribute| attribute.words.iter().map(String::as_str))
}

/// "办那个至尊套餐": a thing of a kind that a wanted slot needs, by a name that nothing has.
pub(super) fn not_sold(
    catalogue: &Catalogue,
    text: &Text,
    wanted: &[String],
    slots: &[Slot],
) -> Option<Premise> {
    for name in wanted {
        let Some(SlotKind::Entity(kind)) = catalogue.slot(name).map(|slot| &slot.kind) else {
            continue;
        };
        let named = slots
            .iter()
            .any(|slot| matches!(&slot.value, Value::Entity { kind: it, .. } if it == kind));
        let kind = catalogue.knowledge.kinds.get(kind)?;
        if named {
            continue;
        }
        for noun in &kind.nouns {
            let said = priced(text, noun, slots).or_else(|| called(text, noun));
            if let Some(said) = said {
                return Some(Premise::NotSold { said, kind: kind.name.clone() });
            }
        }
    }
    None
}

/// "99块的套餐"
fn priced(text: &Text, noun: &str, slots: &[Slot]) -> Option<String> {
    let raw = text.raw();
    slots.iter().find_map(|slot| {
        let money = matches!(slot.value, Value::Plain(Plain::Money { .. }));
        let rest: String = raw.chars().skip(slot.end).collect();
        let linked =
            ["", "的", "那个", "那款"].iter().any(|of| rest.starts_with(&format!("{of}{noun}")));
        (money && linked).then(|| format!("{}的{noun}", slot.text))
    })
}

/// "至尊套餐": two to five characters right before the noun that neither describe nor belong elsewhere.
fn called(text: &Text, noun: &str) -> Option<String> {
    let normal = text.normal();
    let before: Vec<char> = normal[..normal.find(noun)?].chars().collect();
    let stop = |c: &char| BEFORE.contains(*c) || !c.is_alphanumeric();
    let start = before.iter().rposition(stop).map_or(0, |at| at + 1);
    let name = &before[start..];
    let describes = name.iter().any(|c| DESCRIBING.contains(*c));
    let fits = start > 0 && (2..=5).contains(&name.len()) && !describes;
    fits.then(|| name.iter().collect::<String>() + noun)
}
