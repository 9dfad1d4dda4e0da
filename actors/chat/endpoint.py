"""One chat endpoint over HTTP: requests out, pieces in. What is said is decided elsewhere.

Loads httpx2: imported when a model starts, not before.
"""

from __future__ import annotations

import asyncio
import itertools
from contextlib import aclosing, asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import httpx2

from ...protocols.errors import LimitError
from .completion import CompletionReader
from .errors import AnswerBrokenError, ChatError, NotAChatEndpointError, RequestRefusedError
from .event_stream import EventReader
from .http_failure import EVENTS, FAILURES, JSON, failure_of, kind_of, text_of
from .retry import RetryPolicy, retry_after

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
    from random import Random

    from ...protocols.chat import ChatPiece
    from .address import EndpointAddress
    from .api_key import ApiKey
    from .waits import Waits

_LINGER_SECONDS: Final = 0.2
"""How long a server may take to close a stream whose end it has announced."""


class Endpoint:
    """Sends requests to an OpenAI-compatible server and reads its streams.

    A stream that is left closes its connection, by which servers know to stop their work. A
    request is sent again only while nothing of its answer has come. Belongs to one event loop;
    `aclose` ends it.

    Attributes:
        waiting: Requests that wait for their turn.
        retried: Attempts beyond the first of a request.
    """

    def __init__(
        self,
        address: EndpointAddress,
        *,
        key: ApiKey | None,
        waits: Waits,
        retry: RetryPolicy,
        concurrency: int,
        random: Random,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._url = address.chat_url
        self._hide: Callable[[str], str] = str if key is None else key.hide_in
        self._waits = waits
        self._retry = retry
        self._random = random
        self._sleep = sleep
        self._turns = asyncio.Semaphore(concurrency)
        self.waiting = 0
        self.retried = 0
        headers = {"Content-Type": JSON, "Accept": EVENTS, "Accept-Encoding": "identity"}
        if key is not None:
            headers["Authorization"] = f"Bearer {key.value}"
        self._client = httpx2.AsyncClient(
            headers=headers,
            timeout=httpx2.Timeout(waits.silence, connect=waits.connect, pool=None),
            limits=httpx2.Limits(max_connections=None),
            trust_env=not address.is_local,  # no proxy stands between this host and itself
        )

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def answer(self, body: bytes) -> AsyncGenerator[ChatPiece]:
        """Yield the pieces of the answer to a request, in its turn.

        Raises:
            ChatError: It did not come, or not to its end.
        """
        now = asyncio.get_running_loop().time
        until = None if self._waits.answer is None else now() + self._waits.answer
        async with self._turn(until):
            for attempt in itertools.count(1):
                begun = False
                try:
                    async with aclosing(self._attempt(body, until)) as pieces:
                        async for piece in pieces:
                            begun = True
                            yield piece
                except ChatError as error:
                    pause = self._retry.pause(attempt, error, self._random.random())
                    if begun or pause is None or (until is not None and now() + pause > until):
                        raise
                else:
                    return
                self.retried += 1
                await self._sleep(pause)

    @asynccontextmanager
    async def _turn(self, until: float | None) -> AsyncGenerator[None]:
        self.waiting += 1
        try:
            async with asyncio.timeout_at(until):
                await self._turns.acquire()
        except TimeoutError as error:
            raise self._failure(error, None) from error
        finally:
            self.waiting -= 1
        try:
            yield
        finally:
            self._turns.release()

    async def _attempt(self, body: bytes, until: float | None) -> AsyncGenerator[ChatPiece]:
        """Send the request once. No timeout spans a yield: how fast it is read is the reader's."""
        request = self._client.build_request("POST", self._url, content=body)
        try:
            async with asyncio.timeout_at(until):
                response = await self._client.send(request, stream=True)
        except FAILURES as error:
            raise self._failure(error, None) from error
        try:
            await self._look_at(response, until)
            reader = CompletionReader(self._url, self._hide)
            chunks = response.aiter_bytes()
            source = EventReader() if kind_of(response) == EVENTS else _WholeBody()
            while not reader.ended:
                for data in await self._next(source, chunks, until, reader):
                    for piece in reader.read(data):
                        yield piece
                if source.finished:
                    for piece in reader.finish():
                        yield piece
            await self._drain(chunks)
        finally:
            await response.aclose()

    async def _look_at(self, response: httpx2.Response, until: float | None) -> None:
        """Make sure that an answer follows."""
        status, kind = response.status_code, kind_of(response)
        if response.is_success and kind in {EVENTS, JSON}:
            return
        if response.has_redirect_location:
            found = f"it redirects to {self._hide(response.headers['location'])}"
            raise NotAChatEndpointError(self._url, found=found)
        text = ""
        with suppress(*FAILURES):  # the status says enough
            async with asyncio.timeout_at(until):
                text = self._hide(await text_of(response))
        if status < 400 or (status in {404, 405} and kind != JSON):
            found = f"status {status} and {kind or 'no content'}: {text[:200]!r}"
            raise NotAChatEndpointError(self._url, found=found)
        header = response.headers.get("retry-after")
        after = None if header is None else retry_after(header, datetime.now(UTC))
        raise RequestRefusedError(self._url, status, text, retry_after=after)

    async def _next(
        self,
        source: EventReader | _WholeBody,
        chunks: AsyncIterator[bytes],
        until: float | None,
        reader: CompletionReader,
    ) -> list[str]:
        """Return the data of what comes next."""
        try:
            async with asyncio.timeout_at(until):
                chunk = await anext(chunks, None)
            return source.finish() if chunk is None else source.feed(chunk)
        except FAILURES as error:
            raise self._failure(error, reader.pieces) from error
        except LimitError as error:
            reason = str(error)
            raise AnswerBrokenError(self._url, pieces=reader.pieces, reason=reason) from error

    async def _drain(self, chunks: AsyncIterator[bytes]) -> None:
        """Read over what follows the end, so that the connection can be used again."""
        with suppress(*FAILURES):  # it is closed instead
            async with asyncio.timeout(_LINGER_SECONDS):
                async for _ in chunks:
                    pass

    def _failure(self, error: Exception, pieces: int | None) -> ChatError:
        return failure_of(error, self._url, self._waits, pieces=pieces)


class _WholeBody:
    """A body without events: what servers send that do not stream."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.finished = False

    def feed(self, chunk: bytes) -> list[str]:
        self._parts.append(chunk)
        return []

    def finish(self) -> list[str]:
        self.finished = True
        return [b"".join(self._parts).decode(errors="replace")]
