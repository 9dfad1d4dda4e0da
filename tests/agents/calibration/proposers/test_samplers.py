from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
import pytest

from passel.agents.calibration.errors import MissingPackageError, UnknownSamplerError
from passel.agents.calibration.proposers import OptunaProposer, OptunaStopper
from passel.agents.calibration.stopping import Extrapolation
from tests.agents.calibration.proposers.play import ITERATIONS, SPACE, TARGET, Play

if TYPE_CHECKING:
    from passel.protocols.trial import TrialId


def proposer(sampler: str = "tpe") -> OptunaProposer:
    generator = np.random.default_rng(0)
    return OptunaProposer(
        SPACE, TARGET, iterations=ITERATIONS, generator=generator, sampler=sampler
    )


def test_tpe_learns_from_losses() -> None:
    play = Play(proposer(), TARGET)
    losses = []
    for _ in range(40):
        record = play.ask()
        assert record is not None
        losses.append(TARGET.loss(play.run(record).outcomes[-1]))

    assert np.median(losses[25:]) < 0.8 * np.median(losses[:10])


def stopped_by_hyperband(trials: int) -> list[TrialId]:
    """Return which of so many trials Optuna's HyperBand stops."""
    optuna = proposer()
    play = Play(optuna, TARGET)
    stopper = OptunaStopper(optuna, Extrapolation(TARGET, iterations=ITERATIONS))
    stopped: list[TrialId] = []
    for _ in range(trials):
        record = play.ask()
        assert record is not None
        for _ in range(record.limit):
            now = play.iterate(record)
            forecast = stopper.forecast(now)
            assert forecast is not None
            if stopper.judge(now, forecast, None, 0.0) == "stop":
                play.end(record, "stopped")
                stopped.append(record.id)
                break
        else:
            play.end(record)
    return stopped


def test_its_hyperband_stops_the_worse_ones_and_is_told_of_each_once() -> None:
    assert 5 < len(stopped_by_hyperband(25)) < 25


def test_a_seed_is_the_same_course_again() -> None:
    assert stopped_by_hyperband(15) == stopped_by_hyperband(15)


def test_the_gaussian_process_begins_without_a_model() -> None:
    """Its model needs ten trials and torch, which takes long to load."""
    if find_spec("torch") is None:
        pytest.skip("torch is not installed")

    assert Play(proposer("gp"), TARGET).ask() is not None


def test_a_sampler_that_is_not_there_is_named() -> None:
    with pytest.raises(UnknownSamplerError, match="'anneal' is unknown; choose of tpe, gp, cmaes"):
        proposer("anneal")


@pytest.mark.parametrize(
    ("package", "sampler", "source"),
    [("optuna", "tpe", r"'passel\[calibration\]'"), ("torch", "gp", "torch")],
)
def test_a_package_that_is_not_installed_is_said_with_what_brings_it(
    monkeypatch: pytest.MonkeyPatch, package: str, sampler: str, source: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingPackageError, match=f"needs {package}, .*`pip install {source}`"):
        proposer(sampler)
