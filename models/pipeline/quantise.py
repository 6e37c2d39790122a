"""Writes the network with int8 weights: a quarter of the size, more than twice as fast.

Matrix products take int8 weights with one scale an output channel, and activations that ONNX Runtime
quantises as it goes. Word embeddings keep the 4 bits they were published in, so they lose nothing. The rest
(norms, attention, positions) stays float32: it is small, and coarse there costs accuracy.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper

from .dequantise import BLOCK, Blocks, Floats, Weights
from .graph import MICROSOFT, Graph, encoder

#: The largest weight in use.
LARGEST = 127


def run(weights: Weights, positions: int, pooled: Sequence[int], path: Path) -> None:
    """Writes the int8 network to `path`; the same weights give the same bytes."""
    model = encoder(weights, positions, pooled, linear, lookup)
    path.write_bytes(model.SerializeToString(deterministic=True))


def linear(graph: Graph, state: str, name: str, weight: Floats, bias: Floats | None) -> str:
    """`state * weight^T + bias`, the weight in int8 with a scale for each row of `weight`."""
    whole, scales = rows_in_int8(weight)
    inputs = [state, graph.constant(f"{name}.weight", whole.T), graph.constant(f"{name}.scale", scales),
              graph.constant(f"{name}.zero", np.zeros(len(scales), np.int8))]
    if bias is not None:
        inputs.append(graph.constant(f"{name}.bias", bias))
    return graph.node("DynamicQuantizeMatMul", *inputs, domain=MICROSOFT)


def rows_in_int8(weight: Floats) -> tuple[NDArray[np.int8], Floats]:
    """Each row as whole numbers of at most LARGEST and the scale that gives it back."""
    largest = np.abs(weight).max(axis=1)
    scales = (np.where(largest > 0, largest, 1) / LARGEST).astype(np.float32)
    return np.rint(weight / scales[:, None]).clip(-LARGEST, LARGEST).astype(np.int8), scales


def lookup(graph: Graph, ids: str, words: Blocks) -> str:
    """The rows `ids` of the word embeddings, kept as 4-bit codes around 8 in blocks of 32."""
    rows, blocks, _ = words.codes.shape
    codes = words.codes.reshape(rows, -1)
    packed = (codes[:, 0::2] | (codes[:, 1::2] << 4)).astype(np.uint8)
    table = helper.make_tensor("words", TensorProto.UINT4, [rows, blocks * BLOCK], packed.tobytes(), raw=True)
    return graph.node("GatherBlockQuantized", graph.constant("words", table), ids,
                      graph.constant("words.scale", words.scales), domain=MICROSOFT,
                      bits=4, block_size=BLOCK, gather_axis=0, quantize_axis=1)
