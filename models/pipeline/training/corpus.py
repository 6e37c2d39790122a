"""The corpus as training reads it: utterances of the pack with all that is known of each, by voice and split."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .. import place
from .normal import normal, span

PACK = place.ROOT / "packs" / "telecom"
REFUSED = "out_of_scope/"
REASONS = ("off_domain", "unsupported", "false_premise", "noise", "unclear")
MOODS = ("calm", "anxious", "annoyed", "angry")
SPLITS = ("train", "dev", "test")
#: The calls of these writers are only measured.
MEASURED_CALLS = ("call-7-", "call-8-")
MARK = re.compile(r"\[([^\[\]]+)\]\(([a-z_]+)\)")


@dataclass(frozen=True)
class Span:
    """A value: the slot, and where its words lie, in characters of the normal text."""

    slot: str
    start: int
    end: int


@dataclass(frozen=True)
class Utterance:
    """One utterance and what is known of it; None is not known, which differs from empty.

    `labels`: intents in the order said, or one `out_of_scope/REASON`; empty for an utterance of which only
    the act is known. `voice` is the file it stands in.
    """

    text: str
    labels: tuple[str, ...] = ()
    spans: tuple[Span, ...] | None = None
    mood: str | None = None
    act: str | None = None
    voice: str = ""
    split: str = "train"

    @property
    def is_refused(self) -> bool:
        """Whether it must be refused."""
        return bool(self.labels) and self.labels[0].startswith(REFUSED)


@dataclass(frozen=True)
class Corpus:
    """All utterances, and the names of everything they can be labelled with."""

    utterances: Sequence[Utterance]
    intents: Sequence[str]
    slots: Sequence[str]
    acts: Sequence[str]
    reasons: Sequence[str] = field(default=REASONS)
    moods: Sequence[str] = field(default=MOODS)

    def of(self, split: str) -> list[Utterance]:
        """The utterances of one split."""
        return [it for it in self.utterances if it.split == split]

    @property
    def labels(self) -> list[str]:
        """Every label of the intent classifier: intents, then reasons to refuse."""
        return [*self.intents, *(REFUSED + reason for reason in self.reasons)]


def read(pack: Path = PACK) -> Corpus:
    """Reads the pack's examples, acts and calls."""
    head = tomllib.loads((pack / "pack.toml").read_text(encoding="utf-8"))["examples"]
    split_of = {name: split for split in ("dev", "test") for name in head.get(split, [])}
    utterances: list[Utterance] = []
    for path in sorted((pack / "examples").glob("*.tsv")):
        utterances += voice(path, split_of.get(path.name, "train"))
    acts = [Utterance(text=normal(text)[0], act=act, voice="acts.tsv")
            for act, text in rows(pack / "acts.tsv")]
    for path in sorted((pack / "calls").glob("*.txt")):
        acts += call(path, "test" if path.name.startswith(MEASURED_CALLS) else "train")
    names = sorted({it.act for it in acts if it.act is not None} - {"none"})
    return Corpus([*utterances, *acts], entries(pack / "intents.toml", "intent", "id"),
                  entries(pack / "slots.toml", "slot", "name"), ["none", *names])


def voice(path: Path, split: str) -> Iterator[Utterance]:
    """The utterances of one voice. A voice none of whose lines has a mood was not labelled for it."""
    lines = list(rows(path))
    has_moods = any(len(columns) > 2 for columns in lines)
    for label, marked, *mood in lines:
        text, spans = strip(marked)
        refused = label.startswith(REFUSED)
        yield Utterance(text, tuple(label.split("+")), None if refused else spans,
                        (mood[0] if mood else "calm") if has_moods else None, None, path.name, split)


def call(path: Path, split: str) -> Iterator[Utterance]:
    """What the customer says in a call, as far as it is one act: `客户: 行 [affirm]`."""
    for line in path.read_text(encoding="utf-8").splitlines():
        said = re.fullmatch(r"客户: (.+) \[([a-z]+)\]", line)
        if said and said[2] in ACTS:
            yield Utterance(normal(said[1])[0], act=said[2], voice=path.name, split=split)


#: Acts that a call's brackets can name.
ACTS = frozenset((
    "affirm", "deny", "correct", "repeat", "wait", "cancel", "greet", "thanks", "bye", "human", "digits"))


def strip(marked: str) -> tuple[str, tuple[Span, ...]]:
    """The normal text without marks, and what was marked."""
    raw, found, end = "", [], 0
    for mark in MARK.finditer(marked):
        raw += marked[end:mark.start()]
        found.append((mark[2], len(raw), len(raw) + len(mark[1])))
        raw += mark[1]
        end = mark.end()
    text, places = normal(raw + marked[end:])
    spans = [Span(slot, *span(places, start, stop)) for slot, start, stop in found]
    return text, tuple(it for it in spans if it.end > it.start)


def rows(path: Path) -> Iterator[list[str]]:
    """The columns of every line that is no comment."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            yield line.split("\t")


def entries(path: Path, table: str, key: str) -> list[str]:
    """The ids of a pack file, in its order."""
    return [entry[key] for entry in tomllib.loads(path.read_text(encoding="utf-8"))[table]]


def texts(utterances: Iterable[Utterance]) -> list[str]:
    """The texts alone."""
    return [it.text for it in utterances]
