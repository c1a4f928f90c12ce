"""A chart of minutes or hours: stacked bars or lines, which the browser draws in the colours of the theme."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from nicegui.element import Element


@dataclass(frozen=True, slots=True)
class Series:
    """The values of one colour, one for each place of the axis; None where there is none."""

    name: str
    colour: str
    values: tuple[float | None, ...]
    faint: bool = False


class Chart(Element, component="look/chart.js"):
    """`show(labels, series)`. `kind` is "bars", which are stacked, or "lines", on a logarithmic axis."""

    def __init__(self, name: str, kind: str) -> None:
        super().__init__()
        self.props["name"], self.props["kind"] = name, kind
        self.props["labels"], self.props["series"], self.props["version"] = [], [], 0

    def show(self, labels: Sequence[str], series: Sequence[Series]) -> None:
        """Draw these values, if they are others than before."""
        axis, made = [*labels], [asdict(each) for each in series]
        same = self.props["labels"] == axis
        if same and self.props["series"] == made:
            return
        with self.props.suspend_updates():
            self.props["labels"], self.props["series"] = axis, made
            self.props["version"] += 1
        self.run_method("change", self.props["version"], None if same else axis, made)
