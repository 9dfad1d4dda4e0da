"""`{ref: name}` and `{refs: name}` inside arguments: found, and replaced by what they stand for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .problem import KeyPath

_KEYS = ({"ref"}, {"refs"}, {"ref", "lazy"}, {"refs", "lazy"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A stand-in for one actor, or for all replicas of one.

    Attributes:
        name: What it names; an actor, or one replica as `worker-0`.
        every: True for `refs`: a list of all replicas.
        lazy: True if the actor need not have started yet, which lets refs run in a circle.
    """

    name: str
    every: bool = False
    lazy: bool = False


def as_reference(value: object) -> Reference | None:
    """Return the reference that a value of a file is, or None if it is plain data."""
    if not isinstance(value, dict) or set(value) not in _KEYS:
        return None
    name, lazy = value.get("ref", value.get("refs")), value.get("lazy", False)
    if not isinstance(name, str) or not isinstance(lazy, bool):
        return None
    return Reference(name=name, every="refs" in value, lazy=lazy)


def references_in(value: object, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Reference]]:
    """Yield each reference inside a value, with the path to it."""
    found = as_reference(value)
    if found is not None:
        yield path, found
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from references_in(item, (*path, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from references_in(item, (*path, index))


def replace_references(value: Any, resolve: Callable[[Reference], Any]) -> Any:
    """Return the value with each reference replaced by what `resolve` makes of it."""
    found = as_reference(value)
    if found is not None:
        return resolve(found)
    if isinstance(value, Mapping):
        return {key: replace_references(item, resolve) for key, item in value.items()}
    if isinstance(value, list):
        return [replace_references(item, resolve) for item in value]
    return value
