"""A trained member of the family -> an artifact: int8, with its heads, as `nlu` opens it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import nn

from .. import calibrate, export, quantise
from ..dequantise import Weights
from ..graph import Head
from . import network
from .network import SHARPNESS, Model
from .targets import Names


#: Layers of the general encoder, and of the teacher that began as it.
WITH_OUTLIERS = 12


@dataclass(frozen=True)
class Shipped:
    """A member as networks: float32 and int8, with its weights and heads."""

    exact: Path
    small: Path
    weights: Weights
    heads: dict[str, Head]


def heads(model: Model, names: Names, warmth: float) -> dict[str, Head]:
    """The heads that `nlu` reads."""
    return {
        "tags": _head(model.tags, names.tags, 1.0, True),
        "acts": _head(model.acts, names.acts, SHARPNESS),
        "moods": _head(model.moods, names.moods, SHARPNESS / warmth, bias=1 / warmth),
    }


def _head(linear: nn.Linear, labels: Sequence[str], factor: float, of_tokens: bool = False, bias: float = 1.0) -> Head:
    weight, constant = (it.detach().numpy() for it in (linear.weight, linear.bias))
    return Head(weight * np.float32(factor), constant * np.float32(bias), labels, of_tokens)


def write(model: Model, names: Names, tokenizer: Path, texts: Sequence[str], folder: Path, warmth: float) -> Shipped:
    """Writes `exact.onnx` (float32) and `model.onnx` (int8, ranges measured on `texts`) into `folder`.

    `warmth`: the temperature of the moods (Guo et al. 2017), fitted on voices that were not trained on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights, said = network.to_weights(model.encoder), heads(model, names, warmth)
    pooled, positions = pooled_layers(model), model.encoder.shape.positions
    shipped = Shipped(folder / "exact.onnx", folder / "model.onnx", weights, said)
    export.run(weights, positions, pooled, shipped.exact, said)
    ranges = calibrate.run(weights, positions, tokenizer, texts, folder)
    # Two products of the general encoder have outliers that eight bits cannot hold; students are free of them.
    blockwise = quantise.BLOCKWISE if weights.shape.layers == WITH_OUTLIERS else frozenset[str]()
    quantise.run(weights, positions, pooled, ranges, shipped.small, said, blockwise)
    return shipped


def pooled_layers(model: Model) -> list[int]:
    """The layers whose mean is the embedding, counted from 1."""
    last = model.encoder.shape.layers
    return list(range(last - model.encoder.pooled + 1, last + 1))
