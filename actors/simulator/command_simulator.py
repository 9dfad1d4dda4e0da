"""Any program as a simulator."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence  # noqa: TC003  # hints are read at run time
from pathlib import Path
from typing import Final

from ...protocols.trial import SimulatorSpec, Trial
from ..processes import INHERITED, CommandWords, Program, environment_of
from .errors import InvalidSimulatorError, NoIterationError
from .numbers import check_numbers
from .observation import Observation  # noqa: TC001  # hints are read at run time
from .outcomes import observation_in
from .output_lines import LINE_BYTES, OutputLines
from .simulator import Simulator

_OURS: Final = ("seed", "iterations", "trial")
_LINES: Final = 12
"""How many of the last lines of a program its failure tells."""

_LINGER_SECONDS: Final = 1.0
"""How long a program that has closed its output may take to end."""


class CommandSimulator(Simulator):
    """Simulates by running a program, which writes one JSON object of numbers for each iteration.

    Each object stands in a line of the standard output, as `{"car": 0.6, "walk": 0.4}`. What the
    program writes to its standard error is told when it fails. The places of the command are the
    parameters of its trials, besides `{seed}`, `{iterations}` and `{trial}`. A program that fails,
    hangs or writes something else costs its trial; it, and all that it has started, ends with the
    trial and with its node. A trial cannot be extended.

    Args:
        command: Program and arguments; no shell sees them.
        outcomes: Names that every outcome must have.
        iterations: After how many iterations the outcome counts as settled.
        slots: How many programs run at a time.
        sample: Under which name the program says how many observations the other numbers are shares
            of, if it does.
        directory: Where it runs; where the node does if empty.
        environment: Names of further environment variables that it sees, besides PATH, HOME and the
            language.
        variables: Environment variables with their values.
        timeout: Seconds that an iteration may take.
        end_grace: Seconds between SIGTERM and SIGKILL for a program that is ended.

    Raises:
        InvalidCommandError: No program can be run by the command (some of that only when the actor
            starts).
        InvalidSimulatorError: A number makes no sense, or its directory is not there (when the actor
            starts).
    """

    def __init__(
        self,
        *,
        command: Sequence[str],
        outcomes: Sequence[str] = (),
        iterations: int = 1,
        slots: int = 1,
        sample: str = "",
        directory: str = "",
        environment: Sequence[str] = (),
        variables: Mapping[str, str] | None = None,
        timeout: float = 3600.0,
        end_grace: float = 5.0,
    ) -> None:
        super().__init__()
        self._words = CommandWords(command)
        self._what = Path(command[0]).name
        check_numbers(self._what, slots=slots, iterations=iterations, timeout=timeout)
        self._outcomes = tuple(outcomes)
        self._iterations = iterations
        self._wanted_slots = slots
        self._sample = sample
        self._directory = directory or None
        self._environment = environment_of((*INHERITED, *environment), variables or {})
        self._timeout = timeout
        self._grace = end_grace

    async def started(self) -> None:
        """Look whether the program is there."""
        await self.context.run_blocking(self._look)

    def spec(self) -> SimulatorSpec:
        """Return what the command has places for, and what else was given."""
        return SimulatorSpec(
            name=self._what,
            parameters=tuple(place for place in self._words.places if place not in _OURS),
            outcomes=self._outcomes,
            iterations=self._iterations,
            slots=self._wanted_slots,
            extendable=False,
        )

    async def simulate(self, trial: Trial) -> AsyncGenerator[Observation]:
        """Run the program and yield what it writes.

        Raises:
            NoIterationError: It failed, hung, or wrote something else.
        """
        values = {name: repr(value) for name, value in trial.parameters.items()}
        ours = {"seed": trial.seed, "iterations": trial.iterations, "trial": trial.id}
        lines = OutputLines()

        def take(chunk: bytes) -> None:
            lines.feed(chunk)
            if lines.full:
                program.output.pause()

        program = Program(
            self._words.fill({**values, **{name: str(value) for name, value in ours.items()}}),
            environment=self._environment,
            directory=self._directory,
            grace=self._grace,
            take=take,
        )
        try:
            while True:
                line = await self._next(program, lines)
                yield observation_in(self._what, line, sample=self._sample)
        finally:
            await program.aclose()

    async def _next(self, program: Program, lines: OutputLines) -> bytes:
        """Return the next line, once it is there."""
        try:
            async with asyncio.timeout(self._timeout):
                while (line := lines.take()) is None:
                    if lines.too_long:
                        reason = f"wrote a line of more than {LINE_BYTES} bytes"
                        raise self._failure(reason, program)
                    if lines.ended:
                        await program.wait(_LINGER_SECONDS)
                        ending = program.ending or "it has closed its output"
                        raise self._failure(f"ended before it was asked to ({ending})", program)
                    lines.news.clear()
                    await lines.news.wait()
        except TimeoutError:
            raise self._failure(f"wrote nothing for {self._timeout:g} s", program) from None
        if not lines.full:
            program.output.resume()
        return line

    def _failure(self, reason: str, program: Program) -> NoIterationError:
        return NoIterationError(self._what, reason=reason, lines=program.lines.tail(_LINES))

    def _look(self) -> None:
        if self._directory is not None and not Path(self._directory).is_dir():
            raise InvalidSimulatorError(self._directory, reason="it is no folder to run in")
        self._words.find(directory=self._directory, path=self._environment.get("PATH"))
