"""Values that say themselves how they travel."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Self


class Portable(ABC):
    """A value that is no plain record, and yet may be part of a message."""

    @abstractmethod
    def to_wire(self) -> Any:
        """Return what stands for it: plain values, records, arrays, actor references."""

    @classmethod
    @abstractmethod
    def from_wire(cls, value: Any, parameters: tuple[Any, ...]) -> Self:
        """Return the value again.

        Args:
            value: What came for it; a peer may send anything here.
            parameters: Those of the type hint: for `Pool[Worker]`, the class `Worker`.

        Raises:
            CodecError: What came stands for no such value.
        """
