"""One run of a topology under faults: everything in it comes from its seed."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ..topology import Topology  # noqa: TC001  # a dataclass field's type
from .errors import SimulationError
from .faults import KINDS
from .invariants import Invariants
from .trial import Trial
from .watch import Violation
from .world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

LINES: Final = 80
"""Events of a failed run that are kept in words."""


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """What is simulated, whatever the seed.

    Attributes:
        topology: What runs.
        invariants: What must hold besides what holds for every runtime.
        kinds: What may go wrong.
        duration: Virtual seconds in which things go wrong.
        every: Mean virtual seconds between two faults.
    """

    topology: Topology
    invariants: type[Invariants] = Invariants
    kinds: tuple[str, ...] = KINDS
    duration: float = 30.0
    every: float = 2.0


@dataclass(frozen=True, kw_only=True)
class Run:
    """What came of one seed.

    Attributes:
        seed: Which one.
        digest: Of all that happened; equal in two runs only if the same happened.
        seconds: Virtual seconds that passed.
        messages: Messages that came to a handler.
        asks: Asks that ended, with an answer or an error.
        faults: How often each kind of fault was done.
        failed_asks: How many asks ended in an error, by its class.
        main_error: The class of the error that main ended with, or empty.
        violation: What must not be, or None.
        wrong: The faults and failed calls of a run with a violation, in words.
        lines: The last events before it, likewise.
    """

    seed: int
    digest: str
    seconds: float
    messages: int
    asks: int
    faults: dict[str, int] = field(default_factory=dict)
    failed_asks: dict[str, int] = field(default_factory=dict)
    main_error: str = ""
    violation: Violation | None = None
    wrong: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()


def simulate(experiment: Experiment, seed: int) -> Run:
    """Run a topology under the faults of one seed and return what came of it."""
    world = World(seed)
    trial = Trial(experiment, world)
    try:
        with collector_paused():
            world.conduct(trial.conduct())
    except SimulationError as error:
        world.watch.fail("every run ends", error.reason)
    finally:
        result = _result(world, trial)
        world.close()
    return result


def _result(world: World, trial: Trial) -> Run:
    watch = world.watch
    return Run(
        seed=world.seed,
        digest=world.trace.digest,
        seconds=world.loop.time(),
        messages=watch.messages,
        asks=watch.asks,
        faults=dict(trial.injector.done),
        failed_asks=watch.failed_asks,
        main_error=trial.main_error,
        violation=watch.violation,
        wrong=tuple(world.trace.wrong()) if watch.violation is not None else (),
        lines=tuple(world.trace.lines(LINES)) if watch.violation is not None else (),
    )


@contextmanager
def collector_paused() -> Iterator[None]:
    """Let nothing be freed by the garbage collector, whose moments differ between processes."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
