"""Normalises text as `nlu` does before it is cut into tokens, and keeps the way back.

Half width, lower case, nothing invisible, no spaces but one between words of letters. Traditional writing is
left as it is: the corpus has none.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

#: Signs whose compatibility form would be another sign than `nlu` makes of them.
KEPT = frozenset("…—～①②③④⑤⑥⑦⑧⑨⑩℃㎡")


def normal(raw: str) -> tuple[str, list[int]]:
    """The normal text, and for each of its characters the place in `raw` it comes from."""
    chars: list[str] = []
    places: list[int] = []
    gap = None
    for place, char in enumerate(raw):
        if char.isspace() or char == "_":
            gap = place if gap is None else gap
            continue
        if unicodedata.category(char) in ("Cf", "Cc", "Cn", "Co", "Cs") or "\ufe00" <= char <= "\ufe0f":
            continue
        unified = char if char in KEPT else unicodedata.normalize("NFKC", char)
        for one in unified.lower():
            if gap is not None and chars and _is_letter(chars[-1]) and _is_letter(one):
                chars.append(" ")
                places.append(gap)
            gap = None
            chars.append(one)
            places.append(place)
    return "".join(chars), places


def span(places: Sequence[int], start: int, end: int) -> tuple[int, int]:
    """Where the characters `start..end` of the raw text lie in the normal one."""
    inside = [at for at, place in enumerate(places) if start <= place < end]
    return (inside[0], inside[-1] + 1) if inside else (0, 0)


def _is_letter(char: str) -> bool:
    return char.isascii() and char.isalpha()
