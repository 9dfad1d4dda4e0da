"""What is kept of calibrations, by whom, and what happens when it cannot be written."""

from __future__ import annotations

import asyncio
import os
import signal
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from passel import Runtime, handler
from passel.agents.calibration import (
    Budget,
    CalibrationJournal,
    CalibrationSettings,
    Calibrator,
    JournalLostError,
    Parameter,
    SupersededError,
    Target,
    TrialRecord,
)
from passel.agents.calibration.journal import KeptCalibration
from passel.agents.calibration.scheduling import CalibrationId, Ended, Entry
from passel.agents.calibration.scheduling.ledger import TrialPlanned
from passel.agents.calibration.session import JournalKey
from passel.protocols.errors import JournalError
from passel.protocols.trial import TrialId
from tests.agents.calibration.crew import Slope

if TYPE_CHECKING:
    from pathlib import Path

    from passel import ActorRef

TARGET = Target(values={"car": 0.8, "bus": 0.2})
SPACE = [Parameter(name="car_intercept", constant_of="car")]
ONE = CalibrationId("one")


def planned(x: float) -> list[Entry]:
    return [TrialPlanned(at=0.0, record=TrialRecord(id=TrialId("one-1"), point={"x": x}, limit=1))]


async def calibrator(
    runtime: Runtime, journal: ActorRef[Any], *, trials: int, seconds: float = 0.0, **options: Any
) -> ActorRef[Calibrator]:
    """Start a calibrator of a name with a simulator of its own."""
    simulator = await runtime.spawn(Slope, seconds=seconds)
    return await runtime.options(name="calibrator").spawn(
        Calibrator, simulators=[simulator], target=TARGET, space=SPACE, proposer="random",
        stopper="none", journal=journal,
        settings=CalibrationSettings(budget=Budget(trials=trials), confirmations=0), **options,
    )  # fmt: skip


async def test_only_the_latest_life_of_a_calibration_may_write(tmp_path: Path) -> None:
    async with Runtime(state=tmp_path) as runtime:
        journal = await runtime.options(name="j", durable=True).spawn(CalibrationJournal)
        first = await journal.open("key", ONE)
        second = await journal.open("key", CalibrationId("two"))
        assert (first.calibration, first.life) == (second.calibration, second.life - 1) == (ONE, 1)

        assert not await journal.keep("key", ONE, first.life, planned(1.0))
        assert await journal.keep("key", ONE, second.life, planned(2.0))
        assert not await journal.close("key", ONE, first.life, "goal")
        kept = await journal.look("key")

        assert kept is not None
        assert [record.point for record in kept.state.records] == [{"x": 2.0}]
        assert kept.ended is None
        assert await journal.close("key", ONE, second.life, "goal")
        assert (await journal.open("key", CalibrationId("three"))).calibration == "three"


async def test_a_journal_that_is_not_durable_remembers_while_it_lives_and_that_is_said() -> None:
    async with Runtime() as runtime:
        journal = await runtime.options(name="j").spawn(CalibrationJournal)
        ref = await calibrator(runtime, journal, trials=3)
        shown = [item async for item in ref.calibrate_shown()]
        (key,) = await journal.keys()
        kept = await journal.look(key)

    assert "its journal is not durable" in str(shown[0])
    assert kept is not None
    assert (len(kept.state.records), kept.ended) == (3, "trials")


async def test_lives_are_counted_across_those_of_the_journal(tmp_path: Path) -> None:
    for life in (1, 2, 3):
        async with Runtime(state=tmp_path, resume=life > 1) as runtime:
            journal = await runtime.options(name="j", durable=True).spawn(CalibrationJournal)
            assert (await journal.open("key", CalibrationId(f"life {life}"))).life == life


async def test_a_calibrator_whose_calibration_was_taken_over_ends(tmp_path: Path) -> None:
    async with Runtime(state=tmp_path) as runtime:
        journal = await runtime.options(name="j", durable=True).spawn(CalibrationJournal)
        ref = await calibrator(runtime, journal, trials=10_000, seconds=0.001)
        calibrating = asyncio.ensure_future(ref.calibrate())
        while not (keys := await journal.keys()):
            pass
        await journal.open(keys[0], ONE)

        with pytest.raises(SupersededError, match="ask that one"):
            await calibrating


@pytest.mark.process
async def test_a_calibration_whose_journal_was_lost_says_so(tmp_path: Path) -> None:
    async with Runtime(run_directory=tmp_path) as runtime:
        await runtime.start_node("side")
        journal = await runtime.options(name="j", node="side").spawn(CalibrationJournal)
        ref = await calibrator(runtime, journal, trials=10_000, seconds=0.001)
        calibrating = asyncio.ensure_future(ref.calibrate())
        while not await journal.keys():
            pass
        os.kill(runtime.pid_of("side"), signal.SIGKILL)

        with pytest.raises(JournalLostError, match="durable=True"):
            await calibrating


@pytest.mark.parametrize("durable", [False, True])
async def test_a_journal_says_whether_it_is_durable_however_it_is_referred_to(
    tmp_path: Path, durable: bool
) -> None:
    async with Runtime(state=tmp_path) as runtime:
        await runtime.options(name="j", durable=durable).spawn(CalibrationJournal)
        journal = runtime.named("j", CalibrationJournal)
        assert (await journal.open("key", ONE)).durable is durable


async def test_trials_under_other_constants_are_not_gone_on_with(tmp_path: Path) -> None:
    async with Runtime(state=tmp_path) as runtime:
        journal = await runtime.options(name="j", durable=True).spawn(CalibrationJournal)
        ref = await calibrator(
            runtime, journal, trials=10_000, seconds=0.001, fixed={"bus_intercept": 0.0}
        )
        calibrating = asyncio.ensure_future(ref.calibrate())
        while (progress := await ref.progress()) is None or progress.iterations < 5:
            pass
        await runtime.stop(ref, grace=0.0)
        await asyncio.gather(calibrating, return_exceptions=True)

        ref = await calibrator(runtime, journal, trials=3, fixed={"bus_intercept": 5.0})
        report = await ref.calibrate()

        assert not report.resumed
        assert report.trials == 3


class Full(CalibrationJournal):
    """Cannot write so many times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self._times = times

    def _write(self) -> bool:
        self._times -= 1
        if self._times >= 0:
            raise JournalError("journal", "no space left on device", "make room")
        return True

    @handler(raises=(JournalError,))
    async def keep(
        self, key: str, calibration: CalibrationId, life: int, entries: list[Entry]
    ) -> bool:
        del key, calibration, life, entries
        return self._write()

    @handler(raises=(JournalError,))
    async def close(self, key: str, calibration: CalibrationId, life: int, ended: Ended) -> bool:
        del key, calibration, life, ended
        return self._write()


@pytest.mark.parametrize("times", [2, 7, 8])
async def test_a_journal_that_cannot_be_written_is_tried_again_for_a_while(times: int) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    context: Any = SimpleNamespace(sleep=sleep, log=structlog.get_logger())
    async with Runtime() as runtime:
        journal = await runtime.spawn(Full, times)
        key = JournalKey(journal, "key", KeptCalibration(calibration=ONE), context)
        if times < 8:
            await key.keep(planned(1.0))
        else:
            with pytest.raises(JournalError, match="make room"):
                await key.keep(planned(1.0))

    assert len(pauses) == min(times, 7)
    assert sum(pauses) == pytest.approx(0.7 if times == 2 else 18.7)
