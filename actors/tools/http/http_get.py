"""Pages from the web, from hosts that were named, as a tool."""

from __future__ import annotations

import socket
from collections.abc import Sequence  # noqa: TC003  # hints are read at run time
from typing import TYPE_CHECKING, Any

from ....protocols.tools import ToolPolicy
from ..errors import ToolDefinitionError
from ..function_tools import FunctionTool
from ..toolbox import Toolbox
from .allowance import Allowance

if TYPE_CHECKING:
    from .fetcher import Fetcher

_THREADS = 4


class HttpGet(Toolbox):
    """Offers `http_get`: a page's text, from hosts on a list and from nowhere else.

    The address that a host's name stands for, and every page that one sends on to, is checked
    too: what is not public is refused. Proxies of the environment are not used. A page with an
    HTTP error status is a result, with that status. Needs `passel[tools]`.

    Args:
        hosts: Hosts that may be reached, each as `example.org`, `*.example.org` for all below
            it, or `example.org:8080`.
        plain: Whether `http://` is allowed beside `https://`.
        private: Networks that are not public and may be reached all the same, as `10.1.0.0/16`.
        max_bytes: Most bytes of one page.
        timeout: Seconds that one call may take.
        concurrency: Pages that may be fetched at once.

    Raises:
        ToolDefinitionError: A host or network is malformed.
    """

    def __init__(
        self,
        *,
        hosts: Sequence[str],
        plain: bool = False,
        private: Sequence[str] = (),
        max_bytes: int = 2_000_000,
        timeout: float = 30.0,
        concurrency: int = 8,
    ) -> None:
        self._allowance = Allowance(hosts=hosts, private=private, plain=plain)
        self._max_bytes = max_bytes
        self._fetcher: Fetcher | None = None
        policy = ToolPolicy(concurrency=concurrency, timeout=timeout, idempotent=True)
        description = (
            "Fetch a page from the web and return its text, title, status and type.\n\n"
            f"Only from these hosts: {', '.join(hosts)}."
        )
        super().__init__(
            [FunctionTool(self._get, name="http_get", description=description, policy=policy)]
        )

    async def started(self) -> None:
        """Open what connections are made with.

        Raises:
            ToolDefinitionError: httpx2 is not installed.
        """
        try:
            from .fetcher import Fetcher  # an extra
        except ModuleNotFoundError as error:
            reason = f'{error.name} is not installed; run `pip install "passel[tools]"`'
            raise ToolDefinitionError("http_get", reason=reason) from None
        self._threads = self.context.threads(_THREADS)
        self._fetcher = Fetcher(
            tool="http_get",
            allowance=self._allowance,
            resolve=self.resolve,
            threads=self._threads,
            max_bytes=self._max_bytes,
        )

    async def stopping(self) -> None:
        """Close all connections."""
        if self._fetcher is not None:
            await self._fetcher.aclose()

    async def resolve(self, host: str, port: int) -> list[str]:
        """Return the addresses of a host; a subclass may know better than the system.

        Raises:
            OSError: It has none.
        """
        found = await self._threads.run(
            lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))

    async def _get(self, url: str) -> Any:
        """Fetch a page.

        Args:
            url: Where it is, with https://.
        """
        assert self._fetcher is not None, "made in started()"
        return await self._fetcher.fetch(url)
