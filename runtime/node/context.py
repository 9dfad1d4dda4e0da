"""The context that a node hands to each of its actors."""

from __future__ import annotations

import asyncio
import random
from functools import partial
from typing import TYPE_CHECKING, Any

from ...actors.call import CURRENT_CALL
from ...actors.ref import reference_type
from ...protocols.errors import NotAHandlerError, StateError
from ...protocols.log import log
from .spawning import Spawn
from .timers import Timer

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from ...protocols.address import Address
    from ...protocols.control import ActorDown
    from .cell import Cell
    from .host import Worker
    from .node import Node


class ActorContext:
    """One actor's view of its node; see `passel.actors.context.Context`."""

    __slots__ = ("_cell", "_node", "_random", "_worker")

    def __init__(self, cell: Cell, node: Node) -> None:
        self._cell = cell
        self._node = node
        self._random: random.Random | None = None
        self._worker: Worker | None = None

    @property
    def address(self) -> Address:
        """Where this actor lives."""
        return self._cell.address

    @property
    def name(self) -> str:
        """The actor's name."""
        return self._cell.address.actor

    @property
    def ref(self) -> Any:
        """A reference to this actor."""
        actor = self._cell.actor
        return self._node.reference(reference_type(type(actor)), self._cell.address)

    @property
    def random(self) -> random.Random:
        """Randomness of this actor alone."""
        if self._random is None:
            self._random = random.Random(self._node.random.getrandbits(64))  # noqa: S311  # no secret
        return self._random

    @property
    def log(self) -> Any:
        """A logger with node and actor bound."""
        return log.bound(node=self._node.name, actor=self.name)

    def options(self, **options: Any) -> Spawn:
        """Return a spawner with options; see `Runtime.options`."""
        return Spawn(self._node, parent=self._cell, **options)

    async def spawn(self, actor_class: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Start an actor on this node; it ends with this one."""
        return await Spawn(self._node, parent=self._cell).spawn(actor_class, *args, **kwargs)

    async def stop(self, ref: Any, *, drain: bool = False, grace: float = 5.0) -> None:
        """Stop an actor; from its own handler it ends once that handler has."""
        await self._node.stop(ref, drain=drain, grace=grace)

    async def watch(self, ref: Any) -> ActorDown:
        """Wait until an actor is gone."""
        return await self._node.watch(ref)

    async def lookup(self, name: str, actor_class: type) -> Any:
        """Return a reference to the named actor."""
        return await self._node.lookup(name, actor_class)

    async def share(self, array: Any) -> Any:
        """Put an array into shared memory once."""
        return self._node.share(array)

    async def run_blocking(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Run blocking work in this actor's own thread."""
        if self._worker is None:
            self._worker = self._open_worker(1)
        return await self._worker.run(partial(function, *args, **kwargs))

    def threads(self, count: int) -> Worker:
        """Return up to `count` threads that end with the actor."""
        if count < 1:
            raise ValueError(f"{count} threads: give at least 1")
        return self._open_worker(count)

    def _open_worker(self, threads: int) -> Worker:
        worker = self._node.host.open_worker(self.name, threads)
        self._cell.on_close(worker.close)
        return worker

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` in the background until the actor ends."""
        self._cell.start_background(work)

    def every(
        self, seconds: float, method: Callable[..., Any], /, *arguments: Any, at_once: bool = False
    ) -> Timer:
        """Call one of this actor's handlers every `seconds`."""
        if not seconds > 0.0:
            raise ValueError(f"every {seconds} s: give a time above 0")
        name = getattr(method, "__name__", "")
        if (
            name not in self._cell.specs
            or getattr(method, "__self__", None) is not self._cell.actor
        ):
            raise NotAHandlerError(self._cell.key, name or repr(method), list(self._cell.specs))
        handler = getattr(self.ref, name).options(timeout=None)
        timer = Timer(self, seconds, partial(handler, *arguments))
        self.start(timer.run(at_once=at_once))
        return timer

    def fail(self, error: BaseException, during: str) -> None:
        """Give an error of the actor's own work to supervision."""
        self._cell.fail(error, during)

    def journal(self, event: Any) -> None:
        """Apply an event to this actor, and write it with the message that is being handled."""
        call = CURRENT_CALL.get()
        transaction = call.transaction if call is not None else None
        if self._cell.durable is None or transaction is None or not transaction.open:
            reason = "a handler of a durable actor calls it while it handles a message"
            raise StateError(f"context.journal on {self._cell.key}: {reason}")
        self._cell.durable.journal(event)

    def now(self) -> float:
        """Return monotonic seconds."""
        return self._node.now()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
