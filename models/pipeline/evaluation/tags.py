"""Tags of tokens -> spans, and how well spans agree. Pure; the reading of tags is that of nlu/src/decode.rs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..training.corpus import Span


def places(offsets: Sequence[tuple[int, int]], before: int) -> list[tuple[int, int]]:
    """The characters of a text that each token stands for; `offsets` count from a prefix of `before` characters.

    A piece that spans both belongs to the text as far as it reaches into it, as in nlu/src/tokens.rs: the first piece
    of most texts begins with the space that ends the prefix.
    """
    return [(max(0, start - before), max(0, end - before)) for start, end in offsets]


def spans(tags: Sequence[str], places: Sequence[tuple[int, int]]) -> list[Span]:
    """The spans that `tags` ("O", "B-SLOT", "I-SLOT") make of tokens that stand for the characters `places`.

    An inside without a beginning begins a span all the same; a token that stands for no character ends nothing.
    """
    found: list[Span] = []
    is_open = False
    for tag, (start, end) in zip(tags, places, strict=True):
        if start == end:
            continue
        part, _, slot = tag.partition("-")
        if not slot:
            is_open = False
            continue
        if is_open and part == "I" and found[-1].slot == slot:
            found[-1] = Span(slot, found[-1].start, end)
        else:
            found.append(Span(slot, start, end))
        is_open = True
    return found


@dataclass(frozen=True)
class Agreement:
    """How many spans were said and wanted, how many are the same, and how many of a slot lie over each other."""

    said: int = 0
    wanted: int = 0
    same: int = 0
    over: int = 0

    def __add__(self, other: Agreement) -> Agreement:
        return Agreement(self.said + other.said, self.wanted + other.wanted, self.same + other.same,
                         self.over + other.over)

    @property
    def exact_f1(self) -> float:
        """F1 of 100 over spans of the same slot and the same characters."""
        return 200 * self.same / max(1, self.said + self.wanted)

    @property
    def overlap_f1(self) -> float:
        """F1 of 100 over spans of the same slot that share a character, each paired once."""
        return 200 * self.over / max(1, self.said + self.wanted)


def agreement(said: Sequence[Span], wanted: Sequence[Span]) -> Agreement:
    """How the spans of one text agree with those that are wanted."""
    free = list(wanted)
    over = 0
    for span in sorted(said, key=lambda it: (it not in wanted, it.start)):
        # The same span first, so that no other takes its partner.
        near = [it for it in free if it.slot == span.slot and it.start < span.end and span.start < it.end]
        if near:
            free.remove(span if span in near else near[0])
            over += 1
    return Agreement(len(said), len(wanted), len(set(said) & set(wanted)), over)
