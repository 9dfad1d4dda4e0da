"""An actor for tests with faults."""

from __future__ import annotations

from passel import Actor, handler


class Log(Actor):
    """Notes the numbers that it is told."""

    def __init__(self) -> None:
        self.numbers: list[int] = []

    @handler
    async def note(self, number: int, _payload: bytes) -> None:
        """Note a number."""
        self.numbers.append(number)

    @handler
    async def all(self) -> list[int]:
        """Return the numbers in the order in which they came."""
        return self.numbers
