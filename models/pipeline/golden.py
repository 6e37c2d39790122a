"""Writes the golden file: texts with the token ids, embeddings, tags and moods that Python gets for them.

`nlu` must get the same ids, and embeddings that agree as far as two processors' int8 kernels do. The texts
are simplified Chinese in half width, which `nlu` leaves as they are.
"""

from __future__ import annotations

import json
from pathlib import Path

from .runtime import Encoder

TEXTS = (
    "查一下我这个月还剩多少流量",
    "余额",
    "嗯",
    "给我退了那个视频会员",
    "我要转人工",
    "怎么又扣了我十五块钱，我什么都没办",
    "宽带从昨天晚上就上不去网了，猫上红灯一直闪",
    "上个月的账单发我邮箱行不行",
    "帮我把套餐改成最便宜那个",
    "不对，是186那个号",
    "尾号1234",
    "13800138000",
    "5g",
    "wifi连上了但是没网",
    "我想开个国际漫游，下周二去泰国，大概待个五六天",
    "手机丢了，先把卡给我停了",
    "今天天气怎么样",
    "我的脚有几只眼睛",
    "好的，就这样吧，谢谢",
    "你们那个积分能换什么东西啊，快过期了吧",
    "puk码是什么，卡锁住了",
    "爸妈的副卡一共还能打多少分钟",
    "携号转网要什么条件，合约没到期能不能转",
    "我上个礼拜五在营业厅办的那个一百九十九的融合套餐，当时说好了送一个机顶盒还有三个月的会员，"
    "结果到现在什么都没收到，打了两次电话都说在处理，你现在就给我一个准话，到底还送不送",
)


def run(encoder: Encoder, path: Path) -> None:
    """Writes what `encoder` makes of TEXTS, one text at a time as a lone caller's."""
    cases = []
    for text in TEXTS:
        ids = encoder.ids(text)
        case: dict[str, object] = {"text": text, "ids": ids}
        case["embedding"] = [round(float(value), 6) for value in encoder.run([ids])[0]]
        if (tags := encoder.scores(ids, "tags")) is not None:
            case["tags"] = tags.argmax(axis=1).tolist()
        if (moods := encoder.scores(ids, "moods")) is not None:
            case["moods"] = [round(float(value), 4) for value in moods]
        cases.append(case)
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
