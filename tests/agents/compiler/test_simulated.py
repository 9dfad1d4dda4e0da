"""Whole runs over several nodes, in a simulated world in which nodes crash, pause and are cut off."""

from __future__ import annotations

from pathlib import Path

import pytest

from passel.runtime.simulation import simulate
from passel.runtime.simulation.experiment import experiment_of

TOPOLOGY = Path(__file__).with_name("simulated.yaml")
SEEDS_A_PART = 5


@pytest.mark.parametrize("part", range(3))
def test_every_question_ends_whatever_happens_to_the_nodes_of_its_tools(part: int) -> None:
    experiment = experiment_of(TOPOLOGY)
    faults = 0
    for seed in range(part * SEEDS_A_PART, (part + 1) * SEEDS_A_PART):
        run = simulate(experiment, seed)
        assert run.violation is None, f"seed {seed}: {run.violation}\n" + "\n".join(run.lines)
        faults += sum(run.faults.values())
    assert faults >= 3 * SEEDS_A_PART
