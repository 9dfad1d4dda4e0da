from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from matplotlib.figure import Figure
from typer.testing import CliRunner

from passel.agents.calibrate_command import app
from passel.agents.calibration import Budget, CalibrationSettings, LogError, Parameter
from passel.agents.calibration.accounts import report_of
from passel.agents.calibration.log import CalibrationLog, LogHead, read_log
from passel.agents.calibration.report.course import best_so_far, marks_of
from passel.agents.calibration.report.estimates import estimates_of
from passel.agents.calibration.scheduling import CalibrationId, Keep
from tests.agents.calibration.bench import SETTLED, TARGET, Rambler, rehearsed, scheduler, toy

if TYPE_CHECKING:
    from pathlib import Path

    from passel.agents.calibration.scheduling import Effect, Entry, Event


@pytest.fixture(scope="module", autouse=True)
def fonts() -> None:
    """Have matplotlib open the fonts that it keeps open."""
    figure = Figure()
    figure.subplots().set_yscale("log")
    figure.savefig(io.StringIO(), format="svg")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """The log of a calibration of a toy."""
    path = tmp_path / "runs.jsonl"
    settings = CalibrationSettings(budget=Budget(trials=20), confirmations=3, goal=0.01)
    decides = scheduler(Rambler(), settings=settings)
    entries: list[Entry] = []

    def note(happened: Event | Effect) -> None:
        if isinstance(happened, Keep):
            entries.append(happened.entry)

    rehearsal = rehearsed(decides, toy(noise=0.01, crashes=0.02), observe=note)
    name = CalibrationId("c")
    head = LogHead(
        calibration=name,
        simulator="a <toy>",
        target=TARGET,
        space=(Parameter(name="x", low=-4, high=4, constant_of="bus"),),
        fixed={"y": 0.5},
        settled=SETTLED,
        goal=0.01,
        floor=0.5,
    )
    written = CalibrationLog(path)
    written.begin(head)
    written.append(entries)
    written.end(
        report_of(
            name,
            decides,
            settings,
            detail="",
            floor=0.5,
            held=head.held,
            at=rehearsal.now,
            resumed=False,
        )
    )
    written.close()
    return path


def test_the_page_has_figures_tables_and_what_to_doubt(log: Path) -> None:
    output = log.with_name("report.html")
    done = CliRunner().invoke(app, ["report", str(log), "-o", str(output)])

    assert done.exit_code == 0, done.output
    page = output.read_text()
    figures = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(figures) == 4
    for figure in figures:
        ET.fromstring(re.sub(r"xlink:href", "href", figure))
    assert "<toy>" not in page
    assert "a &lt;toy&gt;" in page
    assert "goal lies below what any parameters can reach" in page
    assert "over 3 runs with fresh seeds" in page
    assert page.count("<tr>") > 20
    assert '<td>y</td><td class="n">0.5000</td><td>held</td>' in page
    assert "http" not in re.sub(r"<svg.*?</svg>", "", page, flags=re.DOTALL)


def test_the_course_counts_iterations_and_keeps_the_best(log: Path) -> None:
    logged = read_log(log)
    marks = marks_of(logged)
    best = best_so_far(marks)

    assert marks[-1].iterations == sum(len(r.times) for r in logged.ledger.records)
    assert [mark.loss for mark in best] == sorted((m.loss for m in best), reverse=True)
    full = [m.loss for m in marks if m.full and not m.confirms]
    assert best[-1].loss == min(full)


def test_a_constant_is_as_sure_as_its_log_odds_over_fresh_seeds(log: Path) -> None:
    """The toy's share has a deviation of 0.01 near one half, so the log-odds one of 0.04."""
    (estimate,) = estimates_of(read_log(log))

    assert estimate.error is not None
    assert 0.003 < estimate.error < 0.08


def test_a_calibration_under_way_has_a_page_too_and_what_is_no_log_is_refused(
    log: Path, tmp_path: Path
) -> None:
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[: len(lines) // 2]) + lines[-1][:40])
    done = CliRunner().invoke(app, ["report", str(log), "-o", str(tmp_path / "r.html")])
    assert done.exit_code == 0, done.output
    assert "under way" in (tmp_path / "r.html").read_text()

    (tmp_path / "odd").write_text('{"type": "end"}\n')
    for path in (tmp_path / "odd", tmp_path / "none"):
        with pytest.raises(LogError):
            read_log(path)
    done = CliRunner().invoke(app, ["report", str(tmp_path / "odd")])
    assert done.exit_code == 2
