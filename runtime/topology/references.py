"""`{ref: name}` and its like inside arguments: found, and replaced by what they stand for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...actors.rotation import ROUTES, Route

if TYPE_CHECKING:
    from .problem import KeyPath

REFERENCE_KEYS = ("ref", "refs", "pool")
"""What names the actor: one, all replicas as a list, or all replicas as a pool."""

SETTINGS = {"ref": {"lazy"}, "refs": {"lazy"}, "pool": {"lazy", "route"}}
"""What may stand beside each of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A stand-in for one actor, or for all replicas of one.

    Attributes:
        name: What it names; an actor, or one replica as `worker-0`.
        every: True for `refs` and `pool`: all replicas.
        lazy: True if the actor need not have started yet, which lets refs run in a circle.
        route: How a `pool` chooses; None for the others.
    """

    name: str
    every: bool = False
    lazy: bool = False
    route: Route | None = None


def as_reference(value: object) -> Reference | None:
    """Return the reference that a value of a file is, or None if it is plain data."""
    if not isinstance(value, dict):
        return None
    key = next((key for key in REFERENCE_KEYS if key in value), None)
    if key is None or not set(value) <= {key, *SETTINGS[key]}:
        return None
    name, lazy = value[key], value.get("lazy", False)
    route = value.get("route", ROUTES[0]) if key == "pool" else None
    if not isinstance(name, str) or not isinstance(lazy, bool) or route not in {*ROUTES, None}:
        return None
    return Reference(name=name, every=key != "ref", lazy=lazy, route=route)


def references_of(args: Mapping[str, Any], path: KeyPath) -> Iterator[tuple[KeyPath, Reference]]:
    """Yield each reference inside arguments; the mapping itself is none, whatever its names."""
    for name, value in args.items():
        yield from references_in(value, (*path, name))


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
