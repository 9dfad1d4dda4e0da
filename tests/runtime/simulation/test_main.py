"""What a run says of a main that fails, and of what a simulation has no counterpart for."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace as replace_struct

from passel import Actor, handler
from passel.runtime.simulation import Invariants, simulate
from passel.runtime.simulation.experiment import experiment_of

if TYPE_CHECKING:
    from pathlib import Path

    from passel import Runtime
    from passel.runtime.simulation.run import Experiment


class Main(Actor):
    """Fails in several ways."""

    @handler
    async def fail(self) -> None:
        """Raise something that has to do with no fault."""
        raise ValueError("always")

    @handler
    async def use(self, what: str) -> None:
        """Use something real; go on as if nothing were, where that fails."""
        try:
            if what == "sleep":
                time.sleep(0.001)  # noqa: ASYNC251  # that it is refused is the point
            elif what == "thread":
                await asyncio.to_thread(len, "")
            elif what == "kill":
                os.kill(os.getpid(), signal.SIGTERM)
        except Exception:  # noqa: BLE001  # as careless programs do
            return


def experiment(folder: Path, ask: str, arguments: str = "{}", *, faults: bool) -> Experiment:
    file = folder / "main.yaml"
    file.write_text(
        f"version: 1\nname: main\nactors: {{main: {{class: '{__name__}:Main'}}}}\n"
        f"main: {{actor: main, ask: {ask}, args: {arguments}}}\n"
    )
    made = experiment_of(file, kinds=("lag",) if faults else ())
    return replace(made, duration=5.0, every=0.01) if faults else made


def test_a_main_that_fails_while_nothing_goes_wrong_is_a_violation(tmp_path: Path) -> None:
    run = simulate(experiment(tmp_path, "fail", faults=False), 1)

    assert run.violation is not None
    assert run.violation.invariant == "main succeeds while nothing goes wrong"
    assert "always" in run.violation.what
    assert run.main_error == "ValueError"
    assert any("fail" in line and "RemoteError" in line for line in run.wrong)


@pytest.mark.parametrize(
    ("what", "named"), [("sleep", "real sleep"), ("thread", "a thread"), ("kill", "a signal")]
)
def test_real_things_are_a_violation_although_the_program_hides_it(
    tmp_path: Path, what: str, named: str
) -> None:
    run = simulate(experiment(tmp_path, "use", f"{{what: {what}}}", faults=False), 1)

    assert run.violation is not None
    assert run.violation.invariant == "only what is simulated is used"
    assert named in run.violation.what


class Server(Main):
    """Waits for what it could not start."""

    async def started(self) -> None:
        """Hide the reason."""
        await self.use("thread")
        await self.context.sleep(1_000.0)


def test_what_is_real_is_said_before_what_comes_of_it(tmp_path: Path) -> None:
    made = experiment(tmp_path, "fail", faults=False)
    actors = {"main": replace_struct(made.topology.actors["main"], cls=f"{__name__}:Server")}
    run = simulate(replace(made, topology=replace_struct(made.topology, actors=actors)), 1)

    assert run.violation is not None
    assert run.violation.what.startswith("simulation: a thread is not simulated")
    assert run.seconds < 1.0
    assert not any("DeadlineError" in line for line in run.lines)


class Typo(Invariants):
    """Fails by its own fault."""

    async def during(self, runtime: Runtime) -> None:
        """Look up what is not there."""
        raise KeyError(runtime.name)


def test_an_error_of_the_invariants_says_where_it_is(tmp_path: Path) -> None:
    made = replace(experiment(tmp_path, "use", "{what: nothing}", faults=False), invariants=Typo)
    run = simulate(made, 1)

    assert run.violation is not None
    assert "in during, " in run.violation.what
    assert __file__ in run.violation.what
