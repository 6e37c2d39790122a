"""The sizes of the family, and how one is made, kept and opened."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from .distil import Family
from .network import Encoder, Model, smaller
from .targets import Names

#: The mean of how many last layers is the embedding.
POOLED = 2


@dataclass(frozen=True)
class Size:
    """A student: which of its teacher's layers it begins as, and how wide it is."""

    layers: tuple[int, ...]
    dims: int
    heads: int
    inner: int


#: By name, the largest first. "large" is the teacher itself.
SIZES = {
    "base": Size((1, 3, 5, 7, 9, 11), 384, 12, 1536),
    "small": Size((2, 5, 8, 11), 320, 10, 1280),
    "tiny": Size((5, 11), 128, 4, 512),
}
TEACHER = "large"


def born(teacher: Encoder, names: Names, sizes: Sequence[str] = tuple(SIZES)) -> Family:
    """A teacher with students of these sizes, which begin as parts of it."""
    counts = len(names.labels), len(names.tags), len(names.acts), len(names.moods)
    students = {}
    for name in sizes:
        size = SIZES[name]
        pooled = min(POOLED, len(size.layers))
        encoder = smaller(teacher, size.layers, size.dims, size.heads, size.inner, pooled)
        students[name] = Model(encoder, *counts)
    return Family(Model(teacher, *counts), students)


def keep(family: Family, names: Names, path: Path, about: dict[str, object]) -> None:
    """Writes every member as it is now, with what its numbers stand for and `about` the run."""
    torch.save(family.state_dict(), path)
    told = {"names": asdict(names), "sizes": list(family.students), **about}
    path.with_suffix(".json").write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def names_of(path: Path) -> Names:
    """What the numbers of a kept family stand for."""
    told = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["names"]
    return Names(**{name: tuple(values) for name, values in told.items()})


def opened(path: Path, teacher: Encoder) -> tuple[Family, Names]:
    """A kept family; `teacher` is any encoder of its teacher's shape."""
    names = names_of(path)
    sizes = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["sizes"]
    family = born(teacher, names, sizes)
    family.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return family, names
