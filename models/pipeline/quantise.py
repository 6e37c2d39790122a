"""Writes the network with int8 weights: a quarter of the size, more than twice as fast.

Matrix products take int8 weights with one scale an output channel, and activations in eight bits over the
fixed range of calibrate.py. Two products have a few activations a hundred times larger than the rest, which
one scale cannot hold: they stay in the 4-bit blocks they were published in, where activations get a scale
each 32 values. So no text's embedding depends on the texts it shares a batch with. Word embeddings stay in
such blocks too, so they lose nothing. The rest (norms, attention, positions) stays float32: it is small,
and coarse there costs accuracy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper

from .calibrate import Ranges
from .dequantise import BLOCK, Blocks, Floats, Weights
from .graph import MICROSOFT, Graph, Head, encoder

#: The largest weight in use. Processors with AVX2 but no VNNI add two products of an unsigned and a signed
#: byte in 16 bits; up to 64 that cannot overflow, so every machine computes the same. Seven bits lose
#: nothing here: mean cosine to float32 .9972 against .9975 with eight.
LARGEST = 64
#: The products that stay in 4-bit blocks. Found by keeping one product at a time exact: these two bring the
#: centred cosine to float32 from .980 to .988, any other less than .001 (all twelve outer ones: .993, at a
#: fifth more time).
BLOCKWISE = frozenset({"0.outer", "4.outer"})


def run(weights: Weights, positions: int, pooled: Sequence[int], ranges: Ranges, path: Path,
        heads: Mapping[str, Head] | None = None, blockwise: frozenset[str] = BLOCKWISE) -> None:
    """Writes the int8 network to `path`; the same weights and ranges give the same bytes.

    The products named by `blockwise` stay in 4-bit blocks; heads stay float32.
    """
    model = encoder(weights, positions, pooled, partial(linear, ranges, blockwise), lookup, heads)
    path.write_bytes(model.SerializeToString(deterministic=True))


def linear(ranges: Ranges, blockwise: frozenset[str], graph: Graph, state: str, name: str, weight: Floats,
           bias: Floats | None) -> str:
    """`state * weight^T + bias`, the weight in int8 with a scale for each row of `weight`."""
    if name in blockwise:
        return _blockwise(graph, state, name, weight, bias)
    step, zero = step_and_zero(*ranges[name])
    of_state = (graph.constant(f"{name}.input.scale", step), graph.constant(f"{name}.input.zero", zero))
    whole, scales = rows_in_int8(weight)
    inputs = [graph.node("QuantizeLinear", state, *of_state), graph.constant(f"{name}.weight", whole.T),
              of_state[0], graph.constant(f"{name}.scale", scales),
              of_state[1], graph.constant(f"{name}.zero", np.zeros(len(scales), np.int8))]
    if bias is not None:
        inputs.append(graph.constant(f"{name}.bias", bias))
    return graph.node("MatMulIntegerToFloat", *inputs, domain=MICROSOFT)


def step_and_zero(least: float, greatest: float) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """The scale and the zero point that spread `least..greatest` over 0..255; zero itself is met exactly."""
    least, greatest = min(least, 0.0), max(greatest, 0.0)
    step = (greatest - least) / 255 or 1.0
    return np.array(step, np.float32), np.array(round(-least / step), np.uint8)


def _blockwise(graph: Graph, state: str, name: str, weight: Floats, bias: Floats | None) -> str:
    blocks = in_blocks(weight)
    inputs = [state, graph.constant(f"{name}.weight", packed(blocks)), graph.constant(f"{name}.scale", blocks.scales)]
    if bias is not None:
        inputs += ["", "", graph.constant(f"{name}.bias", bias)]
    # Level 4: activations in int8, a scale each block.
    return graph.node("MatMulNBits", *inputs, domain=MICROSOFT, N=weight.shape[0], K=weight.shape[1],
                      bits=4, block_size=BLOCK, accuracy_level=4)


def rows_in_int8(weight: Floats) -> tuple[NDArray[np.int8], Floats]:
    """Each row as whole numbers of at most LARGEST and the scale that gives it back."""
    largest = np.abs(weight).max(axis=1)
    scales = (np.where(largest > 0, largest, 1) / LARGEST).astype(np.float32)
    return np.rint(weight / scales[:, None]).clip(-LARGEST, LARGEST).astype(np.int8), scales


def in_blocks(weight: Floats) -> Blocks:
    """A matrix as 4-bit blocks; without loss when it came from such blocks.

    The value of a block farthest from zero gets code 0, which stands for -8 scales (ggml's Q4_0).
    """
    parts = weight.reshape(len(weight), -1, BLOCK)
    farthest = np.take_along_axis(parts, np.abs(parts).argmax(axis=2)[:, :, None], axis=2)[:, :, 0]
    scales = (farthest / -8).astype(np.float32)
    codes = np.rint(parts / np.where(scales == 0, 1, scales)[:, :, None]) + 8
    return Blocks(codes.clip(0, 15).astype(np.uint8), scales)


def packed(blocks: Blocks) -> NDArray[np.uint8]:
    """Two codes a byte, the earlier in the low half: `[rows, blocks, 16]`."""
    return (blocks.codes[:, :, 0::2] | (blocks.codes[:, :, 1::2] << 4)).astype(np.uint8)


def lookup(graph: Graph, ids: str, words: Blocks) -> str:
    """The rows `ids` of the word embeddings, kept in 4-bit blocks."""
    rows, blocks, _ = words.codes.shape
    # Signed, so that a code stands for itself: for unsigned ones this operator takes 0, not 8, as zero.
    signed = packed(Blocks(words.codes ^ np.uint8(8), words.scales)).tobytes()
    table = helper.make_tensor("words", TensorProto.INT4, [rows, blocks * BLOCK], signed, raw=True)
    return graph.node("GatherBlockQuantized", graph.constant("words", table), ids,
                      graph.constant("words.scale", words.scales), domain=MICROSOFT,
                      block_size=BLOCK, gather_axis=0, quantize_axis=1)
