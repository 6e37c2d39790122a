"""Gathers an artifact folder and writes its manifest, which `nlu` checks before it opens anything.

The folder appears whole: it is made beside its place and then renamed.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from . import place
from .fetch import Source

FORMAT = 1


@dataclass(frozen=True)
class Card:
    """What the manifest says besides the files."""

    name: str
    dims: int
    layers: int
    vocabulary: int
    max_tokens: int
    prefix: str
    pooling: str
    licence: str
    sources: Sequence[Source]
    #: What the scores of each head stand for, by the head's name.
    labels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    #: How it was trained: seed, steps, hash of the data; nothing where it was not.
    training: Mapping[str, object] = field(default_factory=dict)


def run(card: Card, files: Mapping[str, Path], folder: Path, most_bytes: int) -> None:
    """Copies `files` (name in the artifact -> where it lies) into `folder` with a manifest.

    Raises Failed when they would take more than `most_bytes`.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".new-") as scratch:
        fresh = Path(scratch) / "fresh"
        fresh.mkdir()
        for name, path in files.items():
            shutil.copyfile(path, fresh / name)
        text = json.dumps(describe(card, fresh), ensure_ascii=False, indent=2) + "\n"
        (fresh / "manifest.json").write_text(text, encoding="utf-8")
        size = sum(path.stat().st_size for path in fresh.iterdir())
        if size > most_bytes:
            raise place.Failed(f"the artifact has {size} bytes, more than {most_bytes}: keep fewer pieces")
        if folder.exists():
            folder.rename(Path(scratch) / "old")
        fresh.rename(folder)


def describe(card: Card, folder: Path) -> dict[str, object]:
    """The manifest of the files in `folder`, which has no manifest yet."""
    return {
        "format": FORMAT, "name": card.name, "kind": "encoder", "dims": card.dims, "layers": card.layers,
        "vocabulary": card.vocabulary, "max_tokens": card.max_tokens, "prefix": card.prefix,
        "pooling": card.pooling, "licence": card.licence,
        "sources": [{"name": source.about, "licence": source.licence, "sha256": source.sha256}
                    for source in card.sources],
        **{head: list(names) for head, names in card.labels.items()},
        **({"training": dict(card.training)} if card.training else {}),
        "files": {path.name: {"bytes": path.stat().st_size, "sha256": place.sha256(path)}
                  for path in sorted(folder.iterdir())},
    }
