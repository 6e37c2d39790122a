"""What is known of an utterance, as numbers that losses compare with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .batches import NOWHERE, Tokens
from .corpus import REFUSED, Corpus, Utterance

#: What a loss passes over.
UNKNOWN = -100
#: The act of what asks for something; wanting a person is both.
NO_ACT, HUMAN = "none", "human"
HUMAN_INTENT = "human_agent"


@dataclass(frozen=True)
class Names:
    """What each number of each head stands for. `tags`: outside, then begin and inside of each slot."""

    labels: tuple[str, ...]
    tags: tuple[str, ...]
    acts: tuple[str, ...]
    moods: tuple[str, ...]

    @classmethod
    def of(cls, corpus: Corpus) -> Names:
        """The names that a corpus has."""
        tags = ["O", *(f"{part}-{slot}" for slot in corpus.slots for part in "BI")]
        return cls(tuple(corpus.labels), tuple(tags), tuple(corpus.acts), tuple(corpus.moods))

    @property
    def intents(self) -> int:
        """How many of the labels are intents; the others are reasons to refuse."""
        return sum(not it.startswith(REFUSED) for it in self.labels)


@dataclass(frozen=True)
class Targets:
    """Of a batch: `labels [batch, labels]` sum to one, or to zero where they are unknown; `acts`, `moods`
    `[batch]` and `tags [tokens of all]` are numbers or UNKNOWN; `scope [batch]` is 1, 0 or UNKNOWN."""

    labels: Tensor
    tags: Tensor
    acts: Tensor
    moods: Tensor
    scope: Tensor


def targets(names: Names, utterances: Sequence[Utterance], tokens: Sequence[Tokens]) -> Targets:
    """The targets of a batch, tags without padding in the order of the batch."""
    labels = torch.zeros(len(utterances), len(names.labels))
    scope = torch.full((len(utterances),), float(UNKNOWN))
    for row, it in enumerate(utterances):
        for label in it.labels:
            labels[row, names.labels.index(label)] = 1 / len(it.labels)
        if it.labels:
            scope[row] = 0.0 if it.is_refused else 1.0
    acts = [_number(names.acts, _act(it)) for it in utterances]
    moods = [_number(names.moods, it.mood) for it in utterances]
    tags = [tag for it, cut in zip(utterances, tokens) for tag in token_tags(names, it, cut)]
    return Targets(labels, torch.tensor(tags), torch.tensor(acts), torch.tensor(moods), scope)


def token_tags(names: Names, utterance: Utterance, tokens: Tokens) -> list[int]:
    """The tag of each token: that of the span which most of its characters lie in."""
    if utterance.spans is None:
        return [UNKNOWN] * len(tokens.ids)
    tags, open_span = [], None
    for start, end in tokens.places:
        if (start, end) == NOWHERE or end == start:
            tags.append(UNKNOWN if (start, end) == NOWHERE else 0)
            continue
        inside = [it for it in utterance.spans
                  if 2 * (min(end, it.end) - max(start, it.start)) >= end - start]
        span = inside[0] if inside else None
        part = "I" if span is not None and span == open_span else "B"
        tags.append(names.tags.index(f"{part}-{span.slot}") if span else 0)
        open_span = span
    return tags


def _act(utterance: Utterance) -> str | None:
    if utterance.act is not None or not utterance.labels or utterance.is_refused:
        return utterance.act
    return HUMAN if utterance.labels == (HUMAN_INTENT,) else NO_ACT


def _number(names: Sequence[str], name: str | None) -> int:
    return UNKNOWN if name is None else names.index(name)
