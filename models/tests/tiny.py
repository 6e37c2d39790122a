"""A tiny pretrained encoder and tokenizer in the published formats, random but always the same."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.pipeline.dequantise import BLOCK, Blocks, Floats

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
