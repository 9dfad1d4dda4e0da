"""Which addresses may be fetched: pure decisions about URLs, names and IP addresses."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias
from urllib.parse import SplitResult, urlsplit

from ..errors import RefusedUrlError, ToolDefinitionError

if TYPE_CHECKING:
    from collections.abc import Iterable

    Network: TypeAlias = "ipaddress.IPv4Network | ipaddress.IPv6Network"
    Address: TypeAlias = "ipaddress.IPv4Address | ipaddress.IPv6Address"

MAX_URL_CHARACTERS: Final = 2048
"""Longest URL."""

_PORTS: Final = {"http": 80, "https": 443}
_EMBEDDING: Final = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("::/96"))
"""Networks whose last 32 bits are an IPv4 address: NAT64, and what came before mapped ones."""

_NOT_GLOBAL: Final = tuple(
    ipaddress.ip_network(network)
    for network in ("64:ff9b:1::/48", "3fff::/20", "5f00::/16", "192.88.99.0/24")
)
"""What `is_global` of older Pythons lets pass: local NAT64 (RFC 8215), documentation (RFC 9637),
segment routing (RFC 9602), and relays that are no more (RFC 7526)."""


class Place(NamedTuple):
    """Where a URL leads.

    Attributes:
        url: The URL, without its fragment.
        secure: Whether it is https.
        host: Its host's name, in lower case and ASCII, or IP address.
        port: Its port.
    """

    url: str
    secure: bool
    host: str
    port: int


class Allowance:
    """What may be fetched; all else is refused.

    Args:
        hosts: Names, each as `example.org`, `*.example.org` for all names below it, or with a
            port other than the usual one, as `example.org:8080`; an IP address stands for itself.
        private: Networks that are not public and may be reached all the same, as `10.1.0.0/16`.
        plain: Whether `http://` is allowed beside `https://`.

    Raises:
        ToolDefinitionError: An entry is none of these.
    """

    def __init__(
        self, *, hosts: Iterable[str], private: Iterable[str] = (), plain: bool = False
    ) -> None:
        self._hosts = frozenset(_entry(host) for host in hosts)
        self._plain = plain
        if not self._hosts:
            raise ToolDefinitionError(
                "http_get", reason="`hosts` is empty; name those it may reach"
            )
        try:
            self._private = tuple(ipaddress.ip_network(network) for network in private)
        except ValueError as error:
            raise ToolDefinitionError("http_get", reason=f"`private`: {error}") from None

    def place(self, url: str) -> Place:
        """Return where a URL leads, if its host is allowed.

        Raises:
            RefusedUrlError: It is not, or the URL is malformed; says what would be allowed.
        """
        if len(url) > MAX_URL_CHARACTERS:
            raise RefusedUrlError(
                url[:80], reason=f"it has more than {MAX_URL_CHARACTERS} characters"
            )
        if any(ord(character) <= 32 or character == "\\" for character in url):
            raise RefusedUrlError(url, reason="it has spaces or control characters; encode them")
        try:
            parts = urlsplit(url)
            port = parts.port
            host = _name(parts.hostname or "")
        except ValueError as error:
            raise RefusedUrlError(url, reason=f"it is no URL: {error}") from None
        schemes = ("https", "http") if self._plain else ("https",)
        if parts.scheme not in schemes:
            raise RefusedUrlError(url, reason=f"only {' and '.join(schemes)} may be fetched")
        if parts.username is not None or parts.password is not None:
            raise RefusedUrlError(url, reason="it has a user or password; leave them out")
        usual = _PORTS[parts.scheme]
        port = usual if port is None else port
        ports = self._ports(host, usual)
        if not ports:
            known = ", ".join(sorted(_shown(entry) for entry in self._hosts))
            raise RefusedUrlError(url, reason=f"its host is not allowed; these are: {known}")
        if port not in ports:
            known = ", ".join(map(str, sorted(ports)))
            raise RefusedUrlError(
                url, reason=f"port {port} of its host is not allowed; these are: {known}"
            )
        return Place(_without_fragment(parts), parts.scheme == "https", host, port)

    def check(self, url: str, address: str) -> None:
        """Raise unless the address that a host's name was resolved to may be connected to.

        Raises:
            RefusedUrlError: It belongs to this machine or to a private network.
        """
        given = ipaddress.ip_address(address.partition("%")[0])
        found = _real(given)
        local = getattr(found, "is_site_local", False) or any(found in n for n in _NOT_GLOBAL)
        public = found.is_global and not found.is_multicast and not local
        if not public and not any(given in n or found in n for n in self._private):
            raise RefusedUrlError(url, reason=f"its host is at {address}, which is not public")

    def _ports(self, host: str, usual: int) -> set[int]:
        """Return the ports of a host that may be connected to; none if the host may not."""
        below = [host.split(".", count)[-1] for count in range(1, host.count(".") + 1)]
        names = {host, *(f"*.{name}" for name in below)}
        return {port or usual for name, port in self._hosts if name in names}


def _entry(text: str) -> tuple[str, int]:
    """Return an entry of the list as a name and its port, 0 for the usual one."""
    star = "*." if text.startswith("*.") else ""
    try:
        parts = urlsplit(f"//{text.removeprefix('*.')}")
        host, port = _name(parts.hostname or ""), parts.port or 0
    except ValueError as error:
        raise ToolDefinitionError("http_get", reason=f"`hosts` has {text!r}: {error}") from None
    if not host or parts.path or parts.query or parts.username is not None or "*" in host:
        raise ToolDefinitionError(
            "http_get",
            reason=f"`hosts` has {text!r}; write example.org, *.example.org or example.org:8080",
        )
    return star + host, port


def _name(host: str) -> str:
    """Return a host in the one form that names are compared in.

    Raises:
        ValueError: It is no name.
    """
    host = host.rstrip(".").lower()
    if not host.isascii():
        host = host.encode("idna").decode()
    return host


def _shown(entry: tuple[str, int]) -> str:
    return f"{entry[0]}:{entry[1]}" if entry[1] else entry[0]


def _real(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 one stands for, if it does."""
    if isinstance(address, ipaddress.IPv6Address):
        if any(address in network for network in _EMBEDDING):
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        return inner or address
    return address


def _without_fragment(parts: SplitResult) -> str:
    return parts._replace(fragment="").geturl()
