"""Any Python function as a simulator."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence  # noqa: TC003  # hints are read at run time
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from ...protocols.trial import SimulatorSpec, Trial
from .errors import InvalidSimulatorError, NoIterationError
from .function import SimulatedFunction
from .numbers import check_numbers
from .outcomes import observation_of
from .simulator import Simulator
from .steps import END, Lane, Steps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .observation import Observation


class FunctionSimulator(Simulator):
    """Simulates by calling a function with a trial's parameters as keyword arguments.

    A function that yields gives one outcome an iteration, one that returns gives the only one. An
    outcome is a mapping of names to numbers, a single number, or an `Observation`. A function with a
    parameter `seed` gets the trial's seed; one with a parameter `iterations`, how many are wanted.

    Blocking functions run in threads, as many as there are slots. A thread cannot be interrupted:
    of a trial that is stopped, or takes too long, the iteration under way runs out unheard, while
    other trials get a further thread. One that never ends keeps its process from ending: what may
    hang should live on a node, which is killed, or be a program: `CommandSimulator`.

    Args:
        function: `"module:function"`, or, where actor and program share a process, the function
            itself; generators, async functions and async generators, too.
        parameters: Which of its parameters trials give; those without a default if empty.
        outcomes: Names that every outcome must have.
        outcome: The name of a single number.
        iterations: After how many iterations the outcome counts as settled.
        slots: How many trials run at a time.
        timeout: Seconds that an iteration may take; any number if None.

    Raises:
        InvalidSimulatorError: There is no such function, it cannot be called like that, or a number
            makes no sense.
    """

    def __init__(
        self,
        *,
        function: Any,
        parameters: Sequence[str] = (),
        outcomes: Sequence[str] = (),
        outcome: str = "value",
        iterations: int = 1,
        slots: int = 1,
        timeout: float | None = None,
    ) -> None:
        super().__init__()
        self._function = SimulatedFunction(function, parameters)
        check_numbers(self._function.name, slots=slots, iterations=iterations, timeout=timeout)
        if iterations > 1 and not self._function.repeats:
            reason = "it returns one outcome, and yields no further ones; say iterations=1"
            raise InvalidSimulatorError(self._function.name, reason=reason)
        self._outcomes = tuple(outcomes)
        self._scalar = outcome
        self._iterations = iterations
        self._wanted_slots = slots
        self._timeout = timeout
        self._lanes: list[Lane] = []

    def spec(self) -> SimulatorSpec:
        """Return what the function's signature says, and what else was given."""
        function = self._function
        return SimulatorSpec(
            name=function.name,
            parameters=function.parameters,
            outcomes=self._outcomes,
            iterations=self._iterations,
            slots=self._wanted_slots,
            extendable=function.repeats and not function.knows_length,
        )

    async def simulate(self, trial: Trial) -> AsyncGenerator[Observation]:
        """Yield what the function gives.

        Raises:
            NoIterationError: It gave no outcome, or none in time.
        """
        steps = self._awaited(trial) if self._function.waits else self._threaded(trial)
        try:
            while True:
                clock = asyncio.timeout(self._timeout)
                try:
                    async with clock:
                        value = await anext(steps)
                except TimeoutError:
                    if not clock.expired():
                        raise
                    reason = f"gave no iteration within {self._timeout:g} s"
                    raise NoIterationError(self._function.name, reason=reason) from None
                except StopAsyncIteration:
                    return
                yield observation_of(self._function.name, value, scalar=self._scalar)
        finally:
            await steps.aclose()

    async def _awaited(self, trial: Trial) -> AsyncGenerator[Any]:
        """Yield what an asynchronous function gives."""
        values = self._function.begin(trial)
        try:
            if self._function.repeats:
                async for value in values:
                    yield value
            else:
                yield await values
        except SystemExit as error:
            raise self._raised(error) from None
        finally:
            if self._function.repeats:
                await values.aclose()

    async def _threaded(self, trial: Trial) -> AsyncGenerator[Any]:
        """Yield what a blocking function gives, step by step in a thread."""
        async with self._lane(Steps(partial(self._begin, trial))) as lane:
            assert lane.steps is not None, "just given"
            while True:
                value, error = await lane.threads.run(lane.steps.step)
                if isinstance(error, Exception):
                    raise error
                if error is not None:
                    raise self._raised(error)
                if value is END:
                    return
                yield value

    def _raised(self, error: BaseException) -> NoIterationError:
        reason = f"raised {type(error).__name__}: {error}"
        return NoIterationError(self._function.name, reason=reason)

    def _begin(self, trial: Trial) -> Iterator[Any]:
        value = self._function.begin(trial)
        return value if self._function.repeats else iter((value,))

    @asynccontextmanager
    async def _lane(self, steps: Steps) -> AsyncGenerator[Lane]:
        """Give a thread that is free, or a new one; it is free again once no step runs in it."""
        lane = next((lane for lane in self._lanes if lane.free), None)
        if lane is None:
            lane = Lane(self.context.threads(1))
            self._lanes.append(lane)
        lane.steps = steps
        lane.taken = True
        try:
            yield lane
        finally:
            try:
                if steps.leave():
                    await lane.threads.run(steps.close)
            finally:
                lane.taken = False
