use super::{Form, scan};
use crate::Text;

/// What is said | thousandths form words | …
const SPOKEN: &str = "
    三 | 3000 One 三
    两 | 2000 One 两
    十 | 10000 Placed 十
    十二 | 12000 Placed 十二
    二十 | 20000 Placed 二十
    二十一 | 21000 Placed 二十一
    一百 | 100000 Placed 一百
    一百五 | 150000 Placed 一百五
    一百零五 | 105000 Placed 一百零五
    一百一十五 | 115000 Placed 一百一十五
    一百十五 | 115000 Placed 一百十五
    两千三 | 2300000 Placed 两千三
    两千零三 | 2003000 Placed 两千零三
    两千三百四十五 | 2345000 Placed 两千三百四十五
    一万 | 10000000 Placed 一万
    一万二 | 12000000 Placed 一万二
    一万零二 | 10002000 Placed 一万零二
    十二万三千 | 123000000 Placed 十二万三千
    一亿两千万 | 120000000000 Placed 一亿两千万
    壹佰贰拾 | 120000 Placed 壹佰贰拾
    三点五 | 3500 Placed 三点五
    十二点七五 | 12750 Placed 十二点七五
    零点五 | 500 Placed 零点五
    一点五万 | 15000000 Placed 一点五万
    三点十分 | 3000 One 三 | 10000 Placed 十
    二零二六 | 2026000 Digits 二零二六
    幺八六 | 186000 Digits 幺八六
    幺八六五十 | 186000 Digits 幺八六 | 50000 Placed 五十
    两三 | 3000 Between 两三
    七八百 | 800000 Between 七八百
    十五六 | 16000 Between 十五六
    一百五六 | 160000 Between 一百五六
    一二十 | 20000 Between 一二十
    一二 | 12000 Digits 一二
    俩 | 2000 Fused 俩
    仨 | 3000 Fused 仨
    他俩
    半 | 500 Half 半
    300 | 300000 Arabic 300
    19.9 | 19900 Arabic 19.9
    0.125 | 125 Arabic 0.125
    3.14159 | 3141 Arabic 3.14159
    1,000 | 1000000 Arabic 1,000
    1,234,567 | 1234567000 Arabic 1,234,567
    1,0000 | 1000 Arabic 1 | 0 Arabic 0000
    3千 | 3000000 Placed 3千
    1.5万 | 15000000 Placed 1.5万
    2万5 | 25000000 Placed 2万5
    1万2千3百 | 12300000 Placed 1万2千3百
    1.2.3 | 1000 Arabic 1 | 2000 Arabic 2 | 3000 Arabic 3
    18600001234 | 18600001234000 Arabic 18600001234
    110101199001011234 | 0 Arabic 110101199001011234
    五十186 | 50000 Placed 五十 | 186000 Arabic 186
    五十幺八六 | 50000 Placed 五十 | 186000 Digits 幺八六
    十十 | 10000 Placed 十 | 10000 Placed 十
    百把 | 100000 Placed 百
    百
    万一 | 1000 One 一
    周三
    一周三次 | 1000 One 一 | 3000 One 三
    三块二一个月 | 3000 One 三 | 2000 One 二 | 1000 One 一
";

/// Each line: what is said, then for each numeral ` | thousandths form words`.
fn check(table: &str) {
    let mut wrong = String::new();
    for line in table.lines().map(str::trim).filter(|it| !it.is_empty()) {
        let said = line.split('|').next().unwrap_or_default().trim();
        let text = Text::new(said);
        let mut got = said.to_owned();
        for numeral in scan(text.chars()) {
            let (milli, form) = (numeral.milli, numeral.form);
            got += &format!(" | {milli} {form:?} {}", text.raw_slice(numeral.span));
        }
        if got != line {
            wrong += &format!("\nwanted {line}\n   got {got}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn numerals_are_read_as_they_are_spoken() {
    check(SPOKEN);
}

#[test]
fn a_form_says_how_it_was_said() {
    let text = Text::new("半三十3");
    let forms: Vec<Form> = scan(text.chars()).into_iter().map(|it| it.form).collect();
    assert_eq!(forms, [Form::Half, Form::Placed, Form::Arabic]);
}
