use crate::values::{Kind, table};

/// In free speech: what is said | canonical words | …
const SPOKEN: &str = "
    五个G | 5120 五个G
    五个g流量 | 5120 五个g
    5个g | 5120 5个g
    5 gb | 5120 5 gb
    5GB流量包 | 5120 5GB
    ５ＧＢ | 5120 ５ＧＢ
    10g | 10240 10g
    一百多G | 102400 一百多G
    二十G的那个 | 20480 二十G
    30块20g | 20480 20g
    300兆 | 300 300兆
    三百兆流量 | 300 三百兆
    五百兆 | 500 五百兆
    500m | 500 500m
    500MB | 500 500MB
    一个T | 1048576 一个T
    1t | 1048576 1t
    1.5个T | 1572864 1.5个T
    半个G | 512 半个G
    一个半g | 1536 一个半g
    1.5g | 1536 1.5g
    1.5G | 1536 1.5G
    一点五个g | 1536 一点五个g
    一g半 | 1536 一g半
    两三个g | 3072 两三个g
    七八个G | 8192 七八个G
    二十来个g | 20480 二十来个g
    1g500m | 1524 1g500m
    一个g五百兆 | 1524 一个g五百兆
    两个g零五百兆 | 2548 两个g零五百兆
    还剩5g | 5120 5g
    送了3g流量 | 3072 3g
    五g流量 | 5120 五g
    5g的流量包 | 5120 5g
    买5g | 5120 5g
    两百兆够用吗 | 200 两百兆
    十个吉 | 10240 十个吉
    五百兆字节 | 500 五百兆字节
    俩g | 2048 俩g
    12.4 GB | 12698 12.4 GB
    1 个 g | 1024 1 个 g
    幺零g | 10240 幺零g
    三十g一个月 | 30720 三十g
    送10G国内流量和5G定向 | 10240 10G | 5120 5G
    一百g | 102400 一百g
";

/// When this kind was asked for.
const ANSWERS: &str = "
    五个 | 5120 五个
    5 | 5120 5
    五 | 5120 五
    十个吧 | 10240 十个
    三百 | 300 三百
    500 | 500 500
    5g | 5120 5g
    5G | 5120 5G
    千兆 | 1000 千兆
    百兆 | 100 百兆
    两千兆 | 2000 两千兆
    三百兆的宽带 | 300 三百兆
    两三个 | 3072 两三个
    半个g | 512 半个g
    1.5 | 1536 1.5
    要五个g不要十个g | 5120 五个g | 10240 十个g
    三个月
    五块
    一下
";

/// In free speech, none of this kind.
const NONE: &str = "
    5g套餐
    5G
    开通5g
    我手机不是5G的
    5G信号满格
    4G卡换5G卡
    升级到5g那个129的
    二g网
    300兆宽带
    三百兆的宽带
    宽带500兆
    千兆宽带
    升千兆要加多少钱
    500m的光纤
    五个
    5gbps
    三个月
    流量还剩多少
    g
    兆
    一t恤
    10086
    5块
    第五个g
    半个
";

#[test]
fn volumes_are_read_in_free_speech() {
    table::strict(Kind::Data, SPOKEN);
}

#[test]
fn bare_numbers_are_volumes_when_data_was_asked_for() {
    table::lenient(Kind::Data, ANSWERS);
}

#[test]
fn what_is_no_volume_is_not_taken_for_it() {
    table::strict(Kind::Data, NONE);
}
