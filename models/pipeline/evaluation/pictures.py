"""The pictures of the tables, as PNG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot  # noqa: E402 (the way of drawing is chosen first)
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

#: Each system has its colour in all pictures.
COLOURS = {"large": "#0b3c5d", "base": "#1d6fa3", "small": "#3fa7c9", "tiny": "#7fd1d8", "general": "#c2571a",
           "USE-multilingual": "#7a5195", "TF-IDF": "#6b6b6b"}
OTHER = "#333333"
SIZE, DOTS = (7.2, 4.6), 120


@dataclass(frozen=True)
class Curve:
    """Points of one system; `style` is matplotlib's ("-", "--")."""

    system: str
    x: Sequence[float]
    y: Sequence[float]
    style: str = "-"
    about: str = ""


@dataclass(frozen=True)
class Axis:
    """What an axis shows, whether its steps are powers, and where it has ticks, if not anywhere."""

    about: str
    is_logarithmic: bool = False
    ticks: Sequence[float] = ()


def lines(path: Path, x: Axis, y: Axis, curves: Sequence[Curve], levels: Mapping[str, float] | None = None) -> None:
    """Curves, and level lines by the system's name."""
    figure, axes = _canvas(x, y)
    for curve in curves:
        axes.plot(curve.x, curve.y, curve.style, marker="o", markersize=3.5, color=COLOURS.get(curve.system, OTHER),
                  label=f"{curve.system} {curve.about}".strip())
    for system, level in (levels or {}).items():
        axes.axhline(level, color=COLOURS.get(system, OTHER), linestyle=":", linewidth=1.2,
                     label=f"{system}, all labels")
    axes.legend(fontsize=8)
    _save(figure, path)


def reliability(path: Path, curves: Sequence[Curve]) -> None:
    """How often an answer of some probability is right; who is calibrated stays on the diagonal."""
    figure, axes = _canvas(Axis("probability of the top intent"), Axis("share that is right"))
    axes.plot((0, 1), (0, 1), color="#bbbbbb", linewidth=1)
    for curve in curves:
        axes.plot(curve.x, curve.y, curve.style, marker="o", markersize=3.5, color=COLOURS.get(curve.system, OTHER),
                  label=f"{curve.system} {curve.about}".strip())
    axes.legend(fontsize=8)
    _save(figure, path)


def sizes(path: Path, latency: Mapping[str, float], score: Mapping[str, float], bytes_: Mapping[str, int]) -> None:
    """Score against latency; the area of a dot is the size of the file."""
    steps = Axis("milliseconds a text of 16 tokens, one thread", True, (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50))
    figure, axes = _canvas(steps, Axis("intents right, %"))
    for name, milliseconds in latency.items():
        area = bytes_[name] / 4e4
        axes.scatter(milliseconds, score[name], s=area, color=COLOURS.get(name, OTHER), alpha=0.7)
        axes.annotate(f"{name}, {bytes_[name] / 1e6:.1f} MB", (milliseconds, score[name]), fontsize=8,
                      xytext=(area ** 0.5 / 2 + 3, -3), textcoords="offset points")
    axes.set_xlim(min(latency.values()) / 1.6, max(latency.values()) * 3)
    axes.margins(y=0.25)
    _save(figure, path)


def _canvas(x: Axis, y: Axis) -> tuple[Figure, Axes]:
    figure, axes = pyplot.subplots(figsize=SIZE)
    axes.set(xlabel=x.about, ylabel=y.about, xscale="log" if x.is_logarithmic else "linear",
             yscale="log" if y.is_logarithmic else "linear")
    for axis, drawn in ((x, axes.xaxis), (y, axes.yaxis)):
        if axis.ticks:
            drawn.set_ticks(axis.ticks, [f"{tick:,}" for tick in axis.ticks])
            drawn.set_ticks([], minor=True)
    axes.grid(True, color="#e5e5e5", linewidth=0.6)
    axes.set_axisbelow(True)
    return figure, axes


def _save(figure: Figure, path: Path) -> None:
    figure.tight_layout()
    # No date and no version, so that the same numbers give the same bytes.
    figure.savefig(path, dpi=DOTS, metadata={"Software": None})
    pyplot.close(figure)
