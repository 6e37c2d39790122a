//! Normalises one utterance and keeps the way back to the customer's own characters.
//!
//! What a recogniser or a keyboard makes different without meaning it (width, script, case, spaces,
//! invisible characters) becomes one; fillers stay where they are and are only marked, because "那个" is
//! a hesitation in one place and points to something in another. It repairs no recognition error.

use std::{fmt, ops::Range, sync::LazyLock};

use ferrous_opencc::{OpenCC, config::BuiltinConfig};

mod fillers;

static SIMPLIFIED: LazyLock<Option<OpenCC>> =
    LazyLock::new(|| OpenCC::from_config(BuiltinConfig::T2s).ok());

/// One utterance, normalised, with the way back.
#[derive(Clone)]
pub struct Text {
    raw: String,
    normal: String,
    chars: Vec<char>,
    origins: Vec<Origin>,
    raw_len: usize,
    fillers: Vec<Range<usize>>,
}

/// Where one normal character comes from in the raw text.
#[derive(Clone)]
struct Origin {
    chars: Range<usize>,
    bytes: Range<usize>,
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Text {
    /// Normalises `raw`: half width, simplified, lower case, nothing invisible, and no spaces or
    /// underscores but one space between words of letters.
    pub fn new(raw: &str) -> Self {
        let (chars, origins) = unified(raw);
        let chars = simplified(chars);
        let fillers = fillers::find(&chars);
        Self {
            raw: raw.to_owned(),
            normal: chars.iter().collect(),
            raw_len: raw.chars().count(),
            chars,
            origins,
            fillers,
        }
    }

    /// The customer's own characters.
    pub fn raw(&self) -> &str {
        &self.raw
    }

    /// The normalised text.
    pub fn normal(&self) -> &str {
        &self.normal
    }

    /// The characters of [`Text::normal`].
    pub fn chars(&self) -> &[char] {
        &self.chars
    }

    /// Where a span of normal characters lies in the raw text, in characters. A span that reaches
    /// beyond the text is cut off at its end.
    pub fn to_raw(&self, span: Range<usize>) -> Range<usize> {
        self.way_back(span, self.raw_len, |origin| &origin.chars)
    }

    /// The customer's own characters under a span of normal characters.
    pub fn raw_slice(&self, span: Range<usize>) -> &str {
        &self.raw[self.way_back(span, self.raw.len(), |origin| &origin.bytes)]
    }

    /// Spans of normal characters that only fill a pause (呃, 那个, 就是说), in order.
    pub fn fillers(&self) -> &[Range<usize>] {
        &self.fillers
    }

    /// Whether the customer, or the recogniser, left a gap right before this normal character.
    pub(crate) fn is_gap_before(&self, at: usize) -> bool {
        let before = at.checked_sub(1).and_then(|before| self.origins.get(before));
        match (before, self.origins.get(at)) {
            (Some(before), Some(here)) => before.chars.end != here.chars.start,
            _ => false,
        }
    }

    fn way_back(
        &self,
        span: Range<usize>,
        len: usize,
        part: impl Fn(&Origin) -> &Range<usize>,
    ) -> Range<usize> {
        let end = span.end.min(self.origins.len());
        let start = self.origins.get(span.start).map_or(len, |it| part(it).start);
        match end > span.start {
            true => start..part(&self.origins[end - 1]).end,
            false => start..start,
        }
    }
}

/// Everything but the script: width, case, spaces, invisible characters.
fn unified(raw: &str) -> (Vec<char>, Vec<Origin>) {
    let mut chars: Vec<char> = Vec::with_capacity(raw.len() / 2);
    let mut origins: Vec<Origin> = Vec::with_capacity(raw.len() / 2);
    let mut gap: Option<Origin> = None;
    for (at, (byte, c)) in raw.char_indices().enumerate() {
        let origin = Origin { chars: at..at + 1, bytes: byte..byte + c.len_utf8() };
        let c = half_width(c);
        if is_gap(c) {
            gap = gap.or(Some(origin));
            continue;
        }
        if is_invisible(c) {
            extend(&mut origins, &origin);
            continue;
        }
        for c in c.to_lowercase().filter(|c| !is_invisible(*c)) {
            if let (Some(space), Some(before)) = (gap.take(), chars.last())
                && is_letter(*before)
                && is_letter(c)
            {
                let (chars_to, bytes_to) = (origin.chars.start, origin.bytes.start);
                chars.push(' ');
                origins.push(Origin {
                    chars: space.chars.start..chars_to,
                    bytes: space.bytes.start..bytes_to,
                });
            }
            chars.push(c);
            origins.push(origin.clone());
        }
    }
    (chars, origins)
}

/// An accent or a joiner belongs to the character right before it.
fn extend(origins: &mut [Origin], origin: &Origin) {
    if let Some(last) = origins.last_mut().filter(|it| it.chars.end == origin.chars.start) {
        last.chars.end = origin.chars.end;
        last.bytes.end = origin.bytes.end;
    }
}

/// Source: Unicode, Halfwidth and Fullwidth Forms (U+FF01 to U+FF5E stand 0xFEE0 above ASCII).
fn half_width(c: char) -> char {
    match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
        '\u{FFE5}' => '¥',
        _ => c,
    }
}

/// Spaces, underscores, and the mark that sentence pieces use for a space.
fn is_gap(c: char) -> bool {
    c.is_whitespace() || c == '_' || c == '\u{2581}'
}

