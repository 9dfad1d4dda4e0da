"""Where an endpoint is."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from ...protocols.confidential import HIDDEN
from ...protocols.loopback import is_loopback
from .errors import InvalidEndpointError

_MEND: Final = "it must look like http://host:port/v1 or https://host/v1"
_SECRET: Final = re.compile(r"(?<=//).*(?=@)|(?<=\?).+", re.DOTALL)
"""What of a URL may be a secret: user and password, and the query."""


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
        shown = _SECRET.sub(HIDDEN, base_url)
        try:
            parts = urlsplit(base_url)
            host, _ = parts.hostname or "", parts.port
        except ValueError:
            raise InvalidEndpointError(shown, reason=_MEND) from None
        if parts.username is not None or parts.password is not None:
            reason = "it holds a password; name an environment variable or a file instead"
            raise InvalidEndpointError(shown, reason=reason)
        if parts.scheme not in {"http", "https"} or not host or parts.query or parts.fragment:
            raise InvalidEndpointError(shown, reason=_MEND)
        self.base = base_url.rstrip("/")
        self.chat_url = f"{self.base}/chat/completions"
        self.is_encrypted = parts.scheme == "https"
        self.is_local = is_loopback(host)
