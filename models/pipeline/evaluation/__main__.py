"""Measures the models in the training environment, which is made first where it is missing.

    python3 -m models.pipeline.evaluation              every table, with pictures, into models/evaluation
    python3 -m models.pipeline.evaluation slots        one table
    python3 -m models.pipeline.evaluation --help       all options

This file imports nothing but the standard library.
"""

from __future__ import annotations

import sys

from ..training import environment

if __name__ == "__main__":
    sys.exit(environment.run("models.pipeline.evaluation.stages", sys.argv[1:]))
