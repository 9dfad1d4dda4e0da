"""The figures of a report, as SVG texts."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure

from ..accounts import confirming
from .course import best_so_far, marks_of, spans_of

if TYPE_CHECKING:
    from ..log import Logged
    from .course import Mark

_WIDTH: Final = 8.0
"""Inches."""

_STYLE: Final[dict[Any, Any]] = {
    "svg.hashsalt": "passel",  # the same calibration is the same file
    "svg.fonttype": "none",
    "font.size": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
}


def shares_figure(logged: Logged, found: str) -> str:
    """Return what the found point came to, iteration by iteration, against the target."""
    target = logged.head.target
    runs = confirming(logged.ledger.records, _trial(logged, found))
    scale = 100.0 if target.shares else 1.0
    names = list(dict.fromkeys((*target.values, *(runs[0].outcomes[-1] if target.shares else ()))))
    with mpl.rc_context(_STYLE):
        figure, axes = _empty("iteration", "share, %" if target.shares else "outcome", height=4.0)
        for number, name in enumerate(names):
            colour = f"C{number % 10}"
            for run in runs:
                shown = [scale * outcome.get(name, 0.0) for outcome in run.outcomes]
                label = name if run is runs[0] else None
                axes.plot(range(1, len(shown) + 1), shown, color=colour, alpha=0.7, label=label)
            wanted = scale * target.values.get(name, 0.0)
            axes.axhline(wanted, color=colour, linestyle=":", linewidth=1.2)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
        return _svg(figure)


def losses_figure(logged: Logged, *, by_time: bool) -> str:
    """Return the loss of every trial, and the best so far, against iterations or seconds."""
    marks = marks_of(logged)

    def place(mark: Mark) -> float:
        return mark.seconds if by_time else float(mark.iterations)

    kinds = {
        "full run": ([m for m in marks if m.full and not m.confirms], "o", "C0"),
        "stopped, short or failed": ([m for m in marks if not m.full], "x", "0.6"),
        "fresh seed": ([m for m in marks if m.full and m.confirms], "D", "C2"),
    }
    with mpl.rc_context(_STYLE):
        what = "seconds" if by_time else "simulated iterations"
        figure, axes = _empty(what, "loss (L1)", height=3.2)
        for label, (shown, sign, colour) in kinds.items():
            if shown:
                places, losses = [place(m) for m in shown], [m.loss for m in shown]
                axes.scatter(places, losses, marker=sign, s=14, color=colour, label=label)
        best = best_so_far(marks)
        if best:
            ends = [*best, marks[-1]]
            steps = [m.loss for m in best] + [best[-1].loss]
            axes.step([place(m) for m in ends], steps, where="post", color="C0", label="best")
        _levels(axes, logged)
        if marks and min(mark.loss for mark in marks) > 0:
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter("{x:g}")
            axes.yaxis.set_minor_formatter("{x:g}")
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
        return _svg(figure)


def workers_figure(logged: Logged) -> str:
    """Return when each simulator had a trial."""
    records = logged.ledger.records
    spans = spans_of(records, logged.ledger.at)
    with mpl.rc_context(_STYLE):
        figure, axes = _empty("seconds", "", height=0.8 + 0.25 * len(spans))
        for row, busy in enumerate(spans.values()):
            axes.broken_barh(busy, (row - 0.4, 0.8), facecolors="C0", edgecolor="white", lw=0.3)
        axes.set_yticks(range(len(spans)), list(spans))
        return _svg(figure)


def _levels(axes: Any, logged: Logged) -> None:
    """Draw the goal and the reachable floor."""
    head = logged.head
    if head.goal is not None:
        axes.axhline(head.goal, color="C3", linestyle=":", label="goal")
    if head.floor:
        axes.axhline(head.floor, color="0.3", linestyle="--", label="reachable floor")


def _trial(logged: Logged, found: str) -> Any:
    return next(record.id for record in logged.ledger.records if record.id == found)


def _empty(across: str, up: str, *, height: float) -> tuple[Figure, Any]:
    figure = Figure(figsize=(_WIDTH, height), layout="constrained")
    axes = figure.subplots()
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    return figure, axes


def _svg(figure: Figure) -> str:
    """Return a figure as an element that may stand in a page."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]
