"""Runs the pipeline's commands in its virtual environment, which it makes first where it is missing.

    python3 -m models.pipeline            make the artifact where it is not up to date (milliseconds if it is)
    python3 -m models.pipeline --force    make it anew
    python3 -m models.pipeline --help     the stages

This file is for any Python from 3.9: it imports nothing but the standard library.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import List

from . import done, place

VENV = place.ROOT / ".qingting" / "venv" / "bin" / "python"


def main(arguments: List[str]) -> int:
    """Runs the command line; returns the exit status."""
    if arguments in ([], ["--force"]):
        if not arguments and done.is_up_to_date():
            return 0
        arguments = ["all"]
    made = subprocess.run([sys.executable, str(place.ROOT / "ops" / "setup" / "venv.py")])
    if made.returncode != 0:
        return made.returncode
    os.chdir(place.ROOT)
    os.execv(str(VENV), [str(VENV), "-m", "models.pipeline.stages", *arguments])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
