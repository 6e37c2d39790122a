"""A tiny pretrained encoder and tokenizer in the published formats, random but always the same, and a tiny pack."""

from __future__ import annotations

import json
import struct
import textwrap
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.pipeline import dequantise, vocabulary
from models.pipeline.dequantise import BLOCK, Blocks, Floats, Weights

DIMS, LAYERS, HEADS, INNER, POSITIONS, TYPES = 32, 6, 4, 64, 40, 2
EPSILON = 1e-12
PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁", "query", ":", "▁query", "查", "流量", "流", "量", "余额", "余",
          "额", "話", "ü", "▁hello", "退", "订", "查流量", "。", "<mask>"]
WANTED = ["▁", "query", ":", "▁query", "查", "流量", "流", "量", "余额", "余", "额", "退", "订", "查流量", "。"]


def tokenizer(path: Path) -> None:
    """Writes a unigram tokenizer.json of PIECES; a longer piece is the likelier cut."""
    vocabulary = [[piece, 0.0 if row < 4 else -10.0 + len(piece)] for row, piece in enumerate(PIECES)]
    specials = [{"id": row, "content": piece, "single_word": False, "lstrip": False, "rstrip": False,
                 "normalized": False, "special": True}
                for row, piece in enumerate(PIECES) if piece.startswith("<")]
    frame = [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
             {"SpecialToken": {"id": "</s>", "type_id": 0}}]
    metaspace = {"type": "Metaspace", "replacement": "▁", "add_prefix_space": True}
    padding = {"strategy": "BatchLongest", "direction": "Right", "pad_to_multiple_of": None, "pad_id": 1,
               "pad_type_id": 0, "pad_token": "<pad>"}
    path.write_text(json.dumps({
        "version": "1.0", "truncation": None, "padding": padding, "added_tokens": specials,
        "normalizer": None, "pre_tokenizer": metaspace, "decoder": metaspace,
        "post_processor": {"type": "TemplateProcessing", "single": frame, "pair": frame, "special_tokens": {
            name: {"id": name, "ids": [row], "tokens": [name]} for name, row in (("<s>", 0), ("</s>", 2))}},
        "model": {"type": "Unigram", "unk_id": 3, "vocab": vocabulary},
    }, ensure_ascii=False), encoding="utf-8")


def encoder(folder: Path) -> tuple[Weights, Path]:
    """The encoder cut to WANTED, and its tokenizer: `folder` gets their files."""
    full, pieces, cut, packed = (folder / name for name in ("full.json", "pieces.txt", "tokenizer.json", "weights.bin"))
    tokenizer(full)
    pieces.write_text("".join(f"{piece}\n" for piece in WANTED), encoding="utf-8")
    rows = vocabulary.prune(full, pieces, cut)
    File().write(packed)
    return dequantise.read(packed, rows), cut


