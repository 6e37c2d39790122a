"""Scores what `qingting parse` understood against gold lines.

    python3 ops/measure/score.py gold.tsv read.jsonl

gold.tsv: `our_id<TAB>text<TAB>group` a line; the group may be missing; our_id may be `a|b`, either
of which is right; lines that begin with # are skipped. read.jsonl: the readings in the same order,
one JSON object a line with intent, confidence, ranking, in_scope and reason.

Printed for each group and overall:
  rows       how many, and for how many of them more than one id is right
  top-1      the reported intent is right; a refusal is right only where out_of_scope is
  top-3      right is among the three most probable, out_of_scope taking part with 1 - in_scope
  refused    the share with a reason
  ECE        expected calibration error over 15 bins of equal width (Naeini et al. 2015): the mean of
             |share right - mean confidence|, weighted by rows. The confidence of a reading refused
             as unclear is that of the first in the ranking, so there it is held against that one.
  confused   the ten most frequent pairs of right and reported, with their counts
"""

from __future__ import annotations

import argparse
import collections
import json
import pathlib
import sys
from typing import Any, NamedTuple

BINS = 15
OUTSIDE = "out_of_scope"
UNCLEAR = "unclear"


class Gold(NamedTuple):
    """What is right for one utterance: any of `ids`."""

    ids: frozenset[str]
    group: str


class Reading(NamedTuple):
    """One line of `qingting parse`; `ranking`: intents, most probable first."""

    intent: str
    confidence: float
    ranking: list[tuple[str, float]]
    in_scope: float
    reason: str | None

    def likeliest(self, how_many: int) -> list[str]:
        """The most probable labels, being out of scope among them."""
        labels = [*self.ranking, (OUTSIDE, 1.0 - self.in_scope)]
        labels.sort(key=lambda label: -label[1])
        return [intent for intent, _ in labels[:how_many]]

    def claim(self) -> str:
        """The label that `confidence` speaks of."""
        if self.reason == UNCLEAR and self.ranking:
            return self.ranking[0][0]
        return self.intent

    def told(self) -> str:
        """How the reading shows in the list of confusions."""
        return f"{self.intent} ({self.reason})" if self.reason else self.intent


class Pair(NamedTuple):
    """One utterance: what is right, and what was understood."""

    gold: Gold
    read: Reading

    def is_right(self) -> bool:
        return self.read.intent in self.gold.ids


def parse_gold(line: str) -> Gold:
    """Reads `our_id<TAB>text[<TAB>group]`."""
    ids, _, *group = line.split("\t")
    return Gold(frozenset(ids.split("|")), group[0] if group else "ungrouped")


def parse_reading(line: str) -> Reading:
    """Reads one JSON object of `qingting parse`."""
    said: dict[str, Any] = json.loads(line)
    ranking = [(it["intent"], float(it["confidence"])) for it in said["ranking"]]
    reason = said.get("reason") or None
    intent = said["intent"] or OUTSIDE
    return Reading(intent, float(said["confidence"]), ranking, float(said["in_scope"]), reason)


def calibration_error(pairs: list[Pair]) -> float:
    """Expected calibration error, 0 to 1, over BINS bins of equal width."""
    bins: list[list[tuple[float, bool]]] = [[] for _ in range(BINS)]
    for gold, read in pairs:
        at = max(0, min(int(read.confidence * BINS), BINS - 1))
        bins[at].append((read.confidence, read.claim() in gold.ids))
    gaps = (abs(sum(sure - right for sure, right in it)) for it in bins)
    return sum(gaps) / len(pairs)


def report(group: str, pairs: list[Pair]) -> str:
    """The lines printed for one group; `pairs` is not empty."""

    def share(count: int) -> str:
        return f"{count / len(pairs):.3f} ({count})"

    either = sum(len(it.gold.ids) > 1 for it in pairs)
    top_1 = sum(it.is_right() for it in pairs)
    top_3 = sum(not it.gold.ids.isdisjoint(it.read.likeliest(3)) for it in pairs)
    refused = sum(it.read.reason is not None for it in pairs)
    wrong = collections.Counter(
        ("|".join(sorted(it.gold.ids)), it.read.told()) for it in pairs if not it.is_right()
    )
    lines = [
        f"{group}",
        f"  rows     {len(pairs)} (either of two right: {either})",
        f"  top-1    {share(top_1)}",
        f"  top-3    {share(top_3)}",
        f"  refused  {share(refused)}",
        f"  ECE      {calibration_error(pairs):.3f}",
    ]
    confused = [f"{count:5} {right} -> {told}" for (right, told), count in wrong.most_common(10)]
    return "\n".join([*lines, "  confused", *(f"  {it}" for it in confused or ["  none"])])


def read_lines(path: pathlib.Path) -> list[str]:
    """Lines that are neither empty nor a comment, split at line feeds only."""
    lines = path.read_text(encoding="utf-8").split("\n")
    return [line for line in lines if line.strip() and not line.startswith("#")]


def main() -> None:
    raw = argparse.RawTextHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("gold", type=pathlib.Path, help="our_id, text and group, by tabs")
    parser.add_argument("readings", type=pathlib.Path, help="output of `qingting parse`")
    args = parser.parse_args()
    gold = [parse_gold(line) for line in read_lines(args.gold)]
    readings = [parse_reading(line) for line in read_lines(args.readings)]
    if not gold or len(gold) != len(readings):
        sys.exit(f"score: {len(gold)} gold lines and {len(readings)} readings do not match")
    pairs = [Pair(*it) for it in zip(gold, readings)]
    groups: dict[str, list[Pair]] = collections.defaultdict(list)
    for pair in pairs:
        groups[pair.gold.group].append(pair)
    if len(groups) > 1:
        groups["overall"] = pairs
    print("\n\n".join(report(group, its) for group, its in groups.items()))


if __name__ == "__main__":
    main()
