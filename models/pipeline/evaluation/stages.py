"""The tables as one command. Runs in the training environment; `__main__` sees to that."""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from .. import place
from ..training import corpus
from ..training.stages import fingerprint
from . import ablations, economy, few_shot, material, refusal, slots, students
from .material import Material
from .page import Page

OUT = place.ROOT / "models" / "evaluation"


def run_few_shot(what: Material) -> Page:
    """accuracy from 1 to 20 examples an intent, and on public data"""
    return few_shot.run(what)


def run_label_economy(what: Material) -> Page:
    """labels needed for what the usual way reaches with all"""
    return economy.run(what)


def run_refusal(what: Material) -> Page:
    """what must be refused told from what must not, and calibration"""
    return refusal.run(what)


def run_slots(what: Material) -> Page:
    """spans of slots, clean and with noise"""
    return slots.run(what)


def run_students(what: Material) -> Page:
    """accuracy, size and speed of each size"""
    return students.run(what)


def run_ablations(what: Material) -> Page:
    """what each part of the training adds"""
    return ablations.page_of(what.out / ablations.FILE)


TABLES: dict[str, Callable[[Material], Page]] = {
    it.__name__.removeprefix("run_").replace("_", "-"): it
    for it in (run_few_shot, run_label_economy, run_refusal, run_slots, run_students, run_ablations)}


def parser() -> argparse.ArgumentParser:
    """The command line's grammar."""
    tables = "\n".join(f"  {name:14} {table.__doc__}" for name, table in TABLES.items())
    line = argparse.ArgumentParser(
        prog="python3 -m models.pipeline.evaluation", description=__doc__, epilog=f"tables:\n{tables}",
        formatter_class=argparse.RawDescriptionHelpFormatter)
    line.add_argument("tables", nargs="*", metavar="TABLE", help="those to measure (default: all)")
    line.add_argument("--pack", type=Path, default=corpus.PACK, help="the pack (default: telecom)")
    line.add_argument("--everyday", type=Path, help="everyday questions, one a line: to be refused")
    line.add_argument("--public", type=Path, help="folder with dataclue-cic, smp2020, clinc150, banking77")
    line.add_argument("--out", type=Path, default=OUT, help="where pages and pictures go (default: models/evaluation)")
    line.add_argument("--quick", action="store_true", help="few utterances and one seed, to see that everything runs")
    return line


def measure(options: argparse.Namespace) -> None:
    """Measures the tables that were asked for; each is printed and written when it is ready."""
    unknown = [name for name in options.tables if name not in TABLES]
    if unknown:
        raise place.Failed(f"there is no table {', '.join(unknown)}: choose of {', '.join(TABLES)}")
    options.out.mkdir(parents=True, exist_ok=True)
    what = material.gather(options.pack, options.out, options.everyday, options.public)
    what = material.quick(what) if options.quick else what
    about = f"pack {fingerprint(options.pack)[:16]}"
    for name, table in TABLES.items():
        if options.tables and name not in options.tables:
            continue
        print(f"== {name}: {table.__doc__}", file=sys.stderr, flush=True)
        start = time.perf_counter()
        page = table(what)
        if what.said:
            page.say("; ".join(what.said) + ".")
        if what.is_quick:
            page.say("Few utterances and one seed: these numbers say nothing but that everything runs.")
        page.say(f"Measured in {time.perf_counter() - start:.0f} s; {about}.")
        (options.out / f"{page.name}.md").write_text(page.text(), encoding="utf-8")
        print(page.text(), flush=True)


def main(arguments: list[str]) -> int:
    """Runs the command line; returns the exit status."""
    # Steps are limited on purpose, and one example of each of many labels is what few-shot means.
    warnings.simplefilter("ignore", ConvergenceWarning)
    warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
    try:
        # Threads that wait for each other by spinning make small regressions ten times slower on a busy machine.
        with threadpool_limits(1):
            measure(parser().parse_args(arguments))
    except place.Failed as error:
        print(f"evaluation failed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
