from __future__ import annotations

import random

import pytest

from passel.agents.calibration import Parameter, Target
from passel.agents.calibration.choosing import PROPOSERS, STOPPERS, Setting, proposer_of, stopper_of
from passel.agents.calibration.errors import UnknownMethodError
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
