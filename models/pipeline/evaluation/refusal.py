"""Table 3: whether what is not ours to do is told from what is, and whether a probability means what it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..training.corpus import REFUSED, Utterance, texts
from ..training.normal import normal
from ..training.stages import EVERYDAY, EVERYDAY_CHARACTERS, TELECOM
from .draws import between
from .material import Material
from .measures import Bin, Numbers, auroc, bins, calibration_error, softmax, temperature, threshold
from .page import Page, grouped, percent
from .pictures import Curve, reliability
from .systems import Fitted

RECALL = 0.95
EVERYDAY_MEASURED = 2_000
EVERYDAY_NAME = "everyday"


@dataclass(frozen=True)
class Sureness:
    """How sure the top intent is, as fitted and with the temperature of the dev voices."""

    plain: list[Bin]
    mended: list[Bin]
    temperature: float


def run(material: Material) -> Page:
    """Measures every system, the reasons one by one, and everyday questions where a file of them is named."""
    page = Page("refusal", "Refusal and calibration")
    refused = _refused(material)
    fitted = {it.name: material.labels_of(it) for it in material.systems}
    _say_refusal(page, material, refused, fitted)
    found = {name: _sureness(material, it) for name, it in fitted.items()}
    page.say("## Calibration\n\nExpected calibration error (15 bins, of 100) of the top intent's probability among "
             "the intents, over the utterances of the test voices that are in scope: as fitted, and divided by a "
             "temperature fitted on the dev voices.")
    page.table(["system", "error", "temperature", "error with it"],
               [[name, f"{100 * calibration_error(it.plain):.2f}", f"{it.temperature:.2f}",
                 f"{100 * calibration_error(it.mended):.2f}"] for name, it in found.items()])
    path = material.out / "reliability.png"
    reliability(path, [Curve(name, [it.sure for it in sure.mended], [it.right for it in sure.mended])
                       for name, sure in found.items()])
    page.picture(path, "share that is right against probability, with the temperature")
    return page


def _say_refusal(page: Page, material: Material, refused: Mapping[str, list[str]],
                 fitted: Mapping[str, Fitted]) -> None:
    own = [text for reason, some in refused.items() if reason != EVERYDAY_NAME for text in some]
    asked = ", ".join(f"{reason} {grouped(len(some))}" for reason, some in refused.items())
    page.say("A plain classifier over all intents and all reasons to refuse, fitted on the train voices; the score "
             "of a text is one less the probability of all reasons. The head that ships has more signs to go by and "
             "is measured in Rust: here one encoder stands beside another.\n\n"
             f"Of the test voices {grouped(len(material.test))} utterances are in scope; to be refused are: {asked}."
             + (" The everyday questions are none that training took; the column \"all\" is without them."
                if EVERYDAY_NAME in refused else ""))
    inside = {name: scope(it, texts(material.test)) for name, it in fitted.items()}
    outside = {name: {"all": scope(it, own), **{reason: scope(it, some) for reason, some in refused.items()}}
               for name, it in fitted.items()}
    head = ["system", "all", *refused]
    page.say("AUROC:")
    page.table(head, [[name, *(f"{auroc(inside[name], some):.3f}" for some in outside[name].values())]
                      for name in fitted])
    page.say(f"Per cent that passes at the threshold that {RECALL:.0%} of what is in scope passes (less is better):")
    page.table(head, [[name, *(percent(100 * float(np.mean(some >= threshold(inside[name], RECALL))))
                               for some in outside[name].values())] for name in fitted])


def scope(fitted: Fitted, some: Sequence[str]) -> Numbers:
    """How probable it is that each text is in scope: one less the probability of every reason to refuse."""
    reasons = [at for at, label in enumerate(fitted.labels) if label.startswith(REFUSED)]
    inside: Numbers = 1 - fitted.probabilities(some)[:, reasons].sum(axis=1)
    return inside


def _refused(material: Material) -> dict[str, list[str]]:
    """The texts to be refused, by reason."""
    found = {reason: [it.text for it in material.test_refused if it.labels[0] == REFUSED + reason]
             for reason in material.corpus.reasons}
    if material.everyday is not None:
        lines = material.everyday.read_text(encoding="utf-8").splitlines()
        found[EVERYDAY_NAME] = unseen(lines)[:200 if material.is_quick else EVERYDAY_MEASURED]
    return {reason: some for reason, some in found.items() if some}


def unseen(lines: Sequence[str]) -> list[str]:
    """Everyday questions that training passes over (`training.stages.everyday`), evenly spread."""
    fit = [it for it in (normal(line)[0] for line in lines)
           if len(it) in EVERYDAY_CHARACTERS and not any(word in it for word in TELECOM)]
    left = between(fit, max(1, len(fit) // EVERYDAY))
    return left[::max(1, len(left) // EVERYDAY_MEASURED)]


def _sureness(material: Material, fitted: Fitted) -> Sureness:
    intents = [at for at, label in enumerate(fitted.labels) if not label.startswith(REFUSED)]
    names = [fitted.labels[at] for at in intents]

    def scores(utterances: Sequence[Utterance]) -> Numbers:
        return np.log(np.maximum(fitted.probabilities(texts(utterances))[:, intents], 1e-12))

    dev = [it for it in material.dev if len(it.labels) == 1 and it.labels[0] in names]
    warmth = temperature(scores(dev), np.array([names.index(it.labels[0]) for it in dev])) if dev else 1.0
    asked = scores(material.test)
    right = np.array([names[best] in it.labels for best, it in zip(asked.argmax(axis=1), material.test)])
    plain, mended = (bins(softmax(asked / it).max(axis=1), right) for it in (1.0, warmth))
    return Sureness(plain, mended, warmth)
