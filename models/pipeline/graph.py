"""Builds the encoder as an ONNX graph: token ids in, one unit-length embedding a text out, and scores of heads.

Written node by node instead of traced, so that ONNX Runtime's fused operators are used where they are
meant to be and the same weights give the same bytes. How a matrix product and the word embeddings are
computed is the caller's choice (`Linear`, `Lookup`): float32 in export.py, int8 in quantise.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from .dequantise import Blocks, Floats, Weights

#: ONNX Runtime's own operators.
MICROSOFT = "com.microsoft"
#: Opset 21 and IR 10 are what ONNX Runtime reads since 1.18.
OPSET, IR = 21, 10


class Graph:
    """A graph that grows node by node. A tensor is its name."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}

    def constant(self, name: str, values: NDArray[np.generic] | onnx.TensorProto) -> str:
        """Adds a constant, once for each name."""
        if name not in self.constants:
            if isinstance(values, np.ndarray):
                values = numpy_helper.from_array(np.ascontiguousarray(values), name)
            self.constants[name] = values
        return name

    def whole(self, *values: int) -> str:
        """A constant of whole numbers, for axes and bounds."""
        return self.constant("whole." + ".".join(map(str, values)), np.array(values, np.int64))

    def node(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Adds a node with one output and returns that."""
        return self.nodes_out(kind, 1, *inputs, domain=domain, **attributes)[0]

    def nodes_out(self, kind: str, outputs: int, *inputs: str, domain: str = "", **attributes: Any) -> list[str]:
        """Adds a node with several outputs and returns them."""
        name = f"{kind}.{len(self.nodes)}"
        out = [f"{name}.{number}" for number in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, out, name, domain=domain, **attributes))
        return out


#: (graph, input, name, weight `[out, in]`, bias or None) -> output.
Linear = Callable[[Graph, str, str, Floats, Floats | None], str]
#: (graph, token ids, word embeddings) -> `[batch, tokens, dims]`.
Lookup = Callable[[Graph, str, Blocks], str]


@dataclass(frozen=True)
class Head:
    """Scores `weight * x + bias` of a text's embedding, or of each token's last state: `weight [labels, dims]`."""

    weight: Floats
    bias: Floats
    labels: Sequence[str]
    of_tokens: bool = False


def encoder(weights: Weights, positions: int, pooled: Sequence[int], linear: Linear, lookup: Lookup,
            heads: Mapping[str, Head] | None = None) -> onnx.ModelProto:
    """The whole network for texts of at most `positions` tokens.

    The embedding is the mean over a text's tokens of the mean over the layers `pooled` (0 is what goes
    into the first layer), scaled to length one. Inputs `input_ids` and `attention_mask`, int64
    `[batch, tokens]`, mask 1 for a token and 0 for padding; output `embedding`, float32 `[batch, dims]`, and for
    each head its scores by its name, `[batch, labels]` or `[batch, tokens, labels]`.
    """
    graph = Graph()
    build = _Encoder(graph, weights, linear, lookup)
    states = build.states(positions)
    graph.nodes.append(helper.make_node(
        "LpNormalization", [build.mean([states[layer] for layer in pooled])], ["embedding"], "unit", axis=-1, p=2))
    texts = [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"])
             for name in ("input_ids", "attention_mask")]
    outputs = [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", weights.shape.dims])]
    for name, head in (heads or {}).items():
        product = graph.node("MatMul", states[-1] if head.of_tokens else "embedding",
                             graph.constant(f"{name}.weight", head.weight.T))
        graph.nodes.append(helper.make_node("Add", [product, graph.constant(f"{name}.bias", head.bias)], [name], name))
        shape = ["batch", "tokens", len(head.labels)] if head.of_tokens else ["batch", len(head.labels)]
        outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    proto = helper.make_graph(graph.nodes, "encoder", texts, outputs, list(graph.constants.values()))
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)]
    return helper.make_model(proto, opset_imports=opsets, ir_version=IR, producer_name="qingting")


class _Encoder:
    def __init__(self, graph: Graph, weights: Weights, linear: Linear, lookup: Lookup) -> None:
        self.graph, self.weights, self.linear, self.lookup = graph, weights, linear, lookup
        self.mask = graph.node("Cast", "attention_mask", to=TensorProto.INT32)
        present = graph.node("Cast", "attention_mask", to=TensorProto.FLOAT)
        self.present = graph.node("Unsqueeze", present, graph.whole(2))

    def states(self, positions: int) -> list[str]:
        """What goes into the first layer and what comes out of each."""
        states = [self._embed(positions)]
        for layer in range(self.weights.shape.layers):
            states.append(self._layer(states[-1], layer))
        return states

    def mean(self, states: Sequence[str]) -> str:
        """The mean over a text's tokens of the mean of `states`."""
        graph = self.graph
        state = states[0] if len(states) == 1 else graph.node("Mean", *states)
        total = graph.node("ReduceSum", graph.node("Mul", state, self.present), graph.whole(1), keepdims=0)
        tokens = graph.node("ReduceSum", self.present, graph.whole(1), keepdims=0)
        # A row of padding only has no tokens: its embedding is zero, not a division by zero.
        tokens = graph.node("Max", tokens, graph.constant("one", np.ones(1, np.float32)))
        return graph.node("Div", total, tokens)

    def _embed(self, positions: int) -> str:
        graph = self.graph
        words = self.lookup(graph, "input_ids", self.weights.words)
        length = graph.node("Shape", "input_ids", start=1, end=2)
        table = graph.constant("position", self.weights.tensors["position"][:positions])
        places = graph.node("Slice", table, graph.whole(0), length, graph.whole(0))
        return graph.node("LayerNormalization", graph.node("Add", words, places), *self._norm("embed.norm"),
                          axis=-1, epsilon=self.weights.shape.epsilon)

    def _layer(self, state: str, layer: int) -> str:
        graph, tensors = self.graph, self.weights.tensors
        # One product instead of three: the activations are read, and in int8 quantised, once.
        parts = [f"{layer}.{part}" for part in ("query", "key", "value")]
        joined = self.linear(graph, state, f"{layer}.projections",
                             np.concatenate([tensors[f"{part}.weight"] for part in parts]),
                             np.concatenate([tensors[f"{part}.bias"] for part in parts]))
        query, key, value = graph.nodes_out("Split", 3, joined, axis=-1, num_outputs=3)
        attended = graph.node("MultiHeadAttention", query, key, value, "", self.mask,
                              domain=MICROSOFT, num_heads=self.weights.shape.heads)
        attended = self._dense(attended, f"{layer}.attended")
        state = self._add_and_norm(state, attended, f"{layer}.attended.norm")
        inner = self.linear(graph, state, f"{layer}.inner", tensors[f"{layer}.inner.weight"], None)
        bias = graph.constant(f"{layer}.inner.bias", tensors[f"{layer}.inner.bias"])
        inner = graph.node("BiasGelu", inner, bias, domain=MICROSOFT)
        return self._add_and_norm(state, self._dense(inner, f"{layer}.outer"), f"{layer}.outer.norm")

    def _dense(self, state: str, name: str) -> str:
        tensors = self.weights.tensors
        return self.linear(self.graph, state, name, tensors[f"{name}.weight"], tensors[f"{name}.bias"])

    def _add_and_norm(self, state: str, added: str, norm: str) -> str:
        return self.graph.node("SkipLayerNormalization", state, added, *self._norm(norm),
                               domain=MICROSOFT, epsilon=self.weights.shape.epsilon)

    def _norm(self, name: str) -> list[str]:
        parts = (f"{name}.weight", f"{name}.bias")
        return [self.graph.constant(part, self.weights.tensors[part]) for part in parts]
