"""Table 4: spans of slots by the networks' tags, clean and as a recogniser hears them; intents beside them."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from random import Random

from ..training.corpus import Utterance, texts
from ..training.noise import LEVELS, Recogniser
from ..vocabulary import PREFIX
from .material import Material
from .measures import accuracy
from .page import Page, grouped, percent
from .pictures import Axis, Curve, lines
from .systems import artifact, guesses, opened
from .tags import Agreement, agreement, places, spans

OUTPUT = "tags"


def run(material: Material) -> Page:
    """Hears the test voices at every level and measures spans and intents."""
    page = Page("slots", "Slots, and what noise costs")
    heard = [hear(material, number) for number in range(len(LEVELS))]
    tagged = {name: names for name in material.artifacts if (names := tag_names(name))}
    page.say(f"F1 of the spans in {grouped(len(material.test))} utterances of the test voices "
             f"({grouped(sum(len(it.spans or ()) for it in material.test))} spans), as the networks tag them "
             "before any rule: the same slot and the same characters, and beside it in brackets the same slot and a "
             "character in common. "
             "Level 0 is what was said; 1 to 3 are what a recogniser makes of it, from a quiet room to the street "
             "(`models/pipeline/training/noise.py`).")
    for name in material.artifacts:
        if name not in tagged:
            page.say(f"{name} has no output `{OUTPUT}`, so it is passed over.")
    levels = [f"level {number}" for number in range(len(LEVELS))]
    found = {name: [spans_of(name, names, some) for some in heard] for name, names in tagged.items()}
    if found:
        page.table(["encoder", *levels], [[name, *(f"{percent(it.exact_f1)} ({percent(it.overlap_f1)})" for it in row)]
                                          for name, row in found.items()])
    page.say("Per cent of the intents right, the classifier fitted on all train voices as they were written:")
    right = {it.name: [accuracy(guesses(material.intents_of(it), texts(some)), [one.labels for one in some])
                       for some in heard] for it in material.systems}
    page.table(["system", *levels], [[name, *map(percent, row)] for name, row in right.items()])
    path = material.out / "robustness.png"
    steps = range(len(LEVELS))
    lines(path, Axis("level of noise", ticks=steps), Axis("% (intents right, exact F1 of spans)"),
          [*(Curve(name, steps, row, "-", "intents") for name, row in right.items()),
           *(Curve(name, steps, [it.exact_f1 for it in row], "--", "spans") for name, row in found.items())])
    page.picture(path, "intents and spans against noise")
    return page


def hear(material: Material, level: int) -> list[Utterance]:
    """The utterances of the test voices as a recogniser that knows the train voices' words writes them."""
    recogniser = Recogniser(texts(material.corpus.of("train")))
    return [recogniser.hear(it, LEVELS[level], Random(f"{level} {number}"))
            for number, it in enumerate(material.test)]


def tag_names(name: str) -> list[str]:
    """What the scores of an artifact's tags stand for; empty where it has none."""
    names: list[str] = json.loads((artifact(name) / "manifest.json").read_text(encoding="utf-8")).get(OUTPUT, [])
    return names


def spans_of(name: str, names: Sequence[str], utterances: Sequence[Utterance]) -> Agreement:
    """How the spans that an artifact tags agree with those that were annotated."""
    encoder = opened(name)
    known = [it for it in utterances if it.spans is not None]

    def one(utterance: Utterance) -> Agreement:
        cut = encoder.tokenizer.encode(PREFIX + utterance.text)
        scores = encoder.scores(cut.ids, OUTPUT)
        assert scores is not None, "the manifest names tags"
        said = spans([names[best] for best in scores.argmax(axis=1)], places(cut.offsets, len(PREFIX)))
        return agreement(said, utterance.spans or ())

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return sum(pool.map(one, known), Agreement())
