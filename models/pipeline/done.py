"""Tells whether the artifact is made and up to date. Standard library only: any Python may ask."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from . import place

NAME = "general"
ARTIFACT = place.ARTIFACTS / NAME
#: The sha256 that everybody's network and tokenizer must have.
EXPECTED = place.PIPELINE / f"{NAME}.sha256"
STAMP = place.WORK / f"{NAME}.stamp"


def is_up_to_date() -> bool:
    """Whether the artifact was made by this very pipeline and its files are as they were made."""
    try:
        if STAMP.read_text(encoding="utf-8").strip() != _pipeline():
            return False
        told = json.loads((ARTIFACT / "manifest.json").read_text(encoding="utf-8"))["files"]
        check_made(ARTIFACT)
        return all(place.sha256(ARTIFACT / name) == said["sha256"] for name, said in told.items())
    except (OSError, ValueError, KeyError, place.Failed):
        return False


def write_stamp() -> None:
    """Notes that the artifact was made by this very pipeline."""
    STAMP.write_text(_pipeline() + "\n", encoding="utf-8")


def check_made(folder: Path) -> None:
    """Refuses a network or tokenizer in `folder` whose sha256 is not the committed one."""
    for line in EXPECTED.read_text(encoding="utf-8").splitlines():
        expected, name = line.split()
        found = place.sha256(place.need(folder / name, "all"))
        if found != expected:
            raise place.Failed(
                f"{name} has sha256 {found}, but models/pipeline/{EXPECTED.name} expects {expected}: "
                "if the pipeline was changed on purpose, write the new one there")


def _pipeline() -> str:
    digest = hashlib.sha256()
    for path in sorted(place.PIPELINE.iterdir()):
        if path.is_file():
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