class File:
    """An E5S1 file in the making, and what its tensors are."""

    def __init__(self) -> None:
        self.random = np.random.default_rng(7)
        self.plain: dict[str, Floats] = {}
        self.blocks: dict[str, Blocks] = {}
        self._add_blocks("emb.word", len(PIECES), DIMS)
        self._add_plain("emb.pos", POSITIONS, DIMS)
        self._add_plain("emb.type", TYPES, DIMS)
        self._add_norm("emb.ln")
        for layer in range(LAYERS):
            for name, out, into in (("q", DIMS, DIMS), ("k", DIMS, DIMS), ("v", DIMS, DIMS), ("ao", DIMS, DIMS),
                                    ("fi", INNER, DIMS), ("fo", DIMS, INNER)):
                self._add_blocks(f"l{layer}.{name}.w", out, into)
                self._add_plain(f"l{layer}.{name}.b", out)
            self._add_norm(f"l{layer}.aln")
            self._add_norm(f"l{layer}.oln")

    def write(self, path: Path) -> None:
        """Writes header, tokenizer, directory and tensors."""
        header = b"E5S1" + bytes(4) + struct.pack("<7i", DIMS, LAYERS, HEADS, INNER, len(PIECES), POSITIONS, TYPES)
        header += struct.pack("<fi", EPSILON, BLOCK) + _pieces() + struct.pack("<iI", 1, 12) + bytes(12)
        bodies = {name: (0, values.size, values.astype("<f4").tobytes()) for name, values in self.plain.items()}
        bodies |= {name: (1, blocks.codes.size, _packed(blocks)) for name, blocks in self.blocks.items()}
        directory = struct.pack("<i", len(bodies))
        offset = len(header) + 4 + sum(2 + len(name) + 21 for name in bodies)
        for name, (kind, size, body) in bodies.items():
            directory += struct.pack("<H", len(name)) + name.encode()
            directory += struct.pack("<BIQQ", kind, size, offset, len(body))
            offset += len(body)
        path.write_bytes(header + directory + b"".join(body for _, _, body in bodies.values()))

    def _add_plain(self, name: str, *sizes: int) -> None:
        self.plain[name] = (self.random.standard_normal(sizes) * 0.1).astype(np.float32)

    def _add_norm(self, name: str) -> None:
        self.plain[f"{name}.w"] = 1 + (self.random.standard_normal(DIMS) * 0.1).astype(np.float32)
        self._add_plain(f"{name}.b", DIMS)

    def _add_blocks(self, name: str, rows: int, columns: int) -> None:
        codes = self.random.integers(0, 16, (rows, columns // BLOCK, BLOCK)).astype(np.uint8)
        # As the published packer does: every block holds a code 0, its value farthest from zero.
        codes[:, :, 0] = 0
        scales = self.random.uniform(0.01, 0.03, codes.shape[:2]).astype(np.float16).astype(np.float32)
        self.blocks[name] = Blocks(codes, scales * self.random.choice([-1, 1], scales.shape).astype(np.float32))


#: A pack in miniature, by file: two training voices of which one has moods, one for dev, one refused for test.
PACK = {
    "pack.toml": """
        [examples]
        dev = ["voice-03.tsv"]
        test = ["refused-02.tsv"]
    """,
    "intents.toml": """
        [[intent]]
        id = "query_bill"
        name = "查账单"
        covers = "一个月花了多少，花在哪"
        [[intent]]
        id = "cancel_addon"
        name = "退业务"
        covers = "不要某个包了"
    """,
    "slots.toml": """
        [[slot]]
        name = "month"
        [[slot]]
        name = "addon"
    """,
    "knowledge.toml": """
        [[kind]]
        id = "plan"
        name = "套餐"
        [kind.attributes]
        price_fen = { name = "月费", unit = "fen", words = ["月租", "资费"] }
        data_mb = { name = "流量", unit = "mb", words = ["流量"] }
        cards = { name = "副卡数", words = [] }
        [[kind]]
        id = "notice"
        name = "公告"
        [[entry]]
        kind = "plan"
        name = "青禾卡"
        aliases = ["校园卡", "卡"]
        price_fen = 2950
        data_mb = 30720
        [[entry]]
        kind = "plan"
        name = "小包"
        data_mb = 500
        [[entry]]
        kind = "notice"
        name = "割接"
        text = "今晚 ＩＰＴＶ 割接，稍后恢复。"
    """,
    "actions.toml": """
        [[action]]
        id = "bill"
        done = "账单发您手机上了。"
        asked = "给{phone}发账单，确认吗？"
    """,
    "replies.toml": """
        greeting = "您好，请讲。"
    """,
    "acts.tsv": """
        # acts
        human	转人工
        affirm	对 的
    """,
    "examples/voice-01.tsv": """
        # a voice without moods

        query_bill	查[上个月](month)的账单
        query_bill+cancel_addon	账单发我，[视频包](addon)退了
    """,
    "examples/voice-02.tsv": """
        query_bill	怎么又多扣	angry
        cancel_addon	退[夜间包](addon)
    """,
    "examples/voice-03.tsv": """
        cancel_addon	[彩铃](addon)不要了
    """,
    "examples/refused-01.tsv": """
        out_of_scope/off_domain	明天下雨吗
    """,
    "examples/refused-02.tsv": """
        out_of_scope/noise	嗯嗯嗯
    """,
    "calls/call-1.txt": """
        # 退业务
        接通
        系统: 您好，请讲。
        客户: 喂，你好 [greet]
        客户: 我想退个业务 [cancel_addon]
        客户: 那个什么 [unclear, query_bill 0.5]
        客户: 滋滋滋 [noise]
        系统: 退吗？ [deny]
        客户: 行，退 吧 [affirm]
    """,
}


def pack(folder: Path) -> None:
    """Writes PACK into `folder`."""
    for name, text in PACK.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")


def _pieces() -> bytes:
    encoded = [piece.encode() for piece in PIECES]
    ends = np.cumsum([0] + [len(piece) for piece in encoded])
    return (struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, int(ends[-1])) + ends.astype("<u4").tobytes()
            + np.zeros(len(PIECES), "<f4").tobytes() + b"".join(encoded))


def _packed(blocks: Blocks) -> bytes:
    codes: NDArray[np.uint8] = blocks.codes.reshape(-1, BLOCK)
    body = np.zeros(len(codes), [("scale", "<f2"), ("codes", "u1", BLOCK // 2)])
    body["scale"] = blocks.scales.reshape(-1)
    body["codes"] = codes[:, :16] | (codes[:, 16:] << 4)
    return body.tobytes()
