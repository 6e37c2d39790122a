"""The training loop: a run that is cut off ends where one that is not does."""

from __future__ import annotations

import tempfile
import unittest
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from models.pipeline.training import loop
from models.tests.training import OneThread, quiet

ALONE = loop.Worker(0, 1, torch.device("cpu"))


class CutOff(Exception):
    """Somebody pulled the plug."""


class Loop(OneThread):
    """A tiny module with dropout, so that all randomness of a step counts."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def run_of(self, seed: int, plan: loop.Plan, name: str = "run.checkpoint") -> loop.Run:
        """A run of a new module, which `seed` makes."""
        torch.manual_seed(seed)
        module = nn.Sequential(nn.Linear(8, 16), nn.Dropout(0.5), nn.GELU(), nn.Linear(16, 1))
        return loop.Run(module, plan, ALONE, self.folder / name)

    def go(self, run: loop.Run, cut: int | None = None, watch: Callable[[int], str] | None = None) -> list[float]:
        """Trains until step `cut`, watched every second step; returns the rate of every step."""
        rates = []

        def step(number: int, random: torch.Generator) -> Mapping[str, Tensor]:
            if number == cut:
                raise CutOff
            rates.append(run.optimizer.param_groups[0]["lr"])
            given = torch.randn(16, 8, generator=random)
            return {"wrong": (run.module(given)[:, 0] - given.sum(1)).pow(2).mean()}

        with quiet():
            run.go(step, watch, 2)
        return rates

    def state(self, run: loop.Run) -> dict[str, Tensor]:
        """Everything that training changes."""
        moments = {f"{number} {name}": it for number, state in run.optimizer.state_dict()["state"].items()
                   for name, it in state.items()}
        weights = {f"weight {name}": it for name, it in run.module.state_dict().items()}
        return {**moments, **weights, **{f"average {name}": it for name, it in run.average.items()}}

    def test_a_run_that_is_cut_off_ends_with_the_same_bits(self) -> None:
        plan = loop.Plan(12, 1e-2, every=5)
        whole = self.run_of(1, plan, "whole.checkpoint")
        self.go(whole)
        first = self.run_of(1, plan)
        with self.assertRaises(CutOff):
            self.go(first, cut=8)
        second = self.run_of(99, plan)
        self.assertEqual(second.next, 5)
        self.assertEqual(len(self.go(second)), 7)
        expected, found = self.state(whole), self.state(second)
        self.assertEqual(set(found), set(expected))
        self.assertEqual([name for name, it in found.items() if not torch.equal(it, expected[name])], [])
        other = self.run_of(99, plan, "other.checkpoint")
        self.go(other)
        self.assertFalse(torch.equal(self.state(other)["weight 0.weight"], expected["weight 0.weight"]))

    def test_another_seed_sees_other_examples(self) -> None:
        ends = []
        for seed in (1, 2):
            run = self.run_of(1, loop.Plan(3, 1e-2, seed=seed), f"{seed}.checkpoint")
            self.go(run)
            ends.append(run.module.state_dict()["0.weight"])
        self.assertFalse(torch.equal(*ends))

    def test_a_run_that_is_done_does_nothing_more(self) -> None:
        plan = loop.Plan(3, 1e-2, every=5)
        self.go(self.run_of(1, plan))
        self.assertEqual(self.go(self.run_of(1, plan)), [])

    def test_the_rate_rises_and_falls(self) -> None:
        rates = self.go(self.run_of(1, loop.Plan(10, 8.0, warm=0.2)))
        self.assertEqual(rates, [4.0, 8.0, *range(8, 0, -1)])

    def test_the_longest_prefix_decides_the_rate(self) -> None:
        run = self.run_of(1, loop.Plan(3, 1.0, decay=0.5, rates={"0": 2.0, "0.weight": 5.0}))
        found = {id(it): (group["factor"], group["weight_decay"]) for group in run.optimizer.param_groups
                 for it in group["params"]}
        self.assertEqual({name: found[id(it)] for name, it in run.module.named_parameters()},
                         {"0.weight": (5.0, 0.5), "0.bias": (2.0, 0.0), "3.weight": (1.0, 0.5), "3.bias": (1.0, 0.0)})

    def test_what_is_frozen_stays(self) -> None:
        torch.manual_seed(1)
        first = nn.Linear(8, 16).requires_grad_(False)
        module, before = nn.Sequential(first, nn.Linear(16, 1)), first.weight.clone()
        run = loop.Run(module, loop.Plan(3, 1e-2), ALONE, self.folder / "frozen.checkpoint")
        self.go(run)
        self.assertTrue(torch.equal(first.weight, before))
        self.assertTrue(torch.equal(run.average["0.weight"], before))

    def test_who_watches_sees_the_average_and_leaves_no_trace(self) -> None:
        run = self.run_of(1, loop.Plan(5, 1e-1), "watched.checkpoint")
        seen: list[int] = []

        def watch(step: int) -> str:
            seen.append(step)
            self.assertFalse(run.module.training)
            for name, it in run.module.named_parameters():
                self.assertTrue(torch.equal(it, run.average[name]), name)
            return "well"

        self.go(run, watch=watch)
        self.assertEqual(seen, [2, 4, 5])
        self.assertTrue(run.module.training)
        unwatched = self.run_of(1, loop.Plan(5, 1e-1), "unwatched.checkpoint")
        self.go(unwatched)
        self.assertFalse(torch.equal(run.average["0.weight"], run.module.state_dict()["0.weight"]))
        for name, it in self.state(run).items():
            self.assertTrue(torch.equal(it, self.state(unwatched)[name]), name)


if __name__ == "__main__":
    unittest.main()
