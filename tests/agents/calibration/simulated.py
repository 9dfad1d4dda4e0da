"""Who asks in `simulated.yaml`, and what must hold."""

from __future__ import annotations

from itertools import islice

from passel import Actor, ActorRef, Runtime, handler
from passel.agents.calibration import (
    CalibrationJournal,
    CalibrationReport,
    Calibrator,
    UnderWayError,
)
from passel.protocols.errors import DeadActorError, DeadlineError, RestartedError, StateError
from passel.runtime.simulation import Invariants, Outcome
from tests.agents.calibration.crew import cars


class Asker(Actor):
    """Asks for a calibration until it is there, whoever dies over it."""

    def __init__(self, *, calibrator: ActorRef[Calibrator]) -> None:
        self._calibrator = calibrator

    @handler
    async def ask(self) -> CalibrationReport:
        """Return the report."""
        while True:
            try:
                return await self._calibrator.calibrate.options(timeout=120.0)()
            except (DeadActorError, DeadlineError, RestartedError, StateError, UnderWayError):
                await self.context.sleep(0.5)


class NothingIsLost(Invariants):
    """What the journal holds at rest is one whole calibration, result by result."""

    async def after(self, runtime: Runtime, outcome: Outcome) -> None:
        """Look at every trial."""
        assert outcome.error is None, outcome.error
        journal = await runtime.lookup("journal", CalibrationJournal)
        keys = await journal.keys()
        assert len(keys) == 1, keys
        kept = await journal.look(keys[0])
        assert kept is not None
        assert kept.ended in {"trials", "noise"}, kept.ended
        records = kept.state.records
        assert [record.id for record in records] == [
            f"{kept.calibration}-{number}" for number in range(1, len(records) + 1)
        ], "a trial is missing, or there twice"
        assert kept.ended != "trials" or 22 <= len(records) <= 24, len(records)
        for record in records:
            assert record.state != "running", f"{record.id} was lost"
            assert len(record.outcomes) <= record.limit, f"{record.id} was counted twice"
            if record.state == "finished":
                assert len(record.outcomes) == record.limit, f"{record.id} lacks iterations"
            expected = list(islice(cars(-record.point["bus_intercept"], record.seed), 5))
            found = [shown["car"] for shown in record.outcomes]
            assert found == expected[: len(found)], f"{record.id} has another one's results"
        assert kept.state.iterations >= sum(len(record.outcomes) for record in records)
        if isinstance(outcome.value, CalibrationReport):
            assert outcome.value.ended in {"trials", "noise"}, outcome.value
