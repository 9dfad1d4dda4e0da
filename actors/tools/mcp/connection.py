"""Sessions with MCP servers. Loads the SDK: imported when an actor starts."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx2
from mcp import ClientSession, MCPError, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.jsonrpc_dispatcher import JSONRPCDispatcher
from mcp_types import CONNECTION_CLOSED, Implementation, PaginatedRequestParams

from ...processes import warden_words

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from mcp.client.session import MessageHandlerFnT
    from mcp_types import Tool

    from .server_address import ServerAddress
    from .stderr_tail import StderrTail

MAX_PAGES: Final = 100
"""How many pages a server may spread its tools over."""

_GRACE: Final = 1.0
"""Seconds between SIGTERM and SIGKILL for a server that is ended."""


class Queried(httpx2.AsyncHTTPTransport):
    """Sends requests with a query that their URLs, as others see them, do not have.

    Args:
        address: The server's; a proxy that the environment names for it is used.
    """

    def __init__(self, address: ServerAddress) -> None:
        super().__init__(proxy=None if address.is_local else _proxy_for(address.url))
        self._query = address.query.encode()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request."""
        queried = httpx2.Request(
            request.method,
            request.url.copy_with(query=self._query),
            headers=request.headers,
            stream=request.stream,
            extensions=request.extensions,
        )
        return await super().handle_async_request(queried)


def _proxy_for(url: str) -> str | None:
    """Return the proxy that the environment names for a URL."""
    parts, proxies = urlsplit(url), getproxies()
    if proxy_bypass(parts.hostname or ""):
        return None
    return proxies.get(parts.scheme) or proxies.get("all")


class Dispatcher(JSONRPCDispatcher[Any]):
    """Tells when the connection is over, which the SDK's own tells only who waits for an answer."""

    def __init__(self, reading: Any, writing: Any, on_closed: Callable[[], None]) -> None:
        super().__init__(reading, writing)
        self._on_closed = on_closed

    async def run(self, *args: Any, **kwargs: Any) -> None:
        """Carry messages until the connection is over."""
        try:
            await super().run(*args, **kwargs)
        finally:
            self._on_closed()


@asynccontextmanager
async def local_session(
    command: Sequence[str],
    environment: Mapping[str, str],
    directory: str,
    *,
    tail: StderrTail,
    on_closed: Callable[[], None],
    on_message: MessageHandlerFnT,
) -> AsyncIterator[ClientSession]:
    """Start a server as a process, and open a session over its standard input and output.

    A warden stands between, so that nothing of the server outlives this node. Enter and leave it
    in one task.
    """
    program, *words = warden_words(command, grace=_GRACE, limits={"core": 0})
    server = StdioServerParameters(
        command=program,
        args=words,
        env=dict(environment),
        cwd=directory or None,
        encoding_error_handler="replace",
    )
    async with stdio_client(server, errlog=tail.file) as (reading, writing):
        tail.handed_over()
        async with _session(reading, writing, on_closed, on_message) as session:
            yield session


@asynccontextmanager
async def remote_session(
    address: ServerAddress,
    *,
    on_closed: Callable[[], None],
    on_message: MessageHandlerFnT,
) -> AsyncIterator[ClientSession]:
    """Open a session over streamable HTTP. Enter and leave it in one task.

    Neither the SDK nor the client is given a URL with secrets: both log the one that they have.
    """
    client = httpx2.AsyncClient(
        headers=address.headers,
        auth=address.login,
        timeout=httpx2.Timeout(30.0, read=None),  # how long a tool may take is its policy's
        transport=Queried(address) if address.query else None,
        trust_env=not address.is_local,  # no proxy stands between this host and itself
    )
    async with (
        client,
        streamable_http_client(address.url, http_client=client) as (reading, writing),
        _session(reading, writing, on_closed, on_message) as session,
    ):
        yield session


@asynccontextmanager
async def _session(
    reading: Any,
    writing: Any,
    on_closed: Callable[[], None],
    on_message: MessageHandlerFnT,
) -> AsyncIterator[ClientSession]:
    async with ClientSession(
        dispatcher=Dispatcher(reading, writing, on_closed),
        message_handler=on_message,
        client_info=Implementation(name="passel", version="1"),
    ) as session:
        yield session


async def ping(session: ClientSession) -> str | None:
    """Return None if the server answers, what it said if it refuses, nothing if it is gone."""
    try:
        await session.send_ping()
    except MCPError as error:
        return "" if error.error.code == CONNECTION_CLOSED else error.error.message
    return None


async def all_tools(session: ClientSession) -> list[Tool]:
    """Return all tools of a server, however many pages they are on."""
    found: list[Tool] = []
    cursor: str | None = None
    for _ in range(MAX_PAGES):
        params = None if cursor is None else PaginatedRequestParams(cursor=cursor)
        page = await session.list_tools(params=params)
        found += page.tools
        cursor = page.next_cursor
        if cursor is None:
            break
    return found
