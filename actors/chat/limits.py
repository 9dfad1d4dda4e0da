"""What the limits of a model must be."""

from __future__ import annotations

import math

from .errors import InvalidLimitError


def check_positive(where: str, **seconds: float | None) -> None:
    """Raise unless every limit is a finite number above 0, or None for none.

    Args:
        where: What the limits are of, for the error.
        seconds: The limits by name.

    Raises:
        InvalidLimitError: One is not.
    """
    for name, value in seconds.items():
        if value is not None and not 0.0 < value < math.inf:
            raise InvalidLimitError(where, name, value, wanted="seconds, more than 0 and finite")


def check_least(where: str, least: int, **values: float) -> None:
    """Raise unless every value is finite and at least `least`.

    Args:
        where: What the limits are of, for the error.
        least: The least that makes sense.
        values: The limits by name.

    Raises:
        InvalidLimitError: One is not.
    """
    for name, value in values.items():
        if not least <= value < math.inf:
            raise InvalidLimitError(where, name, value, wanted=f"{least} or more, and finite")
