"""Finds the range of what goes into each matrix product, for the fixed int8 scales of quantise.py.

The ranges are committed (ranges.json), so that everybody makes the same network without the texts they came
from. With a fixed range an embedding does not depend on which other texts share its batch; with ONNX
Runtime's usual one, taken anew from each batch, the same text came back with a cosine down to .993.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import onnx
from onnx import TensorProto, helper

from . import export
from .dequantise import Floats, Weights
from .graph import Graph, encoder
from .runtime import Encoder

#: Name of a product -> the least and the greatest value that goes into it.
Ranges = dict[str, tuple[float, float]]


def run(weights: Weights, positions: int, tokenizer: Path, texts: Sequence[str], work: Path) -> Ranges:
    """The ranges seen when the float32 network reads `texts`, one at a time."""
    model, products = _observed(weights, positions)
    path = work / "observed.onnx"
    path.write_bytes(model.SerializeToString())
    reader = Encoder(path, tokenizer)
    names = [output.name for output in reader.session.get_outputs()][1:]
    seen = {name: (0.0, 0.0) for name in names}
    for text in texts:
        ids, mask = reader.batch([reader.ids(text)])
        values = reader.session.run(names, {"input_ids": ids, "attention_mask": mask})
        for name, value in zip(names, values):
            seen[name] = (min(seen[name][0], float(value.min())), max(seen[name][1], float(value.max())))
    return {product: seen[state] for product, state in products.items()}


def _observed(weights: Weights, positions: int) -> tuple[onnx.ModelProto, dict[str, str]]:
    """The float32 network that also gives what goes into each product, and where that is found."""
    products: dict[str, str] = {}

    def linear(graph: Graph, state: str, name: str, weight: Floats, bias: Floats | None) -> str:
        products[name] = state
        return export.linear(graph, state, name, weight, bias)

    model = encoder(weights, positions, [weights.shape.layers], linear, export.lookup)
    model.graph.output.extend(helper.make_tensor_value_info(state, TensorProto.FLOAT, None)
                              for state in dict.fromkeys(products.values()))
    return model, products


def save(ranges: Ranges, path: Path) -> None:
    """Writes the ranges, one product a line."""
    lines = [f"  {json.dumps(name)}: [{least:.4f}, {greatest:.4f}]" for name, (least, greatest) in ranges.items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def load(path: Path) -> Ranges:
    """Reads what `save` wrote."""
    return {name: (least, greatest) for name, (least, greatest) in json.loads(path.read_text("utf-8")).items()}
