"""Results of tools as plain data, the same in one process as from another one."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from ...protocols.arrays import is_array
from .errors import ToolFailedError

_PLAIN: Final = (str, float, bool, type(None), bytes)
_WIDEST: Final = range(-(2**63), 2**64)


def plain(tool: str, value: Any) -> Any:
    """Return a result as plain data: records become mappings, sets and tuples lists; arrays stay.

    Raises:
        ToolFailedError: Some part of it cannot travel.
    """
    try:
        return _plain(value)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ToolFailedError(tool, "result", f"{error}; return plain data") from None


def _plain(value: Any) -> Any:
    if type(value) in _PLAIN or is_array(value):
        return value
    if type(value).__module__ == "numpy" and hasattr(value, "item"):  # a number of an array
        return _plain(value.item())
    if isinstance(value, int):
        if value not in _WIDEST:
            raise OverflowError("an integer of more than 64 bits cannot travel, but its text can")
        return int(value)
    if isinstance(value, dict):
        return {_plain(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(part) for part in value]
    return msgspec.to_builtins(value, builtin_types=(bytes,))
