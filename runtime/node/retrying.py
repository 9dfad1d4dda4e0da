"""Calls with an idempotency key: sent again until there is an answer, and in effect once."""

from __future__ import annotations

import asyncio
import hashlib
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ...protocols.errors import DeadActorError, DeadlineError, StateError
from ..delivery.keys import made_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...actors.ref import AnySpec, Reference
    from .node import Node
    from .sending import Sending

    Later = Callable[[Callable[[], None]], None]
    Make = Callable[[int, Reference, AnySpec, tuple[Any, ...], float | None], Sending]

FIRST_PAUSE: Final = 0.05
"""Seconds before a call is sent again whose actor's node had died; doubles each time."""

LAST_PAUSE: Final = 1.0

FIRST_PATIENCE: Final = 1.0
"""Seconds of silence after which a call is sent again beside the first; doubles each time."""

LAST_PATIENCE: Final = 10.0


class _Use:
    """How many calls of this node use a key at the moment, and whether one was answered."""

    def __init__(self) -> None:
        self.calls = 0
        self.answered = False


class Retrying:
    """Makes calls with keys for one node.

    Args:
        node: The node that calls.
        make: Builds a request with what it inherits from the call that is being handled.
    """

    def __init__(self, node: Node, make: Make) -> None:
        self.node = node
        self.make = make
        self._uses: dict[tuple[str, str, str, str], _Use] = {}
        secret = f"{node.cookie}/{node.name}/{node.life}".encode()
        self._prefix = hashlib.blake2b(secret, digest_size=8).hexdigest()
        self._made = 0

    def key_of(self, key: str | bool, source: str) -> str:
        """Return the key as it travels: one of its own for True, else the caller's.

        An unnamed actor's name may be given again in the node's next life, and in the first one of
        a runtime that is started again; a named one's is its own: only the former's keys end with
        its node.
        """
        if isinstance(key, str):
            return f"{self._prefix}~{key}" if "#" in source else key
        self._made += 1
        return made_key(self._prefix, self._made)

    def begin(self, sending: Sending) -> None:
        """A call begins to use its key."""
        self._uses.setdefault(_name(sending), _Use()).calls += 1

    def end(self, sending: Sending, later: Later | None, *, over: bool) -> None:
        """A call has ended; the last one of a key that is `over` lets the actor forget it."""
        use = self._uses[_name(sending)]
        use.calls -= 1
        use.answered |= over
        if use.calls == 0:
            del self._uses[_name(sending)]
            if use.answered and later is not None:
                later(partial(sending.target.acknowledge, sending))
            elif use.answered:
                sending.target.acknowledge(sending)

    async def call(
        self,
        kind: int,
        ref: Reference,
        spec: AnySpec,
        arguments: tuple[Any, ...],
        timeout: float | None,
        key: str | bool,
        later: Later | None = None,
    ) -> Any:
        """Send until there is an answer; return it, or for a tell return once it is taken."""
        call = _KeyedCall(self, kind, ref, spec, arguments, timeout, later)
        return await call.run(key)


class _KeyedCall:
    """One call, through all its attempts."""

    def __init__(
        self,
        retrying: Retrying,
        kind: int,
        ref: Reference,
        spec: AnySpec,
        arguments: tuple[Any, ...],
        timeout: float | None,
        later: Later | None,
    ) -> None:
        self._later = later
        self._retrying = retrying
        self._node = retrying.node
        self._call = (kind, ref, spec, arguments)
        self._address = ref._address  # noqa: SLF001  # references and nodes share the route
        self._timeout = timeout
        self._until = None if timeout is None else self._node.now() + timeout
        self._attempts: list[Sending] = []
        self._key = ""

    async def run(self, key: str | bool) -> Any:
        """Call until there is an answer.

        Raises:
            DeadlineError: There is none in time.
            DeadActorError: The actor is gone for good.
        """
        latest = self._make()
        latest.key = self._key = self._retrying.key_of(key, latest.source)
        self._retrying.begin(latest)
        over = not isinstance(key, str)  # nobody can come back with a key that was made
        pause = FIRST_PAUSE
        try:
            while True:
                try:
                    result = await self._attempt(latest)
                except DeadActorError as error:
                    await self._until_found(error, pause)
                    pause = min(2 * pause, LAST_PAUSE)
                    latest = self._make()
                else:
                    over = True
                    return result
        except (DeadlineError, DeadActorError, StateError):
            raise  # it may have taken effect all the same
        except Exception:
            over = True  # it is an answer
            raise
        finally:
            latest = self._attempts[-1] if self._attempts else latest
            self._retrying.end(latest, self._later, over=over)

    async def _attempt(self, first: Sending) -> Any:
        """Send, and send again beside it after silence; whichever is answered first counts."""
        node = self._node
        future: asyncio.Future[Any] = node.loop.create_future()
        self._attempts = []
        slot = None if first.deadline is None else node.wheel.add(first.deadline, first)
        patience = FIRST_PATIENCE
        try:
            self._send(first, future)
            while True:
                await asyncio.wait((future,), timeout=patience)
                if future.done():
                    return future.result()
                patience = min(2 * patience, LAST_PATIENCE)
                if self._attempts[-1].transmitted:
                    self._send(self._make(), future)
        finally:
            if slot is not None:
                node.wheel.discard(slot, first)
            for sending in self._attempts:
                sending.cancelled = True
                sending.target.withdraw(sending)
            if not future.cancel() and not future.cancelled():
                future.exception()  # has been seen, or nobody is there to see it

    def _send(self, sending: Sending, future: asyncio.Future[Any]) -> None:
        sending.future = future
        self._attempts.append(sending)
        sending.target.submit(sending)

    def _make(self) -> Sending:
        kind, ref, spec, arguments = self._call
        left = None if self._until is None else max(0.0, self._until - self._node.now())
        sending = self._retrying.make(kind, ref, spec, arguments, left)
        sending.key = self._key
        if self._timeout is not None and sending.timeout == left:
            sending.timeout = self._timeout  # what its error speaks of
        return sending

    async def _until_found(self, error: DeadActorError, pause: float) -> None:
        """Wait until the actor lives again elsewhere, as far as the directory knows.

        Raises:
            DeadActorError: It is gone for good.
            DeadlineError: It took too long.
        """
        if not self._address.named or self._node.closed:
            raise error
        left = None if self._until is None else self._until - self._node.now()
        try:
            async with asyncio.timeout(left):
                await asyncio.sleep(pause)
                await self._node.router.find(self._address.actor)
        except TimeoutError:
            what = f"call of {self._address}"
            raise DeadlineError(what, self._timeout or 0.0, "it to live again") from error
        except DeadActorError:
            raise error from None


def _name(sending: Sending) -> tuple[str, str, str, str]:
    address = sending.target.address
    return (address.actor, sending.source, sending.spec.name, sending.key)