/// Control and format characters, joiners, variation selectors and combining marks.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(u32::from(c),
            0xAD | 0x34F | 0x61C | 0x180B..=0x180F | 0x200B..=0x200F | 0x202A..=0x202E
            | 0x2060..=0x206F | 0xFE00..=0xFE0F | 0xFEFF | 0xFFF9..=0xFFFB | 0xE0000..=0xE01EF
            | 0x300..=0x36F | 0x483..=0x489 | 0x1AB0..=0x1AFF | 0x1DC0..=0x1DFF
            | 0x20D0..=0x20FF | 0x302A..=0x302D | 0xFE20..=0xFE2F)
}

/// A letter of a script that writes spaces between words.
fn is_letter(c: char) -> bool {
    let unspaced = matches!(u32::from(c),
        0x3005..=0x3007 | 0x3040..=0x312F | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF
        | 0x20000..=0x3FFFF);
    c.is_alphabetic() && !unspaced
}

/// Traditional characters become simplified, as many as before: phrase by phrase where that keeps the
/// count, so that 乾坤 and 著名 stay, else one by one.
fn simplified(chars: Vec<char>) -> Vec<char> {
    let Some(opencc) = SIMPLIFIED.as_ref().filter(|_| !chars.iter().all(char::is_ascii)) else {
        return chars;
    };
    let whole: Vec<char> = opencc.convert(&chars.iter().collect::<String>()).chars().collect();
    if whole.len() == chars.len() {
        return whole;
    }
    let one = |c: char| {
        let converted = opencc.convert(c.encode_utf8(&mut [0; 4]));
        let mut converted = converted.chars();
        converted.next().filter(|_| converted.next().is_none()).unwrap_or(c)
    };
    chars.into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each line: raw text | normal text | a part of the normal text | the raw characters it stands for.
    fn check(table: &[(&str, &str, &str, &str)]) {
        for (raw, normal, part, own) in table {
            let text = Text::new(raw);
            assert_eq!(text.normal(), *normal, "{raw}");
            let byte = text.normal().find(part).expect("the part is in the normal text");
            let start = text.normal()[..byte].chars().count();
            let span = start..start + part.chars().count();
            assert_eq!(text.raw_slice(span.clone()), *own, "{raw}");
            let chars: String = {
                let raw_span = text.to_raw(span);
                raw.chars().skip(raw_span.start).take(raw_span.len()).collect()
            };
            assert_eq!(chars, *own, "{raw}: characters and bytes disagree");
        }
    }

    #[test]
    fn width_script_and_case_become_one_and_keep_the_way_back() {
        check(&[
            ("", "", "", ""),
            ("查话费", "查话费", "话费", "话费"),
            ("１８６００００", "1860000", "186", "１８６"),
            ("我要５Ｇ，好吗？", "我要5g,好吗?", "5g", "５Ｇ"),
            ("￥１９．９", "¥19.9", "¥19.9", "￥１９．９"),
            ("查一下話費餘額", "查一下话费余额", "话费余额", "話費餘額"),
            ("退掉視頻會員", "退掉视频会员", "视频", "視頻"),
            ("兩百塊錢", "两百块钱", "两百块", "兩百塊"),
            ("貳拾圓", "贰拾圆", "贰拾", "貳拾"),
            ("著名的乾坤，著名", "著名的乾坤,著名", "乾坤", "乾坤"),
            ("頭髮乾淨", "头发干净", "干净", "乾淨"),
            ("開個 VIP", "开个vip", "vip", "VIP"),
            ("İstanbul", "istanbul", "i", "İ"),
        ]);
    }

    #[test]
    fn spaces_and_underscores_stay_only_between_words_of_letters() {
        check(&[
            ("查 一下 话费", "查一下话费", "一下话", "一下 话"),
            ("查_一下_话费", "查一下话费", "查一", "查_一"),
            ("▁查▁话费", "查话费", "查话", "查▁话"),
            ("186 0000 1234", "18600001234", "18600001234", "186 0000 1234"),
            ("１８６　００００", "1860000", "60", "６　０"),
            ("5 gb 流量", "5gb流量", "5gb", "5 gb"),
            ("apple   music 会员", "apple music会员", "apple music", "apple   music"),
            ("buy_more data，五个 G", "buy more data,五个g", "buy more", "buy_more"),
            ("  hello\tworld\n", "hello world", "hello world", "hello\tworld"),
            ("iphone 15 pro", "iphone15pro", "15p", "15 p"),
        ]);
    }

    #[test]
    fn invisible_characters_vanish_and_marks_go_with_their_character() {
        check(&[
            ("话\u{200b}费", "话费", "话费", "话\u{200b}费"),
            ("\u{feff}查话费", "查话费", "查", "查"),
            ("1\u{fe0f}\u{20e3}号", "1号", "1", "1\u{fe0f}\u{20e3}"),
            ("cafe\u{301} bar", "cafe bar", "cafe", "cafe\u{301}"),
            ("\u{202e}话费\u{202c}吗", "话费吗", "费吗", "费\u{202c}吗"),
            ("话\u{0}费\u{7}", "话费", "话", "话\u{0}"),
            ("😀查👨\u{200d}👩话费", "😀查👨👩话费", "👨", "👨\u{200d}"),
            ("שלום עולם", "שלום עולם", "שלום עולם", "שלום עולם"),
        ]);
        assert_eq!(Text::new("\u{200b} \u{0}_").normal(), "");
    }

    #[test]
    fn spans_beyond_the_text_are_cut_off() {
        let text = Text::new("话 费");
        assert_eq!(text.to_raw(0..9), 0..3);
        assert_eq!(text.to_raw(7..9), 3..3);
        assert_eq!(text.to_raw(1..1), 2..2);
        assert_eq!(text.raw_slice(5..9), "");
    }

    #[test]
    fn what_was_said_is_not_printed() {
        assert_eq!(format!("{:?}", Text::new("18600001234")), "***");
    }
}
