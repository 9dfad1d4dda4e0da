"""What a type hint wants of an argument that is a reference, or holds some."""

from __future__ import annotations

import types
import typing
from collections import abc
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from ...actors.actor import Actor
from ...actors.pool import Pool
from ...actors.ref import Reference

_LISTS: Final = (list, tuple, set, frozenset, abc.Sequence, abc.Collection, abc.Iterable, abc.Set)
_MAPPINGS: Final = (dict, abc.Mapping, abc.MutableMapping)
_PLAIN: Final = (str, int, float, bool, bytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The alternatives of a hint, by what a topology may write there; None is left out.

    Attributes:
        actors: Classes of single actors: of `ActorRef[A]`, or `A` itself.
        pools: Hints of pools.
        lists: Hints of lists, tuples and sets.
        mappings: Hints of mappings.
        plain: Texts, numbers and literals.
        unknown: All else, of which nothing is said: `Any`, records, type variables.
    """

    actors: tuple[type, ...]
    pools: tuple[Any, ...]
    lists: tuple[Any, ...]
    mappings: tuple[Any, ...]
    plain: tuple[Any, ...]
    unknown: tuple[Any, ...]

    def many(self, value: list[Any] | dict[str, Any]) -> Any:
        """Return the hint of a list or a mapping, whichever the value is; None if there is none."""
        return next(iter(self.lists if isinstance(value, list) else self.mappings), None)


def wanted_of(hint: Any) -> Wanted:
    """Return what a hint wants."""
    found: dict[str, list[Any]] = {name: [] for name in Wanted.__slots__}
    for option in _options(hint):
        kind = typing.get_origin(option) or option
        actor_class = _actor_class(option)
        if actor_class is not None:
            found["actors"].append(actor_class)
        elif kind is Pool:
            found["pools"].append(option)
        elif kind in _LISTS:
            found["lists"].append(option)
        elif kind in _MAPPINGS:
            found["mappings"].append(option)
        elif kind is Literal or (isinstance(kind, type) and issubclass(kind, _PLAIN)):
            found["plain"].append(option)
        else:
            found["unknown"].append(option)
    return Wanted(**{name: tuple(options) for name, options in found.items()})


def item_hint(hint: Any, key: str | int = 0) -> Any:
    """Return what a list, tuple, pool or mapping of this hint wants at an index or a key."""
    arguments = typing.get_args(hint)
    if not arguments:
        return Any
    kind = typing.get_origin(hint)
    if kind in _MAPPINGS:
        return arguments[-1]
    if kind is tuple and arguments[-1] is not Ellipsis:
        return arguments[key] if isinstance(key, int) and key < len(arguments) else Any
    return arguments[0]


def wants_actors_inside(wanted: Wanted) -> bool:
    """Return whether the items of a list or mapping are to be actors, at any depth."""
    for hint in (*wanted.lists, *wanted.mappings):
        inside = wanted_of(item_hint(hint))
        if inside.actors or inside.pools or wants_actors_inside(inside):
            return True
    return False


def _options(hint: Any) -> list[Any]:
    kind = typing.get_origin(hint)
    if kind is Annotated:
        return _options(typing.get_args(hint)[0])
    if kind in (typing.Union, types.UnionType):
        return [option for part in typing.get_args(hint) for option in _options(part)]
    return [] if hint in (None, types.NoneType) else [hint]


def _actor_class(option: Any) -> type | None:
    """Return the class of `ActorRef[A]` or `A`; None for what is no actor, and for protocols."""
    if not isinstance(option, type):
        return None
    if issubclass(option, Reference):
        found = option.actor_class or Actor
        return None if getattr(found, "_is_protocol", False) else found
    return option if issubclass(option, Actor) else None
