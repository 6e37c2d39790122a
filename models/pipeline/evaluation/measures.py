"""Numbers that say how good answers are. Pure."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.floating]
BINS = 15
#: Temperatures that are tried: 0.25 to 4 in even steps of the logarithm.
TEMPERATURES = tuple(0.25 * 16 ** (step / 64) for step in range(65))


def accuracy(guesses: Sequence[str], wanted: Sequence[Collection[str]]) -> float:
    """The share of 100 of the guesses that are among what is wanted."""
    return 100 * sum(guess in labels for guess, labels in zip(guesses, wanted, strict=True)) / max(1, len(guesses))


def auroc(inside: Numbers, outside: Numbers) -> float:
    """How probable it is that a score of `inside` is above one of `outside`; equal ones count half."""
    ranked = np.sort(outside)
    below = np.searchsorted(ranked, inside, "left") + np.searchsorted(ranked, inside, "right")
    return float(below.mean() / 2 / len(ranked))


def threshold(inside: Numbers, recall: float) -> float:
    """The highest score that at least the share `recall` of `inside` reaches."""
    # A whole product may come out a hair above itself.
    needed = math.ceil(recall * len(inside) - 1e-9)
    return float(np.sort(inside)[len(inside) - needed])


@dataclass(frozen=True)
class Bin:
    """Answers of like probability: how many, the mean probability, and the share that was right."""

    count: int
    sure: float
    right: float


def bins(sure: Numbers, right: NDArray[np.bool_], count: int = BINS) -> list[Bin]:
    """Sorts answers into `count` bins of equal width over 0 to 1; empty ones are left out."""
    places = np.minimum((sure * count).astype(int), count - 1)
    found = ((sure[places == place], right[places == place]) for place in range(count))
    return [Bin(len(some), float(some.mean()), float(hit.mean())) for some, hit in found if len(some)]


def calibration_error(found: Sequence[Bin]) -> float:
    """The expected calibration error: how far sureness is from being right, over all answers.

    Source: Naeini, Cooper, Hauskrecht, Obtaining Well Calibrated Probabilities Using Bayesian Binning (2015).
    """
    return sum(it.count * abs(it.sure - it.right) for it in found) / max(1, sum(it.count for it in found))


def softmax(scores: Numbers) -> Numbers:
    """Probabilities of `[rows, classes]`."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: Numbers = powers / powers.sum(axis=1, keepdims=True)
    return shares


def temperature(scores: Numbers, right: NDArray[np.integer]) -> float:
    """The temperature under which the classes `right` are most probable.

    Source: Guo et al., On Calibration of Modern Neural Networks (2017).
    """
    rows = np.arange(len(right))

    def loss(warmth: float) -> float:
        return -float(np.log(np.maximum(softmax(scores / warmth)[rows, right], 1e-12)).sum())

    return min(TEMPERATURES, key=loss)


def reached(points: Sequence[tuple[int, float]], target: float) -> float | None:
    """How many labels it takes to reach `target`: on the way between two of `points` (labels, accuracy), which are
    in order, the accuracy grows with the logarithm of the labels. None where it is never reached; the first
    number of labels where even that is enough."""
    if points and points[0][1] >= target:
        return float(points[0][0])
    for (few, low), (many, high) in zip(points, points[1:]):
        if low < target <= high:
            share = (target - low) / (high - low)
            return float(few * (many / few) ** share)
    return None


def spread(values: Sequence[float]) -> tuple[float, float]:
    """The mean and the standard deviation (of a sample; 0 of one value)."""
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
