"""Scores the slots that `qingting parse` found against what writers marked in the pack's held-out voices.

    python3 ops/measure/slots.py packs/telecom --texts > texts.txt
    target/release/qingting parse < texts.txt > read.jsonl
    python3 ops/measure/slots.py packs/telecom read.jsonl

A slot is found where the same slot covers at least half of what both spans cover together. Writers mark what is
said for a slot even where this operator sells no such thing; what cannot be linked counts as missed. Printed
for each slot and for all: how many are marked, precision, recall and F1.
"""

from __future__ import annotations

import argparse
import collections
import json
import pathlib
import re
import sys
from collections.abc import Iterator
from typing import NamedTuple

from heldout import files

MARK = re.compile(r"\[([^\[\]]+)\]\(([a-z_]+)\)")


class Span(NamedTuple):
    """Words of a slot, in characters."""

    slot: str
    start: int
    end: int

    def is_alike(self, other: Span) -> bool:
        """Whether both are the same slot on mostly the same words."""
        shared = min(self.end, other.end) - max(self.start, other.start)
        return self.slot == other.slot and 2 * shared >= max(self.end, other.end) - min(self.start, other.start)


def marked(pack: pathlib.Path) -> Iterator[tuple[str, list[Span]]]:
    """Text and marks of every held-out utterance that is in scope."""
    for name in files(pack, "test"):
        for line in (pack / "examples" / name).read_text(encoding="utf-8").splitlines():
            if not line.strip() or line.startswith(("#", "out_of_scope")):
                continue
            text, spans, end = "", [], 0
            written = line.split("\t")[1]
            for mark in MARK.finditer(written):
                text += written[end:mark.start()]
                spans.append(Span(mark[2], len(text), len(text) + len(mark[1])))
                text += mark[1]
                end = mark.end()
            yield text + written[end:], spans


def report(rows: list[tuple[list[Span], list[Span]]]) -> str:
    """The table; `rows`: what was marked and what was found, for each utterance."""
    counts: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for wanted, found in rows:
        for span in wanted:
            counts[span.slot]["marked"] += 1
            counts[span.slot]["hit"] += any(span.is_alike(it) for it in found)
        for span in found:
            counts[span.slot]["found"] += 1
            counts[span.slot]["right"] += any(span.is_alike(it) for it in wanted)
    for count in list(counts.values()):
        counts["all"].update(count)
    lines = [f"{'slot':10} {'marked':>6} {'prec.':>6} {'recall':>6} {'F1':>6}"]
    for slot, it in sorted(counts.items(), key=lambda item: -item[1]["marked"]):
        precision, recall = it["right"] / max(1, it["found"]), it["hit"] / max(1, it["marked"])
        score = 2 * precision * recall / max(1e-9, precision + recall)
        lines.append(f"{slot:10} {it['marked']:6} {precision:6.3f} {recall:6.3f} {score:6.3f}")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pack", type=pathlib.Path, help="folder of the pack")
    parser.add_argument("readings", type=pathlib.Path, nargs="?", help="output of `qingting parse`")
    parser.add_argument("--texts", action="store_true", help="print the texts to be read")
    options = parser.parse_args()
    utterances = list(marked(options.pack))
    if options.texts or options.readings is None:
        sys.stdout.write("".join(f"{text}\n" for text, _ in utterances))
        return 0
    readings = [json.loads(line) for line in options.readings.read_text(encoding="utf-8").splitlines()]
    if len(readings) != len(utterances):
        raise SystemExit(f"slots: {len(utterances)} utterances and {len(readings)} readings do not match")
    found = [[Span(it["name"], it["start"], it["end"]) for it in reading["slots"]] for reading in readings]
    print(report([(spans, seen) for (_, spans), seen in zip(utterances, found)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
