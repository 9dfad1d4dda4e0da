"""The numbers that a simulator is made with."""

from __future__ import annotations

from .errors import InvalidSimulatorError


def check_numbers(what: str, *, slots: int, iterations: int, timeout: float | None) -> None:
    """Refuse numbers with which no trial would ever end well.

    Args:
        what: What simulates, for errors.
        slots: How many trials run at a time.
        iterations: After how many iterations the outcome counts as settled.
        timeout: Seconds that an iteration may take; any number if None.

    Raises:
        InvalidSimulatorError: There are no slots, no iterations, or there is no time.
    """
    if slots < 1:
        raise InvalidSimulatorError(what, reason=f"{slots} slots; give one or more")
    if iterations < 1:
        raise InvalidSimulatorError(what, reason=f"{iterations} iterations; give one or more")
    if timeout is not None and not timeout > 0:
        reason = f"a timeout of {timeout:g} s; give more than none"
        raise InvalidSimulatorError(what, reason=reason)
