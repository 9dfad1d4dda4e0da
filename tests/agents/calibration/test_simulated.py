"""Whole calibrations over several nodes, in a simulated world in which nodes crash and disks fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from passel.runtime.simulation import simulate
from passel.runtime.simulation.experiment import experiment_of

TOPOLOGY = Path(__file__).with_name("simulated.yaml")
SEEDS_A_PART = 8


@pytest.mark.parametrize("part", range(2))
def test_no_trial_is_lost_or_counted_twice_whatever_happens(part: int) -> None:
    experiment = experiment_of(TOPOLOGY)
    faults = 0
    for seed in range(part * SEEDS_A_PART, (part + 1) * SEEDS_A_PART):
        run = simulate(experiment, seed)
        assert run.violation is None, f"seed {seed}: {run.violation}\n" + "\n".join(run.lines)
        faults += sum(run.faults.values())
    assert faults >= 3 * SEEDS_A_PART
