"""Actors that read, keep, pass on and give arrays."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from typing import Any

import numpy as np

from passel import Actor, ActorRef, handler


class Reader(Actor):
    """Reads arrays, and keeps them when it is told to."""

    def __init__(self) -> None:
        self.kept: list[Any] = []

    @handler
    async def read(self, array: np.ndarray) -> float:
        """Return the sum of an array."""
        return float(array.sum())

    @handler
    async def keep(self, array: np.ndarray) -> int:
        """Keep an array; return how many are kept."""
        self.kept.append(array)
        return len(self.kept)

    @handler
    async def sums(self) -> list[float]:
        """Return the sums of what is kept."""
        return [float(array.sum()) for array in self.kept]

    @handler
    async def drop(self) -> None:
        """Keep nothing any more."""
        self.kept.clear()

    @handler
    async def writable(self, array: np.ndarray) -> bool:
        """Return whether an array could be written to."""
        return bool(array.flags.writeable)

    @handler
    async def give(self, value: float, length: int) -> np.ndarray:
        """Return a float64 array of shape (length,)."""
        return np.full(length, value)

    @handler
    async def count(self, numbers: list[int]) -> int:
        """Take no array at all."""
        return len(numbers)

    @handler
    async def stream(self, number: int, length: int) -> AsyncIterator[np.ndarray]:
        """Yield float64 arrays of shape (length,)."""
        for index in range(number):
            yield np.full(length, float(index))

    @handler
    async def pass_on(self, array: np.ndarray, to: ActorRef[Reader]) -> int:
        """Let somebody else keep the array too."""
        return await to.keep(array)

    @handler
    async def hand_on(self, length: int, count: int, to: ActorRef[Reader]) -> None:
        """Let somebody keep new ones of shape (length,)."""
        for _ in range(count):
            await to.keep(np.ones(length))

    @handler
    async def hand_out(self, length: int, to: list[ActorRef[Reader]]) -> None:
        """Share ones of shape (length,) and let others keep them."""
        shared = await self.context.share(np.ones(length))
        for reader in to:
            await reader.keep(shared)

    @handler
    async def die(self) -> None:
        """End the process without a word."""
        os._exit(7)
