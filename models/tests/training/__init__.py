"""Tests of training, which need PyTorch: `python3 -m models.pipeline.training test`."""

from __future__ import annotations

import contextlib
import io
import unittest
from collections.abc import Iterator

import torch


class OneThread(unittest.TestCase):
    """Claims about tiny modules: on a busy machine two threads would mostly wait for each other."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.addClassCleanup(torch.set_num_threads, torch.get_num_threads())
        torch.set_num_threads(1)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keeps progress bars, and what is watched, out of the tests' report."""
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        yield
