"""Table 6: what each part of the training adds. The runs are made by the training stages; this prints them.

`ablations.json` is a list of runs: `{"name": ..., "steps": ..., "scores": {what: of 100}, "seconds": ...}`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import place
from .page import Page, grouped, percent

FILE = "ablations.json"


@dataclass(frozen=True)
class Run:
    """One run of the training: its scores (of 100) by what was measured, and how long it took."""

    name: str
    steps: int
    scores: dict[str, float]
    seconds: float


def page_of(path: Path) -> Page:
    """The page of the runs in `path`.

    Raises Failed when the file is no list of runs.
    """
    page = Page("ablations", "Ablations: what each part of the training adds")
    if not path.exists():
        page.say(f"There are no runs: no `{path.name}` lies beside this page.")
        return page
    runs = read(path)
    page.say("Runs of the training stages that differ in one part each; scores of 100 as the runs measured them.")
    page.table(*table(runs))
    return page


def read(path: Path) -> list[Run]:
    """The runs of a file, in its order."""
    try:
        return [_run(entry) for entry in json.loads(path.read_text(encoding="utf-8"))]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise place.Failed(f"{path.name} is no list of name, steps, scores and seconds: {error!r}") from error


def _run(entry: dict[str, Any]) -> Run:
    scores = {str(what): float(value) for what, value in entry["scores"].items()}
    return Run(str(entry["name"]), int(entry["steps"]), scores, float(entry["seconds"]))


def table(runs: Sequence[Run]) -> tuple[list[str], list[list[str]]]:
    """Head and rows: a column for everything that any run measured; a dash where one did not."""
    measured = list(dict.fromkeys(what for it in runs for what in it.scores))
    rows = [[it.name, grouped(it.steps), *(percent(it.scores[what]) if what in it.scores else "-" for what in measured),
             f"{it.seconds / 60:.1f}"] for it in runs]
    return ["run", "steps", *measured, "minutes"], rows
