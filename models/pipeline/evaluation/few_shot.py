"""Table 1: accuracy from a few examples of each intent, on voices that nobody learned from, and on public data."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from . import public
from .draws import shots
from .material import SEEN, Material
from .measures import accuracy, spread
from .page import Page, around, grouped
from .systems import System, guesses

SHOTS, PUBLIC_SHOTS = (1, 3, 5, 10, 20), (1, 5, 10)


@dataclass(frozen=True)
class Course:
    """What is learned from and what is asked then: texts, and what is right to say of each."""

    train: Sequence[tuple[str, str]]
    asked: Sequence[str]
    wanted: Sequence[Collection[str]]


def run(material: Material) -> Page:
    """Measures everything on the pack, then on the public data that is there."""
    page = Page("few-shot", "Few-shot: intents right from a few examples of each")
    own = Course([(it.labels[0], it.text) for it in material.train], [it.text for it in material.test],
                 [it.labels for it in material.test])
    labels = {label for label, _ in own.train}
    page.say(f"Per cent of the {grouped(len(own.asked))} utterances of the test voices whose intent is found among "
             f"{len(labels)}; of two intents said at once either is right. Examples are drawn from the train voices; "
             f"mean ± standard deviation of {len(material.seeds)} draws. The same classifier for all: logistic "
             "regression on the frozen embeddings, or on tf-idf of 1 to 3 characters.")
    page.say(SEEN)
    page.table(["examples an intent", *map(str, SHOTS)], _rows(material, own, SHOTS))
    if material.public is not None:
        _public(material, page)
    return page


def _public(material: Material, page: Page) -> None:
    assert material.public is not None
    found, missing = public.read(material.public)
    page.say("## Public data that nobody here wrote\n\nMeasured only: nothing was trained on it and nothing of it is "
             "kept here. Each is asked on its own test set; smp2020 has none, so every other text of a label is held "
             "out. A label with fewer examples than asked for gives all it has. clinc150 and banking77 are English, "
             "which the vocabulary is not made for.")
    for name in missing:
        page.say(f"{name} is not in the folder, so it is passed over.")
    for data in found:
        test = data.test[::max(1, len(data.test) // 200)] if material.is_quick else data.test
        course = Course(data.train, [text for _, text in test], [(label,) for label, _ in test])
        counts = PUBLIC_SHOTS[:2] if material.is_quick else PUBLIC_SHOTS
        page.say(f"### {data.name}: {len({label for label, _ in data.train})} labels, "
                 f"{grouped(len(test))} texts asked")
        page.table(["examples a label", *map(str, counts)], _rows(material, course, counts))


def _rows(material: Material, course: Course, counts: Sequence[int]) -> list[list[str]]:
    rows = []
    for system in material.systems:
        cells = [around(*spread([learned(system, course, count, seed) for seed in material.seeds]))
                 for count in counts]
        rows.append([system.name, *cells])
    return rows


def learned(system: System, course: Course, count: int, seed: int) -> float:
    """The accuracy of 100 after `count` examples of each label."""
    chosen = [course.train[at] for at in shots([label for label, _ in course.train], count, seed)]
    fitted = system.fit([text for _, text in chosen], [label for label, _ in chosen])
    return accuracy(guesses(fitted, course.asked), course.wanted)
