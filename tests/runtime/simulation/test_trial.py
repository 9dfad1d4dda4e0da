from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from passel.protocols.errors import PasselError
from passel.runtime.simulation import Invariants, simulate
from passel.runtime.simulation.experiment import experiment_of
from tests.runtime.simulation.mixed import Vault

if TYPE_CHECKING:
    import pytest

    from passel import Runtime
    from passel.runtime.simulation import Experiment, Outcome

FILE = Path(__file__).parent / "mixed.yaml"


def leader_killed() -> Experiment:
    """Return an experiment in which nothing happens but that the leader is killed."""
    return replace(experiment_of(FILE), kinds=("leader", "blackout"), duration=4.0, every=1.0)


class Witness(Invariants):
    """Enters one number, and counts the lives of the leader."""

    def __init__(self) -> None:
        self.lives = 0
        self.is_entered = False

    async def during(self, runtime: Runtime) -> None:
        self.lives += 1
        vault = runtime.named("vault-0", Vault)
        if not self.is_entered:
            await vault.enter.options(key="once")("witness", 1)
            self.is_entered = True

    async def after(self, runtime: Runtime, outcome: Outcome) -> None:
        kept = await (await runtime.lookup("vault-0", Vault)).sheet()
        assert kept["witness"] == [1]
        raise AssertionError(f"{self.lives} lives")  # so that the test sees it


def test_a_leader_that_is_killed_is_started_again_on_the_same_state() -> None:
    run = simulate(replace(leader_killed(), invariants=Witness), 2)

    killed = run.faults.get("leader", 0) + run.faults.get("blackout", 0)
    assert killed >= 2
    assert run.violation is not None
    lives = int(run.violation.what.split()[0])
    assert 2 <= lives <= killed + 1, "it may be killed before it is up"


def test_a_runtime_that_does_not_come_up_again_when_nothing_is_wrong_is_a_violation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    experiment = leader_killed()

    async def fail(*_: object, **__: object) -> None:
        raise PasselError("never again")

    class Saboteur(Invariants):
        async def during(self, runtime: Runtime) -> None:
            monkeypatch.setattr("passel.runtime.fleet.Fleet.start", fail)

    run = simulate(replace(experiment, invariants=Saboteur), 2)

    assert run.violation is not None
    assert run.violation.invariant == "the runtime lives until it is stopped"
    assert "never again" in run.violation.what
