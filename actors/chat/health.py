"""Whether a server is well. Loads httpx2: imported when a model starts, not before."""

from __future__ import annotations

import httpx2


class HealthProbe:
    """Asks a server of this host for its health.

    Args:
        url: What is asked; a success means that it is well.
        timeout: Seconds that an answer may take.
    """

    def __init__(self, url: str, *, timeout: float) -> None:
        self._url = url
        self._client = httpx2.AsyncClient(timeout=timeout, trust_env=False)

    async def is_well(self) -> bool:
        """Ask once."""
        try:
            return (await self._client.get(self._url)).is_success
        except httpx2.TransportError:
            return False

    async def aclose(self) -> None:
        """Close the connection."""
        await self._client.aclose()
