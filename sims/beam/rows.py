"""The lines of BEAM's tables, and which of them are whole."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, NamedTuple

from .errors import BeamTableError
from .keys import FREIGHT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ...protocols.trial import Outcome

_ROUNDING = 1e-6
"""How far below 0 a count may come out: BEAM adds fractions of trips up."""


class Shares(NamedTuple):
    """How travel was split between the modes in one iteration.

    Attributes:
        outcome: The share of each mode, of 1.
        sample: How many trips that are, or 0 where only percentages are told.
    """

    outcome: Outcome
    sample: int


def whole_lines(content: bytes) -> list[bytes]:
    """Return the lines of a file that may be being written: what follows the last newline is none."""
    return [line.removesuffix(b"\r") for line in content.split(b"\n")[:-1]]


def fields_of(file: str, line: bytes, number: int) -> list[str]:
    """Return the fields of a line.

    Raises:
        BeamTableError: It is no text.
    """
    try:
        return [field.strip() for field in line.decode().split(",")]
    except UnicodeDecodeError:
        raise BeamTableError(file, line=number, reason="it is no text") from None


def modes_of(file: str, fields: Sequence[str]) -> list[str]:
    """Return the modes of a header, all its fields but the first.

    Raises:
        BeamTableError: One has no name, or the name of another.
    """
    modes = list(fields[1:])
    if not modes or "" in modes or len(set(modes)) < len(modes):
        raise BeamTableError(file, line=1, reason=f"{','.join(fields)!r} is no header with modes")
    return modes


def numbers_of(file: str, fields: Iterable[str], number: int) -> list[float]:
    """Return fields as counts or percentages.

    Raises:
        BeamTableError: One is no number, or none that something can be counted by.
    """
    found = []
    for field in fields:
        try:
            value = float(field)
        except ValueError:
            reason = f"{field!r} is no number"
            raise BeamTableError(file, line=number, reason=reason) from None
        if not isfinite(value) or value < -_ROUNDING:
            raise BeamTableError(file, line=number, reason=f"{field} is no count of trips")
        found.append(max(value, 0.0))
    return found


def shares_of(
    file: str, modes: Iterable[str], amounts: Iterable[float], *, number: int = 0
) -> dict[str, float]:
    """Return amounts as parts of 1, without freight.

    Raises:
        BeamTableError: They are all 0.
    """
    kept = {mode: n for mode, n in zip(modes, amounts, strict=True) if mode != FREIGHT}
    total = sum(kept.values())
    if not total > 0.0:
        raise BeamTableError(file, line=number, reason="there is nothing but 0 in it")
    return {mode: amount / total for mode, amount in kept.items()}
