"""How a model does on utterances it was not trained on: the numbers that are watched while it trains."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from .batches import Cutter
from .corpus import Utterance
from .distil import parts, run
from .network import Model, Outputs
from .targets import Names, token_tags


def outputs(model: Model, cutter: Cutter, texts: Sequence[str], size: int = 64) -> Outputs:
    """Everything a model says of `texts`, in their order but for `tags`, which are left out (empty)."""
    cut = cutter.cut(texts)
    order = sorted(range(len(cut)), key=lambda row: len(cut[row].ids))
    with torch.no_grad():
        said = run(model, _on_device_of(model, parts([cut[row] for row in order], size)))
    back = torch.tensor(sorted(range(len(order)), key=lambda place: order[place]), device=said.embedding.device)
    return Outputs(*(it.cpu() for it in (said.embedding[back], said.intents[back], said.tags[:0], said.acts[back],
                                         said.moods[back], said.scope[back])))


def report(model: Model, names: Names, cutter: Cutter, utterances: Sequence[Utterance]) -> dict[str, float]:
    """Shares of 100: intents right, refused told from others (balanced), moods right, and F1 of tagged tokens."""
    said = outputs(model, cutter, [it.text for it in utterances])
    wanted = [[names.labels.index(label) for label in it.labels] for it in utterances]
    guesses = said.intents[:, :names.intents].argmax(1).tolist()
    open_ones = [row for row, it in enumerate(utterances) if not it.is_refused]
    refused = [row for row, it in enumerate(utterances) if it.is_refused]
    right = sum(guesses[row] in wanted[row] for row in open_ones)
    inside = (said.scope > 0).tolist()
    moods = [(row, names.moods.index(it.mood)) for row, it in enumerate(utterances) if it.mood is not None]
    seen = said.moods.argmax(1).tolist()
    return {
        "intent": 100 * right / max(1, len(open_ones)),
        "scope": 50 * (sum(inside[row] for row in open_ones) / max(1, len(open_ones))
                       + sum(not inside[row] for row in refused) / max(1, len(refused))),
        "mood": 100 * sum(seen[row] == mood for row, mood in moods) / max(1, len(moods)),
        "tag": tag_f1(model, names, cutter, [it for it in utterances if it.spans is not None]),
    }


def warmth(model: Model, names: Names, cutter: Cutter, utterances: Sequence[Utterance]) -> float:
    """The temperature under which the moods of `utterances` are most probable, 0.5 to 4."""
    known = [it for it in utterances if it.mood is not None]
    scores = outputs(model, cutter, [it.text for it in known]).moods
    right = torch.tensor([names.moods.index(it.mood or "") for it in known])
    steps = [0.5 * 8 ** (step / 48) for step in range(49)]
    return min(steps, key=lambda it: float(functional.cross_entropy(scores / it, right)))


def tag_f1(model: Model, names: Names, cutter: Cutter, utterances: Sequence[Utterance]) -> float:
    """F1 of 100 over tokens that belong to a slot."""
    cut = cutter.cut([it.text for it in utterances])
    order = sorted(range(len(cut)), key=lambda row: len(cut[row].ids))
    cut, utterances = [cut[it] for it in order], [utterances[it] for it in order]
    with torch.no_grad():
        tags = run(model, _on_device_of(model, parts(cut, 64))).tags.argmax(1).tolist()
    wanted = [tag for it, tokens in zip(utterances, cut) for tag in token_tags(names, it, tokens)]
    pairs = [(one, other) for one, other in zip(tags, wanted) if other >= 0]
    hit = sum(one == other != 0 for one, other in pairs)
    return 200 * hit / max(1, sum(one != 0 for one, _ in pairs) + sum(other != 0 for _, other in pairs))


def _on_device_of(model: Model, batch: Sequence[tuple[Tensor, Tensor]]) -> list[tuple[Tensor, Tensor]]:
    device = model.scope.weight.device
    return [(ids.to(device), mask.to(device)) for ids, mask in batch]
