#!/usr/bin/env python3
"""Makes a virtual environment that the model pipeline runs in: .qingting/venv from models/requirements.lock.

Every package is pinned by version and sha256. A second run does nothing and takes milliseconds.
Needs Python 3.11 or newer with venv.

example: python3 ops/setup/venv.py --lock models/training.lock --into .qingting/training
"""

from __future__ import annotations

import argparse
import fcntl
import functools
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import List

import wheels

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "models" / "requirements.lock"
STAMP = "qingting-stamp"


def make(lock: Path, into: Path) -> bool:
    """Makes the virtual environment `into` hold exactly what the lock says; False when it already did."""
    if sys.version_info < (3, 11):
        raise wheels.Failed("the model pipeline needs Python 3.11 or newer: install one and run this with it")
    wheels.machine()
    wanted = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()
    into.parent.mkdir(parents=True, exist_ok=True)
    with open(into.with_name(into.name + ".lock"), "w") as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)
        stamp = into / STAMP
        if stamp.exists() and stamp.read_text().strip() == wanted:
            return False
        shutil.rmtree(into, ignore_errors=True)
        _create(into)
        wheels.install(into / "bin" / "python", lock, into, f"the packages of {lock.name}")
        stamp.write_text(wanted + "\n")
    return True


def _create(into: Path) -> None:
    wheels.say("making a Python environment for the model pipeline")
    made = subprocess.run([sys.executable, "-m", "venv", str(into)], capture_output=True, text=True)
    if made.returncode != 0:
        raise wheels.Failed("cannot make a virtual environment: apt-get install python3-venv, then try again")


def main(arguments: List[str]) -> int:
    """Runs the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--into", type=Path, default=ROOT / ".qingting" / "venv",
                        help="the folder of the environment (default: .qingting/venv)")
    parser.add_argument("--lock", type=Path, default=LOCK,
                        help="the packages, pinned by sha256 (default: models/requirements.lock)")
    options = parser.parse_args(arguments)
    into: Path = options.into
    return wheels.status_of(functools.partial(make, options.lock), into, f"the model pipeline's Python is in {into}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
