"""Where the pipeline reads and writes, and how it refuses a file that is not the expected one."""

from __future__ import annotations

import hashlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PIPELINE = ROOT / "models" / "pipeline"
WORK = ROOT / "models" / ".work"
ARTIFACTS = ROOT / "models" / "artifacts"


class Failed(Exception):
    """A stage cannot go on; the message says in one line what failed and what to do."""


def sha256(path: Path) -> str:
    """The sha256 of a file, in hex."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def need(path: Path, stage: str) -> Path:
    """`path`, which stage `stage` leaves behind; Failed when it has not run."""
    if not path.exists():
        raise Failed(f"{path.name} is missing: run `python3 -m models.pipeline {stage}` first")
    return path


def expect(path: Path, expected: str) -> None:
    """Raises Failed unless the file has the sha256 `expected`."""
    found = sha256(path)
    if found != expected:
        raise Failed(f"{path.name} has sha256 {found}, not {expected}")
