"""Actors that read, keep and give CUDA tensors."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import torch

from passel import Actor, handler


class Reader(Actor):
    """Reads tensors, and keeps them when it is told to."""

    def __init__(self) -> None:
        self.kept: list[torch.Tensor] = []

    @handler
    async def where(self, tensor: torch.Tensor) -> str:
        """Return the device that a tensor arrived on."""
        return str(tensor.device)

    @handler
    async def echo(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return a tensor as it came."""
        return tensor

    @handler
    async def total(self, tensor: torch.Tensor) -> float:
        """Return the sum of a tensor."""
        return float(tensor.double().sum())

    @handler
    async def keep(self, tensor: torch.Tensor) -> int:
        """Keep a tensor; return how many are kept."""
        self.kept.append(tensor)
        return len(self.kept)

    @handler
    async def totals(self) -> list[float]:
        """Return the sums of what is kept."""
        return [float(tensor.double().sum()) for tensor in self.kept]

    @handler
    async def drop(self) -> None:
        """Keep nothing any more."""
        self.kept.clear()

    @handler
    async def busy_with(self, tensor: torch.Tensor, rounds: int) -> torch.Tensor:
        """Queue much work on a tensor, drop it before the card has begun, and return what came out."""
        out = torch.zeros_like(tensor)
        for _ in range(rounds):
            out += tensor
        return out

    @handler
    async def stream(self, number: int, length: int) -> AsyncIterator[torch.Tensor]:
        """Yield float32 tensors of shape (length,) that are overwritten as soon as they are sent."""
        tensor = torch.empty(length, device="cuda:0")
        for index in range(number):
            tensor.fill_(index)
            yield tensor
            tensor.fill_(-1)

    @handler
    async def cards(self) -> int:
        """Return how many cards this process sees."""
        return torch.cuda.device_count()

    @handler
    async def die(self) -> None:
        """End the process without a word."""
        os._exit(7)
