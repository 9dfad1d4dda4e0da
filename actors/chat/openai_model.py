"""A model behind any endpoint that speaks OpenAI's chat protocol."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from .address import EndpointAddress
from .api_key import ApiKey
from .errors import InvalidEndpointError, MissingPackageError
from .limits import check_least, check_positive
from .model import ChatModel, ChatStatistics
from .request_body import Dialect, body_of
from .retry import RetryPolicy
from .waits import Waits

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from ...protocols.chat import ChatPiece, ChatRequest
    from .endpoint import Endpoint


class OpenAIModel(ChatModel):
    """Talks to an OpenAI-compatible server: vLLM, OpenAI, a router, or any other.

    Needs the extra `passel[chat]`. Leaving an answer closes its connection, by which servers
    know to stop. A request is sent again only while nothing of its answer has come: after
    connection errors and the statuses 408, 409, 425, 429, 500, 502, 503, 504 and 529.

    Args:
        base_url: Such as `http://127.0.0.1:8000/v1`.
        model: The server's name of the model.
        api_key_env: Name of the environment variable with the key, in the process of its node.
        api_key_file: File with the key, which only its owner may read.
        dialect: `vllm` for servers that know `structured_outputs`: any form can be asked for.
        extra: Fields of every request body; those of a request's own `extra` take their place.
        usage: Ask how many tokens it took; False for servers that refuse `stream_options`.
        concurrency: Requests under way at once; more wait, in order.
        tries: Attempts in all for one request.
        backoff: Seconds before the second attempt; doubles with each further one, up to 30. What
            a server asks for by Retry-After counts, if it is no more than that.
        connect_timeout: Seconds for a connection.
        silence: Seconds that the server may send nothing, the time before its first byte included.
        deadline: Seconds for a whole answer, its attempts and its wait for a turn included; None
            for no other limit than the caller's own.
        plain_http: Send the key even unencrypted over a network.

    Raises:
        InvalidEndpointError: It cannot be reached like this, or a limit makes no sense
            (InvalidLimitError).
        ApiKeyError: There is no key where one should be (when the actor starts).
        MissingPackageError: The extra is not installed (likewise).
    """

    def __init__(
        self,
        *,
        base_url: str,
        model: str,
        api_key_env: str = "",
        api_key_file: str = "",
        dialect: Dialect = "openai",
        extra: dict[str, Any] | None = None,
        usage: bool = True,
        concurrency: int = 8,
        tries: int = 3,
        backoff: float = 0.5,
        connect_timeout: float = 5.0,
        silence: float = 60.0,
        deadline: float | None = 600.0,
        plain_http: bool = False,
    ) -> None:
        self._address = EndpointAddress(base_url)
        if api_key_env and api_key_file:
            reason = "its key comes from an environment variable or from a file, not from both"
            raise InvalidEndpointError(base_url, reason=reason)
        secret = bool(api_key_env or api_key_file)
        if secret and not (self._address.is_encrypted or self._address.is_local or plain_http):
            reason = "its key would cross the network unencrypted; use https, or say `plain_http`"
            raise InvalidEndpointError(base_url, reason=reason)
        check_least(base_url, 1, concurrency=concurrency, tries=tries)
        check_least(base_url, 0, backoff=backoff)
        check_positive(
            base_url, connect_timeout=connect_timeout, silence=silence, deadline=deadline
        )
        self._model = model
        self._key_env, self._key_file = api_key_env, api_key_file
        self._dialect: Dialect = dialect
        self._extra = extra or {}
        self._usage = usage
        self._concurrency = concurrency
        self._waits = Waits(connect=connect_timeout, silence=silence, answer=deadline)
        self._retry = RetryPolicy(tries=tries, backoff=backoff)
        self._endpoint: Endpoint | None = None

    async def started(self) -> None:
        """Fetch the key."""
        key = await self.context.run_blocking(self._find_key)
        try:
            from .endpoint import Endpoint  # httpx2 is an extra, and slow to import
        except ModuleNotFoundError as error:
            raise MissingPackageError(error.name or "", extra="chat") from error
        self._endpoint = Endpoint(
            self._address,
            key=key,
            waits=self._waits,
            retry=self._retry,
            concurrency=self._concurrency,
            random=self.context.random,
            sleep=self.context.sleep,
        )
        self.context.start(_owned(self._endpoint))

    async def answer(self, request: ChatRequest) -> AsyncGenerator[ChatPiece]:
        """Yield the pieces of the server's answer.

        Raises:
            ChatError: There is no complete answer; the error says what mends that.
        """
        assert self._endpoint is not None, "it is made when the actor starts"
        body = body_of(
            request,
            model=self._model,
            dialect=self._dialect,
            usage=self._usage,
            extra=self._extra,
        )
        async with aclosing(self._endpoint.answer(body)) as pieces:
            async for piece in pieces:
                yield piece

    def counted(self) -> ChatStatistics:
        """Return the numbers of this model."""
        endpoint = self._endpoint
        if endpoint is None:
            return super().counted()
        return replace(super().counted(), waiting=endpoint.waiting, retried=endpoint.retried)

    def _find_key(self) -> ApiKey | None:
        if self._key_env:
            return ApiKey.from_environment(self._key_env)
        if self._key_file:
            return ApiKey.from_file(Path(self._key_file))
        return None


async def _owned(endpoint: Endpoint) -> None:
    """Keep an endpoint's connections for as long as the actor lives."""
    try:
        await asyncio.Event().wait()
    finally:
        await endpoint.aclose()
