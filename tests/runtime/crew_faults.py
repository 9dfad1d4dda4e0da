"""Actors for tests with faults."""

from __future__ import annotations

import secrets

import numpy as np

from passel import Actor, ActorRef, handler


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


class Minutes(Actor):
    """Takes down who is still there."""

    def __init__(self) -> None:
        self.names: list[str] = []

    @handler
    async def present(self, name: str) -> None:
        """Take down a name."""
        self.names.append(name)


class Member(Actor):
    """Says over and over that it is there, whoever listens."""

    def __init__(self, *, minutes: ActorRef[Minutes]) -> None:
        self._minutes = minutes
        self._name = secrets.token_hex(4)

    async def started(self) -> None:
        """Begin to say so."""
        self.context.every(0.02, self.speak)

    @handler
    async def speak(self) -> None:
        """Say so once."""
        await self._minutes.present.tell(self._name)

    @handler
    async def name(self) -> str:
        """Return its name; another object has another."""
        return self._name

    @handler
    async def total(self, array: np.ndarray) -> float:
        """Return the sum of an array."""
        return float(array.sum())
