"""Turns the training sets of three public telecom bots into gold lines for score.py.

    python3 ops/measure/bots.py FOLDER > gold.tsv
    cut -f2 gold.tsv | qingting parse > read.jsonl
    python3 ops/measure/score.py gold.tsv read.jsonl

FOLDER holds gaoq1_nlu.json, minlik_nlu.yml and zqhZY_mobile_raw_data.txt. They are measured only:
no utterance of theirs is kept here, just the names of their labels, in bots.tsv beside this script.
Standard output: `our_id<TAB>text<TAB>bot`, where our_id may be `a|b` if their label does not tell
the two apart. Standard error: how many rows each bot gave and what was left out.
A label that bots.tsv does not know ends the run, so that nothing is lost in silence.
"""

from __future__ import annotations

import argparse
import collections
import json
import pathlib
import re
import sys
from collections.abc import Callable, Iterator
from typing import NamedTuple

TABLE = pathlib.Path(__file__).with_name("bots.tsv")
LEFT_OUT = "-"
ANY = "*"
MARKED = re.compile(r"\[([^\]]*)\](?:\(([^)]*)\))?")


class Row(NamedTuple):
    """One utterance as a bot labels it; `items`: the item words, sorted, joined by +, or -."""

    text: str
    intent: str
    items: str


Table = dict[tuple[str, str, str], str]


def joined(items: list[str]) -> str:
    """The key of these item words in bots.tsv."""
    return "+".join(sorted(items)) or "-"


def gaoq1(raw: str) -> Iterator[Row]:
    """Rasa JSON; the kinds of entity that tell what a request is about count as items."""
    about = {"item", "package", "data_plan"}
    for example in json.loads(raw)["rasa_nlu_data"]["common_examples"]:
        entities = example.get("entities", [])
        items = [it["value"] for it in entities if it["entity"] in about]
        yield Row(example["text"], example["intent"], joined(items))


def minlik(raw: str) -> Iterator[Row]:
    """Rasa YAML, read by its lines: `- intent: NAME`, then examples marked up as [words](entity)."""
    intent = None
    for line in raw.splitlines():
        if re.match(r"- |\S", line):
            head = re.match(r"- intent: (\S+)", line)
            intent = head[1] if head else None
        elif intent and (example := re.match(r" {4}- (.+)", line)):
            items = [words for words, kind in MARKED.findall(example[1]) if kind == "item"]
            yield Row(MARKED.sub(r"\1", example[1]), intent, joined(items))


def zqhzy(raw: str) -> Iterator[Row]:
    """Blocks of `text|intent|value，value`; a line `text,intent,NAMES` says what the values are."""
    names: list[str] = []
    for line in filter(None, map(str.strip, raw.splitlines())):
        if line.startswith("text,intent"):
            names = line.split(",")[2:]
            continue
        text, intent, *values = line.split("|")
        pairs = zip(names, values[0].split("，") if values else [])
        yield Row(text, intent, joined([value for name, value in pairs if name == "item"]))


BOTS: dict[str, tuple[str, Callable[[str], Iterator[Row]]]] = {
    "gaoq1": ("gaoq1_nlu.json", gaoq1),
    "minlik": ("minlik_nlu.yml", minlik),
    "zqhZY": ("zqhZY_mobile_raw_data.txt", zqhzy),
}


def read_table(path: pathlib.Path) -> Table:
    """bots.tsv as (bot, intent, items) -> our id."""
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return {(bot, intent, items): ours for bot, intent, items, ours in rows}


def our_id(table: Table, bot: str, row: Row) -> str:
    """Our id for this row, or LEFT_OUT. Raises ValueError for a label the table does not know."""
    for items in (row.items, ANY):
        if ours := table.get((bot, row.intent, items)):
            return ours
    raise ValueError(f"bots.tsv has no line for {bot} {row.intent} {row.items}")


def gold_lines(
    table: Table, bot: str, rows: list[Row]
) -> tuple[list[str], collections.Counter[str]]:
    """Gold lines of one bot, each once, and a count of what became of its rows."""
    lines: dict[str, None] = {}
    fate: collections.Counter[str] = collections.Counter()
    for row in rows:
        ours = our_id(table, bot, row)
        line = f"{ours}\t{' '.join(row.text.split())}\t{bot}"
        if ours == LEFT_OUT:
            fate[f"left out: {row.intent}"] += 1
        elif line in lines:
            fate["repeated"] += 1
        else:
            fate["mapped"] += 1
            lines[line] = None
    return list(lines), fate


def main() -> None:
    raw = argparse.RawTextHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("folder", type=pathlib.Path, help="where the three files lie")
    folder = parser.parse_args().folder
    table = read_table(TABLE)
    for bot, (file, rows_of) in BOTS.items():
        try:
            rows = list(rows_of((folder / file).read_text(encoding="utf-8")))
            lines, fate = gold_lines(table, bot, rows)
        except (OSError, ValueError) as error:
            sys.exit(f"bots: {error}")
        print("\n".join(lines))
        told = ", ".join(f"{what} {count}" for what, count in fate.most_common())
        print(f"{bot}: {len(rows)} rows; {told}", file=sys.stderr)


if __name__ == "__main__":
    main()
