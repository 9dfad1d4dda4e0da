"""San Francisco's mode choice as a plain function, for what needs many runs of it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from passel.sims.transport import (
    MODES,
    SAN_FRANCISCO,
    City,
    ModeChoice,
    TransportSettings,
    costs_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from passel.sims.transport import Costs

ITERATIONS: Final = 20
SETTINGS: Final = TransportSettings()


@cache
def costs(people: int) -> Costs:
    """Return what the modes cost so many people."""
    return costs_of(City.load(SAN_FRANCISCO).first(people), SETTINGS)


def shares(
    constants: Mapping[str, float], seed: int, people: int = 2_000
) -> Iterator[dict[str, float]]:
    """Yield the shares of each iteration, without an end; constants that are missing are 0."""
    intercepts = [constants.get(mode, 0.0) for mode in MODES]
    choice = ModeChoice(costs(people), SETTINGS, intercepts, np.random.default_rng(seed))
    while True:
        yield dict(zip(MODES, choice.iterate().tolist(), strict=True))
