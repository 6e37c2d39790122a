"""Writes the network with float32 weights: the reference that the int8 one is measured against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from .dequantise import Blocks, Floats, Weights
from .graph import Graph, Head, encoder


def run(weights: Weights, positions: int, pooled: Sequence[int], path: Path,
        heads: Mapping[str, Head] | None = None) -> None:
    """Writes the float32 network to `path`."""
    model = encoder(weights, positions, pooled, linear, lookup, heads)
    path.write_bytes(model.SerializeToString(deterministic=True))


def linear(graph: Graph, state: str, name: str, weight: Floats, bias: Floats | None) -> str:
    """`state * weight^T + bias` in float32."""
    product = graph.node("MatMul", state, graph.constant(f"{name}.weight", weight.T))
    return product if bias is None else graph.node("Add", product, graph.constant(f"{name}.bias", bias))


def lookup(graph: Graph, ids: str, words: Blocks) -> str:
    """The rows `ids` of the float32 word embeddings."""
    return graph.node("Gather", graph.constant("words", words.values()), ids)
