"""What is measured and on what: the systems, and the pack's utterances by what is known of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from ..training import corpus
from ..training.corpus import Corpus, Utterance
from .draws import shots
from .systems import GENERAL, OURS, USE, USE_PACKAGE, Fitted, Grams, System, present, shipped, universal

SEEDS, CURVE_SEEDS = 5, 3
#: Of each label, and tests of all, with `--quick`.
QUICK_SHOTS, QUICK_TESTS = 12, 300
#: What numbers of few labels do not say by themselves.
SEEN = (f"Mind that {', '.join(OURS)} were trained on the train voices with all their labels, so they have seen these "
        "intents before, and the others have not: it is what one gains who has the same intents, not what a new "
        "intent needs.")


@dataclass(frozen=True)
class Material:
    """Everything the tables are made from. `said` are lines on what is missing."""

    corpus: Corpus
    systems: Sequence[System]
    artifacts: Sequence[str]
    said: Sequence[str]
    out: Path
    everyday: Path | None = None
    public: Path | None = None
    is_quick: bool = False
    #: Classifiers over all labels of the train voices, by what they learned and from what.
    fitted: dict[tuple[str, str], Fitted] = field(default_factory=dict)

    @property
    def seeds(self) -> range:
        """Seeds of draws of a few examples."""
        return range(1 if self.is_quick else SEEDS)

    @property
    def curve_seeds(self) -> range:
        """Seeds of whole curves, which take longer."""
        return range(1 if self.is_quick else CURVE_SEEDS)

    @property
    def ours(self) -> list[str]:
        """Our sizes that are there, the largest first."""
        return [name for name in self.artifacts if name in OURS]

    @cached_property
    def train(self) -> list[Utterance]:
        """Utterances of train voices with one intent."""
        return [it for it in self.corpus.of("train") if len(it.labels) == 1 and not it.is_refused]

    @cached_property
    def refused(self) -> list[Utterance]:
        """Utterances of train voices that must be refused."""
        return [it for it in self.corpus.of("train") if it.is_refused]

    @cached_property
    def dev(self) -> list[Utterance]:
        """Utterances of dev voices with one intent or more."""
        return [it for it in self.corpus.of("dev") if it.labels and not it.is_refused]

    @cached_property
    def test(self) -> list[Utterance]:
        """Utterances of test voices with one intent or more."""
        return [it for it in self.corpus.of("test") if it.labels and not it.is_refused]

    @cached_property
    def test_refused(self) -> list[Utterance]:
        """Utterances of test voices that must be refused."""
        return [it for it in self.corpus.of("test") if it.is_refused]

    def intents_of(self, system: System) -> Fitted:
        """A classifier over the intents, fitted on all of `train`; once for all tables."""
        return self._fitted(system, "intents", self.train)

    def labels_of(self, system: System) -> Fitted:
        """A classifier over intents and reasons to refuse, fitted on all train voices; once for all tables."""
        return self._fitted(system, "labels", [*self.train, *self.refused])

    def _fitted(self, system: System, what: str, utterances: Sequence[Utterance]) -> Fitted:
        key = system.name, what
        if key not in self.fitted:
            self.fitted[key] = system.fit(corpus.texts(utterances), [it.labels[0] for it in utterances])
        return self.fitted[key]


def gather(pack: Path, out: Path, everyday: Path | None, public: Path | None) -> Material:
    """Reads the pack and opens what can be opened."""
    there, missing = present()
    systems: list[System] = [shipped(name) for name in there if name != GENERAL]
    systems += [shipped(GENERAL)] if GENERAL in there else []
    said = [f"{name}: there is no models/artifacts/{name}, so it is passed over" for name in missing]
    use = universal()
    if use is None:
        said.append(f"{USE}: the package {USE_PACKAGE} is not installed, so it is passed over")
    systems += [use] if use is not None else []
    return Material(corpus.read(pack), [*systems, Grams()], there, said, out, everyday, public)


def quick(material: Material) -> Material:
    """The same with few utterances and one seed, to see that everything runs."""
    kept: list[Utterance] = []
    for split in corpus.SPLITS:
        known = [it for it in material.corpus.of(split) if it.labels]
        if split == "train":
            kept += [known[at] for at in shots([it.labels[0] for it in known], QUICK_SHOTS, 0)]
        else:
            kept += known[::max(1, len(known) // QUICK_TESTS)]
    return replace(material, corpus=replace(material.corpus, utterances=kept), is_quick=True, fitted={})
