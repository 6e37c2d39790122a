"""Embeddings that are computed once and kept: by the encoder's sha256 and the text."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ..dequantise import Floats

Embed = Callable[[Sequence[str]], Floats]
#: Texts that are embedded before what was found is written down.
STRIDE = 16_384


class Kept:
    """The embeddings of an encoder. `path` is the file they are kept in; its name says which encoder it is."""

    def __init__(self, path: Path, embed: Embed) -> None:
        self.path, self.embed = path, embed
        self.place: dict[str, int] = {}
        self.vectors: Floats = np.zeros((0, 0), np.float32)
        if path.exists():
            with np.load(path) as file:
                texts, self.vectors = bytes(file["texts"]).decode().split("\n"), file["vectors"]
            self.place = {text: number for number, text in enumerate(texts)}

    def of(self, texts: Sequence[str]) -> Floats:
        """One embedding a text, `[texts, dims]`. No text has a line break."""
        missing = list(dict.fromkeys(text for text in texts if text not in self.place))
        for start in range(0, len(missing), STRIDE):
            self._add(missing[start:start + STRIDE])
        return self.vectors[[self.place[text] for text in texts]]

    def _add(self, texts: Sequence[str]) -> None:
        if any("\n" in text for text in texts):
            raise ValueError("a text to be embedded has a line break: normalise it")
        found = self.embed(texts)
        self.vectors = found if not self.place else np.concatenate([self.vectors, found])
        self.place.update({text: len(self.place) + number for number, text in enumerate(texts)})
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_suffix(f".{os.getpid()}.npz")
        joined = np.frombuffer("\n".join(self.place).encode(), np.uint8)
        np.savez(beside, texts=joined, vectors=self.vectors)
        beside.replace(self.path)
