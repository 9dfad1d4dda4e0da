"""Refuse bodies that nest too deep, before a decoder follows them down."""

from __future__ import annotations

from .errors import CodecError, LimitError
from .limits import MAX_DEPTH

_WIDE = (b"\xdc", b"\xdd")
_FIXED_SIZE = {
    0xCA: 4, 0xCB: 8, 0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8,
    0xD4: 2, 0xD5: 3, 0xD6: 5, 0xD7: 9, 0xD8: 17,
}  # fmt: skip
_COUNTED = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}  # bin and str
_EXTENDED = {0xC7: 1, 0xC8: 2, 0xC9: 4}
_LISTS = {0xDC: 2, 0xDD: 4}
_MAPS = {0xDE: 2, 0xDF: 4}


def check_depth(body: bytes | memoryview) -> None:
    """Raise unless `body` nests at most MAX_DEPTH lists and maps.

    The decoder itself refuses counts beyond its input, so what is dangerous is many wide list
    headers inside each other: each takes memory for all that may follow. A body with few bytes
    that could be such headers is let through unread; the decoder's own recursion guard stays.

    Raises:
        LimitError: The body nests deeper.
        CodecError: The body is no MessagePack.
    """
    if len(body) <= MAX_DEPTH:
        return
    data = bytes(body)
    if sum(data.count(marker) for marker in _WIDE) <= MAX_DEPTH:
        return
    try:
        _walk(data)
    except IndexError:
        raise CodecError("body", "input is truncated") from None


def _walk(data: bytes) -> None:
    """Follow the headers through `data` with a stack of how many values each level lacks."""
    position = 0
    stack = [1]
    while stack:
        if stack[-1] == 0:
            stack.pop()
            continue
        stack[-1] -= 1
        position, children = _header(data, position)
        if children:
            if len(stack) > MAX_DEPTH:
                raise LimitError("nesting of the body", len(stack), MAX_DEPTH)
            stack.append(children)


def _header(data: bytes, at: int) -> tuple[int, int]:
    """Return where the value at `at` ends, or its first child begins, and how many children."""
    code = data[at]
    at += 1
    if code <= 0x7F or code >= 0xE0 or 0xC0 <= code <= 0xC3:
        return at, 0
    if code <= 0x8F:
        return at, 2 * (code & 0x0F)
    if code <= 0x9F:
        return at, code & 0x0F
    if code <= 0xBF:
        return at + (code & 0x1F), 0
    if code in _FIXED_SIZE:
        return at + _FIXED_SIZE[code], 0
    for table, extra in ((_COUNTED, 0), (_EXTENDED, 1)):
        if code in table:
            width = table[code]
            return at + width + extra + int.from_bytes(data[at : at + width], "big"), 0
    if code in _LISTS:
        width = _LISTS[code]
        return at + width, int.from_bytes(data[at : at + width], "big")
    width = _MAPS[code]
    return at + width, 2 * int.from_bytes(data[at : at + width], "big")
