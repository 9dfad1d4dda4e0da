"""Fetching a page: the part that does the I/O. Loads httpx2: imported when an actor starts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin

import httpx2
import msgspec

from ..errors import RefusedUrlError, ToolFailedError
from .page_text import page_text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from ...context import Threads
    from .allowance import Allowance, Place

    Resolver = Callable[[str, int], Awaitable[Sequence[str]]]

MAX_REDIRECTS: Final = 5
"""How often a page may send on to another one."""

_REDIRECTS: Final = {301, 302, 303, 307, 308}
_TEXT: Final = re.compile(r"text/|application/(json|xml|javascript|.*\+(json|xml))")


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A page that was fetched.

    Attributes:
        url: Where it was in the end.
        status: Its HTTP status.
        type: Its media type.
        title: Its title if it is HTML.
        text: Its text; of HTML what a reader sees.
    """

    url: str
    status: int
    type: str
    text: str
    title: str = ""


class Fetcher:
    """Fetches pages from allowed places. Belongs to one event loop; `aclose` ends it.

    A host's name is resolved once for each request, every address that it has is checked, and the
    connection goes to the first one that answers of those. So a name that changes what it stands for
    between check and use leads nowhere else. TLS certificates are checked against the name.

    Args:
        tool: Name of the tool, for errors.
        allowance: What may be fetched.
        resolve: Returns the addresses of a name.
        threads: Where pages are read.
        max_bytes: Most bytes of one page.
    """

    def __init__(
        self,
        *,
        tool: str,
        allowance: Allowance,
        resolve: Resolver,
        threads: Threads,
        max_bytes: int,
    ) -> None:
        self._tool = tool
        self._allowance = allowance
        self._resolve = resolve
        self._threads = threads
        self._max_bytes = max_bytes
        self._client = httpx2.AsyncClient(
            headers={"Accept-Encoding": "identity", "User-Agent": "passel"},
            timeout=httpx2.Timeout(30.0, connect=10.0, pool=None),
            limits=httpx2.Limits(
                max_keepalive_connections=0
            ),  # one to a name would outlive its check
            follow_redirects=False,
            trust_env=False,  # a proxy would resolve names by itself
        )

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def fetch(self, url: str) -> Page:
        """Return the page, wherever it was sent on to.

        Raises:
            RefusedUrlError: It, or a page it sends on to, is not allowed.
            ToolFailedError: It cannot be reached, is too large or no text.
        """
        for _ in range(MAX_REDIRECTS + 1):
            place = self._allowance.place(url)
            try:
                found = await self._get(place)
            except httpx2.HTTPError as error:
                detail = str(error) or "no answer"
                raise ToolFailedError(
                    self._tool, type(error).__name__, f"{url}: {detail}"
                ) from None
            if isinstance(found, Page):
                return found
            url = urljoin(place.url, found)
        raise ToolFailedError(
            self._tool, "redirects", f"more than {MAX_REDIRECTS}, at last to {url}"
        )

    async def _get(self, place: Place) -> Page | str:
        """Return a page, or the URL that it sends on to."""
        try:
            addresses = await self._resolve(place.host, place.port)
        except OSError as error:
            raise ToolFailedError(self._tool, "name", f"{place.host}: {error.strerror}") from None
        for address in addresses:
            self._allowance.check(place.url, address)
        failed: httpx2.HTTPError = httpx2.ConnectError(f"{place.host} has no address")
        for address in addresses:
            try:
                return await self._get_at(place, address)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                failed = error
        raise failed

    async def _get_at(self, place: Place, address: str) -> Page | str:
        try:
            url = httpx2.URL(place.url).copy_with(host=address, port=place.port)
        except httpx2.InvalidURL as error:
            raise RefusedUrlError(place.url, reason=f"it is no URL: {error}") from None
        usual = place.port == (443 if place.secure else 80)
        name = f"[{place.host}]" if ":" in place.host else place.host
        headers = {"Host": name if usual else f"{name}:{place.port}"}
        request = self._client.build_request(
            "GET", url, headers=headers, extensions={"sni_hostname": place.host}
        )
        response = await self._client.send(request, stream=True)
        try:
            location = response.headers.get("location")
            if response.status_code in _REDIRECTS and location is not None:
                return str(location)
            return await self._page(place, response, await self._body(place, response))
        finally:
            await response.aclose()

    async def _body(self, place: Place, response: httpx2.Response) -> bytes:
        encoding = response.headers.get("content-encoding", "identity").lower()
        if encoding != "identity":  # it could unpack to more than there is room for
            raise ToolFailedError(self._tool, "encoding", f"{place.url} is sent as {encoding}")
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > self._max_bytes:
                detail = f"{place.url} has more than {self._max_bytes} bytes"
                raise ToolFailedError(self._tool, "size", detail)
        return bytes(body)

    async def _page(self, place: Place, response: httpx2.Response, body: bytes) -> Page:
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind and not _TEXT.match(kind):
            raise ToolFailedError(self._tool, "type", f"{place.url} is {kind}, no text")
        charset = response.charset_encoding or "utf-8"
        try:
            text = body.decode(charset, errors="replace")
        except LookupError:
            text = body.decode(errors="replace")
        title, seen = "", text
        if kind in {"text/html", "application/xhtml+xml"}:
            title, seen = await self._threads.run(lambda: page_text(text))
        return Page(url=place.url, status=response.status_code, type=kind, title=title, text=seen)
