"""What parameters are called here, and in BEAM's configuration."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from .errors import BeamParameterError

if TYPE_CHECKING:
    from collections.abc import Iterable

MODES: Final = (
    "bike", "bike_transit", "car", "cav", "drive_transit", "ride_hail", "ride_hail_pooled",
    "ride_hail_transit", "walk", "walk_transit",
)  # fmt: skip
"""The modes whose constants BEAM's configuration has."""

FREIGHT: Final = "freight"
"""A column of the tables that is no traveller's choice."""

LAST_ITERATION: Final = "beam.agentsim.lastIteration"
OUTPUT: Final = "beam.outputs.baseOutputDirectory"
SEED: Final = "matsim.modules.global.randomSeed"

_CONSTANTS: Final = "beam.agentsim.agents.modalBehaviors.multinomialLogit.params."
_TAKEN: Final = frozenset({LAST_ITERATION, OUTPUT, SEED, "beam.inputDirectory"})
_SUFFIX: Final = "_intercept"
_KEY: Final = re.compile(r"[A-Za-z_][\w-]*(\.[A-Za-z_][\w-]*)+", re.ASCII)


def key_of(name: str) -> str:
    """Return the key of BEAM's configuration that a parameter stands for.

    Args:
        name: `<mode>_intercept` for the constant of a mode, or a full key with its dots, such as
            `beam.agentsim.tuning.transitCapacity`.

    Raises:
        BeamParameterError: It is neither, or a key that is set for each trial anyway.
    """
    if name in _TAKEN:
        raise BeamParameterError(name, reason="it is set anew for each trial")
    if _KEY.fullmatch(name):
        return name
    mode = name.removesuffix(_SUFFIX)
    if mode in MODES and mode != name:
        return f"{_CONSTANTS}{name}"
    reason = f"give a full key with its dots, or <mode>{_SUFFIX} of one of {', '.join(MODES)}"
    raise BeamParameterError(name, reason=reason)


def check_keys(names: Iterable[str]) -> None:
    """Raise unless every name stands for a key of its own.

    Raises:
        BeamParameterError: One stands for no key, or two for the same.
    """
    known: dict[str, str] = {}
    for name in names:
        key = key_of(name)
        if key in known:
            raise BeamParameterError(name, reason=f"the key of {known[key]!r} is the same")
        known[key] = name
