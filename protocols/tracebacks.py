"""Tracebacks as their readers want them: from the first frame that is not the runtime's."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType

_RUNTIME = f"{__name__.partition('.')[0]}.runtime"
_CHARACTERS: Final = 4_000
_CUT: Final = 1_000


def below_runtime(trace: TracebackType | None) -> TracebackType | None:
    """Return a traceback without the frames of the runtime that it begins with."""
    while trace is not None and is_runtime(trace.tb_frame):
        trace = trace.tb_next
    return trace


def is_runtime(frame: FrameType) -> bool:
    """Return whether the runtime's own code runs in a frame."""
    return f"{module_of(frame)}.".startswith(f"{_RUNTIME}.")


def module_of(frame: FrameType) -> str:
    """Return the name of the module whose code runs in a frame."""
    return str(frame.f_globals.get("__name__", ""))


def short_text(error: BaseException) -> str:
    """Return the traceback of an error as text that can be encoded.

    Of one that is long, the error's own words and each line are cut in their middle, and the last lines
    are kept.
    """
    trace = below_runtime(error.__traceback__)
    text = encodable_text("".join, traceback.format_exception(type(error), error, trace)).rstrip()
    if len(text) <= _CHARACTERS:
        return text
    words = encodable_text("".join, traceback.format_exception_only(error)).rstrip()
    frames = text.removesuffix(words)
    words = _cut(words, _CUT) if len(frames) < len(text) else ""  # a group ends with its members
    last = "\n".join(_cut(line, _CUT) for line in frames.split("\n")) + words
    if len(last) > _CHARACTERS:
        last = last[-_CHARACTERS:].partition("\n")[2]
    return f"(its node's log has the rest)\n{last}"


def encodable_text(say: Callable[[Any], str], value: object) -> str:
    """Return `say(value)` as text that can be encoded, whatever its author made of it."""
    try:
        return say(value).encode(errors="backslashreplace").decode()
    except Exception as error:  # noqa: BLE001  # a foreign __str__ or __repr__ may raise anything
        return f"<{type(value).__qualname__}, whose text raised {type(error).__qualname__}>"


def _cut(text: str, length: int) -> str:
    """Return a text without what is in its middle, if it is longer than `length`."""
    if len(text) <= length:
        return text
    kept = length // 2
    return f"{text[:kept]} [... {len(text) - 2 * kept:,} characters ...] {text[-kept:]}"
