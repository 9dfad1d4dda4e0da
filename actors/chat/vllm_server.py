"""A model behind a `vllm serve` of its own: started, watched, drained, started again."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import aclosing, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ..handler import handler
from .errors import (
    AnswerBrokenError,
    ChatError,
    EndpointUnreachableError,
    MissingPackageError,
    RequestRefusedError,
    ServerClosedError,
    ServerDiedError,
)
from .limits import check_least, check_positive
from .model import ChatModel, ChatStatistics
from .request_body import body_of
from .retry import RetryPolicy
from .server_life import (
    Close,
    Drained,
    Effect,
    Emptied,
    Ended,
    Event,
    GiveUp,
    Kill,
    Launch,
    Launched,
    LifePolicy,
    Probed,
    ServerLife,
)
from .server_lines import phase_of, tell_of_a_taken_port
from .serving import PASSED_ON, ServerCommand, ServerStatus, Serving
from .waits import Waits

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from ...protocols.chat import ChatPiece, ChatRequest

_STARTING_PROBE_SECONDS: Final = 0.25
_DEATH_SECONDS: Final = 3.0
"""How long after a broken connection the end of the process may be noticed."""

_LAST_WORDS_SECONDS: Final = 1.0
"""How long after the end of a process that never was ready its last lines may come."""

_MAY_BE_DEATH: Final = (EndpointUnreachableError, AnswerBrokenError, RequestRefusedError)
"""What requests see of a server whose process, or whose engine, ends."""

_LEAVE_SECONDS: Final = 0.8
"""What a server has for its end when its actor ends: less than the runtime's patience."""


