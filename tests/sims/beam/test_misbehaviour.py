"""The adapter on a BEAM that misbehaves: it costs the trial at most, and nothing false is told."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from passel import Runtime
from passel.agents.stream import closing
from passel.protocols.errors import NodeDeadError
from passel.protocols.trial import TrialEnded, TrialId
from passel.sims.beam import Beam
from tests.runtime.test_orphans import ended
from tests.runtime.worlds import until

from .crew import ONE, beam_options, outcomes_of, running, trial, true_shares

if TYPE_CHECKING:
    from passel.protocols.trial import Outcome

pytestmark = pytest.mark.process

TRUE = true_shares(3)
TWO = TrialId("two")


async def trial_on(
    base: Path, misbehaviour: str, **options: Any
) -> tuple[list[Outcome], TrialEnded]:
    """Run a trial of three iterations on a BEAM that misbehaves from its second iteration on."""
    async with running(base, misbehaviour, **options) as beam:
        return await outcomes_of(beam, trial(3))


def close_to(shares: list[Outcome]) -> list[Any]:
    return [pytest.approx(outcome) for outcome in shares]


def only_run(base: Path) -> Path:
    (run,) = (path for path in (base / "outputs" / "trial-one").iterdir() if path.is_dir())
    return run


@pytest.mark.parametrize("misbehaviour", ["half-written", "rewritten", "slow"])
@pytest.mark.parametrize(
    "source", ["realizedModeChoice", "referenceModeChoice", "ITERS/realizedMode"]
)
async def test_tables_that_are_cut_when_they_are_looked_at_are_read_whole(
    tmp_path: Path, misbehaviour: str, source: str
) -> None:
    outcomes, ending = await trial_on(tmp_path, misbehaviour, source=source, poll=0.001)
    assert outcomes == close_to(TRUE)
    assert ending.ending == "finished"


async def test_a_run_that_crashes_tells_what_was_complete_its_last_lines_and_its_output(
    tmp_path: Path,
) -> None:
    outcomes, ending = await trial_on(tmp_path, "crash", at=2)
    assert outcomes == close_to(TRUE[:2])
    assert (ending.ending, ending.iterations) == ("failed", 2)
    assert "ended by itself (exit code 1) after 2 complete iterations" in ending.detail
    assert "java.lang.OutOfMemoryError: Java heap space" in ending.detail
    assert str(tmp_path / "outputs" / "trial-one") == ending.output
    assert ending.output in ending.detail
    assert (only_run(tmp_path) / "realizedModeChoice.csv").exists()


async def test_a_run_that_hangs_is_ended_and_tells_what_was_seen_last(tmp_path: Path) -> None:
    outcomes, ending = await trial_on(tmp_path, "hang", iteration_timeout=1.0)
    assert outcomes == close_to(TRUE[:1])
    assert ending.ending == "failed"
    assert "no further iteration for 1 s after 1 complete iterations" in ending.detail
    assert "fake BEAM: iteration" in ending.detail


async def test_a_run_that_hangs_before_its_first_iteration_has_a_time_of_its_own(
    tmp_path: Path,
) -> None:
    outcomes, ending = await trial_on(tmp_path, "hang", at=0, start_timeout=0.3)
    assert outcomes == []
    assert "no further iteration for 0.3 s after 0 complete iterations" in ending.detail


async def test_a_run_without_any_output_fails_though_it_says_that_all_is_well(
    tmp_path: Path,
) -> None:
    outcomes, ending = await trial_on(tmp_path, "silent")
    assert outcomes == []
    assert "ended by itself (exit code 0) after 0 complete iterations" in ending.detail


async def test_a_process_that_outlives_its_parent_is_ended(tmp_path: Path) -> None:
    outcomes, ending = await trial_on(tmp_path, "orphan")
    assert outcomes == close_to(TRUE)
    assert ending.ending == "finished"
    await gone(Path(ending.output) / "orphan.pid")


async def test_a_run_that_ignores_its_end_is_killed_when_its_trial_is_stopped(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, "stubborn") as beam, closing(beam.start(trial())) as events:
        await anext(events)
        pid = tmp_path / "outputs" / "trial-one" / "stubborn.pid"
        await until(lambda: pid.exists() and bool(pid.read_text()))
        await beam.stop(ONE)
        ending = await anext(events)
    assert isinstance(ending, TrialEnded)
    assert (ending.ending, ending.output) == ("stopped", str(pid.parent))
    await gone(pid)
    assert os.listdir(tmp_path / "scenario") == ["toy.conf"]


async def test_a_column_that_is_missing_is_a_share_of_nothing(tmp_path: Path) -> None:
    outcomes, ending = await trial_on(tmp_path, "missing column")
    assert ending.ending == "finished"
    assert [outcome.get("bike", 0.0) for outcome in outcomes[1:]] == [0.0, 0.0]
    for outcome, true in zip(outcomes[1:], TRUE[1:], strict=True):
        assert outcome["car"] == pytest.approx(true["car"] / (1.0 - true["bike"]))


async def test_a_mode_that_is_never_there_is_an_outcome_only_if_it_was_named(
    tmp_path: Path,
) -> None:
    outcomes, _ = await trial_on(tmp_path, "absent mode")
    assert all("bike" not in outcome for outcome in outcomes)
    named, _ = await trial_on(tmp_path, "absent mode", modes=["bike"])
    assert [outcome["bike"] for outcome in named] == [0.0] * 3


async def test_a_benchmark_of_zeros_does_not_touch_the_shares_below_it(tmp_path: Path) -> None:
    source = "referenceRealizedModeChoice"
    outcomes, _ = await trial_on(tmp_path, "zero benchmark", source=source)
    assert outcomes == close_to(TRUE)


@pytest.mark.parametrize(
    ("misbehaviour", "says"),
    [
        ("garbage", "cannot be read .realizedModeChoice.csv, line [23]: it is no text"),
        ("short row", "line 3: 6 numbers of '1', where 7 of iteration 1 should be"),
        ("two runs", "several runs write into it: another, toy__"),
    ],
)
async def test_what_cannot_be_read_fails_the_trial_and_not_the_simulator(
    tmp_path: Path, misbehaviour: str, says: str
) -> None:
    async with running(tmp_path, misbehaviour) as beam:
        outcomes, ending = await outcomes_of(beam, trial(3))
        assert outcomes == close_to(TRUE[: len(outcomes)])
        assert ending.ending == "failed"
        _, ending = await outcomes_of(beam, trial(1, name=TWO))
        assert (ending.ending == "finished") == (misbehaviour != "two runs")


async def test_of_kept_outputs_those_of_failures_may_be_the_only_ones(tmp_path: Path) -> None:
    async with running(tmp_path, "crash", at=1, keep_outputs="failed") as beam:
        _, well = await outcomes_of(beam, trial(1, name=TWO))
        _, crashed = await outcomes_of(beam, trial(3))
    assert (well.ending, well.output) == ("finished", "")
    assert [path.name for path in (tmp_path / "outputs").iterdir()] == ["trial-one"]
    assert crashed.output == str(tmp_path / "outputs" / "trial-one")


async def test_a_beam_ends_with_its_node_even_if_that_is_killed(tmp_path: Path) -> None:
    pid = tmp_path / "outputs" / "trial-one" / "stubborn.pid"
    async with Runtime() as runtime:
        await runtime.start_node("far", max_restarts=0)
        options = beam_options(tmp_path, "stubborn")
        beam = await runtime.options(node="far").spawn(Beam, **options)
        async with closing(beam.start(trial())) as events:
            await anext(events)
            await until(lambda: pid.exists() and bool(pid.read_text()))
            os.kill(runtime.pid_of("far"), signal.SIGKILL)
            with pytest.raises(NodeDeadError):
                await anext(events)
        await gone(pid)


async def gone(pid: Path) -> None:
    """Return once the process whose number is in a file has ended, whether or not it was reaped."""
    number = int(await asyncio.to_thread(pid.read_text))
    await ended(number)
    await asyncio.get_running_loop().shutdown_default_executor()
    assert state_of(number) in {"", "Z"}


def state_of(pid: int) -> str:
    """Return the letter for a process's state, or nothing if there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    except FileNotFoundError:
        return ""
