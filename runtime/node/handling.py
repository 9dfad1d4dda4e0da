"""One request from its arguments to its answer: the part of a cell that runs user code."""

from __future__ import annotations

import asyncio
import re
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from ...actors.call import CURRENT_CALL, Call
from ...protocols.errors import CodecError, DeadlineError, PasselError
from .sending import OPEN, TELL

if TYPE_CHECKING:
    from .cell import Cell, Delivery


async def handle(cell: Cell, request: Delivery) -> None:
    """Run the handler of a request to its end, and answer.

    An error of the handler is its answer, or supervision's when it was a tell. A cancellation
    ends here when the request's caller ordered it, and goes on when the actor is being stopped.
    """
    arguments = _arguments(cell, request)
    if arguments is None or request.cancelled:
        return
    span = cell.begin_span(request)
    CURRENT_CALL.set(_call(cell, request, request.trace if span is None else span.carried))
    try:
        if request.kind == OPEN:
            await _produce(cell, request, arguments)
            request.end()
        else:
            request.succeed(await request.spec.call(cell.actor, arguments))
        cell.handled += 1
    except asyncio.CancelledError as error:
        if not _is_ordered():
            cell.raised(request, error)
        elif not request.cancelled or cell.stopping or cell.pausing:
            request.reject(cell.interruption())
            raise
    except Exception as error:  # noqa: BLE001  # a supervisor's edge
        if span is not None:
            span.fail(error)
        cell.raised(request, error)
    finally:
        if span is not None:
            span.end()


async def _produce(cell: Cell, request: Delivery, arguments: tuple[Any, ...]) -> None:
    """Send the items of a stream as fast as its consumer takes them."""
    producer = request.producer
    assert producer is not None, "a stream that was started has a producer"
    async with aclosing(request.spec.call(cell.actor, arguments)) as items:
        async for item in items:
            await producer.take()
            request.item(item)


def _arguments(cell: Cell, request: Delivery) -> tuple[Any, ...] | None:
    """Return the decoded arguments, or None when the request has been answered already."""
    deadline = request.deadline
    if request.kind != TELL and deadline is not None and deadline <= cell.now():
        cell.lose(request, "its deadline passed in the mailbox")
        request.reject(DeadlineError(f"{cell.key}.{request.spec.name}", 0.0, "its turn"))
        return None
    if (request.kind == OPEN) != request.spec.is_stream:
        kind = "is a stream: iterate over it" if request.spec.is_stream else "is no stream: ask it"
        request.reject(CodecError("request", f"{cell.key}.{request.spec.name} {kind}"))
        return None
    try:
        return request.decoded()
    except CodecError as error:
        _malformed(cell, request, CodecError(*_place(cell, request, error)))
    except PasselError as error:
        _malformed(cell, request, error)
    return None


def _malformed(cell: Cell, request: Delivery, error: PasselError) -> None:
    cell.lose(request, str(error))
    request.reject(error)


def _place(cell: Cell, request: Delivery, error: CodecError) -> tuple[str, str]:
    """Return whose arguments are wrong, and what is wrong with which of them."""
    names = [p.name for p in getattr(request.spec, "parameters", ())]

    def name(match: re.Match[str]) -> str:
        index = int(match[1])
        return f"`{names[index]}`" if index < len(names) else match[0]

    return f"{cell.key}.{request.spec.name}", re.sub(r"`\$\[(\d+)\]`", name, error.detail)


def _call(cell: Cell, request: Delivery, trace: bytes) -> Call:
    """Return what asks made by the handler inherit.

    Nobody waits for a tell, so it hands on neither deadline nor chain. In a chain, `~` marks an
    actor that may be asked again because it waits beside its mailbox.
    """
    transaction = None if cell.durable is None else cell.durable.transaction_of(request)
    if request.kind == TELL:
        return Call(cell.key, None, "", trace, transaction)
    own = f"~{cell.key}" if request.spec.concurrent else cell.key
    chain = f"{request.chain} {own}" if request.chain else own
    return Call(cell.key, request.deadline, chain, trace, transaction)


def _is_ordered() -> bool:
    """Return whether somebody cancelled this task; else a handler awaited what was cancelled."""
    task = asyncio.current_task()
    assert task is not None, "handlers run in tasks"
    return task.cancelling() > 0
