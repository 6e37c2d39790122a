"""Public data that nobody here wrote: measured only, nothing of it is kept in the project. Pure but for reading.

The folder has `dataclue-cic`, `smp2020`, `clinc150` and `banking77`, each as it is published.
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..training.normal import normal

#: The longest text in characters: what every encoder takes.
LONGEST = 256

Pairs = list[tuple[str, str]]


@dataclass(frozen=True)
class Public:
    """A data set as (label, normal text); no text is in both parts."""

    name: str
    train: Pairs
    test: Pairs


def read(folder: Path) -> tuple[list[Public], list[str]]:
    """The data sets that are in `folder`, and the names of those that are not."""
    found, missing = [], []
    for name, reader in READERS.items():
        if not (folder / name).is_dir():
            missing.append(name)
            continue
        train, test = (_normal(pairs) for pairs in reader(folder / name))
        asked = {text for _, text in test}
        known = {label for label, text in train if text not in asked}
        found.append(Public(name, [it for it in train if it[1] not in asked], [it for it in test if it[0] in known]))
    return found, missing


def _normal(pairs: Iterable[tuple[str, str]]) -> Pairs:
    texts = ((label, normal(raw)[0][:LONGEST]) for label, raw in pairs)
    return [(label, text) for label, text in texts if text]


def _dataclue(folder: Path) -> tuple[Pairs, Pairs]:
    """The part for training is noisy on purpose."""
    def rows(name: str) -> Iterator[tuple[str, str]]:
        for line in (folder / name).read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            yield entry["label"], entry["sentence"]

    return list(rows("train.json")), list(rows("test_public.json"))


def _smp(folder: Path) -> tuple[Pairs, Pairs]:
    """One file: of each label every other text is for the test. A label is a domain with an intent."""
    parts: tuple[Pairs, Pairs] = [], []
    seen: dict[str, int] = defaultdict(int)
    for entry in json.loads((folder / "2020train.json").read_text(encoding="utf-8")):
        label = f"{entry['domain']}/{entry['intent']}"
        parts[seen[label] % 2].append((label, entry["text"]))
        seen[label] += 1
    return parts


def _clinc(folder: Path) -> tuple[Pairs, Pairs]:
    """What is in no intent is left out."""
    parts = json.loads((folder / "data_full.json").read_text(encoding="utf-8"))
    train, test = ([(label, text) for text, label in parts[part]] for part in ("train", "test"))
    return train, test


def _banking(folder: Path) -> tuple[Pairs, Pairs]:
    def rows(name: str) -> Pairs:
        with open(folder / name, encoding="utf-8", newline="") as file:
            return [(row["category"], row["text"]) for row in csv.DictReader(file)]

    return rows("train.csv"), rows("test.csv")


READERS: dict[str, Callable[[Path], tuple[Pairs, Pairs]]] = {
    "dataclue-cic": _dataclue, "smp2020": _smp, "clinc150": _clinc, "banking77": _banking}