class VllmServer(ChatModel):
    """Runs `vllm serve`, and answers through it.

    The server listens on a port of the loopback that the system chooses, and answers only to a
    key that this actor makes. Requests wait until it is ready. When it dies it is started again,
    with growing pauses; requests of which nothing had come are sent to the next process, others
    fail with a `ServerDiedError`. When it dies too often the actor fails, which is supervision's.
    One that ends because another program took its port first is started again at once, at another.
    However the actor, its node or the runtime ends, no process of the server is left.

    Args:
        model: Folder of the model, or what else `vllm serve` takes.
        command: What `serve` stands for, such as `[".venv-vllm/bin/vllm", "serve"]`.
        args: Further arguments, such as `["--max-model-len", "2048"]`.
        environment: Names of further environment variables that it sees; see `PASSED_ON`.
        variables: Environment variables with their values.
        extra: Fields of every request body.
        concurrency: Requests under way at once; more wait, in order.
        silence: Seconds that the server may send nothing within an answer.
        deadline: Seconds for a whole answer of a server that is ready; None for no limit.
        start_timeout: Seconds until it must be ready.
        health_every: Seconds between two health checks; after three failures it is killed.
        max_restarts: How often it is started again within `within` seconds.
        within: Length of that window in seconds.
        backoff: Seconds before it is started again; doubles with each time, up to 30.
        end_grace: Seconds between SIGTERM and SIGKILL at its end.

    Raises:
        InvalidLimitError: A limit makes no sense.
        MissingPackageError: The extra `passel[chat]` is not installed (when the actor starts).
    """

    def __init__(
        self,
        *,
        model: str,
        command: list[str] | None = None,
        args: list[str] | None = None,
        environment: list[str] | None = None,
        variables: dict[str, str] | None = None,
        extra: dict[str, Any] | None = None,
        concurrency: int = 64,
        silence: float = 120.0,
        deadline: float | None = 600.0,
        start_timeout: float = 600.0,
        health_every: float = 5.0,
        max_restarts: int = 3,
        within: float = 600.0,
        backoff: float = 1.0,
        end_grace: float = 10.0,
    ) -> None:
        check_least(model, 1, concurrency=concurrency)
        check_least(model, 0, max_restarts=max_restarts, backoff=backoff, end_grace=end_grace)
        check_positive(
            model,
            silence=silence,
            deadline=deadline,
            start_timeout=start_timeout,
            health_every=health_every,
            within=within,
        )
        self._name = Path(model).name
        self._command = ServerCommand(
            words=(*(command or ("vllm", "serve")), model),
            name=self._name,
            args=tuple(args or ()),
            environment=(*PASSED_ON, *(environment or ())),
            variables=variables or {},
            grace=end_grace,
        )
        self._extra = extra or {}
        self._concurrency = concurrency
        self._waits = Waits(silence=silence, answer=deadline)
        self._health_every = health_every
        self._life = ServerLife(
            LifePolicy(
                start_timeout=start_timeout,
                max_restarts=max_restarts,
                within=within,
                backoff=backoff,
            )
        )
        self._now: Serving | None = None
        self._busy = 0
        self._news = asyncio.Event()

    async def started(self) -> None:
        """Begin to start the server; `ready` waits for it."""
        try:
            from . import endpoint, health  # noqa: F401  # httpx2 is an extra, and slow to import
        except ModuleNotFoundError as error:
            raise MissingPackageError(error.name or "", extra="chat") from error
        self.context.start(self._serve())

    # --- For others ------------------------------------------------------------------------------

    @handler(concurrent=True, raises=(ChatError,))
    async def ready(self) -> ServerStatus:
        """Return once the server is ready; give the call a timeout that fits the model.

        Raises:
            ServerDiedError: It will not start.
            ServerClosedError: It is being drained, or was.
        """
        await self._ready()
        return self._status()

    @handler(concurrent=True)
    async def status(self) -> ServerStatus:
        """Return how the server is now."""
        return self._status()

    @handler(concurrent=True)
    async def log(self, count: int = 50) -> list[str]:
        """Return the last lines that the server wrote, the oldest first; 200 are kept."""
        return [] if self._now is None else list(self._now.process.lines.last)[-count:]

    @handler(concurrent=True)
    async def drain(self, grace: float = 60.0) -> int:
        """Refuse what is new, finish what runs, then end the server; returns when it has ended.

        Returns:
            How many answers were cut off because they took longer than `grace` seconds.
        """
        self._handle(Drained())
        with suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await self._until(lambda: not self._busy)
        cut = self._busy
        self._handle(Emptied())
        await self._until(lambda: self._life.is_over)
        if self._now is not None:
            await self._now.process.over.wait()
        return cut

    async def answer(self, request: ChatRequest) -> AsyncGenerator[ChatPiece]:
        """Yield the pieces of the server's answer.

        Raises:
            ChatError: There is no complete answer; the error says what mends that.
        """
        body = body_of(request, model=self._name, dialect="vllm", extra=self._extra)
        while True:
            serving = await self._ready()
            pieces = 0
            try:
                async with self._counted(), aclosing(serving.endpoint.answer(body)) as answer:
                    async for piece in answer:
                        pieces += 1
                        yield piece
            except _MAY_BE_DEATH as error:
                if _is_of_the_request(error) or not await self._has_ended(serving):
                    raise
                await self._until(partial(self._is_over, serving))
                if pieces or self._life.state in {"draining", "stopped"}:
                    raise self._death(serving, pieces) from error
            else:
                return

    def counted(self) -> ChatStatistics:
        """Return the numbers of this model."""
        waiting = 0 if self._now is None else self._now.endpoint.waiting
        return msgspec.structs.replace(super().counted(), waiting=waiting)

    # --- The server's lives ----------------------------------------------------------------------

    async def _serve(self) -> None:
        """Start processes until no more may be."""
        effects: list[Effect] = [Launch(0.0)]
        for number in itertools.count(1):
            match effects:
                case [Launch(after)]:
                    await self.context.sleep(after)
                    if self._life.is_over:
                        return
                case [GiveUp()]:
                    assert self._now is not None, "what ended has lived"
                    await asyncio.sleep(0)  # those who wait get their errors before the actor fails
                    raise self._death(self._now, 0)
                case _:
                    return
            effects = await self._live(number)

    async def _live(self, number: int) -> list[Effect]:
        """Run one process to its end, and return what is to be done once nothing of it is left."""
        serving = self._launch()
        self.context.log.info("server is started", model=self._name, life=number)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(serving.process.run())
                try:
                    await self._watch(serving)
                    effects = self._handle(await self._end_of(serving))
                finally:
                    await serving.process.end(_LEAVE_SECONDS)
        finally:
            await serving.endpoint.aclose()
        self.context.log.warning("server has ended", model=self._name, how=serving.how)
        return effects

    def _launch(self) -> Serving:
        from .endpoint import Endpoint  # httpx2 is an extra, and slow to import

        process, address, key = self._command.start(self._on_line)
        endpoint = Endpoint(
            address,
            key=key,
            waits=self._waits,
            retry=RetryPolicy(tries=1),
            concurrency=self._concurrency,
            random=self.context.random,
            sleep=self.context.sleep,
        )
        born = self.context.now()
        serving = self._now = Serving(process, address, endpoint, born)
        self._handle(Launched(born))
        return serving

    async def _watch(self, serving: Serving) -> None:
        """Ask for the server's health until it has ended."""
        from .health import HealthProbe  # httpx2 is an extra, and slow to import

        probe = HealthProbe(serving.health_url, timeout=self._health_every)
        try:
            while not serving.process.ended.is_set():
                healthy = await probe.is_well()
                self._handle(Probed(self.context.now(), healthy))
                pause = self._health_every
                if self._life.state == "starting":
                    pause = min(pause, _STARTING_PROBE_SECONDS)
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await serving.process.ended.wait()
        finally:
            await probe.aclose()

    async def _end_of(self, serving: Serving) -> Ended:
        """Return what is to be known of a process that has ended."""
        process = serving.process
        if self._life.state == "starting":  # its last words say why
            with suppress(TimeoutError):
                async with asyncio.timeout(_LAST_WORDS_SECONDS):
                    await process.silent.wait()
        taken = tell_of_a_taken_port(process.lines.last)
        return Ended(self.context.now(), port_taken=taken)

    def _on_line(self, line: str) -> None:
        phase = phase_of(line)
        if self._now is not None and phase is not None and phase != self._now.phase:
            self._now.phase = phase
            self.context.log.info("server starts", model=self._name, phase=phase, said=line)

    # --- What the core decides -------------------------------------------------------------------

    def _handle(self, event: Event) -> list[Effect]:
        """Give an event to the core, and carry out what concerns the process at hand."""
        effects = self._life.handle(event)
        for effect in effects:
            if isinstance(effect, Kill) and self._now is not None:
                self._now.killed_for = effect.reason
                self._now.process.kill()
            elif isinstance(effect, Close) and self._now is not None:
                self._now.process.close()
        news, self._news = self._news, asyncio.Event()
        news.set()
        return effects

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            await self._news.wait()

    async def _ready(self) -> Serving:
        """Return the server's life once it is ready."""
        await self._until(lambda: self._life.state not in {"starting", "waiting"})
        serving = self._now
        if self._life.state == "failed" and serving is not None:
            raise self._death(serving, 0)
        if self._life.state != "ready" or serving is None:
            raise ServerClosedError(self._name, state=self._life.state)
        return serving

    async def _has_ended(self, serving: Serving) -> bool:
        """Return whether a process has ended; that may be seen a little after its connections'."""
        try:
            async with asyncio.timeout(_DEATH_SECONDS):
                await serving.process.ended.wait()
        except TimeoutError:
            return False
        return True

    def _is_over(self, serving: Serving) -> bool:
        """Return whether it is known that a process has ended."""
        return self._now is not serving or self._life.state != "ready"

    @asynccontextmanager
    async def _counted(self) -> AsyncGenerator[None]:
        self._busy += 1
        try:
            yield
        finally:
            self._busy -= 1
            self._news.set()
            self._news = asyncio.Event()

    def _death(self, serving: Serving, pieces: int) -> ServerDiedError:
        return ServerDiedError(
            self._name,
            serving.how,
            pieces=pieces,
            lines=list(serving.process.lines.last),
            given_up=self._life.state == "failed",
        )

    def _status(self) -> ServerStatus:
        serving, state, restarts = self._now, self._life.state, self._life.restarts
        if serving is None:
            return ServerStatus(state=state, restarts=restarts)
        said = serving.process.lines.last[-1] if serving.process.lines.last else ""
        return ServerStatus(
            state=state,
            phase=serving.phase,
            said=said,
            url=serving.address.base,
            pid=serving.process.pid,
            restarts=restarts,
            seconds=self.context.now() - serving.born,
        )


def _is_of_the_request(error: ChatError) -> bool:
    """Return whether an error says that the request is wrong, and so that the server is well."""
    return isinstance(error, RequestRefusedError) and error.status in range(400, 500)
