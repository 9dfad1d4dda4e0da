from __future__ import annotations

import random

import pytest

from passel.agents.calibration import Parameter, Target
from passel.agents.calibration.choosing import PROPOSERS, STOPPERS, Setting, proposer_of, stopper_of
from passel.agents.calibration.errors import MethodOptionsError, UnknownMethodError
from passel.agents.calibration.proposers import LogOddsQN, OptunaProposer

SHARES = Setting(
    target=Target(values={"bus": 0.4, "car": 0.6}),
    space=(Parameter(name="bus_constant", constant_of="bus"),),
    iterations=5,
    random=random.Random(0),
)
QUEUE = Setting(
    target=Target(values={"wait": 3.0}, shares=False),
    space=(Parameter(name="rate", low=0.0, high=5.0),),
    iterations=5,
    random=random.Random(0),
)


@pytest.mark.parametrize("name", PROPOSERS)
def test_every_proposer_is_made_by_its_name(name: str) -> None:
    proposal = proposer_of(name, {}, SHARES).ask([])

    assert proposal is not None
    assert proposal.point.keys() == {"bus_constant"}


@pytest.mark.parametrize("name", STOPPERS)
def test_every_stopper_is_made_by_its_name(name: str) -> None:
    assert stopper_of(name, {"replanning": 0.5}, SHARES) is not None


def test_what_is_known_decides_which_one_is_taken() -> None:
    assert isinstance(proposer_of("auto", {}, SHARES), LogOddsQN)
    assert isinstance(proposer_of("auto", {}, QUEUE), OptunaProposer)
    with pytest.raises(UnknownMethodError, match="choose of auto, bohb, cmaes"):
        proposer_of("anneal", {}, QUEUE)


def failing(setting: Setting) -> None:
    raise TypeError(f"of {setting.iterations} iterations")


@pytest.mark.parametrize("name", [name for name in PROPOSERS if name != "auto"])
def test_an_option_that_there_is_not_is_refused_with_those_that_there_are(name: str) -> None:
    with pytest.raises(MethodOptionsError, match="'widths'; its options are: "):
        proposer_of(name, {"widths": 3}, SHARES)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (f"{__name__}:gone", "has no attribute 'gone'"),
        ("no_such_module:make", "No module named"),
        (":make", "Empty module name"),
        (f"{__name__}:SHARES", "it is a Setting, no function"),
    ],
)
def test_a_function_that_is_not_there_is_refused(name: str, reason: str) -> None:
    with pytest.raises(UnknownMethodError, match=reason):
        proposer_of(name, {}, SHARES)


def test_an_error_in_a_function_that_makes_one_stays_what_it_is() -> None:
    with pytest.raises(TypeError, match="of 5 iterations"):
        proposer_of(f"{__name__}:failing", {}, SHARES)
