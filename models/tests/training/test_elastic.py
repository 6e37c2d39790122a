"""A run of two workers outlives one of them: it goes on from its checkpoint to the same end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

from models.pipeline import place
from models.tests.training.elastic_worker import EVERY, STUCK

COMMAND = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--local-addr", "127.0.0.1",
           "--nproc-per-node", "2", "--max-restarts", "3", "--monitor-interval", "0.1",
           "-m", "models.tests.training.elastic_worker")
#: A run takes some ten seconds; one that takes longer than this hangs.
SECONDS = 180


class Torchrun:
    """A run in a folder of its own; what the workers say is read from `lines`."""

    def __init__(self, folder: Path, *options: str) -> None:
        folder.mkdir()
        self.log = folder / "log"
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen([*COMMAND, str(folder), *options], stdout=subprocess.PIPE, stderr=log,
                                            text=True, cwd=place.ROOT, env=environment)
        self.deadline = threading.Timer(SECONDS, self.process.terminate)
        self.deadline.start()

    def lines(self) -> list[list[str]]:
        """The words of all lines to the end of the run; kills whoever says to be stuck."""
        said = []
        assert self.process.stdout is not None
        for line in self.process.stdout:
            said.append(line.split())
            if said[-1][0] == "stuck":
                os.kill(int(said[-1][1]), signal.SIGKILL)
        self.process.wait()
        return said

    def end(self) -> None:
        """Ends whatever still runs; told to end, `torchrun` ends its workers."""
        self.deadline.cancel()
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


class Elastic(unittest.TestCase):
    """Two runs side by side: one is left alone, and in the other a worker is killed."""

    def test_a_run_that_loses_a_worker_ends_with_the_weights_of_one_that_does_not(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        whole, bereft = (Torchrun(Path(folder.name) / name, *options)
                         for name, options in (("whole", ()), ("bereft", ("--stuck",))))
        self.addCleanup(whole.end)
        self.addCleanup(bereft.end)
        kept = str(STUCK // EVERY * EVERY)
        first, second = ["0 0 0", "1 0 0"], [f"0 1 {kept}", f"1 1 {kept}"]
        hashes = self.check(whole, first, 0) + self.check(bereft, first + second, 1)
        self.assertEqual(len(set(hashes)), 1, hashes)

    def check(self, run: Torchrun, lives: list[str], killed: int) -> list[str]:
        """Runs to the end; `lives` are worker, life and first step. Returns what each worker ended with."""
        said = run.lines()
        whole_picture = "\n".join((*map(" ".join, said), run.log.read_text(encoding="utf-8")))
        self.assertEqual(run.process.returncode, 0, whole_picture)
        self.assertEqual(sorted(" ".join(words[1:]) for words in said if words[0] == "began"), sorted(lives),
                         whole_picture)
        self.assertEqual(sum(words[0] == "stuck" for words in said), killed, whole_picture)
        hashes = [words[3] for words in said if words[0] == "ended"]
        self.assertEqual(len(hashes), 2, whole_picture)
        self.assertEqual(hashes[0], hashes[1], "the workers of one run ended apart")
        return hashes


if __name__ == "__main__":
    unittest.main()
