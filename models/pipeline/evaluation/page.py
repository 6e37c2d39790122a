"""A page of results: Markdown tables with what stands above and below them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Page:
    """One page in the making."""

    name: str
    title: str
    parts: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        """Adds a paragraph."""
        self.parts.append(text)

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Adds a table, the first column to the left and the others to the right."""
        lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
        self.parts.append("\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines))

    def picture(self, path: Path, about: str) -> None:
        """Adds a picture that lies beside the page."""
        self.parts.append(f"![{about}]({path.name})")

    def text(self) -> str:
        """The whole page."""
        return "\n\n".join([f"# {self.title}", *self.parts]) + "\n"


def percent(value: float) -> str:
    """A share of 100 with one digit after the point."""
    return f"{value:.1f}"


def around(mean: float, deviation: float) -> str:
    """A mean with its standard deviation."""
    return f"{mean:.1f} ± {deviation:.1f}"


def grouped(number: float) -> str:
    """A whole number, its thousands apart."""
    return f"{round(number):,}"
