"""With SUMO itself, out of `.venv-sumo`: `make sumo` puts it there."""

from __future__ import annotations

import pytest

from passel import Runtime
from passel.protocols.trial import Iteration, Trial, TrialEnded, TrialId
from passel.sims.sumo import SumoSettings, SumoSimulator
from passel.sims.transport import INTERCEPTS, MODES
from tests.source import ROOT

PROGRAMS = str(ROOT / ".venv-sumo" / "bin")
CONSTANTS = [-1.0, 1.5, 2.0, 3.0, 2.0, 4.5, 1.0, 2.0]

pytestmark = [pytest.mark.sumo, pytest.mark.timeout(180)]


def trial(iterations: int) -> Trial:
    parameters = dict(zip(INTERCEPTS, CONSTANTS, strict=True))
    return Trial(id=TrialId("one"), parameters=parameters, iterations=iterations, seed=1)


@pytest.mark.parametrize("meso", [True, False], ids=["meso", "micro"])
async def test_every_mode_travels_as_chosen_and_everyone_arrives(meso: bool) -> None:
    """A trip that was not made as chosen, or not at all, would fail the trial."""
    async with Runtime() as runtime:
        settings = SumoSettings(people=300, meso=meso)
        simulator = await runtime.spawn(SumoSimulator, settings=settings, programs=PROGRAMS)
        events = [event async for event in simulator.start(trial(3))]

    assert events[-1] == TrialEnded(trial=TrialId("one"), ending="finished", iterations=3)
    for event in events[:-1]:
        assert isinstance(event, Iteration)
        assert event.sample == 300
        assert all(event.outcome[mode] > 0.01 for mode in MODES), event.outcome
        assert sum(event.outcome.values()) == pytest.approx(1.0)
