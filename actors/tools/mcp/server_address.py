"""Where a server of the Model Context Protocol answers, and how secrets of that stay secret."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, ClassVar, Final
from urllib.parse import SplitResult, unquote, unquote_plus, urlsplit, urlunsplit

import msgspec

from ....protocols.confidential import HIDDEN, Confidential
from ....protocols.loopback import is_loopback
from ..errors import ToolDefinitionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PUBLIC_HEADERS: Final = frozenset(
    {"accept", "accept-encoding", "accept-language", "cache-control", "origin", "user-agent"}
)
"""Headers that hold no secret; every other one is taken for one that does."""

_SHORTEST: Final = 4
"""A secret of fewer characters is not looked for in texts: it would be found everywhere."""


class ServerAddress(Confidential, msgspec.Struct, frozen=True, kw_only=True):
    """Where a server answers, taken apart so that what is secret is in no log and no error.

    Attributes:
        url: The URL without user, password, query and fragment: what may be shown.
        query: What stood behind its question mark.
        login: User and password, or None.
        headers: Sent with every request.
    """

    secrets: ClassVar[frozenset[str]] = frozenset({"query", "login", "headers"})

    url: str
    query: str = ""
    login: tuple[str, str] | None = None
    headers: dict[str, str] = {}

    @classmethod
    def of(cls, url: str, headers: Mapping[str, str], *, plain_http: bool = False) -> ServerAddress:
        """Return the address that a URL and headers stand for.

        Args:
            url: Where the server answers.
            headers: Sent with every request.
            plain_http: Let secrets cross a network unencrypted.

        Raises:
            ToolDefinitionError: It is no such URL, or a secret would cross a network unencrypted.
        """
        parts = _parts_of(url)
        named = parts.username is not None or parts.password is not None
        address = cls(
            url=urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", "")),
            query=parts.query,
            login=(unquote(parts.username or ""), unquote(parts.password or "")) if named else None,
            headers=dict(headers),
        )
        secret = address._secret()
        if secret and parts.scheme == "http" and not (plain_http or address.is_local):
            reason = (
                f"{secret} would cross the network to {address.url} unencrypted; use https, or say "
                "`plain_http`"
            )
            raise ToolDefinitionError("MCP server", reason=reason)
        return address

    @property
    def is_local(self) -> bool:
        """Whether it is on this host."""
        return is_loopback(urlsplit(self.url).hostname or "")

    def hide_in(self, text: str) -> str:
        """Return `text` without the secrets: servers and libraries quote what they were given."""
        for secret in sorted(set(self._texts()), key=len, reverse=True):
            if len(secret) >= _SHORTEST:
                text = text.replace(secret, HIDDEN)
        return text

    def _secret(self) -> str:
        """Return what of it may be a secret, in words, or nothing."""
        if self.login is not None:
            return "the password in its url"
        if self.query:
            return "the query of its url, which may hold a key,"
        named = [name for name in self.headers if name.lower() not in PUBLIC_HEADERS]
        return f"its header {named[0]}" if named else ""

    def _texts(self) -> Iterator[str]:
        """Yield the secrets, as they are given and in the forms that they are sent in."""
        yield self.query
        for pair in self.query.split("&"):
            value = pair.rpartition("=")[2]
            yield from (value, unquote(value), unquote_plus(value))
        if self.login is not None:
            yield self.login[1]
            yield base64.b64encode(":".join(self.login).encode()).decode()
        for name, value in self.headers.items():
            if name.lower() not in PUBLIC_HEADERS:
                yield from (value, value.rpartition(" ")[2])


def _parts_of(url: str) -> SplitResult:
    """Return the parts of a URL; an error does not repeat it, for it may hold a password.

    Raises:
        ToolDefinitionError: It is none of a server.
    """
    try:
        parts = urlsplit(url)
        fits = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        fits = False
    if not fits:
        reason = "its url is none; it must look like https://host/mcp or http://127.0.0.1:8000/mcp"
        raise ToolDefinitionError("MCP server", reason=reason)
    return parts
