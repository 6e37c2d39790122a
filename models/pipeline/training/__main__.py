"""Runs the training stages in their environment, which is made first where it is missing.

    python3 -m models.pipeline.training all       the artifacts, from the general encoder and the corpus
    python3 -m models.pipeline.training --help    the stages

PyTorch comes in the environment (some gigabytes). This file imports nothing but the standard library.
"""

from __future__ import annotations

import sys

from . import environment

if __name__ == "__main__":
    sys.exit(environment.run("models.pipeline.training.stages", sys.argv[1:]))
