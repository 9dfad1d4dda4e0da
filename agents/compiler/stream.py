"""Streams that are left in order: the producer learns at once that nobody reads on."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

T = TypeVar("T")


def closing(stream: AsyncIterator[T]) -> aclosing[AsyncGenerator[T]]:
    """Return a context that closes a reference's stream when it is left."""
    return aclosing(cast("AsyncGenerator[T]", stream))  # it can be, though its type does not say so
