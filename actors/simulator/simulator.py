"""What all simulators have in common."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator  # noqa: TC003  # hints are read at run time
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

from ...protocols.errors import PasselError
from ...protocols.trial import (
    Iteration,
    SimulatorSpec,
    Trial,
    TrialBegan,
    TrialEnded,
    TrialEvent,
    TrialId,
    TrialQueued,
)
from ..actor import Actor
from ..handler import handler
from .errors import SimulatorError, TrialRefusedError
from .observation import Observation
from .trial_run import TrialRun

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...protocols.trial import Ending, Outcome


class Simulator(Actor):
    """An actor that runs trials: implement `spec` and `simulate`, and call `start`.

    A parameter of this type, `ActorRef[Simulator]`, takes any of them. What fails in a trial ends
    that trial; the simulator lives on.
    """

    def __init__(self) -> None:
        self._running: dict[TrialId, TrialRun] = {}
        self._free: asyncio.Semaphore | None = None

    def spec(self) -> SimulatorSpec:
        """Return what the simulator says of itself; to be implemented."""
        raise NotImplementedError(f"{type(self).__qualname__} has no `spec`")

    async def simulate(self, trial: Trial) -> AsyncGenerator[Observation]:
        """Yield what each iteration of a trial came to; to be implemented.

        The next iteration is asked for when it is wanted, so a simulator that works only then can
        be extended. Closing the generator ends the work. An error fails the trial, and so does an
        outcome that is no finite number, or lacks a name that `spec` has.

        As in every generator, no task group and no timeout may stay open over a `yield`.
        """
        raise NotImplementedError(f"{type(self).__qualname__} has no `simulate`")
        yield  # what makes it a generator

    def refusal(self, trial: Trial) -> str:
        """Return why a trial cannot be run here, beyond what `spec` says; empty if it can."""
        del trial
        return ""

    def keep(self, trial: TrialId, output: str) -> None:
        """Note where the files lie that a trial has written; that is said when it ends."""
        self._running[trial].output = output

    @handler(concurrent=True)
    async def describe(self) -> SimulatorSpec:
        """Return what the simulator says of itself."""
        return self.spec()

    @handler(raises=(SimulatorError,))
    async def start(self, trial: Trial) -> AsyncIterator[TrialEvent]:
        """Run a trial; yield every iteration as it ends, and a `TrialEnded` last.

        A trial for which no slot is free says so first, with a `TrialQueued`, and yields a
        `TrialBegan` once it has one, so that nobody takes its waiting for work. Leaving the stream, or dying, ends the
        trial and all that it has started.

        Raises:
            TrialRefusedError: A trial of this name runs here, or it does not fit the simulator.
        """
        with self._entered(trial) as running:
            slots = self._slots()
            waits = slots.locked()
            if waits:
                yield TrialQueued(trial=trial.id)
            if not await running.unless_stopped(slots.acquire()):
                yield TrialEnded(trial=trial.id, ending="stopped", iterations=0)
                return
            try:
                if waits:
                    yield TrialBegan(trial=trial.id)
                async with aclosing(self._events(trial, running)) as events:
                    async for event in events:
                        yield event
            finally:
                slots.release()

    @handler(concurrent=True)
    async def extend(self, trial: TrialId, iterations: int) -> bool:
        """Let a trial that runs, or waits at its limit, go on up to `iterations` in all.

        Returns:
            Whether it will: not if no such trial is here any more, or if it cannot be extended.
        """
        running = self._running.get(trial)
        if running is None or running.stopped or not self.spec().extendable:
            return False
        running.extend(iterations)
        return True

    @handler(concurrent=True)
    async def stop(self, trial: TrialId) -> bool:
        """End a trial; its stream ends with a `TrialEnded`. Return whether it was here."""
        running = self._running.get(trial)
        if running is not None:
            running.stop()
        return running is not None

    @contextmanager
    def _entered(self, trial: Trial) -> Iterator[TrialRun]:
        spec = self.spec()
        _check(trial, spec, known=trial.id in self._running)
        if reason := self.refusal(trial):
            raise TrialRefusedError(trial.id, reason)
        running = TrialRun(trial.iterations, waits=trial.waits and spec.extendable)
        self._running[trial.id] = running
        try:
            yield running
        finally:
            del self._running[trial.id]

    def _slots(self) -> asyncio.Semaphore:
        if self._free is None:
            self._free = asyncio.Semaphore(self.spec().slots)
        return self._free

    @asynccontextmanager
    async def _observations(self, trial: Trial) -> AsyncGenerator[AsyncGenerator[Observation]]:
        """Close what a trial has opened; what it has shown stays true if that fails."""
        observations = self.simulate(trial)
        try:
            yield observations
        finally:
            try:
                await observations.aclose()
            except Exception as error:  # noqa: BLE001  # of a user's simulator, after its trial
                reason = f"{type(error).__name__}: {error}"
                self.context.log.warning("trial not cleaned up", trial=trial.id, reason=reason)

    async def _events(self, trial: Trial, running: TrialRun) -> AsyncGenerator[TrialEvent]:
        done = 0
        failure = _Failure("")
        wanted = self.spec().outcomes
        async with self._observations(trial) as observations:
            while await running.may_go_on(done):
                begun = self.context.now()
                seen = await running.unless_stopped(_next(observations, wanted))
                if not isinstance(seen, Observation):
                    failure = seen or failure
                    break
                done += 1
                seconds = self.context.now() - begun if seen.seconds is None else seen.seconds
                yield Iteration(
                    trial=trial.id,
                    number=done,
                    outcome=seen.outcome,
                    sample=seen.sample,
                    seconds=seconds,
                )
        if running.stopped:
            failure = _Failure("")
        ending: Ending = "stopped" if running.stopped else "failed" if failure.why else "finished"
        yield TrialEnded(
            trial=trial.id,
            ending=ending,
            iterations=done,
            detail=failure.why,
            output=running.output,
            shown=failure.shown,
        )


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why there is no next iteration; and what its outcome has, if it lacks names."""

    why: str
    shown: tuple[str, ...] = ()


