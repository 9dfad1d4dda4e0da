"""Logs: one writer at a time, whole lines or nothing, and a full disk."""

from __future__ import annotations

import asyncio
import resource
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from passel import Runtime
from passel.agents.calibration import (
    Budget,
    CalibrationSettings,
    Calibrator,
    LogError,
    Parameter,
    Target,
    TrialRecord,
)
from passel.agents.calibration.log import CalibrationLog, LogHead, read_log
from passel.agents.calibration.scheduling import CalibrationId, Entry
from passel.agents.calibration.scheduling.ledger import TrialPlanned
from passel.protocols.trial import TrialId
from tests.agents.calibration.crew import Slope

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from passel import ActorRef

TARGET = Target(values={"car": 0.8, "bus": 0.2})
HEAD = LogHead(
    calibration=CalibrationId("c"), simulator="slope", target=TARGET,
    space=(Parameter(name="x"),), fixed={}, settled=3,
)  # fmt: skip


def planned(count: int) -> list[Entry]:
    return [
        TrialPlanned(at=0.0, record=TrialRecord(id=TrialId(f"c-{n}"), point={"x": 1.0}, limit=1))
        for n in range(count)
    ]


@contextmanager
def no_file_longer_than(size: int) -> Iterator[None]:
    """What a full disk does: a write fails after some of it was written."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_what_was_written_in_part_is_written_again_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    log = CalibrationLog(path)
    log.begin(HEAD)
    log.append(planned(1))
    size = path.stat().st_size
    entries = planned(4)
    with no_file_longer_than(size + 100), pytest.raises(LogError, match="cannot be written"):
        log.append(entries)
    assert path.stat().st_size == size + 100
    log.append(entries)
    log.close()

    assert [record.id for record in read_log(path).ledger.records] == ["c-0", "c-1", "c-2", "c-3"]


def test_a_parameter_whose_bounds_leave_no_room_is_held_like_those_that_are_fixed() -> None:
    space = (Parameter(name="x"), Parameter(name="y", low=2.0, high=2.0))
    head = msgspec.structs.replace(HEAD, space=space, fixed={"z": 0.0})

    assert head.held == {"y": 2.0, "z": 0.0}


def test_a_log_that_another_one_writes_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    first, second = CalibrationLog(path), CalibrationLog(path)
    first.begin(HEAD)
    first.append(planned(2))
    with pytest.raises(LogError, match="another calibration is writing"):
        second.begin(HEAD)
    assert len(read_log(path).ledger.records) == 2
    first.close()
    second.begin(HEAD)
    assert not read_log(path).ledger.records
    second.close()


async def calibrator(runtime: Runtime, log: Path, **options: Any) -> ActorRef[Calibrator]:
    simulator = await runtime.spawn(Slope, **options)
    return await runtime.spawn(
        Calibrator, simulators=[simulator], target=TARGET, log=str(log), proposer="random",
        settings=CalibrationSettings(budget=Budget(trials=20), confirmations=0), stopper="none",
    )  # fmt: skip


async def test_two_calibrators_do_not_write_to_one_log(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    async with Runtime() as runtime:
        refs = [await calibrator(runtime, path, seconds=0.001) for _ in range(2)]
        both = await asyncio.gather(*(ref.calibrate() for ref in refs), return_exceptions=True)
        assert sorted(type(answer).__name__ for answer in both) == ["CalibrationReport", "LogError"]
        await refs[0].calibrate()
        await refs[1].calibrate()

    logged = read_log(path)
    assert {record.id.partition("-")[0] for record in logged.ledger.records} == {
        logged.head.calibration
    }


async def test_a_log_that_cannot_be_written_is_said_in_a_sentence_by_both_ways(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").write_text("")
    async with Runtime() as runtime:
        ref = await calibrator(runtime, tmp_path / "file" / "runs.jsonl")
        with pytest.raises(LogError, match="cannot be written"):
            await ref.calibrate()
        with pytest.raises(LogError, match="cannot be written"):
            async for _ in ref.calibrate_shown():
                pass


def test_the_log_of_another_calibration_is_kept_and_other_files_are_left_alone(
    tmp_path: Path,
) -> None:
    path = tmp_path / "runs.jsonl"
    for name in ("c", "d", "d"):
        log = CalibrationLog(path)
        log.begin(msgspec.structs.replace(HEAD, calibration=CalibrationId(name)))
        log.append(planned(2 if name == "c" else 1))
        log.close()

    assert sorted(file.name for file in tmp_path.iterdir()) == ["runs-c.jsonl", "runs.jsonl"]
    assert len(read_log(tmp_path / "runs-c.jsonl").ledger.records) == 2
    assert len(read_log(path).ledger.records) == 1

    notes = tmp_path / "notes.txt"
    notes.write_text("mine")
    with pytest.raises(LogError, match="it is there and is no log; name another file"):
        CalibrationLog(notes).begin(HEAD)
    assert notes.read_text() == "mine"
