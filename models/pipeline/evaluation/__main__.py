"""Measures the models in the training environment, which is made first where it is missing.

    python3 -m models.pipeline.evaluation              every table, with pictures, into models/evaluation
    python3 -m models.pipeline.evaluation slots        one table
    python3 -m models.pipeline.evaluation --help       all options

This file imports nothing but the standard library.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import List

from .. import place
from ..training.__main__ import ENVIRONMENT, LOCK


def main(arguments: List[str]) -> int:
    """Runs the command line; returns the exit status."""
    setup = [sys.executable, str(place.ROOT / "ops" / "setup" / "venv.py"),
             "--lock", str(LOCK), "--into", str(ENVIRONMENT)]
    made = subprocess.run(setup)
    if made.returncode != 0:
        return made.returncode
    python = str(ENVIRONMENT / "bin" / "python")
    os.chdir(place.ROOT)
    os.execv(python, [python, "-m", "models.pipeline.evaluation.stages", *arguments])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