async def _next(
    observations: AsyncGenerator[Observation], wanted: tuple[str, ...]
) -> Observation | _Failure:
    """Return the next iteration, or why there is none."""
    try:
        seen = await anext(observations)
        return _fault(seen.outcome, wanted) or seen
    except StopAsyncIteration:
        return _Failure("the simulator ended by itself, before the last iteration that was wanted")
    except PasselError as error:  # builds its own sentence
        return _Failure(str(error))
    except Exception as error:  # noqa: BLE001  # a trial's failure is its result
        return _Failure(f"{type(error).__name__}: {error}")


def _fault(outcome: Outcome, wanted: tuple[str, ...]) -> _Failure | None:
    """Return what is wrong with an outcome, if anything is."""
    odd = [f"{name} is {value}" for name, value in outcome.items() if not isfinite(value)]
    missing = [f"{name} is missing" for name in wanted if name not in outcome]
    if not odd and not missing:
        return None
    has = ", ".join(outcome) or "nothing"
    why = f"an outcome that is none: {', '.join((*odd, *missing))}; it has {has}"
    return _Failure(why, tuple(outcome) if missing else ())


def _check(trial: Trial, spec: SimulatorSpec, *, known: bool) -> None:
    """Refuse a trial that cannot be run here.

    Raises:
        TrialRefusedError: Says why.
    """
    if known:
        raise TrialRefusedError(trial.id, "a trial of this name is under way here")
    if trial.iterations < 1:
        raise TrialRefusedError(trial.id, f"{trial.iterations} iterations; ask for one or more")
    if spec.slots < 1:
        raise TrialRefusedError(
            trial.id, f"{spec.name} has {spec.slots} slots; give it one or more"
        )
    names = set(spec.parameters)
    odd = sorted(set(trial.parameters) - names) if names else []
    if odd:
        takes = ", ".join(spec.parameters)
        raise TrialRefusedError(trial.id, f"{spec.name} has no {', '.join(odd)}; it takes {takes}")
    missing = sorted(names - set(trial.parameters))
    if missing:
        raise TrialRefusedError(trial.id, f"{spec.name} also wants {', '.join(missing)}")
    endless = sorted(name for name, value in trial.parameters.items() if not isfinite(value))
    if endless:
        raise TrialRefusedError(trial.id, f"{', '.join(endless)} is no finite number")
