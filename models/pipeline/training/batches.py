"""Texts -> padded token ids with the places of their characters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from ..runtime import PADDING
from ..vocabulary import PREFIX

#: Places of tokens that stand for no character: the prefix and the marks of begin and end.
NOWHERE = (0, 0)


@dataclass(frozen=True)
class Tokens:
    """One text as token ids; `places` are the characters `[start, end)` of the text each stands for."""

    ids: tuple[int, ...]
    places: tuple[tuple[int, int], ...]


class Cutter:
    """Cuts texts into tokens, as `nlu` does."""

    def __init__(self, tokenizer: Path) -> None:
        self.tokenizer = Tokenizer.from_file(str(tokenizer))
        # The cut vocabulary has no mask: the unknown piece, which hardly any text has, stands for what is hidden.
        self.mask_id = self.tokenizer.token_to_id("<unk>")
        self.pieces = self.tokenizer.get_vocab_size()

    def cut(self, texts: Sequence[str]) -> list[Tokens]:
        """The tokens of every text."""
        found = []
        for encoding in self.tokenizer.encode_batch([PREFIX + text for text in texts]):
            shift = len(PREFIX)
            # The first piece often holds the space behind the prefix too: "▁你".
            places = tuple((max(start - shift, 0), end - shift) if end > shift else NOWHERE
                           for start, end in encoding.offsets)
            found.append(Tokens(tuple(encoding.ids), places))
        return found


def padded(rows: Sequence[Sequence[int]], filling: int = PADDING) -> Tensor:
    """Rows of whole numbers as one tensor `[rows, longest]`."""
    out = np.full((len(rows), max(map(len, rows))), filling, np.int64)
    for number, row in enumerate(rows):
        out[number, :len(row)] = row
    return torch.from_numpy(out)


def mask_of(rows: Sequence[Sequence[int]]) -> Tensor:
    """1 where a row has a token, 0 where it is padded."""
    return padded([[1] * len(row) for row in rows], 0)


class Windows:
    """Draws batches of like length, so that little is padded: a window of the texts sorted by length."""

    def __init__(self, lengths: Sequence[int]) -> None:
        self.order = torch.tensor(sorted(range(len(lengths)), key=lambda at: lengths[at]))

    def draw(self, count: int, share: float, random: torch.Generator) -> list[int]:
        """`count` texts around the place `share` (0 to 1) of the sorted order, drawn from four times as many."""
        wide = min(len(self.order), count * 4)
        start = int(share * (len(self.order) - wide))
        picks = torch.randperm(wide, generator=random)[:count]
        chosen: list[int] = self.order[start + picks].tolist()
        return chosen
