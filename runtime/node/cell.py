"""One actor on its node: its mailbox, the task that drains it, its failures and its end.

An idle actor owns no task and no mailbox: both exist only while there is something to handle.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from ...actors.actor import Actor
from ...actors.call import CURRENT_CALL, Call
from ...protocols.address import DROP_OLDEST
from ...protocols.errors import DeadActorError, DroppedError, PasselError, RestartedError
from ...protocols.log import log
from ..delivery.edge import Edge
from .ending import end_tasks
from .handling import handle
from .keyed import Keyed, admit
from .recovery import Recovery
from .sending import OPEN, TELL
from .streams import Producer

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from ...protocols.address import Address
    from ...protocols.codec import Codec
    from ...protocols.control import Supervision
    from ..delivery.keys import KeyTable, RequestKey
    from ..telemetry.tracing import Span
    from .durable_cell import DurableCell
    from .durable_message import DurableMessage
    from .inbound import Inbound
    from .link import Link
    from .node import Node
    from .recipe import Recipe
    from .sending import Sending
    from .target import LocalTarget

    Delivery = Sending | Inbound | Keyed | DurableMessage

_TURN: Final = 64
"""Messages handled before other tasks of the node get a turn."""

HALT_SECONDS: Final = 5.0
"""Seconds that `stopping`, and then its children, have when a healthy actor is made anew."""


class Cell:
    """The runtime's side of one actor.

    Attributes:
        address: Where it is.
        key: The address as text.
        actor: The object; replaced when it restarts.
        target: What leads here on this node, once somebody uses it.
        supervision: How its failures are answered.
        parent: The actor that spawned it, with which it ends; or None.
        children: What it spawned itself, in order, here and elsewhere.
        keys: The idempotency keys that it remembers; None until the first.
        failure: What it failed with, until that is dealt with.
        recovery: Deals with its failures; None until the first.
        durable: Its journal and what is decided with it; None for an actor that is not durable.
        pausing: Whether its object is gone and the next one not there yet.
        stopping: Whether its end has begun.
        closed: Whether it has stopped for good.
    """

    __slots__ = (
        "_beside", "_closers", "_current", "_drainer", "_limit", "_mailbox", "_node", "_recipe", "actor", "address",
        "children", "closed", "durable", "edges", "ending", "failed", "failure", "handled", "key", "keys", "now", "parent",
        "pausing", "ready", "recovery", "restarts", "senders", "specs", "stopping", "supervision", "target",
        "watchers",
    )  # fmt: skip

    def __init__(
        self,
        node: Node,
        address: Address,
        recipe: Recipe,
        supervision: Supervision,
        parent: Address | None = None,
    ) -> None:
        self._node = node
        self._recipe = recipe
        self.supervision = supervision
        self.parent = parent
        self.children: dict[Address, None] | None = None
        self.keys: KeyTable[Sending | Inbound] | None = None
        self.failure: BaseException | None = None
        self.recovery: Recovery | None = None
        self.pausing = False
        self.durable: DurableCell | None = None
        self._limit = address.window if address.policy == DROP_OLDEST else 0
        self._mailbox: deque[Delivery] | None = None
        self._drainer: asyncio.Task[None] | None = None
        self._current: Delivery | None = None
        self._beside: dict[Any, asyncio.Task[None]] | None = None
        self.stopping = False
        self._closers: list[Callable[[], None]] | None = None
        self.address = address
        self.key = str(address)
        self.now = node.now
        self.specs = node.no_specs
        self.actor: Actor | None = None
        self.target: LocalTarget | None = None
        self.ready = False
        self.closed = False
        self.ending: asyncio.Task[None] | None = None
        self.handled = 0
        self.failed = 0
        self.restarts = 0
        self.senders: dict[Link, None] | None = None
        self.edges: dict[str, Edge] | None = None
        self.watchers: list[asyncio.Future[str]] | None = None

    handle = handle
    """Runs one request; a simulator's cells note it."""

    # What it is, what waits and what runs.

    @property
    def actor_class(self) -> type[Actor]:
        """What it is made of."""
        return self._recipe.actor_class

    @property
    def codec(self) -> Codec:
        """What its node encodes with."""
        return self._node.codec

    @property
    def depth(self) -> int:
        """How many messages wait in the mailbox."""
        return len(self._mailbox) if self._mailbox else 0

    @property
    def state(self) -> str:
        """One word for status displays."""
        if self.stopping or self.closed:
            return "stopping"
        if self.pausing:
            return "restarting"
        if not self.ready:
            return "starting"
        return "busy" if self._current is not None or self._beside else "idle"

    async def start(self) -> None:
        """Make the actor and run its `started`.

        Raises:
            Exception: Whatever the constructor or `started` raised.
        """
        self.actor = actor = self._recipe.make(self, self._node)
        if self.durable is not None:
            await self.durable.restore(actor)
        if type(actor).started is not Actor.started:
            token = CURRENT_CALL.set(Call(self.key, None, "", b""))
            try:
                await actor.started()
            finally:
                CURRENT_CALL.reset(token)
        self.ready = True
        if self._mailbox or self.failure is not None:
            self.wake()

    def deliver(self, request: Sending | Inbound) -> None:
        """Put a request into the mailbox, or start it beside when its handler is concurrent."""
        if self.closed or self.stopping:
            self.lose(request, "the actor has stopped")
            request.reject(DeadActorError(self.address, "it has stopped"))
            return
        if self.durable is not None and not request.spec.concurrent:
            self.durable.deliver(request)
        elif request.key:
            admitted = admit(self, request)
            if admitted is not None:
                self.enqueue(admitted)
        else:
            self.enqueue(request)

    def enqueue(self, request: Delivery, *, first: bool = False) -> None:
        """Put a request behind all others or in front of them, or start it beside the mailbox."""
        if request.spec.concurrent and self.ready:
            self._start_beside(request)
            return
        if self._mailbox is None:
            self._mailbox = deque()
        if first:
            self._mailbox.appendleft(request)
        else:
            if self._limit and len(self._mailbox) >= self._limit:
                self._drop_oldest()
            self._mailbox.append(request)
        if self.ready:
            self.wake()

    def _drop_oldest(self) -> None:
        """Make a place in a mailbox that keeps the latest; what was promised to run stays."""
        assert self._mailbox is not None, "it is full"
        oldest = next((r for r in self._mailbox if not isinstance(r, Keyed)), None)
        if oldest is None:
            return
        error = DroppedError(self.address, self._limit)
        self._mailbox.remove(oldest)
        self.lose(oldest, str(error))
        oldest.reject(error)
        oldest.release()

    def settle(self, key: RequestKey) -> None:
        """The sender of a request with a key has its answer: the key may be forgotten."""
        if self.durable is not None:
            self.durable.settle(key)
        if self.keys is not None:
            self.keys.settle(key)

    def edge(self, node: str) -> Edge:
        """Return what is known of messages from `node`."""
        if self.edges is None:
            self.edges = {}
        edge = self.edges.get(node)
        if edge is None:
            edge = self.edges[node] = Edge()
        return edge

    def forget(self, link: Link) -> None:
        """Forget a peer that is gone."""
        if self.senders is not None and link in self.senders:
            del self.senders[link]
            if self.edges is not None:
                self.edges.pop(link.node, None)

    def cancel(self, request: Delivery) -> None:
        """Nobody waits for `request` any more: drop it, or end its handler."""
        if self.durable is not None and not request.spec.concurrent:
            message = self.durable.withdraw(request)
            if message is None:
                return
            request = message
        request.cancelled = True
        if self._current is request:
            assert self._drainer is not None, "what is current is being drained"
            self._drainer.cancel()
        elif self._beside and request in self._beside:
            self._beside[request].cancel()
        elif self._mailbox:
            with contextlib.suppress(ValueError):  # it was answered already
                self._mailbox.remove(request)
                request.release()

    def begin_span(self, request: Delivery) -> Span | None:
        """Begin a span of a request that is handled; None without a tracer."""
        tracer = self._node.tracer
        if tracer is None:
            return None
        return tracer.server(request.spec.name, request.trace, self.key, request.source)

    def lose(self, request: Delivery, reason: str) -> None:
        """Count a request that reaches no handler."""
        self._node.dead_letter(request, reason)

    def on_close(self, action: Callable[[], None]) -> None:
        """Run `action` when the actor is gone."""
        if self._closers is None:
            self._closers = []
        self._closers.append(action)

    def start_background(self, work: Coroutine[Any, Any, None]) -> None:
        """Run the actor's own background work as a task that ends with it."""
        self._add_beside(work, self._background(work)).add_done_callback(lambda _: work.close())

    async def _background(self, work: Coroutine[Any, Any, None]) -> None:
        CURRENT_CALL.set(Call(self.key, None, "", b""))
        try:
            await work
        except Exception as error:  # noqa: BLE001  # a supervisor's edge
            self.fail(error, "background work")

    def wake(self) -> None:
        """See to it that the mailbox is drained."""
        if self._drainer is None:
            self._drainer = self._node.start_task(self._drain())

    async def _drain(self) -> None:
        turn = 0
        lingers = False
        durable = self.durable
        try:
            while True:
                if self.failure is not None:
                    await self._recover()
                if durable is not None and durable.broken:
                    await durable.mend()
                if not self._mailbox or self.stopping or not self.ready:
                    if not lingers:
                        break
                    lingers = False
                    await asyncio.sleep(0)  # who asks one after the other needs no task for each
                    continue
                lingers = True
                request = self._mailbox.popleft()
                if request.spec.concurrent:
                    self._start_beside(request)
                    continue
                request.release()
                if not request.cancelled:
                    self._current = request
                    try:
                        await self.handle(request)
                    finally:
                        self._current = None
                        if durable is not None:
                            durable.ended(request)
                        if request.cancelled and self._drainer is not None:
                            self._drainer.uncancel()
                turn += 1
                if turn == _TURN:
                    turn = 0
                    await asyncio.sleep(0)
        finally:
            self._drainer = None
            if not self._mailbox:
                self._mailbox = None

    def raised(self, request: Delivery, error: BaseException) -> None:
        """A handler raised: an ask gets the error, a tell gives it to supervision."""
        self.failed += 1
        request.fail(error)
        if request.kind == TELL:
            self._node.counters.failed_tells += 1
            self.fail(error, f"tell {request.spec.name} from {request.source}")

    # Handlers that run beside the mailbox.

    def _start_beside(self, request: Delivery) -> None:
        """Start a handler as a task of its own.

        A stream gives its place back at once, other concurrent handlers when they end.
        """
        if request.kind == OPEN:
            request.producer = Producer(self._node.loop, request.demand)
            request.release()
        task = self._add_beside(request, self.handle(request))
        if request.kind != OPEN:
            task.add_done_callback(lambda _: request.release())

    def _add_beside(self, owner: Any, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        if self._beside is None:
            self._beside = {}
        task = self._beside[owner] = self._node.start_task(work)
        task.add_done_callback(lambda _: self._remove_beside(owner))
        return task

    def _remove_beside(self, owner: Any) -> None:
        """Forget a task that has ended, also one that was cancelled before its first step."""
        if self._beside is not None:
            self._beside.pop(owner, None)
            if not self._beside:
                self._beside = None

    # Failure, restart and the end.

    def fail(self, error: BaseException, during: str) -> None:
        """The actor failed outside any ask: log it and let supervision decide."""
        log.error("actor failed", actor=self.key, during=during, error=repr(error), exc_info=error)
        self._node.report("actor failed", self.key, f"{during}: {error!r}", error)
        if self.stopping or self.closed or self.failure is not None:
            return
        if self.recovery is None:
            self.recovery = Recovery(self, self._node)
        self.recovery.last = f"{during}: {error!r}"
        self.failure = error
        if self.ready:
            self.wake()

    async def _recover(self) -> None:
        if self.recovery is not None and not self.stopping:
            await self.recovery.run()

    def pause(self) -> None:
        """Handle nothing more until `renew`; what comes waits in the mailbox."""
        self.ready = False
        self.pausing = True

    async def halt(self) -> None:
        """End the present object and what it spawned; the mailbox waits for the next one.

        `stopping` runs if the actor was well; one that failed is just thrown away.
        """
        well = self.ready and self.failure is None
        self.pause()
        if self._drainer is not None and self._drainer is not asyncio.current_task():
            await end_tasks([self._drainer], 0.0, self.key)
        await self._end_beside(0.0)
        await self._node.family.end_children(self, HALT_SECONDS)
        if well and not self.stopping:
            await self._run_stopping(HALT_SECONDS)
        self._run_closers()

    async def renew(self) -> None:
        """Make the actor anew after `halt`, and go on with its mailbox.

        Raises:
            Exception: Whatever the constructor or `started` raised.
        """
        if self.stopping or self.closed:
            return
        self.failure = None
        self.restarts += 1
        self._node.counters.restarts += 1
        try:
            await self.start()
        except BaseException:
            await self._end_beside(0.0)
            await self._node.family.end_children(self, HALT_SECONDS)
            self._run_closers()
            raise
        self.pausing = False

    async def restart(self) -> None:
        """Make the actor anew in its own task, so that an order to stop it ends that too.

        Raises:
            Exception: Whatever the constructor or `started` raised.
        """
        done: asyncio.Future[None] = self._node.loop.create_future()
        self._drainer = self._node.start_task(self._renew_then_drain(done))
        await done

    async def _renew_then_drain(self, done: asyncio.Future[None]) -> None:
        failure: BaseException | None = None
        try:
            await self.renew()
        except Exception as error:  # noqa: BLE001  # a supervisor's edge
            failure = error
        except asyncio.CancelledError:
            failure = DeadActorError(self.address, "it was stopped while it started")
            raise
        finally:
            if failure is None:
                failure = None if self.ready else DeadActorError(self.address, "it was stopped")
            if failure is not None:
                self._drainer = None
            if not done.done():
                _resolve(done, failure)
        if failure is None:
            await self._drain()

    def interruption(self) -> PasselError:
        """Return what those are told whose request was being handled when it was cut short."""
        if self.pausing and not self.stopping:
            return RestartedError(self.address)
        return DeadActorError(self.address, "it was stopped while handling this")

    async def finish(
        self, reason: str, *, drain: bool, grace: float, asker: asyncio.Task[Any] | None
    ) -> None:
        """End the actor: its handler within `grace` seconds, then `stopping`, then the rest.

        With `drain` what waits in the mailbox is handled first, within the same grace. A task
        of the actor's own that asks for its end is not waited for.
        """
        own = asker is self._drainer
        until = self._node.now() + grace
        if drain and not own:
            while self._drainer is not None and self._node.now() < until:
                await asyncio.wait([self._drainer], timeout=until - self._node.now())
        self.stopping = True
        if self._drainer is not None and not own:
            grace = 0.0 if self.pausing else until - self._node.now()
            await end_tasks([self._drainer], grace, self.key)
        await self._end_beside(until - self._node.now(), asker)
        if self.children:
            await self._node.family.end_children(self, max(0.0, until - self._node.now()))
        if (
            self.ready
            and self.actor is not None
            and type(self.actor).stopping is not Actor.stopping
        ):
            await self._run_stopping(max(until - self._node.now(), 0.1))
        if self.durable is not None:
            await self.durable.aclose()
        self.close(reason)

    async def _run_stopping(self, seconds: float) -> None:
        assert self.actor is not None, "only an actor that was made can stop"
        token = CURRENT_CALL.set(Call(self.key, None, "", b""))
        try:
            async with asyncio.timeout(seconds):
                await self.actor.stopping()
        except Exception as error:  # noqa: BLE001  # a supervisor's edge
            log.error("stopping failed", actor=self.key, exc_info=error)
        finally:
            CURRENT_CALL.reset(token)

    async def _end_beside(self, grace: float, asker: asyncio.Task[Any] | None = None) -> None:
        """End what runs beside: handlers within `grace` seconds, then background work at once."""
        beside = {o: t for o, t in (self._beside or {}).items() if t is not asker}
        background = [t for o, t in beside.items() if asyncio.iscoroutine(o)]
        if grace <= 0.0:
            self._refuse_unbegun(beside)
        await end_tasks([t for t in beside.values() if t not in background], grace, self.key)
        await end_tasks(background, 0.0, self.key)

    def _refuse_unbegun(self, beside: dict[Any, asyncio.Task[None]]) -> None:
        """Answer what is cancelled before its first step: no code of the handler's can."""
        for request, task in beside.items():
            work = task.get_coro()
            if asyncio.iscoroutine(request) or request.cancelled or not inspect.iscoroutine(work):
                continue
            if inspect.getcoroutinestate(work) == inspect.CORO_CREATED:
                error = self.interruption()
                self.lose(request, str(error))
                request.reject(error)

    def _run_closers(self) -> None:
        closers, self._closers = self._closers, None
        for action in closers or ():
            action()

    async def discard(self, reason: str) -> None:
        """End an actor that could not be started."""
        self.stopping = True
        await self._end_beside(0.0)
        await self._node.family.end_children(self, HALT_SECONDS)
        if self.durable is not None:
            await self.durable.aclose()
        self.close(reason)

    def close(self, reason: str) -> None:
        """The actor is gone: refuse what waits, tell those who watch or write to it."""
        if self.closed:
            return
        self.closed = True
        error = DeadActorError(self.address, reason)
        mailbox, self._mailbox = self._mailbox, None
        for request in mailbox or ():
            if self.durable is not None and self.durable.keeps(request):
                continue
            self.lose(request, reason)
            request.reject(error)
        if self.target is not None:
            self.target.close(error)
        for link in self.senders or ():
            link.forget(self, reason)
        for watcher in self.watchers or ():
            if not watcher.done():
                watcher.set_result(reason)
        if self.parent is not None:
            self._node.family.leave(self)
        self._run_closers()


def _resolve(done: asyncio.Future[None], failure: BaseException | None) -> None:
    if failure is None:
        done.set_result(None)
    else:
        done.set_exception(failure)
