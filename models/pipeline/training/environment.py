"""The training environment: made where it is missing, then left to run a command. Standard library only."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import List

from .. import place

FOLDER = place.ROOT / ".qingting" / "training"
LOCK = place.ROOT / "models" / "training.lock"


def run(module: str, arguments: List[str]) -> int:
    """Becomes `python -m module arguments` in the environment; returns a status only where it cannot be made."""
    setup = [sys.executable, str(place.ROOT / "ops" / "setup" / "venv.py"), "--lock", str(LOCK), "--into", str(FOLDER)]
    made = subprocess.run(setup)
    if made.returncode != 0:
        return made.returncode
    python = str(FOLDER / "bin" / "python")
    os.chdir(place.ROOT)
    os.execv(python, [python, "-m", module, *arguments])
