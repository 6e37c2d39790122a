"""What the pack knows, for pretraining: its entries as sentences, and the words that belong together."""

from __future__ import annotations

import math
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from .corpus import Corpus
from .normal import normal

#: A phrase is two to `LONGEST` characters that stand together far more often than by chance.
LONGEST, OFTEN, TOGETHER = 5, 25, 3.0
CHINESE = re.compile(r"[\u4e00-\u9fff]+")


def sentences(pack: Path) -> list[str]:
    """Every entry of `knowledge.toml` told as customers and agents would tell it, and all that we say."""
    known = tomllib.loads((pack / "knowledge.toml").read_text(encoding="utf-8"))
    kinds = {kind["id"]: kind for kind in known["kind"]}
    told: list[str] = []
    for entry in known["entry"]:
        kind = kinds[entry["kind"]]
        told += _told(entry, kind)
    for name in ("actions.toml", "replies.toml"):
        text = (pack / name).read_text(encoding="utf-8")
        told += [it for it in re.findall(r'"([^"\n]*[\u4e00-\u9fff][^"\n]*)"', text) if "{" not in it]
    intents = tomllib.loads((pack / "intents.toml").read_text(encoding="utf-8"))["intent"]
    told += [f"{it['name']}：{it['covers']}" for it in intents]
    return list(dict.fromkeys(normal(it)[0] for it in told if len(it) > 3))


def _told(entry: dict[str, Any], kind: dict[str, Any]) -> list[str]:
    name, facts = entry["name"], []
    for attribute, about in kind.get("attributes", {}).items():
        if (value := entry.get(attribute)) is not None:
            facts.append(f"{about['name']}是{_said(value, about.get('unit'))}")
    told = [f"{name}是一种{kind['name']}", *(f"{name}的{fact}" for fact in facts)]
    if len(facts) > 1:
        told.append(f"{name}，" + "，".join(facts))
    told += [f"{alias}就是{name}" for alias in entry.get("aliases", [])[:8]]
    told += [str(entry[key]) for key in ("text", "answer", "about") if key in entry]
    return told


def _said(value: Any, unit: str | None) -> str:
    if unit == "fen" and isinstance(value, int):
        return f"{value / 100:g}元"
    if unit == "mb" and isinstance(value, int):
        return f"{value / 1024:g}GB" if value >= 1024 else f"{value}MB"
    return str(value)


def entities(pack: Path, corpus: Corpus) -> set[str]:
    """Names and aliases of what is sold, and the values that writers marked in training voices."""
    known = tomllib.loads((pack / "knowledge.toml").read_text(encoding="utf-8"))
    found = {alias for entry in known["entry"] for alias in (entry["name"], *entry.get("aliases", []))}
    found |= {word for kind in known["kind"] for about in kind.get("attributes", {}).values()
              for word in about.get("words", [])}
    found |= {it.text[mark.start:mark.end] for it in corpus.of("train") for mark in it.spans or ()}
    return {normal(it)[0] for it in found if 2 <= len(it) <= 12}


def phrases(texts: Sequence[str]) -> set[str]:
    """Words and phrases of the domain, found by how much more often their characters stand together than
    chance would have it (the least pointwise mutual information over all ways to split, in nats)."""
    runs = [run for text in texts for run in CHINESE.findall(text)]
    counts = Counter(run[at:at + length] for run in runs for length in range(1, LONGEST + 1)
                     for at in range(len(run) - length + 1))
    total = sum(count for gram, count in counts.items() if len(gram) == 1)
    return {gram for gram, count in counts.items()
            if len(gram) > 1 and count >= OFTEN and _bound(gram, counts, total) > TOGETHER}


def _bound(gram: str, counts: Counter[str], total: int) -> float:
    """How strongly a gram's characters are bound."""
    return min(math.log(counts[gram] * total / (counts[gram[:at]] * counts[gram[at:]])) for at in range(1, len(gram)))


class Lexicon:
    """Finds known words in texts, the longest first."""

    def __init__(self, words: Iterable[str]) -> None:
        self.words = frozenset(words)
        self.longest = max(map(len, self.words), default=0)

    def find(self, text: str) -> list[tuple[int, int]]:
        """Spans `[start, end)` of words that do not overlap, from left to right."""
        found, at = [], 0
        while at < len(text):
            for length in range(min(self.longest, len(text) - at), 1, -1):
                if text[at:at + length] in self.words:
                    found.append((at, at + length))
                    at += length
                    break
            else:
                at += 1
        return found
