"""One server of the Model Context Protocol, and its tools."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence  # noqa: TC003  # hints are read at run time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Literal

from ....protocols.tools import ToolPolicy
from ...handler import handler
from ..errors import McpServerError, ToolDefinitionError, ToolFailedError
from ..toolbox import Toolbox, check_policy
from .records import McpHealth
from .server_address import ServerAddress
from .stderr_tail import StderrTail

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from mcp import ClientSession

FIRST_PAUSE: Final = 0.2
"""Seconds before a server that was lost is started again; doubles with each failure in a row."""

_ENDED: Final = "it ended, or closed the connection"

LONGEST_PAUSE: Final = 30.0
"""Most seconds between two starts."""

STEADY_SECONDS: Final = 60.0
"""After so long a life the failures before it count no more."""


class McpServer(Toolbox):
    """Owns the one session with an MCP server, and offers its tools.

    The server is a process of its own that is started with `command`, or answers at `url`
    (streamable HTTP). One task opens the session, keeps it and closes it, whoever calls: that is
    what the SDK asks for, and what an actor gives by itself. Needs `passel[tools]`.

    A server that ends, hangs or writes what is no message costs the calls that are under way, each a
    `ToolFailedError` or `ToolTimeoutError`; it is started again, with growing pauses, for as long as
    the actor lives, and calls that come meanwhile wait for it, at most `start_timeout` seconds.
    Whether it hangs is asked after every call that ran out of time. A list of tools that changes is
    read again.

    Args:
        command: Program and arguments; empty for a server at `url`.
        url: Where the server answers; empty for one that is started.
        environment: Variables beside those that the SDK hands on (PATH, HOME and the like).
        directory: Where the program runs; where the node does if empty.
        headers: Sent with every request to `url`, such as an Authorization.
        plain_http: Send headers, passwords and queries even unencrypted over a network.
        prefix: Put before the names of the tools, where several servers have the same.
        policy: How its tools may be called.
        policies: The same for some tools, by the server's own names of them, without `prefix`; one
            of a tool that the server does not have is logged.
        start_timeout: Seconds until the server must have said what it offers.
        ping_timeout: Seconds in which it must answer when it is asked whether it is there.

    Raises:
        ToolDefinitionError: Neither or both of `command` and `url` were given, a policy makes no
            sense, or a secret would cross a network unencrypted.
    """

    def __init__(
        self,
        *,
        command: Sequence[str] = (),
        url: str = "",
        environment: Mapping[str, str] | None = None,
        directory: str = "",
        headers: Mapping[str, str] | None = None,
        plain_http: bool = False,
        prefix: str = "",
        policy: ToolPolicy = ToolPolicy(),  # noqa: B008  # frozen
        policies: Mapping[str, ToolPolicy] | None = None,
        start_timeout: float = 30.0,
        ping_timeout: float = 5.0,
    ) -> None:
        super().__init__()
        if bool(command) == bool(url):
            raise ToolDefinitionError("MCP server", reason="give it either a `command` or a `url`")
        self._command = tuple(command)
        self._address = ServerAddress.of(url, headers or {}, plain_http=plain_http) if url else None
        self._environment = dict(environment or {})
        self._directory = directory
        self._prefix = prefix
        self._policy = policy
        self._policies = dict(policies or {})
        self._unknown: set[str] = set()
        self._start_timeout = start_timeout
        self._ping_timeout = ping_timeout
        self._what = command[0] if self._address is None else self._address.url
        self._state: Literal["starting", "up", "waiting", "stopped"] = "starting"
        self._about: dict[str, str] = {}
        self._starts = self._failures = self._garbage = 0
        self._last_error = ""

    async def started(self) -> None:
        """Connect; returns when the server has said what it offers.

        Raises:
            McpServerError: It did not.
            ToolDefinitionError: The SDK is not installed.
        """
        try:
            from . import connection, mcp_tool  # an extra
        except ModuleNotFoundError as error:
            reason = f'{error.name} is not installed; run `pip install "passel[tools]"`'
            raise ToolDefinitionError("MCP server", reason=reason) from None
        self._sdk, self._making = connection, mcp_tool
        self._session: asyncio.Future[ClientSession] = asyncio.get_running_loop().create_future()
        self._wake = asyncio.Event()
        self._closed = self._suspected = self._changed = self._leaving = False
        self._over = asyncio.Event()
        self.context.start(self._own())
        await self._ready()

    async def stopping(self) -> None:
        """Close the session in order, and end the server."""
        self._leaving = True
        self._wake.set()
        await self._over.wait()

    @handler(concurrent=True)
    async def health(self) -> McpHealth:
        """Return how the server is."""
        return McpHealth(
            state=self._state,
            tools=len(self._tools),
            starts=self._starts,
            failures=self._failures,
            garbage=self._garbage,
            last_error=self._last_error,
            **self._about,
        )

    # --- The owner of the session ----------------------------------------------------------------

    async def _own(self) -> None:
        """Open the session, keep it, close it, and again until the actor leaves."""
        try:
            while not self._leaving:
                began = self.context.now()
                error = await self._live_once()
                if self.context.now() - began > STEADY_SECONDS:
                    self._failures = 0
                self._lost(error)
                pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(self._failures - 1, 16))
                self._wake.clear()
                if not self._leaving:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(pause):
                            await self._wake.wait()
        finally:
            self._state = "stopped"
            self._over.set()

    async def _live_once(self) -> McpServerError | None:
        """Return why a session ended; None when the actor leaves."""
        self._state = "starting"
        self._starts += 1
        self._closed = self._suspected = self._changed = False
        self._wake.clear()
        tail = StderrTail()
        try:
            async with self._opened(tail) as session:
                await self._greet(session)
                await self._keep(session)
        except (Exception, BaseExceptionGroup) as error:  # noqa: BLE001  # the SDK's may be any
            reason = self._hidden(_reason_of(error) + self._said(tail))
            return McpServerError(self._what, reason=reason)
        finally:
            tail.close()
        return None

    def _opened(self, tail: StderrTail) -> AbstractAsyncContextManager[ClientSession]:
        if self._address is not None:
            return self._sdk.remote_session(
                self._address, on_closed=self._on_closed, on_message=self._on_message
            )
        return self._sdk.local_session(
            self._command,
            self._environment,
            self._directory,
            tail=tail,
            on_closed=self._on_closed,
            on_message=self._on_message,
        )

    async def _greet(self, session: ClientSession) -> None:
        """Agree on a protocol, and learn what there is."""
        try:
            async with asyncio.timeout(self._start_timeout):
                result = await session.initialize()
                await self._list(session)
        except TimeoutError:
            reason = f"it did not say within {self._start_timeout:g} s what it offers"
            raise McpServerError(self._what, reason=reason) from None
        self._about = {
            "server": result.server_info.name,
            "version": result.server_info.version,
            "protocol": result.protocol_version,
        }
        self._state = "up"
        if not self._session.done():
            self._session.set_result(session)
        self.context.log.info("MCP server is up", tools=len(self._tools), **self._about)

    async def _keep(self, session: ClientSession) -> None:
        """Return when the actor leaves.

        Raises:
            McpServerError: The server is gone, or does not answer.
        """
        while not self._leaving:
            await self._wake.wait()
            self._wake.clear()
            if self._closed and not self._leaving:
                raise McpServerError(self._what, reason=_ENDED)
            if self._suspected:
                self._suspected = False
                await self._ping(session)
            if self._changed:
                self._changed = False
                await self._list(session)

    async def _ping(self, session: ClientSession) -> None:
        try:
            async with asyncio.timeout(self._ping_timeout):
                refused = await self._sdk.ping(session)
        except TimeoutError:
            reason = f"it does not answer: {self._ping_timeout:g} s without a word"
            raise McpServerError(self._what, reason=reason) from None
        if refused is not None:
            reason = f"it does not know the session: {refused}" if refused else _ENDED
            raise McpServerError(self._what, reason=reason)
        if not self._session.done():  # a call was lost, and it alone
            self._session.set_result(session)

    async def _list(self, session: ClientSession) -> None:
        """Offer the tools that the server has."""
        making = self._making
        offered = []
        tools = await self._sdk.all_tools(session)
        self._tell_strays([tool.name for tool in tools])
        for tool in tools:
            name = making.model_name(tool.name, self._prefix)
            try:
                made = making.McpTool(
                    tool,
                    name=name,
                    policy=self._policies.get(tool.name, self._policy),
                    session=self._for_call,
                    suspect=self._suspect,
                    hidden=self._hidden,
                )
                check_policy(made.spec)
            except making.jsonschema.SchemaError as error:
                said = self._hidden(error.message)
                self.context.log.warning("tool without a usable schema", tool=tool.name, error=said)
                continue
            offered.append(made)
        self.offer(offered)

    def _tell_strays(self, names: Sequence[str]) -> None:
        """Log once each policy whose tool the server does not have: nothing is called as it says."""
        for stray in [name for name in self._policies if name not in {*names, *self._unknown}]:
            self._unknown.add(stray)
            self.context.log.warning("policy of an unknown tool", tool=stray, known=list(names))

    def _lost(self, error: McpServerError | None) -> None:
        """The session is over; who calls from now on waits for the next one."""
        if error is None:
            return
        self._failures += 1
        self._last_error = error.reason
        self._state = "waiting"
        self._retire()
        if self._starts == 1 and not self._about:
            self._session.set_exception(error)
            self._leaving = True  # it never was there: the start of the actor fails
        else:
            self.context.log.warning("MCP server was lost", reason=error.reason, lives=self._starts)

    # --- What others tell the owner --------------------------------------------------------------

    async def _ready(self) -> ClientSession:
        return await asyncio.shield(self._session)

    async def _for_call(self, tool: str) -> ClientSession:
        """Return the session, once there is one.

        Raises:
            ToolFailedError: There was none in time.
        """
        try:
            async with asyncio.timeout(self._start_timeout):
                return await self._ready()
        except TimeoutError:
            raise ToolFailedError(tool, "server", f"it is not there: {self._last_error}") from None

    def _retire(self) -> None:
        """Give the session to no further call."""
        if self._session.done():
            self._session = asyncio.get_running_loop().create_future()

    def _suspect(self, *, lost: bool = False) -> None:
        if lost:
            self._retire()
        self._suspected = True
        self._wake.set()

    def _on_closed(self) -> None:
        self._closed = True
        self._retire()
        self._wake.set()

    async def _on_message(self, message: Any) -> None:
        if isinstance(message, Exception):
            self._garbage += 1
            self._suspect()
        elif getattr(message, "method", "") == "notifications/tools/list_changed":
            self._changed = True
            self._wake.set()

    def _hidden(self, text: str) -> str:
        """Return what was said without the secrets of the server's address."""
        return text if self._address is None else self._address.hide_in(text)

    def _said(self, tail: StderrTail) -> str:
        lines = tail.lines()
        return f"; its last lines:{lines}" if lines else ""


def _reason_of(error: BaseException) -> str:
    """Return what an error of the SDK says; of a group of them, what its first one does."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, McpServerError):
        return error.reason
    return f"{type(error).__name__}: {error}"
