"""One run trains the teacher on all tasks while students of several sizes learn from its signals.

The teacher learns intents (classification, and supervised contrast between utterances of different voices), slot
tags, acts, mood and scope. Each student learns the same tasks and, at the same step, what the teacher says
just then: its scores, its embeddings through a linear map, and which texts it takes to be alike. First, students only
learn the teacher's embeddings, on everyday and own texts; then all learn together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor, nn
from torch.nn import functional

from .batches import Cutter, Tokens, Windows, mask_of, padded
from .corpus import Utterance
from .network import Model, Outputs
from .targets import UNKNOWN, Names, Targets, targets

#: Rows of a batch: labels drawn, utterances of each, acts, everyday texts.
LABELS, OF_EACH, ACTS, EVERYDAY = 16, 3, 8, 8
#: Rows that share a forward pass: a batch sorted by length is cut into such parts, so that little is padded.
PART = 32
#: Sharpness of "alike" for supervised contrast and for what students copy, and softness of copied scores.
CONTRAST, ALIKE, SOFT = 0.1, 0.07, 2.0
TASKS = {"intents": 1.0, "contrast": 0.5, "tags": 1.0, "acts": 0.3, "moods": 0.3, "scope": 0.5}
COPIES = {"scores": 1.0, "alike": 1.0, "map": 2.0}
KEEP, STUDENT_TASKS = 4.0, 0.5

#: (utterance, random numbers) -> the utterance as a recogniser might have heard it.
Noise = Callable[[Utterance, torch.Generator], Utterance]


class Family(nn.Module):
    """A teacher and its students, by name, with a map from each student's embedding to the teacher's."""

    def __init__(self, teacher: Model, students: Mapping[str, Model]) -> None:
        super().__init__()
        wide = teacher.encoder.shape.dims
        self.teacher = teacher
        self.students = nn.ModuleDict(students)
        self.maps = nn.ModuleDict({name: nn.Linear(it.encoder.shape.dims, wide, bias=False)
                                   for name, it in students.items()})
        for model in (teacher, *students.values()):
            # Same width, same words: they stay the published ones and lose nothing when they are shipped.
            model.encoder.words.requires_grad_(model.encoder.shape.dims != wide)

    def members(self) -> dict[str, Model]:
        """Everybody by name, the teacher first."""
        return {"teacher": self.teacher, **dict(self.students.items())}  # type: ignore[dict-item]


@dataclass(frozen=True)
class Material:
    """What is learned from. `everyday` are texts with no label, `kept` where the general encoder has them."""

    utterances: Sequence[Utterance]
    acts: Sequence[Utterance]
    everyday: Sequence[str]
    kept: Tensor


@dataclass(frozen=True)
class Batch:
    """Rows sorted by length and cut into parts; `everyday` are the rows with no label, in order."""

    parts: Sequence[tuple[Tensor, Tensor]]
    targets: Targets
    everyday: Tensor
    kept: Tensor


class Step:
    """One step of the run."""

    def __init__(self, family: Family, names: Names, material: Material, cutter: Cutter, noise: Noise,
                 alone: int, device: torch.device) -> None:
        self.family, self.names, self.material, self.cutter = family, names, material, cutter
        self.noise, self.alone, self.device = noise, alone, device
        self.by_label: dict[str, list[int]] = {}
        for number, it in enumerate(material.utterances):
            self.by_label.setdefault(it.labels[0], []).append(number)
        self.windows = Windows([len(it) for it in material.everyday])

    def __call__(self, step: int, random: torch.Generator) -> Mapping[str, Tensor]:
        """The losses of one batch; in the first `alone` steps the students' only."""
        batch = self._draw(random)
        if step < self.alone:
            self.family.teacher.eval()
            with torch.no_grad():
                taught = run(self.family.teacher, batch.parts)
            losses = {}
        else:
            taught = run(self.family.teacher, batch.parts)
            losses = {f"teacher {name}": loss for name, loss in tasks(taught, batch.targets).items()}
            drift = taught.embedding[batch.everyday] - batch.kept
            losses["teacher keep"] = drift.pow(2).sum(1).mean() * KEEP
        signal = Outputs(**{it.name: getattr(taught, it.name).detach() for it in fields(taught)})
        for name, student in self.family.students.items():
            said = run(student, batch.parts)  # type: ignore[arg-type]
            copied = copies(said, signal, self.family.maps[name], step >= self.alone)
            losses[name] = torch.stack(list(copied.values())).sum()
            if step >= self.alone:
                own = torch.stack(list(tasks(said, batch.targets).values())).sum()
                losses[name] = losses[name] + own * STUDENT_TASKS
        return losses

    def _draw(self, random: torch.Generator) -> Batch:
        names = list(self.by_label)
        chosen = torch.randperm(len(names), generator=random)[:LABELS].tolist()
        drawn = [self.material.utterances[number] for it in chosen
                 for number in _some(self.by_label[names[it]], OF_EACH, random)]
        drawn += [self.material.acts[it] for it in _some(range(len(self.material.acts)), ACTS, random)]
        drawn = [self.noise(it, random) for it in drawn]
        common = self.windows.draw(EVERYDAY, float(torch.rand((), generator=random)), random)
        rows = [*drawn, *(Utterance(self.material.everyday[it]) for it in common)]
        return self._batch(rows, [None] * len(drawn) + common)

    def _batch(self, rows: Sequence[Utterance], common: Sequence[int | None]) -> Batch:
        cut = self.cutter.cut([it.text for it in rows])
        order = sorted(range(len(rows)), key=lambda row: len(cut[row].ids))
        cut, rows = [cut[it] for it in order], [rows[it] for it in order]
        everyday = [(place, number) for place, it in enumerate(order) if (number := common[it]) is not None]
        found = targets(self.names, rows, cut)
        moved = Targets(**{it.name: getattr(found, it.name).to(self.device) for it in fields(found)})
        return Batch([(ids.to(self.device), mask.to(self.device)) for ids, mask in parts(cut)], moved,
                     torch.tensor([place for place, _ in everyday], device=self.device),
                     self.material.kept[[number for _, number in everyday]].to(self.device))


