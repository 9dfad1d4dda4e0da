"""Type variables of generic actors: what `class Prices(Topic[Price])` makes of `Topic`'s hints."""

from __future__ import annotations

import types
import typing
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping


def bindings_of(cls: type) -> dict[Any, Any]:
    """Return what the type variables of the bases of `cls` stand for in it."""
    found: dict[Any, Any] = {}
    for holder in cls.__mro__:  # from the class down, so a later binding meets the earlier ones
        for base in holder.__dict__.get("__orig_bases__", ()):
            origin = typing.get_origin(base)
            parameters = getattr(origin, "__parameters__", ())
            for parameter, given in zip(parameters, typing.get_args(base), strict=False):
                found.setdefault(parameter, substitute(given, found))
    return {variable: given for variable, given in found.items() if variable is not given}


def substitute(hint: Any, bindings: Mapping[Any, Any]) -> Any:
    """Return a type hint with type variables replaced, at any depth."""
    if isinstance(hint, TypeVar):
        return bindings.get(hint, hint)
    arguments = typing.get_args(hint)
    if not arguments or typing.get_origin(hint) in {typing.Literal, typing.Annotated}:
        return hint
    replaced = tuple(substitute(argument, bindings) for argument in arguments)
    if replaced == arguments:
        return hint
    if isinstance(hint, types.UnionType):
        return reduce(or_, replaced)
    return hint.copy_with(replaced) if hasattr(hint, "copy_with") else hint.__origin__[replaced]
