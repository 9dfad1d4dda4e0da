"""A constructor's arguments on their way to another node."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, get_args

from ...actors.handler import resolved_hints
from ...actors.ref import Reference
from ...protocols.errors import CodecError, SpawnError

if TYPE_CHECKING:
    from ...protocols.codec import Codec


def pack_arguments(
    codec: Codec, actor_class: type, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> bytes:
    """Encode a constructor's arguments by parameter name.

    Raises:
        SpawnError: They do not fit its signature.
        CodecError: They cannot travel, or hold an array too large to travel in a body.
    """
    try:
        bound = inspect.signature(actor_class).bind(*args, **kwargs)
    except TypeError as error:
        raise SpawnError(f"actor of class {actor_class.__qualname__}", str(error)) from None
    body, frames = codec.encode(dict(bound.arguments))
    if frames:
        raise CodecError(
            f"arguments of {actor_class.__qualname__}",
            "an array of 16 KiB or more cannot travel in them; send it in a message",
        )
    return body


def unpack_arguments(codec: Codec, actor_class: type, body: bytes) -> dict[str, Any]:
    """Decode a constructor's arguments by its type hints.

    Raises:
        CodecError: They do not fit the hints.
    """
    raw = codec.decode(body, dict[str, Any])
    hints = resolved_hints(inspect.getattr_static(actor_class, "__init__"))
    arguments: dict[str, Any] = {}
    for name, value in raw.items():
        hint = hints.get(name, Any)
        if hint is Any or isinstance(value, Reference):
            arguments[name] = _typed(codec, hint, value)
            continue
        encoded, frames = codec.encode(value)
        try:
            arguments[name] = codec.decode(encoded, hint, frames)
        except CodecError as error:
            raise CodecError(f"argument {name}", error.detail) from None
    return arguments


def _typed(codec: Codec, hint: Any, value: Any) -> Any:
    """Return a reference that knows the handlers of its hint, `ActorRef[A] | None` included."""
    kinds = [kind for kind in (hint, *get_args(hint)) if isinstance(kind, type)]
    if isinstance(value, Reference) and any(issubclass(kind, Reference) for kind in kinds):
        encoded, _ = codec.encode(value)
        return codec.decode(encoded, hint)
    return value
