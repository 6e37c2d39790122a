"""A trained member of the family -> an artifact: int8, with its heads, as `nlu` opens it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from torch import nn

from .. import calibrate, export, quantise
from ..dequantise import Weights
from ..graph import Head, encoder
from . import network
from .network import SHARPNESS, Model
from .targets import Names


def heads(model: Model, names: Names) -> dict[str, Head]:
    """The heads that `nlu` reads."""
    return {
        "tags": _head(model.tags, names.tags, 1.0, True),
        "acts": _head(model.acts, names.acts, SHARPNESS),
        "moods": _head(model.moods, names.moods, SHARPNESS),
    }


def _head(linear: nn.Linear, labels: Sequence[str], factor: float, of_tokens: bool = False) -> Head:
    return Head(linear.weight.detach().numpy() * factor, linear.bias.detach().numpy(), labels, of_tokens)


def write(model: Model, names: Names, tokenizer: Path, texts: Sequence[str], folder: Path) -> tuple[Path, Path]:
    """Writes `exact.onnx` (float32) and `model.onnx` (int8, ranges measured on `texts`) into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    weights, said = network.to_weights(model.encoder), heads(model, names)
    pooled = pooled_layers(model)
    exact, small = folder / "exact.onnx", folder / "model.onnx"
    _save(weights, pooled, export.linear, export.lookup, said, exact)
    ranges = calibrate.run(weights, weights.shape.positions, tokenizer, texts, folder)
    _save(weights, pooled, partial(quantise.linear, ranges), quantise.lookup, said, small)
    return exact, small


def pooled_layers(model: Model) -> list[int]:
    """The layers whose mean is the embedding, counted from 1."""
    last = model.encoder.shape.layers
    return list(range(last - model.encoder.pooled + 1, last + 1))


def _save(weights: Weights, pooled: Sequence[int], linear: object, lookup: object, said: dict[str, Head],
          path: Path) -> None:
    network_ = encoder(weights, weights.shape.positions, pooled, linear, lookup, said)  # type: ignore[arg-type]
    path.write_bytes(network_.SerializeToString(deterministic=True))
