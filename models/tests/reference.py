"""BERT in plain numpy, written from the paper and apart from the graph it checks."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from models.pipeline.dequantise import Floats, Weights

erf = np.vectorize(math.erf)


def embedding(weights: Weights, ids: Sequence[int], pooled: Sequence[int]) -> Floats:
    """The unit-length embedding of one text.

    Source: Devlin et al. (2019), post-norm layers with exact GELU.
    """
    tensors = weights.tensors
    words = weights.words.values()[list(ids)]
    states = [_norm(weights, words + tensors["position"][:len(ids)], "embed.norm")]
    for layer in range(weights.shape.layers):
        states.append(_layer(weights, states[-1], layer))
    mean: Floats = np.mean([states[layer] for layer in pooled], axis=0).mean(axis=0)
    unit: Floats = mean / np.linalg.norm(mean)
    return unit


def _layer(weights: Weights, state: Floats, layer: int) -> Floats:
    query, key, value = (_heads(weights, _linear(weights, state, f"{layer}.{part}"))
                         for part in ("query", "key", "value"))
    scores = query @ key.transpose(0, 2, 1) / math.sqrt(query.shape[2])
    shares = np.exp(scores - scores.max(axis=2, keepdims=True))
    attended = (shares / shares.sum(axis=2, keepdims=True)) @ value
    attended = attended.transpose(1, 0, 2).reshape(state.shape)
    state = _norm(weights, state + _linear(weights, attended, f"{layer}.attended"), f"{layer}.attended.norm")
    inner = _linear(weights, state, f"{layer}.inner")
    inner = inner * (1 + erf(inner / math.sqrt(2))) / 2
    return _norm(weights, state + _linear(weights, inner, f"{layer}.outer"), f"{layer}.outer.norm")


def _heads(weights: Weights, state: Floats) -> Floats:
    return state.reshape(len(state), weights.shape.heads, -1).transpose(1, 0, 2)


def _linear(weights: Weights, state: Floats, name: str) -> Floats:
    return state @ weights.tensors[f"{name}.weight"].T + weights.tensors[f"{name}.bias"]


def _norm(weights: Weights, state: Floats, name: str) -> Floats:
    state = state - state.mean(axis=1, keepdims=True)
    state = state / np.sqrt((state ** 2).mean(axis=1, keepdims=True) + weights.shape.epsilon)
    return state * weights.tensors[f"{name}.weight"] + weights.tensors[f"{name}.bias"]
