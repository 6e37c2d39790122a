"""Measures what the embeddings are worth: few-shot intent accuracy across writers, and speed.

A ridge classifier is fitted in closed form on one writer's utterances and asked about the other's, so a
number tells of the embeddings and not of a lucky training run. The head that ships is fitted in Rust and
does better; what counts here is one network beside another.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from . import place
from .dequantise import Floats
from .runtime import Encoder

#: `[the customer's words](slot)` in a pack's examples.
SLOT = re.compile(r"\[([^\]]*)\]\([^)]*\)")
RIDGE = 0.3
BATCHES = ((1, 16), (8, 16))

Examples = list[tuple[str, str]]


def read(paths: Iterable[Path]) -> Examples:
    """The (intent, text) pairs of files with one `intent TAB text` a line, slot marks taken out."""
    examples: Examples = []
    for path in paths:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if not line or line.startswith("#"):
                continue
            intent, *rest = line.split("\t")
            if not rest or not rest[0]:
                raise place.Failed(f"{path}:{number}: write `intent TAB text`")
            examples.append((intent, SLOT.sub(r"\1", rest[0])))
    return examples


def pack() -> list[Path]:
    """The telecom pack's example files, one a writer, without those it holds out for the last measurement."""
    folder = place.ROOT / "packs" / "telecom"
    splits = tomllib.loads((folder / "pack.toml").read_text(encoding="utf-8"))["examples"]
    held_out = splits["dev"] + splits["test"]
    return sorted(path for path in (folder / "examples").glob("voice-*.tsv") if path.name not in held_out)


def accuracy(train: Examples, test: Examples, embed: Mapping[str, Floats]) -> float:
    """The share of `test` whose intent a ridge classifier fitted on `train` gets right."""
    labels = sorted({intent for intent, _ in train})
    known, asked = (np.stack([embed[text] for _, text in part]).astype(np.float64) for part in (train, test))
    center = known.mean(axis=0)
    known, asked = known - center, asked - center
    wanted = np.array([[intent == label for label in labels] for intent, _ in train], np.float64)
    # A rarer intent is not a less likely one: each counts the same.
    weight = (1 / wanted.sum(axis=0))[wanted.argmax(axis=1)][:, None]
    spread = known.T @ (weight * known)
    fitted = np.linalg.solve(spread + RIDGE * np.trace(spread) / len(spread) * np.eye(len(spread)),
                             known.T @ (weight * (wanted - wanted.mean(axis=0))))
    guessed = (asked @ fitted).argmax(axis=1)
    return float(np.mean([labels[guess] == intent for guess, (intent, _) in zip(guessed, test)]))


def report(networks: Mapping[str, Encoder], paths: Sequence[Path]) -> str:
    """A table: for each network the accuracy across the files' writers, likeness to the first, and speed."""
    writers = [read([path]) for path in paths]
    texts = sorted({text for writer in writers for _, text in writer})
    lines = ["network    across writers   cosine min / mean   " + "   ".join(f"{a}x{b} ms" for a, b in BATCHES)]
    exact: Floats | None = None
    for name, network in networks.items():
        vectors = network.embed(texts)
        exact = vectors if exact is None else exact
        cosine = (vectors * exact).sum(axis=1)
        across = _across(writers, dict(zip(texts, vectors)))
        speed = "   ".join(f"{network.milliseconds(*batch):7.2f}" for batch in BATCHES)
        lines.append(f"{name:10} {across:14.4f}   {cosine.min():.4f} / {cosine.mean():.4f}     {speed}")
    return "\n".join(lines)


def _across(writers: Sequence[Examples], embed: Mapping[str, Floats]) -> float:
    """The mean accuracy on each writer by a classifier fitted on all the others."""
    if len(writers) < 2:
        raise place.Failed("accuracy across writers needs two example files or more")
    scores = []
    for left_out, test in enumerate(writers):
        train = [example for number, writer in enumerate(writers) if number != left_out for example in writer]
        known = {intent for intent, _ in train}
        scores.append(accuracy(train, [example for example in test if example[0] in known], embed))
    return float(np.mean(scores))
