use crate::values::{Kind, table};

/// In free speech: what is said | canonical words | …
const SPOKEN: &str = "
    是 | yes 是
    是的 | yes 是的
    是啊 | yes 是
    对 | yes 对
    對 | yes 對
    对的 | yes 对的
    对对对 | yes 对对对
    对呀 | yes 对
    没错 | yes 没错
    嗯 | yes 嗯
    嗯嗯 | yes 嗯嗯
    好 | yes 好
    好的 | yes 好的
    好嘞 | yes 好嘞
    好吧 | yes 好
    行 | yes 行
    行吧 | yes 行
    行啊 | yes 行
    可以 | yes 可以
    可以的 | yes 可以的
    要 | yes 要
    要的 | yes 要的
    需要 | yes 需要
    办吧 | yes 办
    确认 | yes 确认
    确定 | yes 确定
    要得 | yes 要得
    中 | yes 中
    没问题 | yes 没问题
    OK | yes OK
    ＯＫ | yes ＯＫ
    yes | yes yes
    不 | no 不
    不是 | no 不是
    不是的 | no 不是的
    不对 | no 不对
    不要 | no 不要
    不要了 | no 不要了
    不用 | no 不用
    不用了 | no 不用了
    不用了吧 | no 不用了
    不需要 | no 不需要
    不办 | no 不办
    不行 | no 不行
    算了 | no 算了
    算了吧 | no 算了
    没有 | no 没有
    先不要 | no 先不要
    不想 | no 不想
    No | no No
    对，帮我办了吧 | yes 对
    不是，我要退那个 | no 不是
    嗯，不要 | no 不要
    呃，好的 | yes 好的
    呃对 | yes 对
    好的，谢谢 | yes 好的
";

/// When this kind was asked for.
const ANSWERS: &str = "
    要那个 | yes 要那
    要 | yes 要
    确认办理 | yes 确认
    好的给我办 | yes 好的
    可以办 | yes 可以
    是的没错 | yes 是的
    帮我办了 | yes 帮我办
    我要办 | yes 我要
    不想办 | no 不
    不要那个 | no 不
    别给我办 | no 别
    还是算了吧 | no 还是算了
    先不办这个 | no 先不
    我不要这个 | no 我不
    不，我要那个 | no 不 | yes 我要
    是不是
    要不要
    行不行
    no signal in my room
    对不起
    不知道
    不好意思
    可以吗
    可以？
    多少钱
";

/// In free speech, none of this kind.
const NONE: &str = "
    对不起
    不好意思
    是不是
    要不要
    对不对
    行不行
    好像
    不知道
    我要查话费
    不想要了怎么退
    对方号码
    针对
    要多少钱
    可以吗
    行吗
    没有信号
    好几个月
    是我的号
    不同
    中国
    能不能办
    有没有
    那个
    呃
";

#[test]
fn yes_and_no_are_clauses_of_their_own() {
    table::strict(Kind::YesNo, SPOKEN);
}

#[test]
fn yes_and_no_begin_clauses_when_they_were_asked_for() {
    table::lenient(Kind::YesNo, ANSWERS);
}

#[test]
fn what_is_neither_is_not_taken_for_yes_or_no() {
    table::strict(Kind::YesNo, NONE);
}
