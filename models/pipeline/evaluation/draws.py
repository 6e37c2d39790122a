"""Which examples are learned from: few of each label, random ones, or those a classifier is least sure of. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from random import Random

import numpy as np

from .measures import Numbers

#: (numbers of the examples learned from, numbers of others) -> how sure the classifier is of each of the others.
Sureness = Callable[[Sequence[int], Sequence[int]], Numbers]


def shots(labels: Sequence[str], count: int, seed: int) -> list[int]:
    """The numbers of `count` examples of each label; all of a label that has fewer.

    What is drawn with a smaller count is part of what is drawn with a larger one.
    """
    taken: dict[str, int] = defaultdict(int)
    chosen = []
    for number in order(len(labels), seed):
        if taken[labels[number]] < count:
            taken[labels[number]] += 1
            chosen.append(number)
    return sorted(chosen)


def order(size: int, seed: int) -> list[int]:
    """The numbers below `size` in random order."""
    numbers = list(range(size))
    Random(seed).shuffle(numbers)
    return numbers


def counts(first: int, size: int) -> list[int]:
    """`first`, twice that, and so on, and `size` at last."""
    found = []
    while first < size:
        found.append(first)
        first *= 2
    return [*found, size]


def between(texts: Sequence[str], step: int) -> list[str]:
    """Of every `step` texts the one in the middle, unless it is also one of the first; none for a step of 1."""
    firsts = set(texts[::step])
    return [it for it in texts[step // 2::step] if it not in firsts]


def active(numbers: Sequence[int], wanted: Sequence[int], sureness: Sureness) -> Iterator[list[int]]:
    """Chooses from `numbers` in rounds: the first `wanted[0]` as they come, then for each further total in `wanted`
    those that a classifier fitted on the choice so far is least sure of. Yields the choice after each round."""
    chosen, rest = list(numbers[:wanted[0]]), list(numbers[wanted[0]:])
    yield list(chosen)
    for total in wanted[1:]:
        least = np.argsort(sureness(chosen, rest), kind="stable")[:total - len(chosen)]
        picked = {int(place) for place in least}
        chosen += [rest[place] for place in sorted(picked)]
        rest = [it for place, it in enumerate(rest) if place not in picked]
        yield list(chosen)


def margins(probabilities: Numbers) -> Numbers:
    """How much more probable the first of `[rows, classes]` is than the second.

    Source: Scheffer, Decomain, Wrobel, Active Hidden Markov Models for Information Extraction (2001).
    """
    if probabilities.shape[1] < 2:
        return np.ones(len(probabilities))
    best = np.partition(probabilities, -2, axis=1)[:, -2:]
    lead: Numbers = best[:, 1] - best[:, 0]
    return lead
