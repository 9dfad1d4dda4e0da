"""Whether two calls are the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...protocols.arrays import array_bytes, is_array
from ...protocols.errors import CodecError

if TYPE_CHECKING:
    from ...protocols.tools import ToolCall


def same_call(one: ToolCall, other: ToolCall) -> bool:
    """Return whether two calls ask for the same.

    Arrays are the same if their dtype, shape and bytes are; a list and a tuple are the same with
    the same items, because a tuple has become a list wherever it has travelled.
    """
    return one.tool == other.tool and _same(
        (one.arguments, one.keywords), (other.arguments, other.keywords)
    )


def _same(one: Any, other: Any) -> bool:
    if is_array(one) or is_array(other):
        return one is other or (is_array(one) and is_array(other) and _same_array(one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)


def _same_array(one: Any, other: Any) -> bool:
    try:
        return tuple(one.shape) == tuple(other.shape) and array_bytes(one) == array_bytes(other)
    except CodecError:  # of a dtype that cannot travel, as arrays of objects
        return False
