from __future__ import annotations

import asyncio
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from passel import Runtime
from passel.protocols.trial import Iteration, Trial, TrialEnded, TrialId
from passel.sims.sumo import SumoMissingError, SumoSettings, SumoSimulator
from passel.sims.transport import INTERCEPTS, MODES

if TYPE_CHECKING:
    from passel import ActorRef
    from passel.protocols.trial import TrialEvent

SETTINGS = SumoSettings(people=40)
FAKE = Path(__file__).parent / "fake_sumo.py"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with programs that behave like SUMO's; temporary folders lie beside it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    shutil.copy(FAKE, folder / "fake.py")
    for name in ("sumo", "netgenerate"):
        (folder / name).write_text(f'#!/bin/sh\nexec {sys.executable} -S {folder}/fake.py "$@"\n')
        (folder / name).chmod(0o755)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return folder


def trial(iterations: int = 2) -> Trial:
    parameters = dict.fromkeys(INTERCEPTS, 0.0)
    return Trial(id=TrialId("one"), parameters=parameters, iterations=iterations, seed=3)


async def events_of(simulator: ActorRef[SumoSimulator], iterations: int = 2) -> list[TrialEvent]:
    return [event async for event in simulator.start(trial(iterations))]


async def run(programs: Path, iterations: int = 2, timeout: float = 30.0) -> list[TrialEvent]:
    async with Runtime() as runtime:
        simulator = await runtime.spawn(
            SumoSimulator, settings=SETTINGS, programs=str(programs), timeout=timeout
        )
        return await events_of(simulator, iterations)


@pytest.mark.process
async def test_each_run_of_the_program_is_an_iteration(programs: Path) -> None:
    *iterations, ended = await run(programs)

    assert ended == TrialEnded(trial=TrialId("one"), ending="finished", iterations=2)
    for event in iterations:
        assert isinstance(event, Iteration)
        assert tuple(event.outcome) == MODES
        assert sum(event.outcome.values()) == pytest.approx(1.0)
        assert event.sample == 40
    assert not list(programs.parent.glob("passel-sumo-*"))


@pytest.mark.process
@pytest.mark.parametrize(
    ("misbehaviour", "detail"),
    [
        ("fail", "SUMO's sumo ended with exit code 1: Error: the network has holes"),
        ("late", "had not arrived at the end; raise `end`"),
        ("lost", "never left; raise `end`"),
        ("walk", "travelled by walk"),
    ],
)
async def test_what_goes_wrong_fails_the_trial_and_says_why(
    programs: Path, misbehaviour: str, detail: str
) -> None:
    (programs / "misbehaviour").write_text(misbehaviour)
    events = await run(programs, iterations=1)

    assert len(events) == 1
    assert isinstance(events[0], TrialEnded)
    assert events[0].ending == "failed"
    assert detail in events[0].detail
    assert not list(programs.parent.glob("passel-sumo-*"))


@pytest.mark.process
@pytest.mark.parametrize("by_leaving", [True, False], ids=["left", "stopped"])
async def test_a_program_in_its_midst_ends_with_the_trial(programs: Path, by_leaving: bool) -> None:
    """That no process is left is looked at after every test."""
    (programs / "misbehaviour").write_text("hang")
    os.mkfifo(programs / "gate")
    async with Runtime() as runtime:
        simulator = await runtime.spawn(SumoSimulator, settings=SETTINGS, programs=str(programs))
        async with asyncio.TaskGroup() as tasks:
            events = tasks.create_task(events_of(simulator))
            assert await asyncio.to_thread((programs / "gate").read_text) == "here"
            if by_leaving:
                events.cancel()
            else:
                assert await simulator.stop(TrialId("one"))
                ended = TrialEnded(trial=TrialId("one"), ending="stopped", iterations=0)
                assert await events == [ended]
    assert not list(programs.parent.glob("passel-sumo-*"))


async def test_programs_that_are_missing_are_named(tmp_path: Path) -> None:
    with pytest.raises(SumoMissingError, match=r"SUMO's sumo is not in .*passel\[sumo\]"):
        SumoSimulator(programs=str(tmp_path))
