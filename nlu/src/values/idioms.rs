//! Set phrases whose numerals count nothing.

use std::{collections::HashMap, ops::Range, sync::LazyLock};

/// A numeral that lies wholly inside one of these is no number: 一 in 一下, but not 二十一 in 二十一下.
const IDIOMS: &[&str] = &[
    "一下",
    "一直",
    "一会",
    "一起",
    "一般",
    "一样",
    "一定",
    "一些",
    "一点",
    "一旦",
    "一边",
    "一切",
    "一律",
    "一致",
    "一向",
    "一手",
    "一半",
    "一共",
    "一再",
    "一连",
    "一度",
    "一流",
    "一概",
    "一贯",
    "一时",
    "一路",
    "一口",
    "一键",
    "一站",
    "一线",
    "一系列",
    "一份子",
    "一次性",
    "一个劲",
    "一来二去",
    "一清二楚",
    "一干二净",
    "一模一样",
    "一心一意",
    "一五一十",
    "一天到晚",
    "一年到头",
    "一举两得",
    "一刀切",
    "一回事",
    "一码事",
    "一分钱一分货",
    "一毛不拔",
    "一塌糊涂",
    "一言难尽",
    "一言为定",
    "一问三不知",
    "一对一",
    "一卡通",
    "一证通",
    "一条龙",
    "一家人",
    "一个一个",
    "一日三餐",
    "一天天",
    "一次次",
    "一步一步",
    "第一",
    "万一",
    "统一",
    "唯一",
    "单一",
    "专一",
    "同一",
    "之一",
    "其一",
    "逐一",
    "归一",
    "独一无二",
    "三合一",
    "二合一",
    "二维码",
    "二话不说",
    "二手",
    "二次元",
    "两回事",
    "两码事",
    "两边",
    "两面",
    "三番五次",
    "三番两次",
    "三心二意",
    "三言两语",
    "三天两头",
    "三三两两",
    "三长两短",
    "三更半夜",
    "三方",
    "不三不四",
    "丢三落四",
    "接二连三",
    "朝三暮四",
    "推三阻四",
    "低三下四",
    "颠三倒四",
    "再三",
    "说三道四",
    "七上八下",
    "七七八八",
    "七嘴八舌",
    "乱七八糟",
    "五花八门",
    "五湖四海",
    "四面八方",
    "十全十美",
    "十有八九",
    "八九不离十",
    "十足",
    "十万火急",
    "百分之",
    "百分百",
    "百般",
    "千万别",
    "千万不",
    "千万要",
    "千万得",
    "千方百计",
    "千真万确",
    "千篇一律",
    "成千上万",
    "万能",
    "万分",
    "说一不二",
    "不管三七二十一",
    "二百五",
    "四不像",
    "五金",
    "六神无主",
    "大半",
    "多半",
    "半夜",
    "半天",
    "半路",
    "半价",
    "半死",
    "半截",
    "对半",
    "老三",
    "小三",
    "十字",
    "三包",
    "五险一金",
    "零售",
    "零钱",
    "零件",
    "零食",
    "零碎",
];

/// Those that are an idiom only when these characters do not follow: 十分 is "very", 十分钟 is a time.
const UNLESS: &[(&str, &str)] = &[("十分", "钟钱之")];

static BY_FIRST: LazyLock<HashMap<char, Vec<(&str, &str)>>> = LazyLock::new(|| {
    let mut index: HashMap<char, Vec<(&str, &str)>> = HashMap::new();
    let plain = IDIOMS.iter().map(|idiom| (*idiom, ""));
    for (idiom, unless) in plain.chain(UNLESS.iter().copied()) {
        if let Some(first) = idiom.chars().next() {
            index.entry(first).or_default().push((idiom, unless));
        }
    }
    index
});

/// Spans of idioms, by where they begin; they may overlap.
pub(super) fn find(chars: &[char]) -> Vec<Range<usize>> {
    (0..chars.len()).filter_map(|at| longest(chars, at).map(|len| at..at + len)).collect()
}

fn longest(chars: &[char], at: usize) -> Option<usize> {
    let idioms = BY_FIRST.get(&chars[at])?;
    let lens = idioms.iter().filter_map(|(idiom, unless)| {
        let len = idiom.chars().count();
        let said = chars.get(at..at + len)?;
        let next = chars.get(at + len);
        let stands = next.is_none_or(|next| !unless.contains(*next));
        (stands && said.iter().copied().eq(idiom.chars())).then_some(len)
    });
    lens.max()
}
