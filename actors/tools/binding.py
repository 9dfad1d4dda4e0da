"""Gives arguments their names, as a call of a Python function does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Misfit(NamedTuple):
    """What keeps a call's arguments from having names.

    Attributes:
        kind: There are too `many` by position, one is `unknown`, or given `twice`.
        argument: Its name; of too many, the place of the first, such as `#3`.
    """

    kind: Literal["many", "unknown", "twice"]
    argument: str


def bound(
    names: Sequence[str],
    arguments: Sequence[Any],
    keywords: Mapping[str, Any],
    *,
    more: bool = False,
) -> tuple[dict[str, Any], Misfit | None]:
    """Return arguments by name, and the first that cannot be bound, or None.

    Args:
        names: What may be given, in order.
        arguments: Arguments by position.
        keywords: Arguments by name.
        more: Whether other names may be given, too.
    """
    given = dict(zip(names, arguments, strict=False))
    if len(arguments) > len(names):
        return given, Misfit("many", f"#{len(names) + 1}")
    for name, value in keywords.items():
        if name in given:
            return given, Misfit("twice", name)
        if name not in names and not more:
            return given, Misfit("unknown", name)
        given[name] = value
    return given, None
