"""Seeds of a simulated world, all of which a topology has to stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passel.runtime.simulation import simulate
from passel.runtime.simulation.experiment import experiment_of

if TYPE_CHECKING:
    from pathlib import Path


def stands(topology: Path, seeds: range) -> None:
    """Simulate a topology with each seed; its invariants hold, with three faults a seed on average."""
    experiment = experiment_of(topology)
    faults = 0
    for seed in seeds:
        run = simulate(experiment, seed)
        assert run.violation is None, f"seed {seed}: {run.violation}\n" + "\n".join(run.lines)
        faults += sum(run.faults.values())
    assert faults >= 3 * len(seeds)
