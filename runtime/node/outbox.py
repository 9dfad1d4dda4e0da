"""Parcels on their way: tells of a durable actor, sent until they are taken."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from ...actors.call import CURRENT_CALL, Call
from ...actors.ref import Reference, UntypedSpec
from ...protocols.errors import (
    DeadActorError,
    KeysFullError,
    MailboxFullError,
    PasselError,
    StateError,
)
from ...protocols.log import log
from .inbound import decode_arguments

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...actors.ref import AnySpec
    from ..durable.records import Parcel
    from .node import Node

PATIENCE: Final = 60.0
"""Seconds for which a parcel waits for an actor of its name; after a resume that may come later."""

_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 2.0


async def deliver(node: Node, source: str, parcel: Parcel) -> Callable[[], None] | None:
    """Send a parcel until it is taken; one that nobody can take is a dead letter.

    An actor that is there and cannot take it now, since its disk or its mailbox is full, is waited for
    without end: the parcel was promised. That it waits is logged once.

    Returns:
        What lets its receiver forget the key; to be called when it will not be sent again.
    """
    CURRENT_CALL.set(Call(source, None, "", parcel.trace))
    settle: list[Callable[[], None]] = []
    target, pause = parcel.target, _FIRST_PAUSE
    until = node.now() + PATIENCE
    is_told = False
    ref = node.reference(Reference, target)
    while True:
        try:
            spec, arguments = _call(node, parcel)
            await node.sender.keyed(
                ref, spec, arguments, None, parcel.key, tell=True, later=settle.append
            )
        except DeadActorError as error:
            if not target.named or node.closed or node.now() >= until:
                node.letter(source, str(target), parcel.method, error.reason)
                return None
        except (StateError, KeysFullError, MailboxFullError) as error:
            if node.closed:
                return None
            if pause == _LONGEST_PAUSE and not is_told:
                is_told = True
                log.warning("tell waits", actor=source, to=str(target), error=str(error))
        except PasselError as error:
            node.letter(source, str(target), parcel.method, str(error))
            return None
        else:
            return settle[0] if settle else None
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


def _call(node: Node, parcel: Parcel) -> tuple[AnySpec, tuple[Any, ...]]:
    """Return handler and arguments: by its hints where it is known, else as plain values."""
    packed = parcel.arguments
    cell = None if node.isolate else node.cells.get(parcel.target.actor)
    spec = cell.specs.get(parcel.method) if cell is not None else None
    if spec is not None:
        return spec, decode_arguments(node.codec, spec, packed.body, packed.frames)
    values = node.codec.decode(packed.body, list[Any], packed.frames)
    return UntypedSpec(parcel.method), tuple(values)
