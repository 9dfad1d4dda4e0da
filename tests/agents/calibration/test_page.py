"""What docs/calibration.md says of `--json` and of records is so, kind by kind and field by field."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest

from passel.agents.calibration import Forecast, Proposal, Setting, TrialRecord
from tests.agents.calibration.crew import ridge
from tests.agents.calibration.test_command import PASSEL
from tests.source import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable

PAGE = (ROOT / "docs" / "calibration.md").read_text()


def table(heading: str) -> list[tuple[str, ...]]:
    """Return the rows of the page's table whose heading begins so, cell by cell."""
    found = re.search(
        rf"^\| {re.escape(heading)} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", PAGE, re.MULTILINE
    )
    assert found is not None, heading
    return [tuple(cell.strip() for cell in row[1:-1].split("|")) for row in found[1].splitlines()]


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def fields(heading: str) -> set[str]:
    """Return the fields of such a table, each of which has a unit and a meaning."""
    rows = table(heading)
    assert all(len(row) == 3 and all(row) for row in rows)
    return {name for row in rows for name in names(row[0])}


def shapes(objects: Iterable[dict[str, Any]], key: str) -> dict[str, set[frozenset[str]]]:
    """Return the fields of the objects, by what they have in one of them."""
    found = defaultdict(set)
    for each in objects:
        found[each[key]].add(frozenset(each))
    return dict(found)


@pytest.mark.process
def test_the_kinds_and_fields_of_json_lines_are_the_documented_ones() -> None:
    done = subprocess.run(
        [
            sys.executable, "-c", PASSEL, "calibrate", "run", f"{ridge.__module__}:ridge", "-p", "x=0:4:1",
            "-t", "height=7", "--trials", "12", "--confirmations", "1", "--iterations", "2", "--json",
        ],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=50,
    )  # fmt: skip
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    events = [line["event"] for line in lines if line["kind"] == "event"]
    rows = [row for line in lines if line["kind"] == "actors" for row in line["actors"]]
    *others, report = (event for event in events if not isinstance(event, str))

    assert done.returncode == 0, done.stderr
    assert shapes(lines, "kind") == {
        names(kind)[0]: {frozenset(["kind", *names(rest)])} for kind, rest, _ in table("`kind`")
    }
    assert {frozenset(row) for row in rows} == {frozenset(fields("field of an actor"))}
    assert {frozenset(each) for each in others} == {frozenset(fields("field of a table"))}
    columns = {each["table"]: [name for name in each["columns"] if name] for each in others}
    assert columns == {names(name)[0]: names(heads) for name, heads, _ in table("`table`")}
    assert set(report) == fields("field of the report")
    assert report["found"] is not None, "it has shown every table"


@pytest.mark.parametrize("kind", [Setting, Proposal, TrialRecord, Forecast])
def test_the_fields_that_a_proposer_deals_with_are_the_documented_ones(kind: type[Any]) -> None:
    rows = table(f"field of a `{kind.__name__}`")

    assert {name for row in rows for name in names(row[0])} == set(kind.__annotations__)