def parts(cut: Sequence[Tokens], size: int = PART) -> list[tuple[Tensor, Tensor]]:
    """Token ids and masks of `size` rows each."""
    rows = [it.ids for it in cut]
    return [(padded(rows[at:at + size]), mask_of(rows[at:at + size])) for at in range(0, len(rows), size)]


def run(model: Model, batch: Sequence[tuple[Tensor, Tensor]]) -> Outputs:
    """What a model says of all parts together; tags are those of the tokens, one after the other."""
    said = [(model(ids, mask), mask.bool()) for ids, mask in batch]
    joined = {it.name: torch.cat([getattr(out, it.name)[mask] if it.name == "tags" else getattr(out, it.name)
                                  for out, mask in said]).float() for it in fields(Outputs)}
    return Outputs(**joined)


def tasks(said: Outputs, known: Targets) -> dict[str, Tensor]:
    """The losses of all tasks, weighted."""
    labelled = known.labels.sum(1) > 0
    scoped = known.scope != UNKNOWN
    losses = {
        "intents": functional.cross_entropy(said.intents[labelled], known.labels[labelled], label_smoothing=0.05),
        "contrast": contrast(said.embedding[labelled], known.labels[labelled].argmax(1)),
        "tags": functional.cross_entropy(said.tags, known.tags, ignore_index=UNKNOWN),
        "acts": functional.cross_entropy(said.acts, known.acts, ignore_index=UNKNOWN),
        "moods": _mean(functional.cross_entropy(said.moods, known.moods, ignore_index=UNKNOWN, reduction="none")),
        "scope": functional.binary_cross_entropy_with_logits(said.scope[scoped], known.scope[scoped]),
    }
    return {name: loss * TASKS[name] for name, loss in losses.items()}


def contrast(embedding: Tensor, labels: Tensor) -> Tensor:
    """Supervised contrast (Khosla et al. 2020): texts of one label are nearer to each other than to others."""
    alike = embedding @ embedding.T / CONTRAST
    itself = torch.eye(len(labels), dtype=torch.bool, device=alike.device)
    alike = alike.masked_fill(itself, float("-inf"))
    same = (labels[:, None] == labels[None, :]) & ~itself
    share = functional.log_softmax(alike, 1).masked_fill(~same, 0).sum(1) / same.sum(1).clamp(min=1)
    return -share[same.any(1)].mean()


def copies(said: Outputs, signal: Outputs, to_teacher: nn.Module, scores: bool) -> dict[str, Tensor]:
    """The losses of copying the teacher, weighted; its scores only when it has learned to give any."""
    itself = torch.eye(len(said.embedding), dtype=torch.bool, device=said.embedding.device)
    ours, theirs = (functional.log_softmax((it @ it.T / ALIKE).masked_fill(itself, -1e4), 1)
                    for it in (said.embedding, signal.embedding))
    mapped = functional.normalize(to_teacher(said.embedding).float(), dim=1)
    losses = {
        "alike": functional.kl_div(ours, theirs, log_target=True, reduction="batchmean"),
        "map": (1 - (mapped * signal.embedding).sum(1)).mean(),
    }
    if scores:
        losses["scores"] = sum((_copied(getattr(said, name), getattr(signal, name))
                                for name in ("intents", "tags", "acts", "moods")), torch.zeros(()))
        losses["scores"] = losses["scores"] + functional.binary_cross_entropy_with_logits(
            said.scope, torch.sigmoid(signal.scope))
    return {name: loss * COPIES[name] for name, loss in losses.items()}


def _copied(ours: Tensor, theirs: Tensor) -> Tensor:
    ours, theirs = (functional.log_softmax(it / SOFT, 1) for it in (ours, theirs))
    return functional.kl_div(ours, theirs, log_target=True, reduction="batchmean") * SOFT**2


def _mean(losses: Tensor) -> Tensor:
    """The mean of the losses that are any; zero where no row has a mood."""
    counted = (losses != 0).sum().clamp(min=1)
    return losses.sum() / counted


def _some(numbers: Sequence[int], count: int, random: torch.Generator) -> list[int]:
    picks = torch.randint(len(numbers), (count,), generator=random).tolist()
    return [numbers[it] for it in picks]
