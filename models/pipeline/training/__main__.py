"""Runs the training stages in their virtual environment, which is made first where it is missing.

    python3 -m models.pipeline.training all       every stage in order, ending with the artifacts
    python3 -m models.pipeline.training --help    the stages

PyTorch comes in the environment (some gigabytes). This file imports nothing but the standard library.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import List

from .. import place

ENVIRONMENT = place.ROOT / ".qingting" / "training"
LOCK = place.ROOT / "models" / "training.lock"


def main(arguments: List[str]) -> int:
    """Runs the command line; returns the exit status."""
    setup = [sys.executable, str(place.ROOT / "ops" / "setup" / "venv.py"),
             "--lock", str(LOCK), "--into", str(ENVIRONMENT)]
    made = subprocess.run(setup)
    if made.returncode != 0:
        return made.returncode
    python = str(ENVIRONMENT / "bin" / "python")
    os.chdir(place.ROOT)
    os.execv(python, [python, "-m", "models.pipeline.training.stages", *arguments])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
