"""Text of others on a terminal: its control characters are shown, not obeyed."""

from __future__ import annotations

from typing import Final

_CONTROLS: Final = [*range(0x20), *range(0x7F, 0xA0)]
_KEPT: Final = {ord("\n"), ord("\t")}
_SHOWN: Final = {code: f"\\x{code:02x}" for code in _CONTROLS if code not in _KEPT}
_IN_JSON: Final = {code: f"\\u{code:04x}" for code in _CONTROLS if code >= 0x20}


def printable(text: str) -> str:
    r"""Return a text that a terminal only shows: what would steer it stands there as `\x1b`.

    Newlines and tabs stay. Whatever was written by an actor, a model, a tool or a log goes through this
    before it is printed; colours of our own are put around what comes out.
    """
    return text.replace("\r\n", "\n").translate(_SHOWN)


def printable_json(text: str) -> str:
    """Return a JSON text with the control characters that JSON itself lets stand escaped, too."""
    return text.translate(_IN_JSON)
