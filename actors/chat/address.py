"""Where an endpoint is."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from .errors import InvalidEndpointError


class EndpointAddress:
    """The base URL of an OpenAI-compatible server, such as `http://127.0.0.1:8000/v1`.

    Attributes:
        base: The URL, without a slash at its end.
        chat_url: Where chat requests go.
        is_local: Whether it is on this host.
        is_encrypted: Whether it is reached over TLS.

    Raises:
        InvalidEndpointError: It is no such URL.
    """

    def __init__(self, base_url: str) -> None:
        try:
            parts = urlsplit(base_url)
            host, _ = parts.hostname or "", parts.port
        except ValueError as error:
            raise InvalidEndpointError(base_url, reason=str(error)) from None
        if parts.username is not None or parts.password is not None:
            shown = f"{parts.scheme}://...@{host}{parts.path}"
            reason = "it holds a password; name an environment variable or a file instead"
            raise InvalidEndpointError(shown, reason=reason)
        if parts.scheme not in {"http", "https"} or not host or parts.query or parts.fragment:
            reason = "it must look like http://host:port/v1 or https://host/v1"
            raise InvalidEndpointError(base_url, reason=reason)
        self.base = base_url.rstrip("/")
        self.chat_url = f"{self.base}/chat/completions"
        self.is_encrypted = parts.scheme == "https"
        self.is_local = _is_local(host)


def _is_local(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
