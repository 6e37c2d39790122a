"""Table 5: what a smaller network costs: accuracy, parameters, bytes and time."""

from __future__ import annotations

import math
from pathlib import Path

import onnx

from ..training.family import TEACHER
from .economy import score
from .material import Material
from .page import Page, grouped, percent
from .pictures import sizes
from .systems import artifact, opened

#: Texts and tokens of the batches that are timed.
ONE, MANY = (1, 16), (16, 16)


def run(material: Material) -> Page:
    """Measures every artifact, the general encoder too."""
    page = Page("students", "Sizes: what a smaller network costs")
    systems = {it.name: it for it in material.systems}
    scores = {name: score(material, material.intents_of(systems[name])) for name in material.artifacts}
    files = {name: artifact(name) / "model.onnx" for name in material.artifacts}
    bytes_ = {name: path.stat().st_size for name, path in files.items()}
    alone, batch = ({name: opened(name).milliseconds(*shape) for name in files} for shape in (ONE, MANY))
    page.say(f"Intents right on {grouped(len(material.test))} utterances of the test voices after all "
             f"{grouped(len(material.train))} labels of the train voices, and that as a share of {TEACHER}'s; numbers "
             "of the int8 network (parameters: every constant, scales too), and the median time on one thread of this "
             "machine for one text and for sixteen texts, of 16 tokens each.")
    whole = scores.get(TEACHER)
    page.table(["encoder", "intents right, %", f"share of {TEACHER}'s, %", "parameters, millions", "model.onnx, MB",
                "one text, ms", "sixteen, ms"],
               [[name, percent(scores[name]), percent(100 * scores[name] / whole) if whole else "-",
                 f"{parameters(path) / 1e6:.2f}", f"{bytes_[name] / 1e6:.2f}", f"{alone[name]:.2f}",
                 f"{batch[name]:.2f}"] for name, path in files.items()])
    if whole is None:
        page.say(f"There is no {TEACHER}, so no share of it.")
    path = material.out / "sizes.png"
    sizes(path, alone, scores, bytes_)
    page.picture(path, "accuracy against time; the dot is as large as the file")
    return page


def parameters(path: Path) -> int:
    """The elements of all constants of a network; two to a byte where a product takes them in four bits."""
    graph = onnx.load(path).graph
    packed = {node.input[1] for node in graph.node if node.op_type == "MatMulNBits"}
    return sum(math.prod(it.dims) * (2 if it.name in packed else 1) for it in graph.initializer)
