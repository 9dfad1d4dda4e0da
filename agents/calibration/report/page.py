"""A calibration as one HTML page, with its figures inside."""

from __future__ import annotations

from html import escape
from statistics import stdev
from typing import TYPE_CHECKING, Final

from ..accounts import confirming, outcome_of
from .estimates import estimates_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..log import Logged
    from ..messages import CalibrationReport
    from ..record import TrialRecord

_STYLE: Final = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; padding: 0 1rem;
       color: #222; background: #fff; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
table { border-collapse: collapse; font-size: 0.85rem; } td, th { padding: 0.15rem 0.7rem;
        text-align: left; border-bottom: 1px solid #ddd; } td.n, th.n { text-align: right;
        font-variant-numeric: tabular-nums; }
figure { margin: 0.5rem 0; } figcaption { color: #666; font-size: 0.85rem; }
svg { max-width: 100%; height: auto; } .scroll { max-height: 32rem; overflow: auto; }
.warning { color: #a30; }
"""


def page_of(logged: Logged) -> str:
    """Return a page that needs nothing else.

    Raises:
        ImportError: matplotlib is not installed.
    """
    from .figures import losses_figure, shares_figure, workers_figure  # matplotlib is slow to load

    head, report = logged.head, logged.report
    parts = [_heading(logged)]
    if report is not None and report.found is not None:
        parts += [
            _section("Outcome", _outcome(logged, report)),
            _section("Parameters", _parameters(logged)),
            _figure(
                shares_figure(logged, report.found),
                "What the found point came to, iteration by iteration; dotted: the target.",
            ),
        ]
    parts += [
        _section("Course", ""),
        _figure(losses_figure(logged, by_time=False), "Loss against simulated iterations."),
        _figure(losses_figure(logged, by_time=True), "Loss against time."),
        _figure(workers_figure(logged), "When each simulator had a trial."),
        _section("Trials", f'<div class="scroll">{_trials(logged)}</div>'),
    ]
    title = escape(f"Calibration of {head.simulator}")
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style></head>\n<body>\n" + "\n".join(parts) + "\n</body></html>\n"
    )


def _heading(logged: Logged) -> str:
    head, report = logged.head, logged.report
    facts: list[tuple[str, str]] = [("calibration", head.calibration)]
    if report is None:
        facts += [("state", f"under way, {len(logged.ledger.records)} trials")]
    else:
        facts += _facts(report)
    floor = head.floor
    if floor is not None:
        facts.append(("reachable floor", f"loss {floor:.2f}"))
    if head.goal is not None:
        facts.append(("goal", f"loss {head.goal:.2f}"))
    text = f"<h1>Calibration of {escape(head.simulator)}</h1>{_table((), facts)}"
    if floor is not None and head.goal is not None and head.goal < floor:
        text += '<p class="warning">The goal lies below what any parameters can reach.</p>'
    return text


def _facts(report: CalibrationReport) -> list[tuple[str, str]]:
    if report.loss is None:
        loss = "no full run has ended"
    elif report.confirmed:
        spread = f" &plusmn; {report.deviation:.2f}" if report.confirmed > 1 else ""
        loss = f"{report.loss:.2f}{spread}, over {report.confirmed} runs with fresh seeds"
    else:
        loss = f"{report.loss:.2f}, of the run that found it; not confirmed"
    detail = f": {report.detail}" if report.detail else ""
    return [
        ("loss (L1)", loss),
        ("noise between two runs", f"{report.noise:.2f}" if report.confirmed > 1 else "-"),
        ("ended by", report.ended + detail),
        ("trials", f"{report.trials}, {report.stopped} stopped, {report.failed} failed"),
        ("iterations", f"{report.iterations:,}"),
        ("seconds", f"{report.seconds:,.1f}"),
        ("use of workers", f"{100 * report.worker_use:.1f} %"),
    ]


def _outcome(logged: Logged, report: CalibrationReport) -> str:
    assert report.found is not None, "there is one"
    target = logged.head.target
    runs = confirming(logged.ledger.records, report.found)
    means = outcome_of(logged.ledger.records, report.found)
    scale = 100.0 if target.shares else 1.0
    rows = []
    for name in dict.fromkeys((*target.values, *(means if target.shares else ()))):
        values = [scale * run.outcomes[-1].get(name, 0.0) for run in runs]
        wanted, found = scale * target.values.get(name, 0.0), scale * means.get(name, 0.0)
        spread = f"{stdev(values):.3f}" if len(values) > 1 else "-"
        rows.append((name, f"{wanted:.3f}", f"{found:.3f}", f"{found - wanted:+.3f}", spread))
    unit = ", %" if target.shares else ""
    return _table(
        ("outcome", f"target{unit}", f"found{unit}", "difference", "deviation of a run"), rows
    )


def _parameters(logged: Logged) -> str:
    estimates = estimates_of(logged)
    rows = [
        (
            estimate.name,
            f"{estimate.value:.4f}",
            "-" if estimate.error is None else f"{estimate.error:.4f}",
            f"{estimate.low:g} to {estimate.high:g}",
        )
        for estimate in estimates
    ]
    rows += [(name, f"{value:.4f}", "held", "") for name, value in logged.head.held.items()]
    note = ""
    if any(estimate.error is not None for estimate in estimates):
        note = (
            "<p>The standard error of a constant is that of its alternative's log-odds over the runs "
            "with fresh seeds: it says how far these are apart, not how far the outcome still is from "
            "the target.</p>"
        )
    return _table(("parameter", "value", "standard error", "bounds"), rows) + note


def _trials(logged: Logged) -> str:
    target = logged.head.target
    names = [parameter.name for parameter in logged.head.space]
    rows = [
        (
            record.id.rpartition("-")[2],
            f"confirms {record.confirms.rpartition('-')[2]}" if record.confirms else "",
            record.state,
            record.simulator,
            str(record.attempt),
            f"{len(record.outcomes)} of {record.limit}",
            f"{target.loss(record.outcomes[-1]):.2f}" if record.outcomes else "-",
            *(f"{record.point[name]:.3f}" for name in names),
            _remark(record),
        )
        for record in logged.ledger.records
    ]
    columns = ("trial", "", "state", "simulator", "attempts", "iterations", "loss")
    return _table((*columns, *names, "remark"), rows)


def _remark(record: TrialRecord) -> str:
    return "; ".join(text for text in (record.detail, record.output) if text)


def _section(title: str, body: str) -> str:
    return f"<h2>{escape(title)}</h2>{body}"


def _figure(svg: str, caption: str) -> str:
    return f"<figure>{svg}<figcaption>{escape(caption)}</figcaption></figure>"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; cells are texts, `&plusmn;` stays the sign that it is."""
    heads = "".join(f"<th>{escape(column)}</th>" for column in columns)
    head = f"<thead><tr>{heads}</tr></thead>" if columns else ""
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f"<table>{head}<tbody>{body}</tbody></table>"


def _cell(text: str) -> str:
    number = text.lstrip("+-").replace(".", "", 1).replace(",", "").isdigit()
    shown = escape(text).replace("&amp;plusmn;", "&plusmn;")
    return f'<td class="n">{shown}</td>' if number else f"<td>{shown}</td>"
