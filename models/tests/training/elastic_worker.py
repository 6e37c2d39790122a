"""One of two workers that train a tiny module, for test_elastic.

    torchrun --nproc-per-node 2 --max-restarts 3 -m models.tests.training.elastic_worker FOLDER [--stuck]

Says on standard output where it begins and, at the end, the sha256 of its weights. With `--stuck` the second worker's
first life goes as far as step STUCK and waits there to be killed.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from models.pipeline.training import loop

STEPS, EVERY, STUCK = 20, 5, 12


def say(*words: object) -> None:
    """One line, written at once: two workers share the pipe."""
    os.write(sys.stdout.fileno(), (" ".join(map(str, words)) + "\n").encode())


def fingerprint(run: loop.Run) -> str:
    """The sha256 of the weights and of their running average."""
    digest = hashlib.sha256()
    for values in (run.module.state_dict(), run.average):
        for name, it in values.items():
            digest.update(name.encode() + it.numpy().tobytes())
    return digest.hexdigest()


def train(folder: Path, stuck: bool) -> None:
    """The whole run."""
    with loop.worker() as me:
        # Workers that begin apart must be made alike by the run.
        torch.manual_seed(me.rank)
        module = nn.Sequential(nn.Linear(8, 16), nn.Dropout(0.2), nn.GELU(), nn.Linear(16, 1))
        run = loop.Run(module, loop.Plan(STEPS, 1e-2, every=EVERY), me, folder / "run.checkpoint")
        life = int(os.environ["TORCHELASTIC_RESTART_COUNT"])
        say("began", me.rank, life, run.next)

        def step(number: int, random: torch.Generator) -> Mapping[str, Tensor]:
            if stuck and number == STUCK and me.rank == 1 and life == 0:
                say("stuck", os.getpid())
                signal.pause()
            # Every worker has examples of its own.
            given = torch.randn(32, 8, generator=random)
            return {"wrong": (module(given)[:, 0] - given.sum(1).sin()).pow(2).mean()}

        run.go(step)
        say("ended", me.rank, life, fingerprint(run))


def main(arguments: list[str]) -> None:
    """Runs the command line."""
    line = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    line.add_argument("folder", type=Path)
    line.add_argument("--stuck", action="store_true")
    options = line.parse_args(arguments)
    torch.set_num_threads(1)
    train(options.folder, options.stuck)


if __name__ == "__main__":
    main(sys.argv[1:])
