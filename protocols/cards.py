"""Tensors on a card, a CUDA device: which one it is, and their bytes while they still lie there.

The same card has another number in each process (`CUDA_VISIBLE_DEVICES`), so its own name goes
with it. As in `arrays`, torch is imported only where a tensor proves that it is loaded, or where
one arrives.
"""

from __future__ import annotations

import functools
import sys
from typing import Any, Final, Protocol

import msgspec

HANDLE_BYTES: Final = 64
"""Bytes of what another process opens memory, or an event, of a card with."""


class Card(msgspec.Struct, array_like=True, frozen=True):
    """The card that a tensor lies on, as its sender sees it.

    Attributes:
        number: N of `cuda:N` in the sender's process.
        uuid: The card's own name, the same in every process that sees it.
    """

    number: int
    uuid: str


class CardBytes:
    """The bytes of a tensor that lie on a card: a frame that has not been copied to this memory.

    Attributes:
        data: A flat tensor of bytes on the card, of shape (nbytes,).
        card: Which card that is.
    """

    __slots__ = ("card", "data")

    def __init__(self, data: Any, card: Card) -> None:
        self.data = data
        self.card = card

    @property
    def nbytes(self) -> int:
        """How many they are."""
        return int(self.data.nbytes)

    def __bytes__(self) -> bytes:
        """Copy them to this memory; waits for the card."""
        return bytes(self.data.cpu().numpy().data)


class CardPlacer(Protocol):
    """Decides where a tensor that was on a card at its sender shall lie here."""

    def place(self, tensor: Any, card: Card) -> Any:
        """Return a tensor of this process's own memory on the card that it belongs on, if any."""
        ...


def card_of(value: Any) -> Card | None:
    """Return the card that a tensor lies on, or None: it is in this process's memory, or no tensor."""
    if "torch" not in sys.modules or not getattr(value, "is_cuda", False):
        return None
    number = int(value.get_device())
    return Card(number, uuid_of(number))


@functools.cache
def uuid_of(number: int) -> str:
    """Return the own name of the card that is `cuda:N` in this process."""
    import torch  # already loaded: a tensor of it lies there

    return str(torch.cuda.get_device_properties(number).uuid)
