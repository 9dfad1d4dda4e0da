"""Calibrations over several processes, some or all of which are killed."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.agents.calibration.killing import (
    ROOT,
    all_gone,
    check,
    ended,
    kill,
    kill_all,
    nodes_of,
    shown,
    start,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.process

EXAMPLE = ROOT / "examples" / "calibration.yaml"


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder of this test's own; its path is short, as sockets want it."""
    with tempfile.TemporaryDirectory(prefix="p", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


async def test_a_worker_that_is_killed_costs_no_trial(tmp_path: Path) -> None:
    process = await start(tmp_path, "--json")
    await shown(tmp_path, 15)  # after ten, both workers are between two trials of five
    kill(nodes_of(tmp_path)[0])
    report = await ended(process)

    logged = check(tmp_path, 20)
    assert (report["ended"], report["trials"]) == ("trials", 20)
    assert max(record.attempt for record in logged.ledger.records) == 2
    await all_gone(tmp_path)


async def test_a_calibration_that_was_killed_as_a_whole_goes_on_where_it_was(
    tmp_path: Path,
) -> None:
    one_node = ("--set", "nodes.far.count=1")
    killed = await start(tmp_path, *one_node)
    await shown(tmp_path, 30)
    await kill_all(killed, tmp_path)
    await all_gone(tmp_path)
    report = await ended(await start(tmp_path, "--json", *one_node))

    logged = check(tmp_path, 20)
    finished_before = logged.head.state.records
    assert report["resumed"]
    assert any(record.state == "finished" for record in finished_before)
    assert logged.ledger.records[0] == finished_before[0]
    await all_gone(tmp_path)


async def test_the_example_finds_the_constants_of_a_city(tmp_path: Path) -> None:
    """With fewer people and workers than it has by itself, so that it is quick."""
    words = (
        "--json", "--set", "params.workers=2", "--set", "params.people=2000",
        "--set", "params.goal=8", "--set", f"params.log={tmp_path}/runs.jsonl",
    )  # fmt: skip
    report = await ended(await start(tmp_path, *words, topology=EXAMPLE))

    assert report["ended"] == "goal"
    assert report["confirmed"] == 3
    assert report["loss"] <= 8.0
    assert set(report["answer"]) == {
        f"{mode}_intercept" for mode in report["outcome"] if mode != "walk_transit"
    }
    await all_gone(tmp_path)


async def test_the_example_can_be_run_again_and_goes_on_with_what_it_was_told_to_keep(
    tmp_path: Path,
) -> None:
    words = (
        "--json", "--set", "params.workers=1", "--set", "params.people=500",
        "--set", "params.goal=30", "--set", f"params.log={tmp_path}/runs.jsonl",
    )  # fmt: skip
    keep = (*words, "--set", "params.keep=true")
    for again in (words, words, keep):
        await ended(await start(tmp_path, *again, topology=EXAMPLE, resume=False))
    refused = await start(tmp_path, *keep, topology=EXAMPLE, resume=False)
    _, said = await refused.communicate()
    later = await ended(await start(tmp_path, *keep, topology=EXAMPLE))

    assert refused.returncode == 1
    assert "--resume (resume=True) goes on from it" in said.decode()
    assert (later["resumed"], later["ended"]) == (False, "goal"), "the one before it had ended"
