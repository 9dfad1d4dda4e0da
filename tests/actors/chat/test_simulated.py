from __future__ import annotations

from pathlib import Path

from passel.runtime.simulation import simulate
from passel.runtime.simulation.experiment import experiment_of

FILE = Path(__file__).parent / "scripted.yaml"


def test_a_scripted_model_is_simulated_pauses_and_all() -> None:
    experiment = experiment_of(FILE)
    runs = [simulate(experiment, seed) for seed in range(5)]

    assert [run.violation for run in runs] == [None] * 5
    assert min(run.seconds for run in runs) > 40.0  # eight answers, each with pauses of 5 s or more
    assert sum(sum(run.faults.values()) for run in runs) > 25
    assert simulate(experiment, 3) == runs[3]
