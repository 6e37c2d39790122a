"""Normalises text as `nlu` does (nlu/src/text.rs) before it is cut into tokens, and keeps the way back.

Half width, lower case, nothing invisible, no spaces but one between words of letters. Traditional writing is
left as it is: the corpus has none.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

#: Format characters, joiners, variation selectors and combining marks, as pairs of first and last.
INVISIBLE = (
    (0xAD, 0xAD), (0x300, 0x36F), (0x483, 0x489), (0x61C, 0x61C), (0x180B, 0x180F), (0x1AB0, 0x1AFF),
    (0x1DC0, 0x1DFF), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x20D0, 0x20FF), (0x302A, 0x302D),
    (0xFE00, 0xFE0F), (0xFE20, 0xFE2F), (0xFEFF, 0xFEFF), (0xFFF9, 0xFFFB), (0xE0000, 0xE01EF))
#: Scripts that write no spaces between words.
UNSPACED = ((0x3005, 0x3007), (0x3040, 0x312F), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF),
            (0x20000, 0x3FFFF))
#: Signs for a space besides white space: the underscore, and the mark of sentence pieces.
GAPS = "_\u2581"


def normal(raw: str) -> tuple[str, list[int]]:
    """The normal text, and for each of its characters the place in `raw` it comes from."""
    chars: list[str] = []
    places: list[int] = []
    gap = None
    for place, char in enumerate(raw):
        if char.isspace() or char in GAPS:
            gap = place if gap is None else gap
            continue
        if _is_invisible(char):
            continue
        for one in _half_width(char).lower():
            if _is_invisible(one):
                continue
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


def _half_width(char: str) -> str:
    if "\uff01" <= char <= "\uff5e":
        return chr(ord(char) - 0xFEE0)
    return "¥" if char == "\uffe5" else char


def _is_invisible(char: str) -> bool:
    return unicodedata.category(char) == "Cc" or _is_among(char, INVISIBLE)


def _is_letter(char: str) -> bool:
    return char.isalpha() and not _is_among(char, UNSPACED)


def _is_among(char: str, ranges: Sequence[tuple[int, int]]) -> bool:
    return any(first <= ord(char) <= last for first, last in ranges)
