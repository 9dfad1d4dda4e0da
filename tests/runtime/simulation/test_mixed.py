"""The acceptance workload: five hundred seeds here, ten thousand by `passel simulate`."""

from __future__ import annotations

from pathlib import Path

import pytest

from passel.runtime.simulation import simulate
from passel.runtime.simulation.experiment import experiment_of

FILE = Path(__file__).parent / "mixed.yaml"
PARTS = 25
SEEDS_A_PART = 20


@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_is_violated_whatever_goes_wrong(part: int) -> None:
    experiment = experiment_of(FILE)
    messages = faults = 0
    for seed in range(part * SEEDS_A_PART, (part + 1) * SEEDS_A_PART):
        run = simulate(experiment, seed)
        assert run.violation is None, f"seed {seed}: {run.violation}\n" + "\n".join(run.lines)
        messages += run.messages
        faults += sum(run.faults.values())

    assert messages >= 300 * SEEDS_A_PART
    assert faults >= 4 * SEEDS_A_PART  # six on the average; a part of twenty seeds may have fewer


def test_a_seed_is_the_same_run_again_with_faults_and_all() -> None:
    experiment = experiment_of(FILE)

    assert simulate(experiment, 7) == simulate(experiment, 7)
