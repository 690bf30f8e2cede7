"""Rows of figures as a Markdown table, each with its ratios and its goals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_HEAD = ("", "what", "incumbent", "limit", "ours", "ours to limit", "ours to incumbent")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measurement.

    Attributes:
        name: its number, such as "B1".
        what: what was done.
        unit: of its figures, such as "req/s".
        ours: our figure; `incumbent` and `limit` are those of the other sides, if measured.
        less_is_better: whether the figures are times.
        of_limit: how much better than the limit we want to be, if there is such a goal.
        of_incumbent: how many times better than the incumbent we want to be.
        at_most: the most that our figure should be; `at_least` is the least.
    """

    name: str
    what: str
    unit: str
    ours: float
    incumbent: float | None = None
    limit: float | None = None
    less_is_better: bool = False
    of_limit: float | None = None
    of_incumbent: float | None = None
    at_most: float | None = None
    at_least: float | None = None

    def cells(self) -> tuple[str, ...]:
        """Return the row's text, column by column."""
        wanted = self.at_least if self.at_most is None else self.at_most
        goal = "" if wanted is None else f" (goal {_figure(wanted)})"
        return (
            self.name,
            self.what,
            self._shown(self.incumbent),
            self._shown(self.limit),
            self._shown(self.ours) + goal,
            self._ratio(self.limit, self.of_limit),
            self._ratio(self.incumbent, self.of_incumbent),
        )

    def _shown(self, figure: float | None) -> str:
        return "-" if figure is None else f"{_figure(figure)} {self.unit}"

    def _ratio(self, other: float | None, goal: float | None) -> str:
        if other is None:
            return "-"
        better = other / self.ours if self.less_is_better else self.ours / other
        return f"{better:.2f}" + ("" if goal is None else f" (goal {goal:g})")


def table(rows: Iterable[Row]) -> str:
    """Return the rows as a Markdown table that reads well as plain text, too."""
    lines = [_HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[n]) for line in lines) for n in range(len(_HEAD))]
    rule = tuple("-" * width for width in widths)
    return "\n".join(_line(line, widths) for line in (lines[0], rule, *lines[1:]))


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return f"| {' | '.join(padded)} |"


def _figure(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"
