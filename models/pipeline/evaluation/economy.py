"""Table 2: how many labels ours needs for what the usual way reaches with all of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .draws import active, counts, margins, order
from .material import SEEN, Material
from .measures import Numbers, accuracy, reached
from .page import Page, grouped, percent
from .pictures import Axis, Curve, lines
from .systems import GENERAL, TFIDF, Fitted, System, guesses

FIRST = 60
#: The usual way: an encoder that does not know the domain, or characters counted.
USUAL = (GENERAL, TFIDF)
RANDOM, ACTIVE = "random", "active"

Points = list[tuple[int, float]]


def run(material: Material) -> Page:
    """Measures the curves of every encoder and reads off where they cross what the usual way reaches."""
    page = Page("label-economy", "Label economy: labels needed for the accuracy of the usual way")
    systems = {it.name: it for it in material.systems}
    usual = {name: score(material, material.intents_of(systems[name])) for name in USUAL if name in systems}
    wanted = counts(FIRST, len(material.train))
    curves = {(name, way): curve(material, systems[name], wanted, way)
              for name in (*material.ours, GENERAL) if name in systems for way in (RANDOM, ACTIVE)}
    page.say(f"The usual way learns from all {grouped(len(material.train))} labels of the train voices: "
             + ", ".join(f"{name} {percent(value)} %" for name, value in usual.items())
             + f" of {grouped(len(material.test))} utterances of the test voices right. Below, the labels after which "
             "a curve reaches that (read off between two measured points, on a logarithmic scale) and the share that "
             f"is saved. Random order, and active selection: {FIRST} random labels, then in rounds those with the "
             f"least margin between the two most probable intents. Means of {len(material.curve_seeds)} orders.")
    page.say(SEEN)
    page.table(["encoder, order", *(cell for name in usual for cell in (f"labels for {name}'s", "saved"))],
               [[f"{name}, {way}", *(cell for target in usual.values() for cell in saving(points, target))]
                for (name, way), points in curves.items()])
    page.say("Per cent right after so many labels:")
    page.table(["encoder, order", *map(grouped, wanted)],
               [[f"{name}, {way}", *(percent(value) for _, value in points)]
                for (name, way), points in curves.items()])
    path = material.out / "label-economy.png"
    drawn = [Curve(name, [labels for labels, _ in points], [value for _, value in points],
                   "-" if way == RANDOM else "--", way) for (name, way), points in curves.items()]
    lines(path, Axis("labels", True, wanted[:-1]), Axis("intents right, %"), drawn, usual)
    page.picture(path, "accuracy against the number of labels")
    return page


def saving(points: Points, target: float) -> list[str]:
    """The labels needed for `target`, and the share of all that is saved."""
    needed = reached(points, target)
    if needed is None:
        return ["not reached", "-"]
    at_most = "≤ " if needed == points[0][0] else ""
    return [at_most + grouped(needed), f"{percent(100 * (1 - needed / points[-1][0]))} %"]


def curve(material: Material, system: System, wanted: Sequence[int], way: str) -> Points:
    """The mean accuracy after each number of labels in `wanted`, the last of which is all."""
    parts = [_course(material, system, wanted[:-1], way, seed) for seed in material.curve_seeds]
    whole = score(material, material.intents_of(system))
    means = [float(np.mean(values)) for values in zip(*parts)]
    return list(zip(wanted, [*means, whole]))


def _course(material: Material, system: System, wanted: Sequence[int], way: str, seed: int) -> list[float]:
    numbers = order(len(material.train), seed)
    if way == RANDOM:
        return [score(material, _fit(material, system, numbers[:count])) for count in wanted]
    last: list[Fitted] = []

    def sureness(chosen: Sequence[int], rest: Sequence[int]) -> Numbers:
        # What was fitted for measuring is asked for the next round too.
        return margins(last[-1].probabilities([material.train[at].text for at in rest]))

    scores = []
    for chosen in active(numbers, wanted, sureness):
        last.append(_fit(material, system, chosen))
        scores.append(score(material, last[-1]))
    return scores


def _fit(material: Material, system: System, numbers: Sequence[int]) -> Fitted:
    some = [material.train[at] for at in numbers]
    return system.fit([it.text for it in some], [it.labels[0] for it in some])


def score(material: Material, fitted: Fitted) -> float:
    """Per cent right on the test voices."""
    return accuracy(guesses(fitted, [it.text for it in material.test]), [it.labels for it in material.test])
